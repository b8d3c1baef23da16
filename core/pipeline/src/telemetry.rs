//! Own metrics of the stages, under upstream's `otelcol_*` names, and own spans.

pub mod spans;

use opentelemetry::metrics::{Counter, Meter};
use opentelemetry::{KeyValue, global};
use otlp::Signal;

use self::spans::OwnSpan;

/// The meter of the collector. The provider must be set before the first use.
pub fn meter() -> Meter {
    global::meter("pharos")
}

/// Counters of a receiver for one transport (`grpc`, `http`).
#[derive(Clone, Debug)]
pub struct ReceiverMetrics {
    labels: [KeyValue; 2],
    accepted: [Counter<u64>; 3],
    refused: [Counter<u64>; 3],
    failed: [Counter<u64>; 3],
}

const SIGNALS: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

fn index(signal: Signal) -> usize {
    match signal {
        Signal::Logs => 0,
        Signal::Traces => 1,
        Signal::Metrics => 2,
    }
}

impl ReceiverMetrics {
    /// Counters of the receiver with this full id.
    pub fn new(receiver: &str, transport: &'static str) -> ReceiverMetrics {
        let counters = |kind: &str, what: &str| {
            SIGNALS.map(|signal| {
                let items = signal.item_name();
                meter()
                    .u64_counter(format!("otelcol_receiver_{kind}_{items}"))
                    .with_description(format!("Number of {items} {what}"))
                    .build()
            })
        };
        ReceiverMetrics {
            labels: [
                KeyValue::new("receiver", receiver.to_owned()),
                KeyValue::new("transport", transport),
            ],
            accepted: counters("accepted", "taken into the pipeline"),
            refused: counters("refused", "that the pipeline refused"),
            failed: counters("failed", "that could not be read"),
        }
    }

    /// Makes the series of `signal` visible at 0.
    pub fn announce(&self, signal: Signal) {
        for counters in [&self.accepted, &self.refused, &self.failed] {
            counters[index(signal)].add(0, &self.labels);
        }
    }

    /// A span for one request.
    pub fn span(&self, signal: Signal) -> OwnSpan {
        let [receiver, transport] = &self.labels;
        OwnSpan::receiver(&receiver.value, &transport.value, signal)
    }

    /// The pipeline took `items`.
    pub fn accepted(&self, signal: Signal, items: usize) {
        self.accepted[index(signal)].add(items as u64, &self.labels);
    }

    /// The pipeline refused `items`.
    pub fn refused(&self, signal: Signal, items: usize) {
        self.refused[index(signal)].add(items as u64, &self.labels);
    }

    /// `items` could not be read (malformed input counts as 1).
    pub fn failed(&self, signal: Signal, items: usize) {
        self.failed[index(signal)].add(items as u64, &self.labels);
    }
}

/// Counters of a processor.
#[derive(Clone, Debug)]
pub struct ProcessorMetrics {
    labels: [KeyValue; 2],
    incoming: Counter<u64>,
    outgoing: Counter<u64>,
}

impl ProcessorMetrics {
    /// Counters of the processor (or fused chain) with this full id.
    pub fn new(processor: &str, signal: Signal) -> ProcessorMetrics {
        let counter = |name: &'static str, what: &'static str| {
            meter().u64_counter(name).with_description(what).build()
        };
        ProcessorMetrics {
            labels: [
                KeyValue::new("processor", processor.to_owned()),
                KeyValue::new("otel_signal", signal.name()),
            ],
            incoming: counter(
                "otelcol_processor_incoming_items",
                "Number of items passed to the processor",
            ),
            outgoing: counter(
                "otelcol_processor_outgoing_items",
                "Number of items emitted by the processor",
            ),
        }
    }

    /// Counts one batch.
    pub fn passed(&self, incoming: usize, outgoing: usize) {
        self.incoming.add(incoming as u64, &self.labels);
        self.outgoing.add(outgoing as u64, &self.labels);
    }
}
