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
use super::queue::Fate;
use super::settings::TailSettings;
use super::status::{GivenUp, Reporter};
use crate::batch::Batch;
use crate::clock::Clock;
use crate::exporter::{Again, Exporter, RefusedPart, Report};
use crate::outcome::{Accepted, Refused};

/// The reason of what a shutdown interrupts.
const SHUTDOWN: &str = "shutdown";

/// Everything that sending needs. Shared by the workers of a tail.
pub(crate) struct Delivery {
    pub(crate) exporter: Arc<dyn Exporter>,
    pub(crate) settings: TailSettings,
    pub(crate) reporter: Reporter,
    /// Cancelled when the deadline of a shutdown has passed.
    pub(crate) hurry: CancellationToken,
    /// What is different in front of a queue on disk.
    pub(crate) on_disk: Option<OnDisk>,
}

/// What a queue on disk changes for those who deliver from it: nothing is given
/// up because of a shutdown.
#[derive(Clone)]
pub(crate) struct OnDisk {
    /// Cancelled when the tail begins to stop: nobody waits for a failing destination.
    pub(crate) closing: CancellationToken,
    /// Cancelled to read no more from the log.
    pub(crate) stop_reading: CancellationToken,
    /// Older data are given up; zero keeps them for ever.
    pub(crate) max_age: Duration,
    /// The clock of the entries.
    pub(crate) clock: Clock,
}

impl OnDisk {
    /// Whether what was accepted then, in milliseconds since 1970, is too old.
    pub(crate) fn is_expired(&self, accepted_at: u64) -> bool {
        let age = (self.clock.unix_nano() / 1_000_000).saturating_sub(accepted_at);
        !self.max_age.is_zero() && u128::from(age) > self.max_age.as_millis()
    }
}

/// Why what is left of a batch is given up.
struct Unsent {
    reason: &'static str,
    again: Again,
}

impl Delivery {
    /// Sends a job until the destination has it, refuses it, or it must be given
    /// up. `accepted_at` is when the oldest entry on disk was accepted.
    pub(crate) async fn send(&self, batch: Batch, accepted_at: Option<u64>) -> Fate {
        let Some(limits) = self.limits() else {
            return self.send_piece(batch, accepted_at).await;
        };
        let split = batch.payload.split(limits);
        let mut outcomes = Vec::with_capacity(split.pieces.len());
        let mut kept = None;
        // A single record over the limit still goes out, alone: the cap is a wish for batches.
        for payload in split.pieces.into_iter().chain(split.oversize) {
            let piece = Batch {
                payload,
                client: batch.client.clone(),
            };
            match self.send_piece(piece, accepted_at).await {
                Fate::Settled(outcome) => outcomes.push(outcome),
                Fate::Kept { items } => *kept.get_or_insert(0) += items,
            }
        }
        match kept {
            Some(items) => Fate::Kept { items },
            None => Fate::Settled(crate::outcome::join(outcomes)),
        }
    }

    fn limits(&self) -> Option<SplitLimits> {
        let (max_items, max_bytes) = Batcher::export_limits(self.settings.batch.as_ref()?);
        (max_items > 0 || max_bytes > 0).then_some(SplitLimits {
            max_items,
            max_bytes,
        })
    }

    async fn send_piece(&self, mut batch: Batch, accepted_at: Option<u64>) -> Fate {
        let mut span = self.reporter.span();
        let mut accepted = Accepted::default();
        let mut refused_all = true;
        let mut attempts = 0;
        let mut backoff = self.settings.retry.as_ref().map(Backoff::new);
        loop {
            let begun = Instant::now();
            let report = self.attempt(&batch).await;
            attempts += 1;
            refused_all &= report.sent == 0;
            self.reporter.sent(report.sent);
            span.count("sent", report.sent);
            self.refused(report.refused, attempts, &mut accepted).await;
            let Some(again) = report.again else { break };
            let spent = begun.elapsed();
            match self.wait(backoff.as_mut(), again, spent, accepted_at).await {
                Ok(again) => batch.payload = again.payload,
                Err(given_up) => {
                    span.fail(&given_up.again.why);
                    return self.give_up(given_up, attempts).await;
                }
            }
        }
        if let Some(why) = &accepted.why {
            span.count("refused", accepted.rejected);
            span.fail(why);
        }
        Fate::Settled(match accepted.why.clone() {
            Some(why) if refused_all => Err(Refused::Never { why }),
            _ => Ok(accepted),
        })
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
        accepted_at: Option<u64>,
    ) -> Result<Again, Unsent> {
        if let Some(on_disk) = &self.on_disk {
            if on_disk.closing.is_cancelled() {
                return Err(Unsent {
                    reason: SHUTDOWN,
                    again,
                });
            }
            if accepted_at.is_some_and(|at| on_disk.is_expired(at)) {
                return Err(Unsent {
                    reason: "expired",
                    again,
                });
            }
        }
        let Some(backoff) = backoff else {
            return Err(Unsent {
                reason: "retry_disabled",
                again,
            });
        };
        let jitter = rand::rng().random::<f64>();
        let Some(wait) = backoff.next(again.after, jitter, spent) else {
            return Err(Unsent {
                reason: "retry_time_exhausted",
                again,
            });
        };
        self.reporter.failing(&again.why, wait);
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(again),
            () = self.hurry.cancelled() => Err(Unsent { reason: SHUTDOWN, again }),
            () = self.closing() => Err(Unsent { reason: SHUTDOWN, again }),
        }
    }

    /// Ends when a tail in front of a queue on disk begins to stop.
    async fn closing(&self) {
        match &self.on_disk {
            Some(on_disk) => on_disk.closing.cancelled().await,
            None => std::future::pending().await,
        }
    }

    async fn give_up(&self, given_up: Unsent, attempts: u32) -> Fate {
        let Unsent { reason, again } = given_up;
        if let Some(on_disk) = self.on_disk.as_ref().filter(|_| reason == SHUTDOWN) {
            // It stays where it is, and so does what comes behind it.
            on_disk.stop_reading.cancel();
            return Fate::Kept {
                items: again.payload.items(),
            };
        }
        let given_up = GivenUp {
            items: again.payload.items(),
            payload: again.payload,
            reason,
            why: Arc::clone(&again.why),
            attempts,
        };
        self.reporter.given_up(given_up).await;
        Fate::Settled(Err(Refused::Later {
            after: again.after,
            why: again.why,
        }))
    }

    async fn refused(&self, refused: Vec<RefusedPart>, attempts: u32, accepted: &mut Accepted) {
        for part in refused {
            accepted.rejected += part.items;
            accepted.why.get_or_insert_with(|| Arc::clone(&part.why));
            let given_up = GivenUp {
                payload: part.payload,
                items: part.items,
                reason: "refused",
                why: part.why,
                attempts,
            };
            self.reporter.given_up(given_up).await;
        }
    }
}
