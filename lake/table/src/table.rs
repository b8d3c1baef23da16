//! One table: opening, creating, growing, uploading.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltalake::kernel::transaction::CommitProperties;
use deltalake::logstore::object_store::ObjectStore;
use deltalake::logstore::object_store::path::Path;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableError};
use futures::StreamExt;
use lake_layout::{LAYOUT_VERSION, PARTITION, TableSpec};
use tokio::sync::Mutex;

use crate::error::{Refused, Subject, TableError};
use crate::location::Location;
use crate::schema::{compare, delta_columns};
use crate::stage::StagedFile;
use crate::upload::upload;

/// Commits between two checkpoints.
pub(crate) const CHECKPOINT_INTERVAL: u64 = 50;

/// A Delta table that was opened or created for writing.
#[derive(Debug)]
pub struct Table {
    pub(crate) spec: Arc<TableSpec>,
    pub(crate) subject: Subject,
    store: Arc<dyn ObjectStore>,
    /// One commit at a time.
    pub(crate) open: Mutex<Open>,
}

/// What changes with every commit.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) table: DeltaTable,
    /// Sequences that the table has, by application id; `i64::MIN` for none.
    pub(crate) transactions: HashMap<String, i64>,
    /// Application ids under which somebody else commits.
    pub(crate) foreign: HashSet<String>,
}

/// Milliseconds since 1970.
#[allow(
    clippy::disallowed_methods,
    reason = "ages of files in the log are compared with those of the storage and of other writers"
)]
pub(crate) fn now_millis() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

impl Table {
    /// Opens the table, creates it when there is none, adds the columns that it lacks.
    ///
    /// Several processes may do so at once.
    ///
    /// # Errors
    /// [`TableError::Refused`] when the table is a foreign one or the location cannot be used.
    pub async fn open_or_create(
        location: &Location,
        spec: Arc<TableSpec>,
    ) -> Result<Self, TableError> {
        let subject = location.subject(spec.name());
        let mut table = location
            .builder(spec.name())?
            .build()
            .map_err(|e| subject.classify(&e))?;
        open_or_create(&mut table, &subject, &spec).await?;
        let opened = Self {
            spec,
            subject,
            store: table.object_store(),
            open: Mutex::new(Open {
                table,
                transactions: HashMap::new(),
                foreign: HashSet::new(),
            }),
        };
        opened.conform(&mut *opened.open.lock().await).await?;
        Ok(opened)
    }

    /// Name of the table.
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// What the table is meant to look like.
    pub fn spec(&self) -> &Arc<TableSpec> {
        &self.spec
    }

    /// The version that was seen last.
    pub async fn version(&self) -> Option<u64> {
        self.open.lock().await.table.version()
    }

    /// The table for reading: state of the last commit or reload.
    pub async fn delta(&self) -> DeltaTable {
        self.open.lock().await.table.clone()
    }

    /// Reads what other writers committed.
    pub(crate) async fn reload(&self, open: &mut Open) -> Result<(), TableError> {
        open.table
            .update_state()
            .await
            .map_err(|e| self.subject.classify(&e))
    }

    /// Brings the files to the store that are not there yet.
    pub(crate) async fn upload(&self, files: &mut [StagedFile]) -> Result<(), TableError> {
        for file in files.iter_mut().filter(|file| !file.uploaded) {
            let path = Path::from(file.add.path.as_str());
            upload(self.store.as_ref(), &path, &file.bytes)
                .await
                .map_err(|e| self.subject.storage(&e))?;
            file.uploaded = true;
        }
        Ok(())
    }

    /// Checks that the loaded schema takes our files, and adds the columns that it lacks.
    pub(crate) async fn conform(&self, open: &mut Open) -> Result<(), TableError> {
        for _ in 0..5 {
            let missing = self.missing(open)?;
            if missing.is_empty() {
                return Ok(());
            }
            tracing::info!(
                table = self.name(),
                columns = missing.join(", "),
                "adding columns"
            );
            let fields = delta_columns(&self.spec).map_err(|e| self.subject.classify(&e))?;
            let fields: Vec<_> = fields
                .into_iter()
                .filter(|field| missing.contains(field.name()))
                .collect();
            match open.table.clone().add_columns().with_fields(fields).await {
                Ok(table) => open.table = table,
                // Another writer grew the table meanwhile; whatever it was, see what it has now.
                Err(error) => {
                    tracing::debug!(table = self.name(), error = %error, "adding columns failed; reading the table again");
                    self.reload(open).await?;
                    if matches!(error, DeltaTableError::UnsupportedColumnMapping { .. }) {
                        return Err(Refused::Protocol {
                            table: self.name().to_owned(),
                            location: self.subject.location.clone(),
                            problem: error.to_string(),
                        }
                        .into());
                    }
                }
            }
        }
        Err(self.subject.retry(
            "other writers keep changing the schema",
            Duration::from_secs(1),
        ))
    }

    fn missing(&self, open: &Open) -> Result<Vec<String>, TableError> {
        let state = open
            .table
            .snapshot()
            .map_err(|e| self.subject.classify(&e))?;
        let found = state.snapshot().arrow_schema();
        let partitions = state.metadata().partition_columns();
        let difference = compare(&self.subject, &self.spec, &found, partitions)?;
        Ok(difference.missing)
    }
}

async fn open_or_create(
    table: &mut DeltaTable,
    subject: &Subject,
    spec: &TableSpec,
) -> Result<(), TableError> {
    let classify = |error: DeltaTableError| subject.classify(&error);
    if table
        .verify_deltatable_existence()
        .await
        .map_err(classify)?
    {
        return table.load().await.map_err(classify);
    }
    let stranger = first_file(&table.object_store(), subject).await?;
    if let Some(file) = stranger {
        // Unless another writer created the table and wrote to it since we looked.
        if table
            .verify_deltatable_existence()
            .await
            .map_err(classify)?
        {
            return table.load().await.map_err(classify);
        }
        return Err(Refused::NotATable {
            location: subject.location.clone(),
            file,
        }
        .into());
    }
    match create(table, spec).await {
        Ok(created) => {
            *table = created;
            Ok(())
        }
        // Two creators: the other one was faster.
        Err(error) => match table.load().await {
            Ok(()) => Ok(()),
            Err(_) => Err(classify(error)),
        },
    }
}

async fn create(table: &DeltaTable, spec: &TableSpec) -> Result<DeltaTable, DeltaTableError> {
    let statistics: Vec<_> = spec.statistics_columns().collect();
    table
        .create()
        .with_save_mode(SaveMode::Ignore)
        .with_table_name(spec.name())
        .with_comment(spec.kind().description())
        .with_columns(delta_columns(spec)?)
        .with_partition_columns([PARTITION])
        .with_raise_if_key_not_exists(false)
        // With retries delta-rs answers a lost race by committing the creation a second time, as
        // version 1, over whatever the winner made.
        .with_commit_properties(CommitProperties::default().with_max_retries(0))
        .with_configuration([
            (
                "delta.checkpointInterval",
                Some(CHECKPOINT_INTERVAL.to_string()),
            ),
            ("delta.dataSkippingStatsColumns", Some(statistics.join(","))),
            ("pharos.layoutVersion", Some(LAYOUT_VERSION.to_owned())),
        ])
        .await
}

/// Any file below the table's folder that is not of its log.
async fn first_file(
    store: &Arc<dyn ObjectStore>,
    subject: &Subject,
) -> Result<Option<String>, TableError> {
    let mut files = store.list(None);
    while let Some(file) = files.next().await {
        let file = file.map_err(|e| subject.storage(&e))?;
        let path = file.location.to_string();
        if !path.starts_with("_delta_log") && !path.starts_with(".write-test-") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
