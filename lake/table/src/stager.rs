//! Entries on their way to files.

use std::sync::Arc;

use lake_layout::{Entry, Rejected};
use otlp::Payload;

use crate::commit::Transaction;
use crate::error::TableError;
use crate::flush::{Flush, Part, Sealed};
use crate::stage::TableStage;
use crate::table::Table;

/// Turns entries into files. Not async: this is work for a thread that may be busy.
pub struct Stager {
    pub(crate) tables: Vec<StagedTable>,
    pub(crate) sealed: Sealed,
    /// End of the last flush; what is staged lies behind it.
    pub(crate) floor: Option<u64>,
    /// Highest sequence that was staged.
    pub(crate) highest: Option<u64>,
}

pub(crate) struct StagedTable {
    pub(crate) table: Arc<Table>,
    pub(crate) app_id: String,
    pub(crate) stored: Option<i64>,
    pub(crate) stage: TableStage,
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
