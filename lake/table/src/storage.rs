//! Objects below a location, for those who write files that belong to no table.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyMode, CopyOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
};
use futures::TryStreamExt;

use crate::error::{Refused, Subject, TableError};
use crate::location::Location;
use crate::spill::StagedBytes;
use crate::upload::{PART, upload};

/// A directory or a prefix in a bucket. What an answer says is there is on stable storage.
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    subject: Subject,
    /// Of a directory.
    local: Option<PathBuf>,
}

/// What became of an object that must not be there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It was not there, and is now.
    New,
    /// It was there already, and is as it was.
    Already,
    /// What was to be copied is not there, and neither is the copy.
    NoSource,
}

/// What went wrong with a storage, in one line.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Do the same again.
    #[error("{location}: {problem}")]
    Retry {
        /// As a person wrote it.
        location: String,
        /// What happened.
        problem: String,
        /// Not before this time has passed.
        after: Duration,
    },
    /// Nothing changes until a person changes something.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Storage {
    /// Opens a location; a directory is made, and tried for writing. A bucket is not asked.
    ///
    /// # Errors
    /// When the directory cannot be written, or an option makes no sense.
    pub fn open(location: &Location) -> Result<Storage, StorageError> {
        let table = location.root_builder()?.build();
        let subject = location.as_subject();
        let table = table.map_err(|error| subject.of_storage(subject.classify(&error)))?;
        Ok(Storage {
            store: table.object_store(),
            subject,
            local: location.local().map(FilePath::to_owned),
        })
    }

    /// Where it is, as a person wrote it.
    pub fn location(&self) -> &str {
        &self.subject.location
    }

    /// Writes an object that is not there yet.
    ///
    /// # Errors
    /// When it is not known to be there.
    pub async fn put_new(&self, path: &str, bytes: Bytes) -> Result<Placed, StorageError> {
        let to = Path::from(path);
        let payload = PutPayload::from_bytes(bytes);
        match self
            .store
            .put_opts(&to, payload, PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(Placed::New),
            Err(error) => self.already(&to, error).await,
        }
    }

    /// Writes a finished file that is not there yet. A large one comes in parts, which no store
    /// makes conditional together, so its name must belong to this content alone.
    ///
    /// # Errors
    /// When it is not known to be there.
    pub async fn upload_new(
        &self,
        path: &str,
        bytes: &StagedBytes,
    ) -> Result<Placed, StorageError> {
        if bytes.len() > PART as u64 {
            return self.upload(path, bytes).await.map(|()| Placed::New);
        }
        let content = bytes.read(0, PART).await;
        let content = content.map_err(|error| self.retry(format!("temporary file: {error}")))?;
        self.put_new(path, content).await
    }

    /// Writes a finished file, over one that is there.
    ///
    /// # Errors
    /// When it was not written whole.
    pub async fn upload(&self, path: &str, bytes: &StagedBytes) -> Result<(), StorageError> {
        let written = upload(self.store.as_ref(), &Path::from(path), bytes).await;
        written.map_err(|error| self.error(&error))
    }

    /// Gives an object a second name that is not there yet, all at once: a hard link in a
    /// directory, a copy inside a bucket.
    ///
    /// # Errors
    /// When the copy is not known to be there.
    pub async fn copy_new(&self, from: &str, to: &str) -> Result<Placed, StorageError> {
        let (from, to) = (Path::from(from), Path::from(to));
        let options = CopyOptions::new().with_mode(CopyMode::Create);
        match self.store.copy_opts(&from, &to, options).await {
            Ok(()) => Ok(Placed::New),
            // Also what S3 says of an upload that was completed by an earlier, unheard attempt.
            Err(error @ Error::NotFound { .. }) => {
                match (self.has(&to).await?, self.has(&from).await?) {
                    (true, _) => Ok(Placed::Already),
                    (false, false) => Ok(Placed::NoSource),
                    (false, true) => Err(self.error(&error)),
                }
            }
            Err(error) => self.already(&to, error).await,
        }
    }

    /// An object is said to be there: S3 says the same (409) while somebody else is only about
    /// to write it, so it is looked at.
    async fn already(&self, path: &Path, error: Error) -> Result<Placed, StorageError> {
        match error {
            Error::AlreadyExists { .. } | Error::Precondition { .. } if self.has(path).await? => {
                Ok(Placed::Already)
            }
            Error::AlreadyExists { .. } | Error::Precondition { .. } => {
                Err(self.retry(format!("{path} is being written by another request")))
            }
            error => Err(self.error(&error)),
        }
    }

    async fn has(&self, path: &Path) -> Result<bool, StorageError> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.error(&error)),
        }
    }

    /// The content of an object; none when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, StorageError> {
        let found = match self.store.get(&Path::from(path)).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(&error)),
        }
    }

    /// Paths of all objects below a folder, sorted.
    ///
    /// # Errors
    /// When they cannot be listed, as in a bucket that does not exist.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let folder = Path::from(folder);
        let found = self.store.list(Some(&folder));
        let found = found.map_ok(|object| object.location.to_string());
        let found: Result<Vec<_>, _> = found.try_collect().await;
        let mut paths = found.map_err(|error| self.error(&error))?;
        paths.sort();
        Ok(paths)
    }

    /// Removes an object; one that is not there is removed already.
    ///
    /// # Errors
    /// When it may still be there.
    pub async fn delete(&self, path: &str) -> Result<(), StorageError> {
        match self.store.delete(&Path::from(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error(&error)),
        }
    }

    /// Removes what a process that was killed left half written in a folder: files that
    /// object_store names `<name>#<number>` until they are whole, and that no list shows. A bucket
    /// has no such things.
    pub async fn remove_unfinished(&self, folder: &str) {
        let Some(root) = &self.local else { return };
        let folder = root.join(folder);
        let removed = tokio::task::spawn_blocking(move || remove_unfinished(&folder)).await;
        if let Ok(Err(error)) = removed {
            tracing::debug!(location = self.subject.location, %error, "Half written files stay for now.");
        }
    }

    fn error(&self, error: &Error) -> StorageError {
        self.subject.of_storage(self.subject.storage(error))
    }

    fn retry(&self, problem: String) -> StorageError {
        self.subject
            .of_storage(self.subject.retry(problem, Duration::from_secs(1)))
    }
}

fn remove_unfinished(folder: &FilePath) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains('#') {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Subject {
    /// The same without a table.
    fn of_storage(&self, error: TableError) -> StorageError {
        match error {
            TableError::Refused(refused) => StorageError::Refused(refused),
            TableError::Retry { problem, after, .. } => StorageError::Retry {
                location: self.location.clone(),
                problem,
                after,
            },
            other @ (TableError::Owned { .. } | TableError::Data { .. }) => StorageError::Retry {
                location: self.location.clone(),
                problem: other.to_string(),
                after: Duration::from_secs(1),
            },
        }
    }
}
