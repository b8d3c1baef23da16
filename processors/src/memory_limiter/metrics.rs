//! What the limiter counts, under upstream's names.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use otlp::Signal;
use pipeline::telemetry::meter;

/// Counters of one limiter and signal.
pub(super) struct LimiterMetrics {
    labels: [KeyValue; 1],
    accepted: Counter<u64>,
    refused: Counter<u64>,
}

impl LimiterMetrics {
    pub(super) fn new(component: &str, signal: Signal) -> LimiterMetrics {
        let counter = |what: &str, meaning: &str| {
            let items = signal.item_name();
            meter()
                .u64_counter(format!("otelcol_processor_memory_limiter_{what}_{items}"))
                .with_description(format!("Number of {items} {meaning}"))
                .build()
        };
        let metrics = LimiterMetrics {
            labels: [KeyValue::new("processor", component.to_owned())],
            accepted: counter("accepted", "let into the pipeline"),
            refused: counter(
                "refused",
                "refused for lack of memory; a request refused before it was read counts as one",
            ),
        };
        metrics.accepted(0);
        metrics.refused(0);
        metrics
    }

    pub(super) fn accepted(&self, items: usize) {
        self.accepted.add(items as u64, &self.labels);
    }

    pub(super) fn refused(&self, items: usize) {
        self.refused.add(items as u64, &self.labels);
    }
}
