//! One batch to one destination: requests, halves of what is too large, and
//! the report.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::BoxFuture;
use otlp::Payload;
use parking_lot::Mutex;
use pipeline::exporter::{Again, RefusedPart};
use pipeline::{Batch, Exporter, Report};
use settings::ComponentId;
use tokio::time::Instant;

use crate::answer::{Answer, Taken};
use crate::size::{self, Ceiling};

/// Warnings of a destination are logged at most that often.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Sends one request and reads its answer.
pub(crate) trait Wire: Send + Sync + 'static {
    /// Sends all of `payload` in one request.
    fn send(&self, payload: &Payload) -> impl Future<Output = Answer> + Send;
}

/// The exporter of one signal over one kind of wire.
pub(crate) struct Delivery<W> {
    id: String,
    wire: W,
    ceiling: Ceiling,
    warned: Mutex<Option<Instant>>,
}

/// What a batch teaches about the limit of the destination.
#[derive(Default)]
struct Sizes {
    /// The smallest piece of several records that was refused.
    refused: Option<usize>,
    /// Whether a record of its own was refused: that says nothing about the
    /// others, which may be as large as before.
    refused_single: bool,
}

impl<W: Wire> Delivery<W> {
    pub(crate) fn new(id: &ComponentId, wire: W) -> Delivery<W> {
        Delivery {
            id: id.to_string(),
            wire,
            ceiling: Ceiling::unknown(),
            warned: Mutex::default(),
        }
    }

    async fn deliver(&self, batch: &Batch) -> Report {
        let mut report = Report::default();
        let mut sizes = Sizes::default();
        let mut waiting: VecDeque<Payload> = self.ceiling.cut(batch.payload.clone()).into();
        while let Some(payload) = waiting.pop_front() {
            match self.wire.send(&payload).await {
                Answer::Taken(taken) => self.count(&payload, taken, &mut report),
                Answer::Never(why) => report.refused.push(RefusedPart::new(payload, why)),
                Answer::Later { after, why } => {
                    report.again = Some(Again {
                        payload: join(payload, waiting),
                        after,
                        why: why.into(),
                    });
                    return report;
                }
                Answer::TooLarge(why) => match size::halves(&payload) {
                    Some(pieces) => {
                        let size = payload.size();
                        sizes.refused = Some(sizes.refused.map_or(size, |least| least.min(size)));
                        pieces
                            .into_iter()
                            .rev()
                            .for_each(|piece| waiting.push_front(piece));
                    }
                    None => {
                        sizes.refused_single = true;
                        let why = format!(
                            "a record of {} bytes is too large by itself: {why}",
                            payload.size()
                        );
                        report.refused.push(RefusedPart::new(payload, why));
                    }
                },
            }
        }
        if let (Some(size), false) = (sizes.refused, sizes.refused_single) {
            self.ceiling.lower(size);
        }
        report
    }

    fn count(&self, payload: &Payload, taken: Taken, report: &mut Report) {
        let rejected = taken.rejected.min(payload.items());
        report.sent += payload.items() - rejected;
        if rejected == 0 && taken.message.is_empty() {
            return;
        }
        self.warn(rejected, &taken.message);
        if rejected > 0 {
            report.refused.push(RefusedPart {
                payload: Payload::empty(payload.signal()),
                items: rejected,
                why: format!("the destination rejected records: {}", taken.message).into(),
            });
        }
    }

    fn warn(&self, rejected: usize, message: &str) {
        let now = Instant::now();
        let mut warned = self.warned.lock();
        if warned.is_some_and(|last| now.duration_since(last) < LOG_EVERY) {
            return;
        }
        *warned = Some(now);
        tracing::warn!(
            otelcol.component.id = self.id,
            otelcol.component.kind = "exporter",
            rejected_items = rejected,
            message = message,
            "Partial success response"
        );
    }
}

/// What could not be sent and what waited behind it, as one payload.
fn join(mut first: Payload, rest: VecDeque<Payload>) -> Payload {
    rest.into_iter().for_each(|piece| first.append(piece));
    first
}

impl<W: Wire> Exporter for Delivery<W> {
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Report> {
        Box::pin(self.deliver(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers by the bodies of the records in a request; remembers the sizes.
    struct Scripted<F> {
        answer: F,
        requests: Mutex<Vec<usize>>,
    }

    impl<F: Fn(&[String]) -> Answer + Send + Sync + 'static> Wire for Scripted<F> {
        async fn send(&self, payload: &Payload) -> Answer {
            self.requests.lock().push(payload.items());
            (self.answer)(&test_kit::log_bodies(payload))
        }
    }

    fn delivery<F>(answer: F) -> Delivery<Scripted<F>>
    where
        F: Fn(&[String]) -> Answer + Send + Sync + 'static,
    {
        let requests = Mutex::default();
        Delivery::new(
            &"otlp".parse().expect("an id"),
            Scripted { answer, requests },
        )
    }

    fn taken() -> Answer {
        Answer::Taken(Taken::default())
    }

    #[tokio::test]
    async fn one_record_that_is_too_large_is_refused_alone() {
        let delivery = delivery(|bodies| match bodies.iter().any(|body| body == "5") {
            true => Answer::TooLarge("the limit is 4 MiB".into()),
            false => taken(),
        });
        let batch = Batch::new(test_kit::numbered_logs(0..8));
        let report = delivery.export(&batch).await;
        assert_eq!((report.sent, report.again.is_none()), (7, true));
        let [part] = &report.refused[..] else {
            panic!("{report:?}")
        };
        assert_eq!(test_kit::log_bodies(&part.payload), ["5"]);
        assert!(part.why.contains("the limit is 4 MiB"), "{}", part.why);
        assert_eq!(*delivery.wire.requests.lock(), [8, 4, 4, 2, 1, 1, 2]);
        // one odd record does not make all later batches small
        delivery
            .export(&Batch::new(test_kit::numbered_logs(10..18)))
            .await;
        assert_eq!(delivery.wire.requests.lock().last(), Some(&8));
    }

    #[tokio::test]
    async fn a_limit_is_learnt() {
        let delivery = delivery(|bodies| match bodies.len() > 300 {
            true => Answer::TooLarge("too large".into()),
            false => taken(),
        });
        let batch = Batch::new(test_kit::numbered_logs(1000..2000));
        assert_eq!(delivery.export(&batch).await.sent, 1000);
        let learning = std::mem::take(&mut *delivery.wire.requests.lock());
        assert_eq!(learning, [1000, 500, 250, 250, 500, 250, 250]);
        assert_eq!(delivery.export(&batch).await.sent, 1000);
        let requests = delivery.wire.requests.lock();
        assert!(requests.iter().all(|items| *items <= 300), "{requests:?}");
        assert_eq!(requests.iter().sum::<usize>(), 1000);
    }

    #[tokio::test]
    async fn what_waits_behind_a_failure_is_sent_again_with_it() {
        let delivery = delivery(|bodies| match bodies {
            all if all.len() == 6 => Answer::TooLarge("too large".into()),
            half if half[0] == "0" => taken(),
            _ => Answer::Later {
                after: Some(Duration::from_secs(7)),
                why: "busy".into(),
            },
        });
        let report = delivery
            .export(&Batch::new(test_kit::numbered_logs(0..6)))
            .await;
        let again = report.again.expect("a rest");
        assert_eq!(report.sent, 3);
        assert_eq!(test_kit::log_bodies(&again.payload), ["3", "4", "5"]);
        assert_eq!(again.after, Some(Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn rejected_records_are_counted_and_the_rest_is_sent() {
        let delivery = delivery(|_| {
            Answer::Taken(Taken {
                rejected: 2,
                message: "too old".into(),
            })
        });
        let report = delivery
            .export(&Batch::new(test_kit::numbered_logs(0..6)))
            .await;
        let [part] = &report.refused[..] else {
            panic!("{report:?}")
        };
        assert_eq!((report.sent, part.items), (4, 2));
        assert!(part.why.ends_with("too old"), "{}", part.why);
        let one = delivery.export(&Batch::new(test_kit::logs(["x"]))).await;
        assert_eq!(
            (one.sent, one.refused[0].items),
            (0, 1),
            "no more than there were"
        );
    }
}
