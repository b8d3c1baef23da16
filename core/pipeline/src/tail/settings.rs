//! Settings that every exporter has, under upstream's names and defaults.

use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, OffByDefault, Validate};

use crate::dead_letter::DeadLetterSettings;

/// Unit in which a queue or batch is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sizer {
    /// Requests as they came, or batches once batching is on.
    #[default]
    Requests,
    /// Log records, spans or data points.
    Items,
    /// Bytes of OTLP protobuf.
    Bytes,
}

/// `sending_queue`: what waits in front of an exporter. With `enabled: false`
/// there is none and callers wait for the exporter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SendingQueue {
    /// How many batches are sent at once.
    pub num_consumers: usize,
    /// Most that may wait, in units of `sizer`; with `sizer: bytes` it may be written as `50GiB`.
    pub queue_size: ByteSize,
    /// Unit of `queue_size`.
    pub sizer: Sizer,
    /// Whether a full queue makes callers wait instead of refusing them.
    pub block_on_overflow: bool,
    /// Whether callers wait until their data are sent.
    pub wait_for_result: bool,
    /// Storage extension that keeps the queue on disk. Without other settings the
    /// queue may then hold 10 GiB (`sizer: bytes`).
    pub storage: Option<String>,
    /// Of a queue on disk: older data are given up and counted as `expired`. 0
    /// keeps them until they are sent.
    pub max_age: Duration,
    /// Joins what waits into larger batches.
    pub batch: OffByDefault<QueueBatch>,
}

impl Default for SendingQueue {
    fn default() -> SendingQueue {
        SendingQueue {
            num_consumers: 10,
            queue_size: ByteSize::new(1000),
            sizer: Sizer::Requests,
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            max_age: Duration::ZERO,
            batch: OffByDefault::off(),
        }
    }
}

/// `sending_queue::batch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueBatch {
    /// Longest time that data wait for company. More than 0.
    pub flush_timeout: Duration,
    /// Size at which a batch is sent, in units of `sizer`.
    pub min_size: usize,
    /// Size above which a batch is split; 0 is no limit.
    pub max_size: usize,
    /// Unit of the sizes: items or bytes. Default: that of the queue, else items.
    pub sizer: Option<Sizer>,
    /// Keeps data with different values of request headers apart.
    pub partition: Partition,
}

impl Default for QueueBatch {
    fn default() -> QueueBatch {
        QueueBatch {
            flush_timeout: Duration::from_millis(200),
            min_size: 8192,
            max_size: 0,
            sizer: None,
            partition: Partition::default(),
        }
    }
}

/// `sending_queue::batch::partition`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partition {
    /// Names of the request headers, without regard to case.
    pub metadata_keys: Vec<String>,
}

/// `retry_on_failure`: waits between attempts. With `enabled: false` a batch is
/// tried once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOnFailure {
    /// First wait.
    pub initial_interval: Duration,
    /// Each wait is multiplied with 1 ± this, 0 to 1.
    pub randomization_factor: f64,
    /// Growth from wait to wait.
    pub multiplier: f64,
    /// Longest wait.
    pub max_interval: Duration,
    /// When a batch is given up; 0 is never.
    pub max_elapsed_time: Duration,
}

impl Default for RetryOnFailure {
    fn default() -> RetryOnFailure {
        RetryOnFailure {
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

/// How batches are joined, whoever asked for it: the `batch` processor or
/// `sending_queue::batch`.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSettings {
    /// Longest time that data wait for company; 0 sends at once.
    pub timeout: std::time::Duration,
    /// Size at which a batch is sent, in units of `sizer`.
    pub min_size: usize,
    /// Size above which a batch is split; 0 is no limit.
    pub max_size: usize,
    /// Items or bytes.
    pub sizer: Sizer,
    /// Lower-case names of request headers whose values keep data apart.
    pub metadata_keys: Vec<String>,
    /// Most combinations of header values that are kept apart at a time.
    pub metadata_limit: usize,
}

/// All that a tail needs to know of an exporter's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TailSettings {
    /// `sending_queue`, unless switched off.
    pub queue: Option<SendingQueue>,
    /// `retry_on_failure`, unless switched off.
    pub retry: Option<RetryOnFailure>,
    /// `timeout` of one attempt; `None` is no limit.
    pub timeout: Option<std::time::Duration>,
    /// Batching, if any.
    pub batch: Option<BatchSettings>,
    /// Where refused records go. Of a sink: those that it did not put there itself.
    pub dead_letter: DeadLetterSettings,
}

impl TailSettings {
    /// The storage extension of the queue, if it is one on disk.
    pub fn storage(&self) -> Option<&str> {
        self.queue.as_ref()?.storage.as_deref()
    }
}

/// What a queue on disk may hold when nobody says how much.
const ON_DISK: u64 = 10 << 30;

impl SendingQueue {
    /// Unit and limit of what may wait. A thousand requests are a limit for
    /// memory: on disk the default is one of bytes.
    pub fn limit(&self) -> (Sizer, usize) {
        let is_default = self.sizer == Sizer::Requests && self.queue_size == ByteSize::new(1000);
        match self.storage.is_some() && is_default {
            true => (Sizer::Bytes, ByteSize::new(ON_DISK).as_usize()),
            false => (self.sizer, self.queue_size.as_usize()),
        }
    }

    /// The batching that `sending_queue::batch` asks for.
    pub fn batching(&self) -> Option<BatchSettings> {
        let batch = self.batch.as_option()?;
        Some(BatchSettings {
            timeout: batch.flush_timeout.into(),
            min_size: batch.min_size,
            max_size: batch.max_size,
            sizer: batch.sizer.unwrap_or(match self.sizer {
                Sizer::Requests => Sizer::Items,
                other => other,
            }),
            metadata_keys: batch
                .partition
                .metadata_keys
                .iter()
                .map(|key| key.to_ascii_lowercase())
                .collect(),
            metadata_limit: 10_000,
        })
    }
}

impl Validate for SendingQueue {
    fn validate(&self, at: &mut At<'_>) {
        if self.num_consumers == 0 {
            at.error("num_consumers", "must be greater than 0");
        }
        if self.queue_size.as_usize() == 0 {
            at.error("queue_size", "must be greater than 0");
        }
        if self.wait_for_result && self.storage.is_some() {
            at.error(
                "wait_for_result",
                "cannot be combined with storage: a queue on disk answers once data are on disk",
            );
        }
        if self.storage.is_none() && !self.max_age.is_zero() {
            at.error(
                "max_age",
                "needs storage: a queue in memory gives up after retry_on_failure::max_elapsed_time",
            );
        }
        let Some(batch) = self.batch.as_option() else {
            return;
        };
        at.check("batch", batch);
        let sizer = batch.sizer.unwrap_or(self.sizer);
        if batch.sizer.is_none() && at.is_set("sizer") && self.sizer == Sizer::Requests {
            at.error(
                "batch::sizer",
                "must be items or bytes: set it, since the queue is sized in requests",
            );
        }
        if sizer == self.limit().0 && batch.min_size > self.limit().1 {
            at.error("batch::min_size", "must not be greater than queue_size");
        }
    }
}

impl Validate for QueueBatch {
    fn validate(&self, at: &mut At<'_>) {
        if self.flush_timeout.is_zero() {
            at.error("flush_timeout", "must be greater than 0");
        }
        if self.sizer == Some(Sizer::Requests) {
            at.error("sizer", "must be items or bytes");
        }
        if self.max_size > 0 && self.max_size < self.min_size {
            at.error(
                "max_size",
                format_args!("must be 0 or at least min_size ({})", self.min_size),
            );
        }
        let mut keys: Vec<String> = self
            .partition
            .metadata_keys
            .iter()
            .map(|key| key.to_ascii_lowercase())
            .collect();
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            at.error(
                "partition::metadata_keys",
                format_args!("names \"{}\" twice", pair[0]),
            );
        }
    }
}

impl Validate for RetryOnFailure {
    fn validate(&self, at: &mut At<'_>) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            at.error("randomization_factor", "must be between 0 and 1");
        }
        if self.multiplier < 0.0 || !self.multiplier.is_finite() {
            at.error("multiplier", "must not be negative");
        }
        if self.max_elapsed_time.is_zero() {
            return;
        }
        for (key, interval) in [
            ("initial_interval", self.initial_interval),
            ("max_interval", self.max_interval),
        ] {
            if interval > self.max_elapsed_time {
                at.error(
                    "max_elapsed_time",
                    format_args!("must be 0 or at least {key} ({interval})"),
                );
            }
        }
    }
}
