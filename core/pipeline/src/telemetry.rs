//! Own metrics of the stages, under upstream's `otelcol_*` names, and own spans.

mod series;
pub mod spans;

use std::sync::{Arc, OnceLock};

use opentelemetry::metrics::Meter;
use opentelemetry::{KeyValue, global};
use otlp::Signal;

use self::series::Series;
use self::spans::OwnSpan;

/// The meter of the collector. The provider must be set before the first use.
pub fn meter() -> Meter {
    global::meter("pharos")
}

/// What a receiver counts, and of whom.
const KINDS: [(&str, &str); 3] = [
    ("accepted", "taken into the pipeline"),
    ("refused", "that the pipeline refused"),
    ("failed", "that could not be read"),
];
const ACCEPTED: usize = 0;
const REFUSED: usize = 1;
const FAILED: usize = 2;

const SIGNALS: usize = 3;

fn index(signal: Signal) -> usize {
    match signal {
        Signal::Logs => 0,
        Signal::Traces => 1,
        Signal::Metrics => 2,
    }
}

/// Counters of a receiver for one transport (`grpc`, `http`). A series appears
/// with its first use.
#[derive(Clone, Debug)]
pub struct ReceiverMetrics {
    labels: [KeyValue; 2],
    series: Arc<[[OnceLock<Series>; SIGNALS]; KINDS.len()]>,
}

impl ReceiverMetrics {
    /// Counters of the receiver with this full id.
    pub fn new(receiver: &str, transport: &'static str) -> ReceiverMetrics {
        ReceiverMetrics {
            labels: [
                KeyValue::new("receiver", receiver.to_owned()),
                KeyValue::new("transport", transport),
            ],
            series: Arc::default(),
        }
    }

    fn series(&self, kind: usize, signal: Signal) -> &Series {
        self.series[kind][index(signal)].get_or_init(|| {
            let (name, what) = KINDS[kind];
            let items = signal.item_name();
            Series::of(
                &format!("otelcol_receiver_{name}_{items}"),
                &format!("Number of {items} {what}"),
                &self.labels,
            )
        })
    }

    /// Makes the series of `signal` visible at 0.
    pub fn announce(&self, signal: Signal) {
        for kind in [ACCEPTED, REFUSED, FAILED] {
            self.series(kind, signal);
        }
    }

    /// A span for one request.
    pub fn span(&self, signal: Signal) -> OwnSpan {
        let [receiver, transport] = &self.labels;
        OwnSpan::receiver(&receiver.value, &transport.value, signal)
    }

    /// The pipeline took `items`.
    pub fn accepted(&self, signal: Signal, items: usize) {
        self.series(ACCEPTED, signal).add(items);
    }

    /// The pipeline refused `items`.
    pub fn refused(&self, signal: Signal, items: usize) {
        self.series(REFUSED, signal).add(items);
    }

    /// `items` could not be read (malformed input counts as 1).
    pub fn failed(&self, signal: Signal, items: usize) {
        self.series(FAILED, signal).add(items);
    }
}

/// Counters of a processor. They appear with the first batch.
#[derive(Clone, Debug)]
pub struct ProcessorMetrics {
    labels: [KeyValue; 2],
    series: Arc<OnceLock<[Series; 2]>>,
}

impl ProcessorMetrics {
    /// Counters of the processor (or fused chain) with this full id.
    pub fn new(processor: &str, signal: Signal) -> ProcessorMetrics {
        ProcessorMetrics {
            labels: [
                KeyValue::new("processor", processor.to_owned()),
                KeyValue::new("otel_signal", signal.name()),
            ],
            series: Arc::default(),
        }
    }

    /// Counts one batch.
    pub fn passed(&self, incoming: usize, outgoing: usize) {
        let [of_incoming, of_outgoing] = self.series.get_or_init(|| {
            [
                Series::of(
                    "otelcol_processor_incoming_items",
                    "Number of items passed to the processor",
                    &self.labels,
                ),
                Series::of(
                    "otelcol_processor_outgoing_items",
                    "Number of items emitted by the processor",
                    &self.labels,
                ),
            ]
        });
        of_incoming.add(incoming);
        of_outgoing.add(outgoing);
    }
}
