//! Work on tables beside the appends: joining small files, checkpoints, clean-up of the log.
//!
//! None of it disturbs an append: compaction commits without changing data, and conflicts are only
//! met by whoever touches the same files. Vacuum and retention are not done here.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use deltalake::kernel::transaction::{CommitConflictError, TransactionError};
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{Error as StoreError, ObjectStoreExt};
use deltalake::operations::optimize::OptimizeType;
use deltalake::{DeltaTable, DeltaTableError, FilterOp, FilterValue};
use lake_layout::{PARTITION, ParquetSettings, date_text, parquet_properties};

use crate::error::TableError;
use crate::lake::Lake;
use crate::table::{CHECKPOINT_INTERVAL, Table, now_millis};

/// When to do what.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceSettings {
    /// Time between two rounds (default 1 minute).
    pub interval: Duration,
    /// Files are joined up to this size (default 128 MiB); what has half of it is left alone.
    pub target_bytes: u64,
    /// Small files that a day before today may have (default 1).
    pub closed_day_files: usize,
    /// Small files that today may have (default 16): joining them again and again costs writes.
    pub open_day_files: usize,
    /// A day is left alone while a file younger than this is in it and it has no more small files
    /// than today may have (default 5 minutes).
    pub quiet: Duration,
    /// Commits between two checkpoints (default 50).
    pub checkpoint_commits: u64,
    /// Joined files are written once and read often (default 3).
    pub zstd_level: i32,
}

impl Default for MaintenanceSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            target_bytes: 128 << 20,
            closed_day_files: 1,
            open_day_files: 16,
            quiet: Duration::from_secs(300),
            checkpoint_commits: CHECKPOINT_INTERVAL,
            zstd_level: 3,
        }
    }
}

/// What a round did to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Small files that were joined.
    pub files_removed: u64,
    /// Files that they were joined to.
    pub files_added: u64,
    /// Whether a checkpoint was written.
    pub checkpoint: bool,
}

/// Rounds of maintenance over the tables of a lake.
#[derive(Debug)]
pub struct Maintenance {
    lake: Arc<Lake>,
    settings: MaintenanceSettings,
}

impl Maintenance {
    /// For all tables of `lake`.
    pub fn new(lake: Arc<Lake>, settings: MaintenanceSettings) -> Self {
        Self { lake, settings }
    }

    /// Rounds for ever; drop the future to stop. Errors are logged: the next round tries again.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(self.settings.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.round().await;
        }
    }

    /// One round.
    pub async fn round(&self) {
        for table in self.lake.tables() {
            match table.maintain(&self.settings).await {
                Ok(done) if done == Maintained::default() => {}
                Ok(done) => tracing::debug!(
                    table = table.name(),
                    joined = done.files_removed,
                    into = done.files_added,
                    checkpoint = done.checkpoint,
                    "maintained"
                ),
                Err(error) => tracing::warn!(%error, "maintenance will be tried again"),
            }
        }
    }
}

impl Table {
    /// Joins small files of closed days, and of today when it has many; writes a checkpoint when
    /// one is due.
    ///
    /// # Errors
    /// When the storage fails. Losing against another maintainer is no error.
    pub async fn maintain(&self, settings: &MaintenanceSettings) -> Result<Maintained, TableError> {
        // A handle of its own: appends go on beside it.
        let mut table = self.delta().await;
        let classify = |error: DeltaTableError| self.subject.classify(&error);
        table.update_state().await.map_err(classify)?;
        let mut done = Maintained::default();
        for day in self.days_to_join(&table, settings)? {
            if let Some(joined) = self.join(&mut table, &day, settings).await? {
                done.files_removed += joined.files_removed;
                done.files_added += joined.files_added;
            }
        }
        done.checkpoint = self.checkpoint(&table, settings).await?;
        Ok(done)
    }

    /// Days with more small files than they may have.
    fn days_to_join(
        &self,
        table: &DeltaTable,
        settings: &MaintenanceSettings,
    ) -> Result<Vec<String>, TableError> {
        let now = now_millis();
        let today = date_text(i32::try_from(now.div_euclid(86_400_000)).unwrap_or(i32::MAX));
        let quiet = i64::try_from(settings.quiet.as_millis()).unwrap_or(i64::MAX);
        let small = i64::try_from(settings.target_bytes / 2).unwrap_or(i64::MAX);
        // Small files of a day, and when the youngest was made.
        let mut days: BTreeMap<String, (usize, i64)> = BTreeMap::new();
        let state = table.snapshot().map_err(|e| self.subject.classify(&e))?;
        for file in state.log_data().iter().filter(|file| file.size() < small) {
            let day = file.partition_values_map().remove(PARTITION).flatten();
            if let Some(day) = day {
                let (files, youngest) = days.entry(day).or_default();
                *files += 1;
                *youngest = (*youngest).max(file.modification_time());
            }
        }
        let due = days.into_iter().filter(|(day, (files, youngest))| {
            let closed = *day < today && now - youngest > quiet;
            let allowed = if closed {
                settings.closed_day_files
            } else {
                settings.open_day_files
            };
            *files > allowed.max(1)
        });
        Ok(due.map(|(day, _)| day).collect())
    }

    async fn join(
        &self,
        table: &mut DeltaTable,
        day: &str,
        settings: &MaintenanceSettings,
    ) -> Result<Option<Maintained>, TableError> {
        let properties = parquet_properties(
            &self.spec,
            ParquetSettings {
                zstd_level: settings.zstd_level,
                ..ParquetSettings::default()
            },
        );
        let filters = [(PARTITION, FilterOp::Eq, FilterValue::Scalar(day))];
        let target = NonZeroU64::new(settings.target_bytes).unwrap_or(NonZeroU64::MAX);
        let optimized = table
            .clone()
            .optimize()
            .with_type(OptimizeType::Compact)
            .with_filters(&filters)
            .with_target_size(target)
            .with_writer_properties(properties)
            .with_max_concurrent_tasks(1)
            .await;
        match optimized {
            Ok((after, metrics)) => {
                *table = after;
                Ok(Some(Maintained {
                    files_removed: metrics.num_files_removed,
                    files_added: metrics.num_files_added,
                    checkpoint: false,
                }))
            }
            Err(error) if lost_to_another(&error) => {
                tracing::debug!(table = self.name(), day, %error, "another maintainer was faster");
                table
                    .update_state()
                    .await
                    .map_err(|e| self.subject.classify(&e))?;
                Ok(None)
            }
            Err(error) => Err(self.subject.classify(&error)),
        }
    }

    /// Writes a checkpoint when the last one is old, and removes what it makes superfluous.
    async fn checkpoint(
        &self,
        table: &DeltaTable,
        settings: &MaintenanceSettings,
    ) -> Result<bool, TableError> {
        let Some(version) = table.version() else {
            return Ok(false);
        };
        let last = self.last_checkpoint(table).await?;
        if version < last.unwrap_or(0) + settings.checkpoint_commits {
            return Ok(false);
        }
        let classify = |error: DeltaTableError| self.subject.classify(&error);
        deltalake::checkpoints::create_checkpoint(table, None)
            .await
            .map_err(classify)?;
        deltalake::checkpoints::cleanup_metadata(table, None)
            .await
            .map_err(classify)?;
        Ok(true)
    }

    async fn last_checkpoint(&self, table: &DeltaTable) -> Result<Option<u64>, TableError> {
        let hint = Path::from("_delta_log/_last_checkpoint");
        let storage = |error: StoreError| self.subject.storage(&error);
        let bytes = match table.object_store().get(&hint).await {
            Ok(found) => found.bytes().await.map_err(storage)?,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(storage(error)),
        };
        let hint: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(hint.get("version").and_then(serde_json::Value::as_u64))
    }
}

/// Whether somebody else removed the same files or changed the table meanwhile.
fn lost_to_another(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::MaxCommitAttempts(_)
                | TransactionError::CommitConflict(
                    CommitConflictError::ConcurrentAppend
                        | CommitConflictError::ConcurrentDeleteRead
                        | CommitConflictError::ConcurrentDeleteDelete
                        | CommitConflictError::ConcurrentTransaction
                        | CommitConflictError::MetadataChanged
                )
        }
    )
}
