//! The files of the next flush: one a folder, as long as not too many are open.

use std::collections::HashMap;

use lake_layout::{Entry, Rejected};
use lake_table::StagedBytes;

use crate::encode::{OpenFile, Recipe};
use crate::partition::Partitioner;

/// Rows that wait in one file up to this size make one row group.
const ROW_GROUP_BYTES: usize = 32 << 20;
/// Rows that wait in all files together.
const WAITING_BYTES: usize = 2 * ROW_GROUP_BYTES;

/// Sorts records into files. Not async: this is work for a thread that may be busy.
pub(crate) struct OpenFiles {
    recipe: Recipe,
    partitioner: Partitioner,
    /// How many files may be open.
    limit: usize,
    open: HashMap<String, Used>,
    closed: Vec<ClosedFile>,
    /// How many files of a folder were begun in this flush.
    begun: HashMap<String, usize>,
    /// Counts entries, to tell which file was used last.
    tick: u64,
}

struct Used {
    file: OpenFile,
    part: usize,
    last: u64,
}

/// A finished file that nobody has seen.
pub(crate) struct ClosedFile {
    /// Below the signal's; empty for that itself.
    pub(crate) folder: String,
    /// Which file of this folder in the flush, from 1.
    pub(crate) part: usize,
    pub(crate) bytes: StagedBytes,
}

impl OpenFiles {
    pub(crate) fn new(recipe: Recipe, partitioner: Partitioner, limit: usize) -> OpenFiles {
        OpenFiles {
            recipe,
            partitioner,
            limit,
            open: HashMap::new(),
            closed: Vec::new(),
            begun: HashMap::new(),
            tick: 0,
        }
    }

    /// Adds the records of an entry, and gives back those that files cannot hold.
    ///
    /// # Errors
    /// When files are left half written: nothing of the flush may be used then.
    pub(crate) fn append(&mut self, entry: Entry<'_>) -> Result<Vec<Rejected>, String> {
        let now = entry.ingest_time_unix_nano;
        let mut rejected = Vec::new();
        for (folder, payload) in self.partitioner.split(entry.payload, now) {
            let part = Entry {
                payload: &payload,
                ..entry
            };
            rejected.extend(self.file(folder)?.append(part)?);
        }
        self.write_full()?;
        Ok(rejected)
    }

    /// The open file of a folder; the one that was used least recently makes way.
    fn file(&mut self, folder: String) -> Result<&mut OpenFile, String> {
        self.tick += 1;
        if !self.open.contains_key(&folder) && self.open.len() >= self.limit {
            let oldest = self.open.iter().min_by_key(|(_, used)| used.last);
            if let Some(folder) = oldest.map(|(folder, _)| folder.clone()) {
                self.close(&folder)?;
            }
        }
        let used = match self.open.remove(&folder) {
            Some(used) => used,
            None => {
                let part = self.begun.entry(folder.clone()).or_default();
                *part += 1;
                Used {
                    file: self.recipe.begin()?,
                    part: *part,
                    last: 0,
                }
            }
        };
        let used = self.open.entry(folder).or_insert(used);
        used.last = self.tick;
        Ok(&mut used.file)
    }

    fn write_full(&mut self) -> Result<(), String> {
        let waiting: usize = self.open.values().map(|used| used.file.waiting()).sum();
        for used in self.open.values_mut() {
            if used.file.waiting() >= ROW_GROUP_BYTES || waiting >= WAITING_BYTES {
                used.file.write_rows()?;
            }
        }
        Ok(())
    }

    fn close(&mut self, folder: &str) -> Result<(), String> {
        let Some((folder, used)) = self.open.remove_entry(folder) else {
            return Ok(());
        };
        if let Some(bytes) = used.file.finish()? {
            self.closed.push(ClosedFile {
                folder,
                part: used.part,
                bytes,
            });
        }
        Ok(())
    }

    /// Bytes of all files of the flush, with rows that wait.
    pub(crate) fn size(&self) -> usize {
        let open = self.open.values().map(|used| &used.file);
        let open: usize = open.map(|file| file.waiting() + file.written()).sum();
        let closed: u64 = self.closed.iter().map(|file| file.bytes.len()).sum();
        open + usize::try_from(closed).unwrap_or(usize::MAX)
    }

    /// What the names of files end with.
    pub(crate) fn extension(&self) -> String {
        self.recipe.extension()
    }

    /// Closes all files, sorted by folder.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn seal(&mut self) -> Result<Vec<ClosedFile>, String> {
        let folders: Vec<String> = self.open.keys().cloned().collect();
        folders.iter().try_for_each(|folder| self.close(folder))?;
        self.begun.clear();
        let mut files = std::mem::take(&mut self.closed);
        files.sort_by(|a, b| (&a.folder, a.part).cmp(&(&b.folder, b.part)));
        Ok(files)
    }
}
