//! What a tail tells about itself, under upstream's names where upstream has one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use otlp::Signal;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::TailReport;
use super::queue::Queue;
use crate::telemetry::meter;

/// Counters of one tail. At any time accepted = sent + dropped + held.
#[derive(Debug)]
pub(crate) struct TailMetrics {
    labels: Vec<KeyValue>,
    sent: Counter<u64>,
    send_failed: Counter<u64>,
    enqueue_failed: Counter<u64>,
    dropped: Counter<u64>,
    dead_letters: Counter<u64>,
    lost_entries: Counter<u64>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    /// What a queue on disk held at the start.
    found: AtomicU64,
    accepted: AtomicU64,
    sent: AtomicU64,
    /// Sent, but in one entry with others that were not: comes again.
    again: AtomicU64,
    dead_letters: AtomicU64,
    dropped: Mutex<Vec<(String, u64)>>,
    last_success: Mutex<Option<Instant>>,
}

impl TailMetrics {
    pub(crate) fn new(exporter: &str, signal: Signal) -> Arc<TailMetrics> {
        let items = signal.item_name();
        let counter = |name: String, what: &str| {
            meter()
                .u64_counter(name)
                .with_description(format!("Number of {items} {what}"))
                .build()
        };
        let metrics = Arc::new(TailMetrics {
            labels: vec![KeyValue::new("exporter", exporter.to_owned())],
            sent: counter(
                format!("otelcol_exporter_sent_{items}"),
                "the destination has",
            ),
            send_failed: counter(
                format!("otelcol_exporter_send_failed_{items}"),
                "that were given up",
            ),
            enqueue_failed: counter(
                format!("otelcol_exporter_enqueue_failed_{items}"),
                "refused by a full queue",
            ),
            dropped: counter(
                format!("otelcol_exporter_dropped_{items}"),
                "given up, by reason",
            ),
            dead_letters: counter(
                format!("otelcol_exporter_dead_letter_{items}"),
                "kept in the dead letter, by reason",
            ),
            lost_entries: meter()
                .u64_counter("otelcol_exporter_queue_lost_entries")
                .with_description(
                    "Number of entries of a queue on disk that cannot be read any more",
                )
                .build(),
            counts: Counts::default(),
        });
        for counter in [&metrics.sent, &metrics.send_failed, &metrics.enqueue_failed] {
            counter.add(0, &metrics.labels);
        }
        metrics
    }

    pub(crate) fn accepted(&self, items: usize) {
        self.counts
            .accepted
            .fetch_add(items as u64, Ordering::Relaxed);
    }

    /// A queue on disk held `items` when it was opened.
    pub(crate) fn found(&self, items: u64) {
        self.counts.found.fetch_add(items, Ordering::Relaxed);
    }

    /// `items` are done with and stay on disk all the same, beside others that are not.
    pub(crate) fn again(&self, items: usize) {
        self.counts.again.fetch_add(items as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, items: usize) {
        self.counts.sent.fetch_add(items as u64, Ordering::Relaxed);
        *self.counts.last_success.lock() = Some(Instant::now());
        self.sent.add(items as u64, &self.labels);
    }

    pub(crate) fn enqueue_failed(&self, items: usize) {
        self.enqueue_failed.add(items as u64, &self.labels);
    }

    /// Counts items that are given up. `reason` is one of a small fixed set.
    pub(crate) fn dropped(&self, items: usize, reason: &str) {
        if items == 0 {
            return;
        }
        self.send_failed.add(items as u64, &self.labels);
        let mut labels = self.labels.clone();
        labels.push(KeyValue::new("reason", reason.to_owned()));
        self.dropped.add(items as u64, &labels);
        let mut dropped = self.counts.dropped.lock();
        match dropped.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += items as u64,
            None => dropped.push((reason.to_owned(), items as u64)),
        }
    }

    /// Counts entries of a queue on disk that cannot be read. Of those without a
    /// readable header nobody knows how many items they had.
    pub(crate) fn lost_entries(&self, entries: u64) {
        self.lost_entries.add(entries, &self.labels);
    }

    /// Counts items that the destination refused and the dead letter has.
    pub(crate) fn dead_letters(&self, items: usize, reason: &str) {
        let mut labels = self.labels.clone();
        labels.push(KeyValue::new("reason", reason.to_owned()));
        self.dead_letters.add(items as u64, &labels);
        self.counts
            .dead_letters
            .fetch_add(items as u64, Ordering::Relaxed);
    }

    /// What is known of everything since the start, as a report.
    pub(crate) fn report(&self, exporter: String, signal: Signal, stored: u64) -> TailReport {
        TailReport {
            exporter,
            signal,
            found: self.counts.found.load(Ordering::Relaxed),
            accepted: self.counts.accepted.load(Ordering::Relaxed),
            sent: self.counts.sent.load(Ordering::Relaxed),
            dead_letters: self.counts.dead_letters.load(Ordering::Relaxed),
            again: self.counts.again.load(Ordering::Relaxed),
            dropped: self.counts.dropped.lock().clone(),
            stored,
        }
    }

    fn since_success(&self) -> Option<Duration> {
        self.counts.last_success.lock().map(|at| at.elapsed())
    }
}

/// Registers the gauges of a queue. They end with the queue.
pub(crate) fn observe(queue: &Arc<Queue>, exporter: &str, signal: Signal) {
    let labels = [
        KeyValue::new("exporter", exporter.to_owned()),
        KeyValue::new("data_type", signal.name()),
    ];
    let gauge = |name: &'static str, what: &'static str, read: fn(&Queue) -> u64| {
        let queue = Arc::downgrade(queue);
        let labels = labels.clone();
        meter()
            .u64_observable_gauge(name)
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(queue) = queue.upgrade() {
                    observer.observe(read(&queue), &labels);
                }
            })
            .build();
    };
    gauge(
        "otelcol_exporter_queue_size",
        "Size of the sending queue, in units of its sizer",
        |queue| queue.capacity().used() as u64,
    );
    gauge(
        "otelcol_exporter_queue_capacity",
        "Capacity of the sending queue, in units of its sizer",
        |queue| queue.capacity().limit() as u64,
    );
    let seconds = |name: &'static str, what: &'static str, read: fn(&Queue) -> Option<f64>| {
        let queue = Arc::downgrade(queue);
        let labels = labels.clone();
        meter()
            .f64_observable_gauge(name)
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(value) = queue.upgrade().and_then(|queue| read(&queue)) {
                    observer.observe(value, &labels);
                }
            })
            .build();
    };
    seconds(
        "otelcol_exporter_queue_oldest_age_seconds",
        "Age of the oldest batch that waits",
        |queue| Some(queue.oldest_age(Instant::now()).as_secs_f64()),
    );
    seconds(
        "otelcol_exporter_seconds_since_success",
        "Time since the destination last took data",
        |queue| {
            queue
                .metrics
                .since_success()
                .map(|since| since.as_secs_f64())
        },
    );
}
