//! Settings of `debug`, under upstream's names and defaults.

use std::sync::Arc;

use otlp::Signal;
use pipeline::dead_letter::DeadLetterSettings;
use pipeline::registry::ExporterConfig;
use pipeline::tail::Driver;
use pipeline::tail::settings::{SendingQueue, TailSettings};
use pipeline::{Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, OnByDefault, Validate};

use crate::export::Debug;

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// One line a batch with counts.
    #[default]
    Basic,
    /// One line a record.
    Normal,
    /// Every field of every record.
    Detailed,
}

/// What is printed, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much is printed.
    pub verbosity: Verbosity,
    /// Batches of a second that are printed before sampling begins.
    pub sampling_initial: u64,
    /// After that each n-th batch of the second is printed; 0 prints none.
    pub sampling_thereafter: u64,
    /// Whether it goes through the log of the collector.
    pub use_internal_logger: bool,
    /// `stdout`, `stderr` or files; only with `use_internal_logger: false`.
    pub output_paths: Vec<String>,
    /// On by default, unlike upstream: a client must not wait for a terminal.
    pub sending_queue: OnByDefault<SendingQueue>,
    /// Where records are kept that could not be printed.
    pub dead_letter: DeadLetterSettings,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            output_paths: vec!["stdout".to_owned()],
            sending_queue: OnByDefault::on(SendingQueue {
                num_consumers: 1,
                ..SendingQueue::default()
            }),
            dead_letter: DeadLetterSettings::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        at.check_some("sending_queue", self.sending_queue.as_option());
        at.check("dead_letter", &self.dead_letter);
        let is_default = self.output_paths == Config::default().output_paths;
        if self.use_internal_logger && at.is_set("output_paths") && !is_default {
            at.error("output_paths", "needs use_internal_logger: false");
        }
        if !self.use_internal_logger && self.output_paths.is_empty() {
            at.error("output_paths", "must not be empty");
        }
    }
}

impl ExporterConfig for Config {
    fn build(&self, id: &ComponentId, _: Signal, _: &Host) -> Result<Driver, StartError> {
        Ok(Driver::Exporter(Arc::new(Debug::open(id, self)?)))
    }

    fn tail(&self) -> TailSettings {
        let queue = self.sending_queue.as_option().cloned();
        let batch = queue.as_ref().and_then(SendingQueue::batching);
        TailSettings {
            queue,
            retry: None,
            timeout: None,
            batch,
            dead_letter: self.dead_letter.clone(),
        }
    }
}
