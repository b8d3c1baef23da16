//! `delta`: writes telemetry into Delta Lake tables, in a directory or on S3.
//!
//! Guarantees: every record that the queue took is in the table once, however
//! often a commit is tried; many collectors may write one table. Records that
//! a table cannot hold go to the dead letter with their reason.

mod columns;
mod config;
mod sink;

use otlp::Signal;
use pipeline::registry::{self, ExporterConfig, Factory, Stability};

pub use columns::{Column, Columns};
pub use config::Config;

/// The factory of `delta`.
pub fn factory() -> Factory<dyn ExporterConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::exporter::<Config>("delta", &[], signals, Stability::Beta)
}
