//! Settings of `files`.

use std::collections::BTreeMap;
use std::sync::Arc;

use lake_table::{Location, MemoryCap};
use otlp::Signal;
use pipeline::dead_letter::DeadLetterSettings;
use pipeline::registry::ExporterConfig;
use pipeline::sink::CommitPolicy;
use pipeline::tail::Driver;
use pipeline::tail::settings::{RetryOnFailure, SendingQueue, TailSettings};
use pipeline::{Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, ComponentId, Duration, OnByDefault, Secret, Validate};

use crate::encode::Recipe;
use crate::encoding::{Compression, Encoding, Mapping};
use crate::partition::{PartitionBy, Partitioner};
use crate::sink::{FilesSettings, FilesSink};
use crate::template::Template;

/// Folders of hours, as Firehose makes them.
const HOURLY: &str =
    "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}";

/// Bytes of finished files that are in memory; what is beyond goes to temporary files.
const MEMORY: usize = 64 << 20;

/// A bucket copies no larger file in one request.
const LARGEST_FILE: u64 = 5 << 30;

/// Where the files are, what is in them, and when they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A directory (`./data/files`) or a prefix in a bucket (`s3://bucket/prefix`).
    pub location: String,
    /// Region of the bucket.
    pub region: Option<String>,
    /// URL of a store that speaks S3, instead of AWS.
    pub endpoint: Option<String>,
    /// Options of the store, under the names of object_store; they win over the environment.
    pub storage_options: BTreeMap<String, Secret>,
    /// What is in a file.
    pub encoding: Encoding,
    /// The columns of rows (parquet, csv, json_lines).
    pub mapping: Mapping,
    /// Compression of whole files; Parquet is compressed inside.
    pub compression: Compression,
    /// Folders below that of the signal, with `!{timestamp:...}` for parts of the time in UTC.
    pub partition: String,
    /// The time that decides on the folder.
    pub partition_by: PartitionBy,
    /// Files that are open at a time; the one that was used least recently makes way.
    pub max_open_partitions: usize,
    /// When files are closed and written.
    pub roll: Roll,
    /// Longest time of one request to a bucket.
    pub timeout: Duration,
    /// Where records go that a file cannot hold. Default: `dead_letter` in the
    /// location, or in the working directory when the location is a bucket.
    pub dead_letter: DeadLetterSettings,
    /// What waits in front of the files.
    pub sending_queue: OnByDefault<SendingQueue>,
    /// Waits between attempts. `max_elapsed_time` is not used: what was
    /// accepted is tried until it is stored.
    pub retry_on_failure: OnByDefault<RetryOnFailure>,
}

/// `roll`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roll {
    /// All open files are written when they have so many bytes together.
    pub size: ByteSize,
    /// All open files are written when the oldest record in them has waited so long.
    pub after: Duration,
}

impl Default for Roll {
    fn default() -> Roll {
        Roll {
            size: ByteSize::mib(128),
            after: Duration::from_secs(15 * 60),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            location: String::new(),
            region: None,
            endpoint: None,
            storage_options: BTreeMap::new(),
            encoding: Encoding::default(),
            mapping: Mapping::default(),
            compression: Compression::default(),
            partition: HOURLY.to_owned(),
            partition_by: PartitionBy::default(),
            max_open_partitions: 64,
            roll: Roll::default(),
            timeout: Duration::from_secs(60),
            dead_letter: DeadLetterSettings::default(),
            sending_queue: OnByDefault::on(SendingQueue::default()),
            retry_on_failure: OnByDefault::on(RetryOnFailure {
                initial_interval: Duration::from_millis(500),
                max_elapsed_time: Duration::ZERO,
                ..RetryOnFailure::default()
            }),
        }
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.location.is_empty() {
            at.error(
                "location",
                "is required: a directory such as ./data/files, or s3://bucket/prefix",
            );
        }
        if let Err(error) = Template::parse(&self.partition) {
            at.error("partition", error);
        }
        if self.encoding == Encoding::Parquet && self.compression != Compression::None {
            at.error(
                "compression",
                "does not go with parquet, which is compressed inside (zstd): leave it out",
            );
        }
        if !self.encoding.has_rows() && self.mapping != Mapping::Otel {
            at.error(
                "mapping",
                "chooses columns, and otlp_json and otlp_proto have none: leave it out",
            );
        }
        if self.max_open_partitions == 0 {
            at.error("max_open_partitions", "must be greater than 0");
        }
        if !(1..=LARGEST_FILE).contains(&self.roll.size.get()) {
            at.error("roll::size", "must be between 1 byte and 5GiB");
        }
        if self.roll.after.is_zero() {
            at.error("roll::after", "must be greater than 0");
        }
        if self.timeout.is_zero() {
            at.error("timeout", "must be greater than 0");
        }
        at.check("dead_letter", &self.dead_letter);
        at.check_some("sending_queue", self.sending_queue.as_option());
        at.check_some("retry_on_failure", self.retry_on_failure.as_option());
    }
}

impl Config {
    /// The place of the files.
    ///
    /// # Errors
    /// One line: no directory or bucket, an unknown option.
    pub fn place(&self) -> Result<Location, String> {
        let timeout = format!("{}ms", self.timeout.get().as_millis());
        let options = self.storage_options.iter();
        let options = options.map(|(key, value)| (&**key, value.expose()));
        let options = [("timeout", &*timeout)].into_iter().chain(options);
        let (region, endpoint) = (self.region.as_deref(), self.endpoint.as_deref());
        Location::at(&self.location, region, endpoint, options).map_err(|error| error.to_string())
    }

    /// The setting, beside the files when they are in a directory.
    fn dead_letter(&self) -> DeadLetterSettings {
        let beside = Location::directory(&self.location);
        self.dead_letter.or_in(&beside.unwrap_or_default())
    }
}

/// An id as part of the name of a file.
fn file_name(id: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') => c.to_string(),
        c => format!("_{:04x}", u32::from(c)),
    };
    id.chars().map(safe).collect()
}

impl ExporterConfig for Config {
    fn build(&self, id: &ComponentId, signal: Signal, host: &Host) -> Result<Driver, StartError> {
        let spec = Recipe::spec(signal, self.mapping).ok_or_else(|| {
            let signal = signal.name();
            StartError::new(format!(
                "mapping: ecs has no columns for {signal}: leave it out"
            ))
        })?;
        let dead_letter = self.dead_letter().open(&id.to_string(), signal, host)?;
        let settings = FilesSettings {
            location: self.place().map_err(StartError::new)?,
            signal: signal.name(),
            exporter: file_name(&id.to_string()),
            name: file_name(id.name()),
            recipe: Recipe {
                encoding: self.encoding,
                compression: self.compression,
                spec: Arc::new(spec),
                log_id: String::new(),
                cap: MemoryCap::new(MEMORY, std::env::temp_dir()),
            },
            partitioner: Partitioner {
                template: Template::parse(&self.partition).map_err(StartError::new)?,
                by: self.partition_by,
            },
            max_open_partitions: self.max_open_partitions,
            policy: CommitPolicy {
                every: self.roll.after.get(),
                bytes: self.roll.size.as_usize(),
            },
        };
        let sink = FilesSink::new(settings, dead_letter, host.clock.clone());
        Ok(Driver::Sink(Arc::new(sink)))
    }

    fn tail(&self) -> TailSettings {
        let queue = self.sending_queue.as_option().cloned();
        let batch = queue.as_ref().and_then(SendingQueue::batching);
        TailSettings {
            queue,
            retry: self.retry_on_failure.as_option().cloned(),
            timeout: None,
            batch,
            dead_letter: self.dead_letter(),
        }
    }
}
