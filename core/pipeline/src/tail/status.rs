//! Says how a tail is: metrics, health and log lines, from real outcomes.

use std::sync::Arc;
use std::time::Duration;

use otlp::Signal;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::metrics::TailMetrics;
use crate::clock::Clock;
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
}

impl Reporter {
    pub(crate) fn new(
        exporter: &str,
        signal: Signal,
        metrics: Arc<TailMetrics>,
        health: Health,
        clock: Clock,
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

    /// `items` of a queue on disk can be read no more.
    pub(crate) fn lost(&self, items: usize, reason: &'static str, why: &str) {
        self.metrics.dropped(items, reason);
        tracing::error!(
            otelcol.component.id = &*self.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = self.signal.name(),
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
