//! The tables of one lake, fed from one log.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use lake_layout::{EcsName, Encoder, Entry, ParquetSettings, Rejected, TableSpec};
use otlp::Payload;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::commit::{Outcome, Transaction};
use crate::error::TableError;
use crate::location::Location;
use crate::spill::MemoryCap;
use crate::stage::{FileLimits, StagedFile, TableStage};
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

/// Ends of the flushes that were sealed and have not landed. A commit of a later one would tell
/// the table that it has the earlier one too.
type Sealed = Arc<Mutex<BTreeSet<u64>>>;

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
        let mut stored = Vec::new();
        for spec in &settings.tables {
            let spec = Arc::new(spec.clone());
            let table = Table::open_or_create(&settings.location, spec).await?;
            stored.push(table.sequence(&app_id(&log_id, &table)).await?);
            tables.push(Arc::new(table));
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

/// Turns entries into files. Not async: this is work for a thread that may be busy.
pub struct Stager {
    tables: Vec<StagedTable>,
    sealed: Sealed,
    /// End of the last flush; what is staged lies behind it.
    floor: Option<u64>,
    /// Highest sequence that was staged.
    highest: Option<u64>,
}

struct StagedTable {
    table: Arc<Table>,
    app_id: String,
    stored: Option<i64>,
    stage: TableStage,
}

/// What became of a staged entry.
#[derive(Debug, Default)]
pub struct Staged {
    /// Rows added, over all tables.
    pub rows: usize,
    /// Records that a table cannot hold, with the table's name. Put them on stable storage before
    /// the commit.
    pub rejected: Vec<(String, Rejected)>,
    /// Attributes left out because their key was there already.
    pub duplicate_keys: u64,
}

impl Stager {
    /// Adds an entry to all tables of its signal. Entries come in the order of their sequence;
    /// `ingest_time_unix_nano` is the time stored with the entry.
    ///
    /// # Errors
    /// [`TableError::Data`] when rows cannot be encoded or a temporary file cannot be written.
    /// Everything that was not sealed is dropped then: stage it again from the log.
    pub fn stage(
        &mut self,
        payload: &Payload,
        sequence: u64,
        ingest_time_unix_nano: u64,
    ) -> Result<Staged, TableError> {
        if self.floor.is_some_and(|floor| sequence <= floor) {
            return Err(self.disorder(format!(
                "entry {sequence} was staged after everything up to it was sealed"
            )));
        }
        self.highest = self.highest.max(Some(sequence));
        let mut staged = Staged::default();
        let entry = Entry {
            payload,
            sequence,
            ingest_time_unix_nano,
        };
        for position in 0..self.tables.len() {
            let table = &mut self.tables[position];
            if let Err(problem) = table.stage(entry, &mut staged) {
                let error = table.table.subject.data(problem);
                self.clear();
                return Err(error);
            }
        }
        Ok(staged)
    }

    /// Bytes that were staged and not sealed: rows as they are, finished files compressed.
    pub fn size(&self) -> usize {
        self.tables.iter().map(|t| t.stage.size()).sum()
    }

    /// Closes everything that was staged into a flush that covers all entries up to `upto`.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn seal(&mut self, upto: u64) -> Result<Flush, TableError> {
        if self.highest.max(self.floor) > Some(upto) {
            return Err(self.disorder(format!(
                "a flush up to {upto} cannot hold entries behind it"
            )));
        }
        let mut parts = Vec::new();
        for position in 0..self.tables.len() {
            let table = &mut self.tables[position];
            let files = match table.stage.seal() {
                Ok(files) => files,
                Err(problem) => {
                    let error = table.table.subject.data(problem);
                    self.clear();
                    return Err(error);
                }
            };
            if !files.is_empty() {
                parts.push(Part {
                    table: table.table.clone(),
                    transaction: Transaction {
                        app_id: table.app_id.clone(),
                        version: i64::try_from(upto).unwrap_or(i64::MAX),
                    },
                    files,
                    landed: None,
                });
            }
        }
        if !parts.is_empty() {
            self.sealed.lock().insert(upto);
        }
        self.floor = Some(upto);
        Ok(Flush {
            upto,
            parts,
            sealed: self.sealed.clone(),
        })
    }

    /// The caller broke the order of the log: nothing was changed.
    fn disorder(&self, problem: String) -> TableError {
        let table = self.tables.first().map_or("", |t| t.table.name());
        TableError::Data {
            table: table.to_owned(),
            problem,
        }
    }

    /// Drops everything that was not sealed.
    pub fn clear(&mut self) {
        self.highest = self.floor;
        for table in &mut self.tables {
            table.stage.clear();
        }
    }
}

impl StagedTable {
    fn stage(&mut self, entry: Entry<'_>, staged: &mut Staged) -> Result<(), String> {
        let spec = self.table.spec();
        if spec.kind().signal() != entry.payload.signal() {
            return Ok(());
        }
        let sequence = i64::try_from(entry.sequence).unwrap_or(i64::MAX);
        if self.stored.is_some_and(|stored| sequence <= stored) {
            return Ok(());
        }
        let appended = self
            .stage
            .encoder
            .append(entry)
            .map_err(|e| e.to_string())?;
        staged.rows += appended.rows;
        staged.duplicate_keys += appended.duplicate_keys;
        let name = self.table.name();
        let rejected = appended.rejected.into_iter();
        staged
            .rejected
            .extend(rejected.map(|rejected| (name.to_owned(), rejected)));
        self.stage.write_full()
    }
}

/// Sealed files of all tables, kept until they are committed.
#[derive(Debug)]
pub struct Flush {
    upto: u64,
    parts: Vec<Part>,
    sealed: Sealed,
}

#[derive(Debug)]
struct Part {
    table: Arc<Table>,
    transaction: Transaction,
    files: Vec<StagedFile>,
    landed: Option<Landed>,
}

/// A table's part of a flush that is in the table.
#[derive(Clone, Debug)]
pub struct Landed {
    /// The table.
    pub table: String,
    /// How.
    pub outcome: Outcome,
    /// Files.
    pub files: usize,
    /// Bytes of the files.
    pub bytes: u64,
}

impl Flush {
    /// The sequence of the last entry that it covers.
    pub fn upto(&self) -> u64 {
        self.upto
    }

    /// Whether no table gets anything: nothing needs to be committed.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Gives the entries up: later flushes may land without them. A flush that is only dropped
    /// holds later ones back until the lake is opened again.
    pub fn abandon(self) {
        self.sealed.lock().remove(&self.upto);
    }

    /// Bytes of all files that have not landed.
    pub fn size(&self) -> u64 {
        self.parts
            .iter()
            .flat_map(|part| &part.files)
            .map(|file| file.bytes.len())
            .sum()
    }
}

impl Part {
    async fn commit(&mut self) -> Result<(), TableError> {
        if self.landed.is_some() {
            return Ok(());
        }
        self.table.upload(&mut self.files).await?;
        let adds: Vec<_> = self.files.iter().map(|file| file.add.clone()).collect();
        let outcome = self.table.commit(&adds, &self.transaction).await?;
        self.landed = Some(Landed {
            table: self.table.name().to_owned(),
            outcome,
            files: self.files.len(),
            bytes: self.files.iter().map(|file| file.bytes.len()).sum(),
        });
        // The bytes have done their duty.
        self.files.clear();
        Ok(())
    }
}
