//! Counters under names of our own, beside those that every receiver has.
//!
//! A request costs a few atomic additions; the values are read when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use pipeline::telemetry::meter;

use crate::record::Written;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was taken.
    Accepted,
    /// Taken, less some events.
    Partial,
    /// Answered as a success, but nothing was kept.
    Dropped,
    /// The client's fault.
    Rejected,
    /// Try again later.
    Refused,
}

const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Accepted, "accepted"),
    (Outcome::Partial, "partial"),
    (Outcome::Dropped, "dropped"),
    (Outcome::Rejected, "rejected"),
    (Outcome::Refused, "refused"),
];

/// Why something was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    Origin,
    Key,
    Rate,
    Size,
    Parse,
    Depth,
    Bot,
    Prerender,
    Privacy,
    Duplicate,
    Refused,
    Sampled,
}

const REASONS: [(Reason, &str); 12] = [
    (Reason::Origin, "origin"),
    (Reason::Key, "key"),
    (Reason::Rate, "rate"),
    (Reason::Size, "size"),
    (Reason::Parse, "parse"),
    (Reason::Depth, "depth"),
    (Reason::Bot, "bot"),
    (Reason::Prerender, "prerender"),
    (Reason::Privacy, "privacy"),
    (Reason::Duplicate, "duplicate"),
    (Reason::Refused, "refused"),
    (Reason::Sampled, "sampled"),
];

impl Reason {
    /// As in metrics and `X-Beacon-Dropped`.
    pub(crate) fn name(self) -> &'static str {
        REASONS[self as usize].1
    }
}

/// What came of a changed file of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    Loaded,
    /// It cannot be used.
    Failed,
}

const RELOADS: [(Reload, &str); 2] = [(Reload::Loaded, "loaded"), (Reload::Failed, "failed")];

#[derive(Debug, Default)]
struct Counts {
    requests: [AtomicU64; OUTCOMES.len()],
    dropped: [AtomicU64; REASONS.len()],
    accepted: AtomicU64,
    lost: AtomicU64,
    truncated: AtomicU64,
    renamed: AtomicU64,
    clashing: AtomicU64,
    denied: AtomicU64,
    global_privacy_control: AtomicU64,
    do_not_track: AtomicU64,
    untrusted_forwards: AtomicU64,
    reloads: [AtomicU64; RELOADS.len()],
}

/// The counters of one receiver.
#[derive(Clone)]
pub(crate) struct Metrics {
    counts: Arc<Counts>,
    skew: Histogram<f64>,
    label: [KeyValue; 1],
}

impl Metrics {
    pub(crate) fn new(receiver: &str) -> Metrics {
        let metrics = Metrics {
            counts: Arc::default(),
            skew: meter()
                .f64_histogram("beacon.clock_skew")
                .with_unit("s")
                .with_description("How far the clocks of clients are behind")
                .build(),
            label: [KeyValue::new("receiver", receiver.to_owned())],
        };
        metrics.observe();
        metrics
    }

    fn observe(&self) {
        let receiver = self.label[0].clone();
        let series = |name: &'static str, value: &'static str| {
            [receiver.clone(), KeyValue::new(name, value)]
        };
        let outcomes = OUTCOMES.map(|(_, name)| series("outcome", name));
        let counts = self.counts.clone();
        counter(
            "beacon.requests",
            "Requests by how they ended",
            move |put| {
                for (labels, count) in outcomes.iter().zip(&counts.requests) {
                    put(count, labels);
                }
            },
        );
        let reasons = REASONS.map(|(_, name)| series("reason", name));
        let counts = self.counts.clone();
        counter(
            "beacon.dropped",
            "Events or requests dropped, by reason",
            move |put| {
                for (labels, count) in reasons.iter().zip(&counts.dropped) {
                    put(count, labels);
                }
            },
        );
        let events = [
            series("outcome", "accepted"),
            series("outcome", "truncated"),
            series("outcome", "renamed"),
            series("outcome", "clashing"),
        ];
        let counts = self.counts.clone();
        counter(
            "beacon.events",
            "Events taken; events that were cut, renamed, or had values below values",
            move |put| {
                put(&counts.accepted, &events[0]);
                put(&counts.truncated, &events[1]);
                put(&counts.renamed, &events[2]);
                put(&counts.clashing, &events[3]);
            },
        );
        let signals = [series("signal", "gpc"), series("signal", "dnt")];
        let counts = self.counts.clone();
        counter(
            "beacon.privacy_signals",
            "Requests of clients that want privacy, by signal",
            move |put| {
                put(&counts.global_privacy_control, &signals[0]);
                put(&counts.do_not_track, &signals[1]);
            },
        );
        self.observe_one(
            "beacon.denied_attributes",
            "Attributes left out because the sender may not set them",
            |counts| &counts.denied,
        );
        self.observe_one(
            "beacon.untrusted_forwards",
            "Requests that somebody forwards who is not among trusted_proxies",
            |counts| &counts.untrusted_forwards,
        );
        self.observe_one(
            "beacon.client_dropped",
            "Events that clients say they lost",
            |counts| &counts.lost,
        );
    }

    fn observe_one(
        &self,
        name: &'static str,
        description: &'static str,
        count: fn(&Counts) -> &AtomicU64,
    ) {
        let counts = self.counts.clone();
        let label = self.label.clone();
        counter(name, description, move |put| put(count(&counts), &label));
    }

    /// Registers the counter that only receivers with a file of places have.
    pub(crate) fn observe_reloads(&self) {
        let receiver = &self.label[0];
        let outcomes = RELOADS.map(|(_, name)| [receiver.clone(), KeyValue::new("outcome", name)]);
        let counts = self.counts.clone();
        counter(
            "beacon.geo.reloads",
            "Changed files of places, by whether they could be used",
            move |put| {
                for (labels, count) in outcomes.iter().zip(&counts.reloads) {
                    put(count, labels);
                }
            },
        );
    }

    pub(crate) fn reloaded(&self, outcome: Reload) {
        self.counts.reloads[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn request(&self, outcome: Outcome) {
        self.counts.requests[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, reason: Reason, events: usize) {
        self.counts.dropped[reason as usize].fetch_add(events as u64, Ordering::Relaxed);
    }

    pub(crate) fn accepted(&self, events: usize, truncated: usize) {
        self.counts
            .accepted
            .fetch_add(events as u64, Ordering::Relaxed);
        if truncated > 0 {
            self.counts
                .truncated
                .fetch_add(truncated as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn client_lost(&self, events: u64) {
        self.counts.lost.fetch_add(events, Ordering::Relaxed);
    }

    /// How an event was written.
    pub(crate) fn written(&self, written: &Written) {
        self.denied(written.denied as usize);
        if written.renamed {
            self.counts.renamed.fetch_add(1, Ordering::Relaxed);
        }
        if written.clashes {
            self.counts.clashing.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Attributes that may not be sent were left out.
    pub(crate) fn denied(&self, attributes: usize) {
        if attributes > 0 {
            self.counts
                .denied
                .fetch_add(attributes as u64, Ordering::Relaxed);
        }
    }

    /// A client wants privacy.
    pub(crate) fn privacy_signals(&self, global_privacy_control: bool, do_not_track: bool) {
        for (is_set, count) in [
            (global_privacy_control, &self.counts.global_privacy_control),
            (do_not_track, &self.counts.do_not_track),
        ] {
            if is_set {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Somebody forwards a request who is not trusted.
    pub(crate) fn untrusted_forward(&self) {
        self.counts
            .untrusted_forwards
            .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn skew(&self, seconds: f64) {
        self.skew.record(seconds, &self.label);
    }

    /// Denied attributes, renamed and clashing events, for tests.
    #[cfg(test)]
    pub(crate) fn governed(&self) -> [u64; 3] {
        let counts = &self.counts;
        [&counts.denied, &counts.renamed, &counts.clashing]
            .map(|count| count.load(Ordering::Relaxed))
    }

    /// How often a changed file of places ended so, for tests.
    #[cfg(test)]
    pub(crate) fn reloads(&self, outcome: Reload) -> u64 {
        self.counts.reloads[outcome as usize].load(Ordering::Relaxed)
    }

    /// How often a reason was counted, for tests.
    #[cfg(test)]
    pub(crate) fn count(&self, reason: Reason) -> u64 {
        self.counts.dropped[reason as usize].load(Ordering::Relaxed)
    }
}

/// Registers a counter whose values are read by `observe`.
fn counter(
    name: &'static str,
    description: &'static str,
    observe: impl Fn(&mut dyn FnMut(&AtomicU64, &[KeyValue])) + Send + Sync + 'static,
) {
    let _ = meter()
        .u64_observable_counter(name)
        .with_description(description)
        .with_callback(move |observer| {
            observe(&mut |count, labels| observer.observe(count.load(Ordering::Relaxed), labels));
        })
        .build();
}
