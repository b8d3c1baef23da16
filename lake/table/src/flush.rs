//! What was sealed, until it has landed.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::commit::{Outcome, Transaction};
use crate::error::TableError;
use crate::stage::StagedFile;
use crate::table::Table;

/// Ends of the flushes that were sealed and have not landed. A commit of a later one would tell
/// the table that it has the earlier one too.
pub(crate) type Sealed = Arc<Mutex<BTreeSet<u64>>>;

/// Sealed files of all tables, kept until they are committed.
#[derive(Debug)]
pub struct Flush {
    pub(crate) upto: u64,
    pub(crate) parts: Vec<Part>,
    pub(crate) sealed: Sealed,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) table: Arc<Table>,
    pub(crate) transaction: Transaction,
    pub(crate) files: Vec<StagedFile>,
    pub(crate) landed: Option<Landed>,
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
    pub(crate) async fn commit(&mut self) -> Result<(), TableError> {
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
