//! Joins small requests into larger batches.
//!
//! A batch forms in the sending queue of the exporters behind this processor:
//! a client is answered as soon as its data are in the queue, and nothing that
//! waits for company is outside of the queue's accounting. In front of an
//! exporter without a queue the callers are held until their batch is sent.

mod config;

use otlp::Signal;
use pipeline::registry::{self, Factory, ProcessorConfig, Stability};

pub use config::Config;

/// The factory of `batch`.
pub fn factory() -> Factory<dyn ProcessorConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::processor::<Config>("batch", &[], signals, Stability::Beta)
}
