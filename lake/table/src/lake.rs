//! The tables of one lake, fed from one log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use lake_layout::{EcsName, Encoder, ParquetSettings, TableSpec};
use uuid::Uuid;

use crate::error::TableError;
use crate::flush::{Flush, Landed, Part, Sealed};
use crate::location::Location;
use crate::spill::MemoryCap;
use crate::stage::{FileLimits, TableStage};
use crate::stager::{StagedTable, Stager};
use crate::table::Table;

/// What a lake is made of.
#[derive(Clone, Debug)]
pub struct LakeSettings {
    /// Where the tables are.
    pub location: Location,
    /// The tables; several may take the same signal.
    pub tables: Vec<TableSpec>,
    /// Name of the log that entries come from: the log's own, never the host's or the collector's.
    /// Without a durable log leave it out: a fresh one makes commits land once within this process.
    pub log_id: Option<String>,
    /// An earlier run, or another part of this process, may have committed under the same name and
    /// gone before its answer: each table gets an empty commit when it is opened, so that a commit
    /// that is still on its way can no longer land (default off).
    pub fence: bool,
    /// Bytes of finished files that are kept in memory until they are committed (default 64 MiB);
    /// what is beyond goes to temporary files.
    pub memory_bytes: usize,
    /// Where temporary files are made (default: the system's place).
    pub temporary: PathBuf,
    /// Rows, before Parquet, that are collected, sorted and written as one row group (default
    /// 32 MiB).
    pub row_group_bytes: usize,
    /// Size at which a file is closed and another begun (default 128 MiB).
    pub file_bytes: usize,
    /// zstd level of new files (default 1).
    pub zstd_level: i32,
    /// How attributes find their columns in `ecs_events`.
    pub ecs_name: Option<EcsName>,
}

impl LakeSettings {
    /// The defaults.
    pub fn new(location: Location, tables: Vec<TableSpec>) -> Self {
        Self {
            location,
            tables,
            log_id: None,
            fence: false,
            memory_bytes: 64 << 20,
            temporary: std::env::temp_dir(),
            row_group_bytes: 32 << 20,
            file_bytes: 128 << 20,
            zstd_level: 1,
            ecs_name: None,
        }
    }
}

/// Open tables.
#[derive(Debug)]
pub struct Lake {
    tables: Vec<Arc<Table>>,
    /// What each table had of our log when it was opened.
    stored: Vec<Option<i64>>,
    log_id: String,
    settings: LakeSettings,
    sealed: Sealed,
}

impl Lake {
    /// Opens or creates all tables.
    ///
    /// # Errors
    /// The first that cannot be opened.
    pub async fn open(settings: LakeSettings) -> Result<Self, TableError> {
        let log_id = settings
            .log_id
            .clone()
            .unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        let mut tables = Vec::new();
        for spec in &settings.tables {
            let spec = Arc::new(spec.clone());
            tables.push(Arc::new(
                Table::open_or_create(&settings.location, spec).await?,
            ));
        }
        let mut stored = Vec::new();
        for table in &tables {
            if settings.fence {
                table.fence().await?;
            }
            stored.push(table.sequence(&app_id(&log_id, table)).await?);
        }
        Ok(Self {
            tables,
            stored,
            log_id,
            settings,
            sealed: Sealed::default(),
        })
    }

    /// The tables in the order of the settings.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    /// The id that commits are made under.
    pub fn log_id(&self) -> &str {
        &self.log_id
    }

    /// The highest sequence of our log that any table had when it was opened. A log that is behind
    /// it was restored from an older copy and must jump forward, never skip new entries.
    pub fn highest(&self) -> Option<u64> {
        let highest = self.stored.iter().flatten().max()?;
        u64::try_from(*highest).ok()
    }

    /// Something to stage entries with. A lake has one at a time; after a restart entries that a
    /// table has already are passed over for that table.
    pub fn stager(&self) -> Stager {
        let settings = &self.settings;
        let cap = MemoryCap::new(settings.memory_bytes, settings.temporary.clone());
        let limits = FileLimits {
            row_group_bytes: settings.row_group_bytes,
            file_bytes: settings.file_bytes,
            parquet: ParquetSettings {
                zstd_level: settings.zstd_level,
                ..ParquetSettings::default()
            },
        };
        let tables = self.tables.iter().zip(&self.stored).map(|(table, stored)| {
            let mut encoder = Encoder::new(table.spec().clone(), self.log_id.clone());
            if let Some(names) = settings.ecs_name {
                encoder = encoder.with_ecs_names(names);
            }
            StagedTable {
                app_id: app_id(&self.log_id, table),
                table: table.clone(),
                stored: *stored,
                stage: TableStage::new(encoder, limits, cap.clone()),
            }
        });
        Stager {
            tables: tables.collect(),
            sealed: self.sealed.clone(),
            floor: None,
            highest: None,
        }
    }

    /// Uploads and commits a flush: every table in one commit of its own, all at once.
    ///
    /// May be repeated with the same flush after any error; what has landed stays landed, and
    /// nothing is written twice. Flushes land in the order in which they were sealed: one that has
    /// an unlanded one before it is told to wait.
    ///
    /// # Errors
    /// That of the first table that failed; the others have been tried as well.
    pub async fn commit(&self, flush: &mut Flush) -> Result<Vec<Landed>, TableError> {
        let first = self.sealed.lock().first().copied();
        if let (Some(first), Some(part)) = (first.filter(|&f| f < flush.upto), flush.parts.first())
        {
            let problem = format!(
                "entries up to {first} have not landed yet, and those up to {} must not before",
                flush.upto
            );
            let wait = Duration::from_millis(100);
            return Err(part.table.subject.retry(problem, wait));
        }
        let results = join_all(flush.parts.iter_mut().map(Part::commit)).await;
        results.into_iter().collect::<Result<(), _>>()?;
        self.sealed.lock().remove(&flush.upto);
        Ok(flush
            .parts
            .iter()
            .filter_map(|p| p.landed.clone())
            .collect())
    }
}

fn app_id(log_id: &str, table: &Table) -> String {
    format!("{log_id}/{}", table.name())
}
