//! Says how a tail is: metrics, health and log lines, from real outcomes.

use std::sync::Arc;
use std::time::Duration;

use otlp::{Payload, Signal};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::metrics::TailMetrics;
use crate::clock::Clock;
use crate::dead_letter::{DeadLetter, Letter};
use crate::health::{Health, Status};
use crate::telemetry::spans::OwnSpan;

/// Log lines of one kind are at least this far apart.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Tells the world about one exporter and signal.
#[derive(Clone)]
pub(crate) struct Reporter {
    exporter: Arc<str>,
    signal: Signal,
    component: Arc<str>,
    pub(crate) metrics: Arc<TailMetrics>,
    health: Health,
    clock: Clock,
    last_log: Arc<Mutex<Option<Instant>>>,
    dead_letter: Option<Arc<DeadLetter>>,
}

/// Records that a destination refused, or that are given up.
pub(crate) struct GivenUp {
    /// The records; empty when nobody knows which of a batch they are.
    pub(crate) payload: Payload,
    pub(crate) items: usize,
    /// One of a small fixed set of words.
    pub(crate) reason: &'static str,
    pub(crate) why: Arc<str>,
    pub(crate) attempts: u32,
}

impl Reporter {
    pub(crate) fn new(
        exporter: &str,
        signal: Signal,
        metrics: Arc<TailMetrics>,
        health: Health,
        clock: Clock,
        dead_letter: Option<Arc<DeadLetter>>,
    ) -> Reporter {
        let component = format!("exporter:{exporter}/{}", signal.name()).into();
        Reporter {
            exporter: exporter.into(),
            signal,
            component,
            metrics,
            health,
            clock,
            last_log: Arc::default(),
            dead_letter,
        }
    }

    /// A span for one batch.
    pub(crate) fn span(&self) -> OwnSpan {
        OwnSpan::exporter(&self.exporter, self.signal)
    }

    pub(crate) fn status(&self, status: Status) {
        self.health
            .report(&self.component, status, self.clock.unix_nano());
    }

    /// The destination took `items`.
    pub(crate) fn sent(&self, items: usize) {
        if items > 0 {
            self.metrics.sent(items);
            self.status(Status::Ok);
        }
    }

    /// An attempt failed and is repeated after `wait`.
    pub(crate) fn failing(&self, why: &Arc<str>, wait: Duration) {
        self.status(Status::RecoverableError(Arc::clone(why)));
        if self.may_log() {
            tracing::warn!(
                otelcol.component.id = &*self.exporter,
                otelcol.component.kind = "exporter",
                otelcol.signal = self.signal.name(),
                error = &**why,
                interval = ?wait,
                "Exporting failed. Will retry the request after interval."
            );
        }
    }

    /// Something has to be changed by somebody before this works again.
    pub(crate) fn stuck(&self, why: &Arc<str>) {
        self.status(Status::PermanentError(Arc::clone(why)));
        if self.may_log() {
            tracing::error!(
                otelcol.component.id = &*self.exporter,
                otelcol.component.kind = "exporter",
                otelcol.signal = self.signal.name(),
                error = &**why,
                "Exporting failed and will not work until this is repaired. Data are kept."
            );
        }
    }

    /// `items` are given up.
    pub(crate) fn dropped(&self, items: usize, reason: &'static str, why: &str) {
        if items == 0 {
            return;
        }
        self.metrics.dropped(items, reason);
        tracing::error!(
            otelcol.component.id = &*self.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = self.signal.name(),
            dropped_items = items,
            reason,
            error = why,
            "Exporting failed. Dropping data."
        );
    }

    /// A queue on disk held this when the exporter was started.
    pub(crate) fn found(&self, backlog: &wal::Backlog) {
        self.metrics.found(backlog.items);
        tracing::info!(
            otelcol.component.id = &*self.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = self.signal.name(),
            requests = backlog.entries,
            items = backlog.items,
            bytes = backlog.bytes,
            "The sending queue on disk holds data of an earlier run. Sending them first."
        );
    }

    /// What a queue on disk held could not be counted.
    pub(crate) fn uncounted(&self, error: &dyn std::fmt::Display) {
        tracing::warn!(
            otelcol.component.id = &*self.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = self.signal.name(),
            %error,
            "The data in the sending queue on disk could not be counted. They are sent all the same."
        );
    }

    /// Keeps records in the dead letter, if there is one; else, and when that
    /// fails, they are dropped.
    pub(crate) async fn given_up(&self, given_up: GivenUp) {
        let GivenUp {
            payload,
            items,
            reason,
            why,
            attempts,
        } = given_up;
        let kept = match &self.dead_letter {
            Some(dead_letter) if !payload.is_empty() => {
                let letter = Letter {
                    table: None,
                    reason: reason.to_owned(),
                    detail: why.to_string(),
                    attempts,
                    payload,
                };
                self.keep(dead_letter, letter).await
            }
            _ => false,
        };
        match kept {
            true => self.kept(items, reason, &why),
            false => self.dropped(items, reason, &why),
        }
    }

    async fn keep(&self, dead_letter: &Arc<DeadLetter>, letter: Letter) -> bool {
        let now = self.clock.unix_nano();
        let file = Arc::clone(dead_letter);
        let write = tokio::task::spawn_blocking(move || file.write(&[letter], now));
        let error = match write.await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic.to_string(),
        };
        tracing::error!(
            otelcol.component.id = &*self.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = self.signal.name(),
            file = %dead_letter.path().display(),
            error,
            "The dead letter cannot be written."
        );
        false
    }

    /// The dead letter has `items` that the destination refused.
    pub(crate) fn kept(&self, items: usize, reason: &str, why: &str) {
        self.metrics.dead_letters(items, reason);
        if self.may_log() {
            tracing::warn!(
                otelcol.component.id = &*self.exporter,
                otelcol.component.kind = "exporter",
                otelcol.signal = self.signal.name(),
                items,
                reason,
                error = why,
                "Data were refused and are kept in the dead letter."
            );
        }
    }

    /// `entries` of a queue on disk, with `items` as far as they are known, can be
    /// read no more.
    pub(crate) fn lost(&self, entries: u64, items: usize, reason: &'static str, why: &str) {
        self.metrics.lost_entries(entries);
        self.metrics.dropped(items, reason);
        tracing::error!(
            otelcol.component.id = &*self.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = self.signal.name(),
            lost_entries = entries,
            dropped_items = items,
            reason,
            error = why,
            "A part of the sending queue on disk cannot be read. What it held is lost; the rest goes on."
        );
    }

    fn may_log(&self) -> bool {
        let now = Instant::now();
        let mut last = self.last_log.lock();
        let due = last.is_none_or(|last| now.duration_since(last) >= LOG_EVERY);
        if due {
            *last = Some(now);
        }
        due
    }
}
