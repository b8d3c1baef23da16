//! `debug`: prints telemetry for people, as upstream prints it.
//!
//! At `basic` one line a batch, at `normal` one line a record, at `detailed`
//! everything.

mod config;
mod detailed;
mod export;
mod normal;
mod text;

use otlp::Signal;
use pipeline::registry::{self, ExporterConfig, Factory, Stability};

pub use config::{Config, Verbosity};

/// The factory of `debug`.
pub fn factory() -> Factory<dyn ExporterConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::exporter::<Config>("debug", &[], signals, Stability::Beta)
}
