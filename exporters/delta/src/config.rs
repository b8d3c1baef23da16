//! Settings of `delta`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use lake_layout::{Kind, TableSpec};
use lake_table::{LakeSettings, Location, MaintenanceSettings};
use otlp::Signal;
use pipeline::dead_letter::DeadLetterSettings;
use pipeline::registry::ExporterConfig;
use pipeline::tail::Driver;
use pipeline::tail::settings::{RetryOnFailure, SendingQueue, TailSettings};
use pipeline::{Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, ComponentId, Duration, OnByDefault, Secret, Validate};

use crate::columns::Columns;
use crate::sink::DeltaSink;

/// Where the tables are, what they look like, and when they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A directory (`./data/lake`) or a prefix in a bucket (`s3://bucket/lake`).
    pub location: String,
    /// Region of the bucket.
    pub region: Option<String>,
    /// URL of a store that speaks S3, instead of AWS.
    pub endpoint: Option<String>,
    /// Options of the store, under the names of delta-rs; they win over the environment.
    pub storage_options: BTreeMap<String, Secret>,
    /// Names of the tables; an empty name leaves the table out.
    pub tables: Tables,
    /// Attributes with a typed column of their own: `web_analytics`, or a list.
    pub columns: Columns,
    /// When staged records are committed.
    pub commit: Commit,
    /// Size at which a file is closed and another begun.
    pub file_size: ByteSize,
    /// zstd level of new files, 1 to 22. Compacted files have 3.
    pub compression_level: i32,
    /// Joins small files in the background.
    pub compaction: OnByDefault<Compaction>,
    /// Where records go that a table cannot hold. Default: `dead_letter` in the
    /// location, or in the working directory when the location is a bucket.
    pub dead_letter: DeadLetterSettings,
    /// What waits in front of the tables.
    pub sending_queue: OnByDefault<SendingQueue>,
    /// Waits between attempts. `max_elapsed_time` is not used: what was
    /// accepted is tried until it is stored.
    pub retry_on_failure: OnByDefault<RetryOnFailure>,
}

/// `tables`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tables {
    /// Table of log records.
    pub logs: String,
    /// Table of spans.
    pub traces: String,
    /// Table of data points.
    pub metrics: String,
    /// Table of log records as flat ECS events; off by default.
    pub ecs_events: String,
}

impl Default for Tables {
    fn default() -> Tables {
        Tables {
            logs: "otel_logs".to_owned(),
            traces: "otel_traces".to_owned(),
            metrics: "otel_metrics".to_owned(),
            ecs_events: String::new(),
        }
    }
}

/// `commit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Commit {
    /// Longest time from a record's arrival to its commit. Default: 2s for a
    /// directory, 15s for a bucket, where commits cost money and time.
    pub every: Option<Duration>,
    /// Commits at once when so many bytes of telemetry are staged.
    pub size: ByteSize,
    /// Who else writes the tables.
    pub writer: Writer,
}

impl Default for Commit {
    fn default() -> Commit {
        Commit {
            every: None,
            size: ByteSize::mib(64),
            writer: Writer::Shared,
        }
    }
}

/// `commit::writer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writer {
    /// Other collectors may write the same tables; each commits for itself.
    #[default]
    Shared,
}

/// `compaction`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compaction {
    /// Time between two rounds.
    pub interval: Duration,
    /// Files are joined up to this size.
    pub target_size: ByteSize,
    /// Small files that today's partition may have before they are joined.
    pub open_day_files: usize,
}

impl Default for Compaction {
    fn default() -> Compaction {
        Compaction {
            interval: Duration::from_secs(60),
            target_size: ByteSize::mib(128),
            open_day_files: 16,
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
            tables: Tables::default(),
            columns: Columns::default(),
            commit: Commit::default(),
            file_size: ByteSize::mib(128),
            compression_level: 1,
            compaction: OnByDefault::on(Compaction::default()),
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
                "is required: a directory such as ./data/lake, or s3://bucket/prefix",
            );
        }
        if let Err((key, error)) = self.columns.promotions() {
            at.error(&format!("columns::{key}"), error);
        }
        if !(1..=22).contains(&self.compression_level) {
            at.error("compression_level", "must be between 1 and 22");
        }
        if self.commit.every.is_some_and(Duration::is_zero) {
            at.error("commit::every", "must be greater than 0");
        }
        if self.commit.size.as_usize() == 0 {
            at.error("commit::size", "must be greater than 0");
        }
        if self.file_size.as_usize() == 0 {
            at.error("file_size", "must be greater than 0");
        }
        at.check("dead_letter", &self.dead_letter);
        at.check_some("sending_queue", self.sending_queue.as_option());
        at.check_some("retry_on_failure", self.retry_on_failure.as_option());
    }
}

impl Config {
    /// Longest time to a commit.
    pub(crate) fn commit_every(&self) -> StdDuration {
        let local = Location::directory(&self.location).is_some();
        let default = if local { 2 } else { 15 };
        self.commit
            .every
            .map_or(StdDuration::from_secs(default), Duration::get)
    }

    /// The tables that take `signal`.
    ///
    /// # Errors
    /// One line about a column that a table cannot have.
    pub fn specs(&self, signal: Signal) -> Result<Vec<TableSpec>, String> {
        let names = [
            (Kind::Logs, &self.tables.logs),
            (Kind::Traces, &self.tables.traces),
            (Kind::Metrics, &self.tables.metrics),
            (Kind::EcsEvents, &self.tables.ecs_events),
        ];
        let promotions = self
            .columns
            .promotions()
            .map_err(|(_, error)| format!("columns: {error}"))?;
        let wanted = names
            .into_iter()
            .filter(|(kind, name)| kind.signal() == signal && !name.is_empty());
        wanted
            .map(|(kind, name)| {
                let spec = TableSpec::new(kind).named(name.clone());
                match kind {
                    // Its columns are the fields of ECS already.
                    Kind::EcsEvents => Ok(spec),
                    _ => spec
                        .promoting(promotions.clone())
                        .map_err(|error| error.to_string()),
                }
            })
            .collect()
    }

    /// The place of the tables.
    ///
    /// # Errors
    /// One line: no directory or bucket, an unknown option.
    pub fn place(&self) -> Result<Location, String> {
        let options = self.storage_options.iter();
        let options = options.map(|(key, value)| (&**key, value.expose()));
        let (region, endpoint) = (self.region.as_deref(), self.endpoint.as_deref());
        Location::at(&self.location, region, endpoint, options).map_err(|error| error.to_string())
    }

    /// The setting, beside the tables when they are in a directory.
    fn dead_letter(&self) -> DeadLetterSettings {
        let beside = Location::directory(&self.location);
        self.dead_letter.or_in(&beside.unwrap_or_default())
    }

    fn maintenance(&self) -> Option<MaintenanceSettings> {
        let compaction = self.compaction.as_option()?;
        Some(MaintenanceSettings {
            interval: compaction.interval.get(),
            target_bytes: compaction.target_size.get(),
            open_day_files: compaction.open_day_files,
            ..MaintenanceSettings::default()
        })
    }
}

/// The ECS field of an attribute that the `ecs` processor renamed, so that
/// `ecs_events` is the same behind that processor and without it.
fn ecs_name(attribute: &str) -> Option<&'static str> {
    let field = semconv::table::lookup(attribute)?.reverse()?;
    Some(field.name)
}

impl ExporterConfig for Config {
    fn build(&self, id: &ComponentId, signal: Signal, host: &Host) -> Result<Driver, StartError> {
        let specs = self.specs(signal).map_err(StartError::new)?;
        if specs.is_empty() {
            return Err(StartError::new(format!(
                "tables: no table takes {}",
                signal.name()
            )));
        }
        let lake = LakeSettings {
            file_bytes: self.file_size.as_usize(),
            zstd_level: self.compression_level,
            ecs_name: Some(ecs_name),
            ..LakeSettings::new(self.place().map_err(StartError::new)?, specs)
        };
        let dead_letter = self.dead_letter().open(&id.to_string(), signal, host)?;
        let policy = pipeline::sink::CommitPolicy {
            every: self.commit_every(),
            bytes: self.commit.size.as_usize(),
        };
        Ok(Driver::Sink(Arc::new(DeltaSink::new(
            lake,
            policy,
            self.maintenance(),
            dead_letter,
            host.clock.clone(),
        ))))
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
