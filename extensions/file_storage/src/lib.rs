//! `file_storage`: a directory for what must survive a restart: sending queues
//! and dead letters.
//!
//! ```text
//! <directory>/queue/<pipeline>/                   the log of a pipeline's queue
//! <directory>/set_aside/<pipeline>/<exporter>/    what a removed exporter left behind
//! <directory>/dead_letter/<exporter>-<signal>.ndjson  records that a destination refused
//! ```
//!
//! Names are ids, with `~` and four hexadecimal digits for what a file system
//! may mind. One process uses a log at a time.

mod config;
mod open;

use pipeline::registry::{self, ExtensionConfig, Factory, Stability};

pub use config::Config;

/// The factory of `file_storage`.
pub fn factory() -> Factory<dyn ExtensionConfig> {
    registry::extension::<Config>("file_storage", &[], &[], Stability::Beta)
}
