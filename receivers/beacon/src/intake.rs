//! From texts to records, and to the pipeline.

mod gather;
mod read;
mod reported;

use std::sync::Arc;
use std::time::Duration;

use ::bytes::Bytes;
use http::StatusCode;
use otlp::{Payload, SplitLimits};
use pipeline::telemetry::ReceiverMetrics;
use pipeline::{Ack, Batch, Clock, Outcome, Outlet, Refused, Signal, Size};
use smallvec::SmallVec;

use gather::{Gathered, Gathering, Place, Then, Told};

use crate::admission::{Duplicates, KeyProblem, Keys, Seen};
use crate::answer::Answer;
use crate::client::ClientFacts;
use crate::cmcd::{Plays, Reader};
use crate::config::{Bots, Config, Timestamps};
use crate::event::Shape;
use crate::json::Limits;
use crate::metrics::{Metrics, Outcome as Ended, Reason};
use crate::session::{Session, Sessions};
use crate::url::Urls;

/// Texts above this size are read off the threads that serve sockets.
pub(crate) const OFFLOAD_ABOVE: usize = net::inflate::OFFLOAD_ABOVE;
/// How many times their bytes events may become: what stands around the events of a
/// batch, and what the server adds, is written for each.
const EXPANSION: usize = 8;
/// When a client comes back whose batch is still on its way.
const SOON: Duration = Duration::from_secs(1);

/// What one text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// JSON of any framing.
    Json,
    /// One event a line.
    Lines,
    /// Reports of a browser.
    Reports,
    /// Reports of a media player, one a line.
    Cmcd,
}

/// One text with events.
pub(crate) struct Source {
    pub(crate) body: Bytes,
    pub(crate) framing: Framing,
}

/// The texts of a request: nearly always one.
pub(crate) type Sources = SmallVec<[Source; 1]>;

/// What is known of a request beside its body.
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) facts: ClientFacts,
    /// The key of the path, header or query.
    pub(crate) key: Option<String>,
    /// What the site's server wrote into the page, when a header or the query says it.
    pub(crate) token: Option<String>,
    pub(crate) origin: Option<String>,
    /// The name of the batch, when a header says it.
    pub(crate) batch: Option<String>,
    /// When it came.
    pub(crate) received: u64,
    /// Records that could not even be decoded.
    pub(crate) broken: usize,
}

/// What became of the texts of a request.
enum Taken {
    /// They are a batch.
    Whole(Read),
    /// They are one event, which shares a batch with those of other requests.
    Gathered(Place),
}

/// The texts of a request as a batch.
struct Read {
    payload: Payload,
    /// Events that are dropped, by reason.
    dropped: Vec<(Reason, usize)>,
    truncated: usize,
    /// Names the batch, with its key.
    batch: Option<String>,
    /// A session that begins, which one of the events says.
    begun: Option<Session>,
}

/// Hands events over to the pipeline.
pub(crate) struct Intake {
    outlet: Option<Outlet>,
    clock: Clock,
    keys: Keys,
    duplicates: Option<Duplicates>,
    shape: Shape,
    limits: Limits,
    max_events: usize,
    timestamps: Timestamps,
    bots: Bots,
    trusted: Vec<String>,
    geo: bool,
    sessions: Option<Sessions>,
    urls: Urls,
    plays: Plays,
    /// Bytes that the events of one request may become.
    max_payload: usize,
    debug: bool,
    receiver: ReceiverMetrics,
    pub(crate) metrics: Metrics,
    gathering: Gathering,
}

impl Intake {
    pub(crate) fn new(
        id: &str,
        config: &Config,
        outlet: Option<Outlet>,
        clock: Clock,
        sessions: Option<Sessions>,
    ) -> Intake {
        let receiver = ReceiverMetrics::new(id, "http");
        receiver.announce(Signal::Logs);
        let limits = &config.limits;
        Intake {
            outlet,
            clock,
            keys: Keys::new(config),
            duplicates: Duplicates::new(config.deduplicate.non_zero()),
            shape: Shape {
                fields: limits.fields,
                key: limits.key_bytes.as_usize(),
                depth: limits.depth,
            },
            limits: Limits {
                text: limits.string_bytes.as_usize(),
                stack: limits.stack_bytes.as_usize(),
                elements: limits.array_items,
                sanitize: config.sanitize,
            },
            max_events: config.max_events,
            timestamps: config.timestamps,
            bots: config.bots,
            trusted: config.trust_client_fields.clone(),
            geo: config.geo.is_on(),
            sessions,
            urls: Urls::new(config),
            plays: Plays::new(),
            max_payload: config
                .max_inflated_bytes
                .as_usize()
                .saturating_mul(EXPANSION),
            debug: config.debug,
            receiver,
            metrics: Metrics::new(id),
            gathering: Gathering::new(),
        }
    }

    /// The wall time, nanoseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.clock.unix_nano()
    }

    /// How many events a request may have.
    pub(crate) fn max_events(&self) -> usize {
        self.max_events
    }

    /// Whether malformed bodies are explained.
    pub(crate) fn explains(&self) -> bool {
        self.debug
    }

    /// Reads what players of a site report.
    pub(crate) fn players<'r>(&'r self, site: &'r str) -> Reader<'r> {
        Reader::new(&self.urls, &self.plays, site)
    }

    /// Reads the texts of a request, hands the events over, and answers as the
    /// pipeline does.
    pub(crate) async fn take(self: &Arc<Self>, sources: Sources, request: &mut Request) -> Answer {
        let size: usize = sources.iter().map(|source| source.body.len()).sum();
        let read = if size > OFFLOAD_ABOVE {
            let intake = Arc::clone(self);
            let request = std::mem::take(request);
            let work = tokio::task::spawn_blocking(move || intake.read(&sources, &request));
            match work.await {
                Ok(read) => read,
                Err(_) => Err(Answer::refusal(StatusCode::SERVICE_UNAVAILABLE).after(Some(SOON))),
            }
        } else {
            self.read(&sources, request)
        };
        match read {
            Ok(Taken::Gathered(place)) => self.hand_over_together(place).await,
            Ok(Taken::Whole(read)) if read.payload.items() == 0 => self.nothing(read),
            Ok(Taken::Whole(mut read)) => {
                let begun = read.begun.take();
                let answer = self.hand_over(read).await;
                if answer.taken == 0 {
                    self.untold(begun.as_ref());
                }
                answer
            }
            Err(answer) => answer,
        }
    }

    /// Whether a session begins with an event.
    fn tells_sessions(&self) -> bool {
        let sessions = self.sessions.as_ref();
        sessions.is_some_and(|sessions| sessions.start_event)
    }

    /// The event that says that this session begins was not taken.
    fn untold(&self, begun: Option<&Session>) {
        if let (Some(sessions), Some(begun)) = (&self.sessions, begun) {
            sessions.untold(begun);
        }
    }

    /// A request of which no event is left.
    fn nothing(&self, read: Read) -> Answer {
        let client_fault = |reason: &Reason| matches!(reason, Reason::Parse | Reason::Depth);
        let mut answer = Answer::success();
        if read.dropped.iter().any(|(reason, _)| client_fault(reason)) {
            answer = Answer::refusal(StatusCode::BAD_REQUEST);
            self.receiver.failed(Signal::Logs, 1);
        }
        answer.dropped = read.dropped;
        answer
    }

    async fn hand_over(self: &Arc<Self>, read: Read) -> Answer {
        let Some(outlet) = &self.outlet else {
            return Answer::refusal(StatusCode::NOT_FOUND).text("no pipeline takes logs");
        };
        let (Some(batch), Some(duplicates)) = (read.batch.clone(), &self.duplicates) else {
            let (ack, read) = send(outlet, read);
            let outcome = match ack {
                Ack::Ready(outcome) => outcome,
                Ack::Waiting(outcome) => outcome.await,
            };
            return self.finish(outcome, read);
        };
        let items = read.payload.items();
        match duplicates.begin(&batch) {
            Seen::New => {}
            Seen::Taken => {
                self.metrics.dropped(Reason::Duplicate, items);
                return Answer::success().because(Reason::Duplicate, items);
            }
            Seen::UnderWay => {
                return Answer::refusal(StatusCode::SERVICE_UNAVAILABLE).after(Some(SOON));
            }
        }
        // The outcome is needed even when the client has gone away meanwhile:
        // it will send the batch again.
        let intake = Arc::clone(self);
        let (ack, read) = send(outlet, read);
        let outcome = tokio::spawn(async move {
            let outcome = ack.await;
            if let Some(duplicates) = &intake.duplicates {
                duplicates.end(&batch, outcome.is_ok());
            }
            outcome
        });
        match outcome.await {
            Ok(outcome) => self.finish(outcome, read),
            Err(_) => Answer::refusal(StatusCode::SERVICE_UNAVAILABLE).after(Some(SOON)),
        }
    }

    /// Sees to it that the batch of the event goes on, and waits for its outcome.
    async fn hand_over_together(self: &Arc<Self>, place: Place) -> Answer {
        let Place {
            verdict,
            index,
            then,
        } = place;
        let intake = Arc::clone(self);
        match then {
            Then::Nothing => {}
            Then::Close(thread) => {
                let verdict = Arc::clone(&verdict);
                tokio::spawn(async move {
                    // until the thread has done what was there to be done
                    tokio::task::yield_now().await;
                    if let Some(gathered) = intake.gathering.close(thread, &verdict) {
                        intake.pass_on(gathered).await;
                    }
                });
            }
            Then::HandOver(gathered) => {
                tokio::spawn(async move { intake.pass_on(gathered).await });
            }
        }
        let outcome = verdict.of(index).await.unwrap_or_else(|| {
            // whoever failed at it counted nothing
            let given_up = Err(Refused::later("the batch of the event was given up", None));
            self.count_events(&given_up, 1, 0);
            given_up
        });
        answer_to(&outcome, 1, Vec::new())
    }

    /// Hands a batch over that has events of several requests, and tells them. If
    /// there will never be room for all of them together, each is handed over by
    /// itself. Not so when the batch is refused for good after it was let in: some
    /// of it may have arrived somewhere.
    async fn pass_on(&self, gathered: Gathered) {
        let Gathered {
            payload,
            truncated,
            verdict,
        } = gathered;
        let Some(outlet) = &self.outlet else { return };
        let items = payload.items();
        let size = Size {
            items,
            bytes: payload.size(),
        };
        let outcome = match outlet.admit(&size) {
            Ok(room) => room.offer(Batch::new(outlet.hold(payload))).await,
            Err(Refused::Never { .. }) if items > 1 => {
                let outcomes = self.one_by_one(outlet, payload).await;
                if outcomes.iter().any(Result::is_ok) {
                    self.metrics.accepted(0, truncated);
                }
                return verdict.answer(Told::Each(outcomes));
            }
            Err(refused) => Err(refused),
        };
        self.count_events(&outcome, items, truncated);
        verdict.answer(Told::All(outcome, items));
    }

    /// The outcome of each event, in their order.
    async fn one_by_one(&self, outlet: &Outlet, payload: Payload) -> Vec<Outcome> {
        let one = SplitLimits {
            max_items: 1,
            max_bytes: 0,
        };
        let pieces = payload.split(one);
        let pieces = pieces.pieces.into_iter().chain(pieces.oversize);
        let acks: Vec<_> = pieces
            .map(|piece| (piece.items(), outlet.send_made(piece)))
            .collect();
        let mut outcomes = Vec::with_capacity(acks.len());
        for (items, ack) in acks {
            let outcome = ack.await;
            self.count_events(&outcome, items, 0);
            outcomes.extend(std::iter::repeat_n(outcome, items));
        }
        outcomes
    }

    /// The pipeline's answer as ours.
    fn finish(&self, outcome: Outcome, read: Handed) -> Answer {
        self.count_events(&outcome, read.items, read.truncated);
        answer_to(&outcome, read.items, read.dropped)
    }

    /// Counts what became of the events of a batch.
    fn count_events(&self, outcome: &Outcome, items: usize, truncated: usize) {
        let rejected = match outcome {
            Ok(accepted) => accepted.rejected.min(items),
            Err(_) => items,
        };
        if outcome.is_ok() {
            self.receiver.accepted(Signal::Logs, items - rejected);
            self.metrics.accepted(items - rejected, truncated);
        }
        if rejected > 0 {
            self.receiver.refused(Signal::Logs, rejected);
            self.metrics.dropped(Reason::Refused, rejected);
        }
    }

    fn key_problem(&self, problem: KeyProblem) -> Answer {
        let (status, reason) = match problem {
            KeyProblem::Unknown => (StatusCode::UNAUTHORIZED, Reason::Key),
            KeyProblem::Retired => (StatusCode::GONE, Reason::Key),
            KeyProblem::Origin => (StatusCode::FORBIDDEN, Reason::Origin),
            KeyProblem::Rate => (StatusCode::TOO_MANY_REQUESTS, Reason::Rate),
        };
        self.metrics.dropped(reason, 1);
        let answer = Answer::refusal(status).because(reason, 1);
        match problem {
            KeyProblem::Rate => answer.after(Some(SOON)),
            _ => answer,
        }
    }

    /// Counts how a request ended.
    pub(crate) fn count(&self, answer: &Answer) {
        let ended = match answer.status.map(|status| status.as_u16()) {
            Some(429 | 503) => Ended::Refused,
            Some(_) => Ended::Rejected,
            None if answer.dropped.is_empty() => Ended::Accepted,
            None if answer.taken == 0 => Ended::Dropped,
            None => Ended::Partial,
        };
        self.metrics.request(ended);
    }
}

/// The answer to a request whose `items` events had this outcome, and of which
/// others were `dropped` before.
fn answer_to(outcome: &Outcome, items: usize, dropped: Vec<(Reason, usize)>) -> Answer {
    match outcome {
        Ok(accepted) => {
            let rejected = accepted.rejected.min(items);
            let answer = Answer {
                taken: items - rejected,
                dropped,
                ..Answer::success()
            };
            if rejected > 0 {
                return answer.because(Reason::Refused, rejected);
            }
            answer
        }
        Err(refused) => {
            let status = match refused {
                Refused::Later { .. } => StatusCode::SERVICE_UNAVAILABLE,
                Refused::Never { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let answer = Answer::refusal(status).because(Reason::Refused, items);
            match refused {
                Refused::Later { after, .. } => answer.after(Some(after.unwrap_or(SOON))),
                Refused::Never { .. } => answer,
            }
        }
    }
}

/// What is left of a [`Read`] when its payload was handed over.
struct Handed {
    items: usize,
    dropped: Vec<(Reason, usize)>,
    truncated: usize,
}

fn send(outlet: &Outlet, read: Read) -> (Ack, Handed) {
    let handed = Handed {
        items: read.payload.items(),
        dropped: read.dropped,
        truncated: read.truncated,
    };
    // The full address of a client is kept in memory only, never in a queue.
    (outlet.send_made(read.payload), handed)
}

#[cfg(test)]
mod tests;
