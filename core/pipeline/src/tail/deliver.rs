//! Sends one job through an exporter: attempts, waits, counts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use otlp::SplitLimits;
use rand::Rng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::batcher::Batcher;
use super::settings::TailSettings;
use super::status::Reporter;
use crate::batch::Batch;
use crate::exporter::{Again, Exporter, RefusedPart, Report};
use crate::outcome::{Accepted, Outcome, Refused};

/// Everything that sending needs. Shared by the workers of a tail.
pub(crate) struct Delivery {
    pub(crate) exporter: Arc<dyn Exporter>,
    pub(crate) settings: TailSettings,
    pub(crate) reporter: Reporter,
    /// Cancelled when the deadline of a shutdown has passed.
    pub(crate) hurry: CancellationToken,
}

/// Why what is left of a batch is given up.
struct GivenUp {
    reason: &'static str,
    again: Again,
}

impl Delivery {
    /// Sends a job until the destination has it, refuses it, or it must be given up.
    pub(crate) async fn send(&self, batch: Batch) -> Outcome {
        let Some(limits) = self.limits() else {
            return self.send_piece(batch).await;
        };
        let split = batch.payload.split(limits);
        let mut pieces = Vec::with_capacity(split.pieces.len());
        // A single record over the limit still goes out, alone: the cap is a wish for batches.
        for payload in split.pieces.into_iter().chain(split.oversize) {
            pieces.push(
                self.send_piece(Batch {
                    payload,
                    client: batch.client.clone(),
                })
                .await,
            );
        }
        crate::outcome::join(pieces)
    }

    fn limits(&self) -> Option<SplitLimits> {
        let (max_items, max_bytes) = Batcher::export_limits(self.settings.batch.as_ref()?);
        (max_items > 0 || max_bytes > 0).then_some(SplitLimits {
            max_items,
            max_bytes,
        })
    }

    async fn send_piece(&self, mut batch: Batch) -> Outcome {
        let mut span = self.reporter.span();
        let mut accepted = Accepted::default();
        let mut refused_all = true;
        let mut backoff = self.settings.retry.as_ref().map(Backoff::new);
        loop {
            let begun = Instant::now();
            let report = self.attempt(&batch).await;
            refused_all &= report.sent == 0;
            self.reporter.sent(report.sent);
            span.count("sent", report.sent);
            self.count_refused(report.refused, &mut accepted);
            let Some(again) = report.again else { break };
            match self.wait(backoff.as_mut(), again, begun.elapsed()).await {
                Ok(again) => batch.payload = again.payload,
                Err(given_up) => {
                    span.fail(&given_up.again.why);
                    return Err(self.give_up(given_up));
                }
            }
        }
        if let Some(why) = &accepted.why {
            span.count("refused", accepted.rejected);
            span.fail(why);
        }
        match accepted.why.clone() {
            Some(why) if refused_all => Err(Refused::Never { why }),
            _ => Ok(accepted),
        }
    }

    async fn attempt(&self, batch: &Batch) -> Report {
        let export = AssertUnwindSafe(self.exporter.export(batch)).catch_unwind();
        let limit = self.settings.timeout.unwrap_or(Duration::MAX);
        tokio::select! {
            biased;
            result = tokio::time::timeout(limit, export) => match result {
                Ok(Ok(report)) => report,
                Ok(Err(_panic)) => Report::refused(batch, "the exporter failed on this batch (a defect: please report it)"),
                Err(_elapsed) => Report::again(batch, None, format!("no answer within {limit:?}")),
            },
            () = self.hurry.cancelled() => Report::again(batch, None, "shut down while sending"),
        }
    }

    async fn wait(
        &self,
        backoff: Option<&mut Backoff<'_>>,
        again: Again,
        spent: Duration,
    ) -> Result<Again, GivenUp> {
        let Some(backoff) = backoff else {
            return Err(GivenUp {
                reason: "retry_disabled",
                again,
            });
        };
        let jitter = rand::rng().random::<f64>();
        let Some(wait) = backoff.next(again.after, jitter, spent) else {
            return Err(GivenUp {
                reason: "retry_time_exhausted",
                again,
            });
        };
        self.reporter.failing(&again.why, wait);
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(again),
            () = self.hurry.cancelled() => Err(GivenUp { reason: "shutdown", again }),
        }
    }

    fn give_up(&self, given_up: GivenUp) -> Refused {
        let GivenUp { reason, again } = given_up;
        self.reporter
            .dropped(again.payload.items(), reason, &again.why);
        Refused::Later {
            after: again.after,
            why: again.why,
        }
    }

    fn count_refused(&self, refused: Vec<RefusedPart>, accepted: &mut Accepted) {
        for part in refused {
            self.reporter.dropped(part.items, "refused", &part.why);
            accepted.rejected += part.items;
            accepted.why.get_or_insert(part.why);
        }
    }
}
