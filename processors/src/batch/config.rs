//! Settings of `batch`, under upstream's names and defaults.

use otlp::Signal;
use pipeline::registry::ProcessorConfig;
use pipeline::tail::settings::{BatchSettings, Sizer};
use pipeline::{Processor, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Duration, Validate};

/// When a batch is sent, and how large it may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Log records, spans or data points at which a batch is sent; 0 sends every request as it comes.
    pub send_batch_size: usize,
    /// Longest time that data wait for company; 0 sends at once.
    pub timeout: Duration,
    /// Most log records, spans or data points in a batch, larger ones are split; 0 is no limit.
    pub send_batch_max_size: usize,
    /// Request headers whose values keep batches apart.
    pub metadata_keys: Vec<String>,
    /// Most combinations of header values that are kept apart at a time; 0 is no limit.
    pub metadata_cardinality_limit: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            send_batch_size: 8192,
            timeout: Duration::from_millis(200),
            send_batch_max_size: 0,
            metadata_keys: Vec::new(),
            metadata_cardinality_limit: 1000,
        }
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.send_batch_max_size > 0 && self.send_batch_max_size < self.send_batch_size {
            at.error(
                "send_batch_max_size",
                format_args!(
                    "must be 0 or at least send_batch_size ({})",
                    self.send_batch_size
                ),
            );
        }
        let mut keys: Vec<String> = self
            .metadata_keys
            .iter()
            .map(|key| key.to_ascii_lowercase())
            .collect();
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            at.error("metadata_keys", format_args!("names \"{}\" twice", pair[0]));
        }
    }
}

impl ProcessorConfig for Config {
    fn build(&self, _: &ComponentId, _: Signal) -> Result<Processor, StartError> {
        Ok(Processor::Batch(BatchSettings {
            timeout: self.timeout.get(),
            min_size: self.send_batch_size,
            max_size: self.send_batch_max_size,
            sizer: Sizer::Items,
            metadata_keys: self
                .metadata_keys
                .iter()
                .map(|key| key.to_ascii_lowercase())
                .collect(),
            metadata_limit: match self.metadata_cardinality_limit {
                0 => usize::MAX,
                limit => limit,
            },
        }))
    }
}
