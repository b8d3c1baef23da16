//! What a location knows of the log that feeds it, so that no entry is stored twice.
//!
//! One flush makes many files, and a store has no way to show them all at once. So a flush is
//! decided before its first file can be seen:
//!
//! 1. Its files are written whole under names that nobody looks at, `_pharos/<log id>/<exporter>/
//!    <signal>/<uuid>.staged` in the location.
//! 2. A record `<number>.json` beside them says which entries the flush covers and which name each
//!    file is to have. It is written on condition that there is none of that number. **From here
//!    on the flush is stored**, whatever happens.
//! 3. Each file gets its name, on condition that the name is free: a hard link in a directory, a
//!    copy inside a bucket. A name that is taken was given by an earlier attempt.
//! 4. The staged files and the record before this one are removed.
//!
//! Whoever opens the location reads the record with the highest number, gives the names that are
//! still missing, and so knows up to where the log is stored. Nothing is encoded again, so a
//! changed setting or a newer program changes nothing of a flush that is decided. Then the opener
//! puts a record of its own behind it: a request of a killed process that is still on its way
//! finds the number taken.

use std::collections::HashSet;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use lake_table::{Placed, Storage, StorageError};
use pipeline::SinkError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Folder of the location that holds what no reader of files is to see.
const HIDDEN: &str = "_pharos";
/// Version of the records.
const VERSION: u32 = 1;
/// Requests that are on their way at a time.
pub(crate) const AT_ONCE: usize = 8;
/// How often others may write a record while a location is opened.
const ATTEMPTS: usize = 5;

/// The records of one exporter, signal and log.
pub(crate) struct Ledger {
    storage: Storage,
    folder: String,
    /// Of the record that is there.
    number: u64,
    /// Who writes: an id of this opening.
    run: String,
    /// What is done with and may still be there.
    garbage: Vec<String>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Who wrote it.
    run: String,
    /// First entry of the log that the flush covers; none in the record of an opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    /// Everything up to this entry is stored; none when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<RecordedFile>,
}

/// A file of a flush.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedFile {
    /// Where it is until it has its name.
    pub(crate) staged: String,
    /// The path that it is to have.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// The folder of the records of an exporter.
pub(crate) fn folder(log: &str, exporter: &str, signal: &str) -> String {
    format!("{HIDDEN}/{log}/{exporter}/{signal}")
}

impl Ledger {
    /// Opens the records in `folder`, completes the flush that was decided last, and tells up to
    /// which entry the log is stored.
    ///
    /// # Errors
    /// When the storage cannot be used, or a record cannot be read.
    pub(crate) async fn open(
        storage: Storage,
        folder: String,
    ) -> Result<(Ledger, Option<u64>), SinkError> {
        let mut ledger = Ledger {
            storage,
            folder,
            number: 0,
            run: Uuid::new_v4().to_string(),
            garbage: Vec::new(),
        };
        for _ in 0..ATTEMPTS {
            let paths = ledger.storage.list(&ledger.folder).await;
            let paths = paths.map_err(sink_error)?;
            let newest = paths.iter().filter_map(|path| ledger.number_of(path)).max();
            let last = match newest {
                None => None,
                Some(number) => match ledger.read(number).await? {
                    Some(record) => ledger.complete(record, &paths).await?,
                    None => continue,
                },
            };
            ledger.number = newest.unwrap_or(0);
            if ledger.write(None, last, &[]).await? {
                ledger.garbage = paths;
                ledger.sweep().await;
                ledger.storage.remove_unfinished(&ledger.folder).await;
                return Ok((ledger, last));
            }
        }
        Err(ledger.foreign())
    }

    /// The number of a record, by its path.
    fn number_of(&self, path: &str) -> Option<u64> {
        let name = path.strip_prefix(&*self.folder)?.strip_prefix('/')?;
        name.strip_suffix(".json")?.parse().ok()
    }

    fn path_of(&self, number: u64) -> String {
        format!("{}/{number:020}.json", self.folder)
    }

    /// A path for a file that has no name yet.
    pub(crate) fn staged_path(&self) -> String {
        format!("{}/{}.staged", self.folder, Uuid::new_v4())
    }

    /// The way to the location.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Gives the files of a flush their names, as far as they are still staged: what is not has
    /// its name.
    async fn complete(&self, record: Record, present: &[String]) -> Result<Option<u64>, SinkError> {
        let present: HashSet<&str> = present.iter().map(String::as_str).collect();
        let staged = record.files.iter();
        let staged: Vec<_> = staged
            .filter(|file| present.contains(&*file.staged))
            .collect();
        if !staged.is_empty() {
            tracing::info!(
                location = self.storage.location(),
                files = staged.len(),
                first = record.first,
                last = record.last,
                "Completing the files of a flush that was interrupted."
            );
        }
        stream::iter(staged.into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |file| async move {
                let placed = self.storage.copy_new(&file.staged, &file.path).await;
                placed.map(|_| ()).map_err(sink_error)
            })
            .await?;
        Ok(record.last)
    }

    /// A record; none when somebody has removed it meanwhile, because there is a newer one.
    async fn read(&self, number: u64) -> Result<Option<Record>, SinkError> {
        let path = self.path_of(number);
        let bytes = self.storage.get(&path).await.map_err(sink_error)?;
        let Some(bytes) = bytes else { return Ok(None) };
        let unreadable = |problem: String| SinkError::Settings {
            why: format!(
                "{}: {path} cannot be read: {problem}. It says which entries of the queue are \
                 stored; without it the files that it names are written once more",
                self.storage.location()
            )
            .into(),
        };
        let record: Record =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        match record.version {
            VERSION => Ok(Some(record)),
            newer => Err(unreadable(format!(
                "it has version {newer}, and this program knows {VERSION}: use a newer one"
            ))),
        }
    }

    /// Decides a flush: from here on it is stored. May be repeated.
    ///
    /// # Errors
    /// When it is not known to be decided, or somebody else writes here.
    pub(crate) async fn decide(
        &mut self,
        first: u64,
        last: u64,
        files: &[RecordedFile],
    ) -> Result<(), SinkError> {
        if !self.write(Some(first), Some(last), files).await? {
            return Err(self.foreign());
        }
        // Records are removed, so a number may be free again: whoever opened the location since
        // has left a higher one.
        let paths = self.storage.list(&self.folder).await.map_err(sink_error)?;
        let newest = paths.iter().filter_map(|path| self.number_of(path)).max();
        if newest > Some(self.number) {
            let ours = self.path_of(self.number);
            self.storage.delete(&ours).await.map_err(sink_error)?;
            return Err(self.foreign());
        }
        Ok(())
    }

    /// Writes the next record; false when another has its number.
    async fn write(
        &mut self,
        first: Option<u64>,
        last: Option<u64>,
        files: &[RecordedFile],
    ) -> Result<bool, SinkError> {
        let record = Record {
            version: VERSION,
            run: self.run.clone(),
            first,
            last,
            files: files.to_vec(),
        };
        let path = self.path_of(self.number + 1);
        let bytes = serde_json::to_vec(&record).map(Bytes::from);
        let bytes = bytes.map_err(|error| SinkError::Never {
            why: error.to_string().into(),
        })?;
        let placed = self.storage.put_new(&path, bytes.clone()).await;
        let ours = match placed.map_err(sink_error)? {
            Placed::New => true,
            // An earlier attempt, whose answer was lost.
            _ => self.storage.get(&path).await.map_err(sink_error)? == Some(bytes),
        };
        if ours {
            if self.number > 0 {
                self.garbage.push(self.path_of(self.number));
            }
            self.number += 1;
        }
        Ok(ours)
    }

    fn foreign(&self) -> SinkError {
        SinkError::Settings {
            why: format!(
                "{}: another process writes {}: two collectors must not share one queue; \
                 end one of them and restart the other",
                self.storage.location(),
                self.folder
            )
            .into(),
        }
    }

    /// Removes what a flush no longer needs, once all of its files have their names. What cannot
    /// be removed now is tried again with the next flush, and when the location is opened.
    pub(crate) async fn forget(&mut self, files: &[RecordedFile]) {
        let staged = files.iter().map(|file| file.staged.clone());
        self.garbage.extend(staged);
        self.sweep().await;
    }

    async fn sweep(&mut self) {
        let storage = &self.storage;
        let garbage = std::mem::take(&mut self.garbage);
        let left = stream::iter(garbage)
            .map(|path| async move { match storage.delete(&path).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::debug!(path, %error, "A file that is not needed any more stays for now.");
                    Some(path)
                }
            } })
            .buffer_unordered(AT_ONCE)
            .filter_map(|left| async move { left });
        self.garbage = left.collect().await;
    }
}

/// What the tail does about it.
pub(crate) fn sink_error(error: StorageError) -> SinkError {
    let why = error.to_string().into();
    match error {
        StorageError::Retry { after, .. } => SinkError::Later {
            after: Some(after),
            why,
        },
        StorageError::Refused(_) => SinkError::Settings { why },
    }
}

#[cfg(test)]
mod tests;
