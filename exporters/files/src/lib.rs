//! `files`: writes telemetry into files, in a directory or on S3, partitioned by time.
//!
//! Guarantees: every record that a queue on disk took is in one file once, however often the
//! process is killed and whatever the store answers. A file appears whole or not at all, under a
//! name that says which entries of the queue it is made of. See [`ledger`] for how.

mod config;
mod encode;
mod encoding;
mod flush;
mod ledger;
mod open_files;
mod partition;
mod sink;
mod template;

use otlp::Signal;
use pipeline::registry::{self, ExporterConfig, Factory, Stability};

pub use config::{Config, Roll};
pub use encoding::{Compression, Encoding, Mapping};
pub use partition::PartitionBy;

/// The factory of `files`.
pub fn factory() -> Factory<dyn ExporterConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::exporter::<Config>("files", &[], signals, Stability::Beta)
}
