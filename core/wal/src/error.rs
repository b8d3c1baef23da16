//! What can go wrong, by what the caller does next.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a log cannot be opened. None of them changes or deletes what is there.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("another process uses this log; stop it, or give each process a directory of its own")]
    Locked,
    /// A newer program wrote it.
    #[error(
        "{file} has format version {found}, this program knows versions up to {known}: \
         it was written by a newer program; start that one, or move the directory away to begin a new log"
    )]
    Newer {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The options contradict each other.
    #[error("{0}")]
    Options(String),
    /// The file system failed. Data on disk are as they were.
    #[error("cannot {action} {file}: {error}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        file: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io {
            action,
            file: file.to_owned(),
            error,
        }
    }
}

/// Why an entry was not taken. Unless it says so, the same entry may be appended
/// again later.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The cap of the log is reached; room comes when the slowest cursor moves.
    #[error("the log holds {held} of {limit} bytes and its slowest consumer has not moved on")]
    Full {
        /// Bytes not yet acknowledged by all.
        held: u64,
        /// The cap, [`Options::max_bytes`](crate::Options::max_bytes).
        limit: u64,
    },
    /// No space, or no quota, is left on the file system.
    #[error("the file system of the log is full: {0}")]
    DiskFull(Arc<io::Error>),
    /// The disk failed to write or to sync; the segment was closed.
    #[error("the disk failed: {0}")]
    Failed(Arc<io::Error>),
    /// Never fits, so appending it again is pointless.
    #[error("an entry of {bytes} bytes is larger than the {limit} bytes that one may have")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl AppendError {
    pub(crate) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull(Arc::new(error))
            }
            _ => Self::Failed(Arc::new(error)),
        }
    }
}

/// Why a cursor cannot be made, moved or removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CursorError {
    /// The name is empty or too long.
    #[error("a cursor's name has 1 to {limit} bytes, this one has {bytes}", limit = crate::cursors::MAX_NAME)]
    Name {
        /// Its length.
        bytes: usize,
    },
    /// The file has room for no more.
    #[error("a log has at most {limit} cursors; remove one that no consumer uses any more", limit = crate::cursors::MAX_CURSORS)]
    TooMany,
    /// No such cursor (any more).
    #[error("the log has no such cursor; it was removed")]
    Unknown,
    /// The position is behind the end of the log.
    #[error(
        "the position is {position}, but the log ends at {next}: was it restored from a snapshot? \
         `Log::jump_to` lets it continue behind the consumer"
    )]
    Ahead {
        /// First sequence behind what was acknowledged.
        position: u64,
        /// Sequence that the next entry gets.
        next: u64,
    },
    /// The position is not on disk. The cursor has moved in memory and the next
    /// write of the file includes it.
    #[error("the disk failed to store the positions of the cursors: {0}")]
    Failed(Arc<io::Error>),
    /// What it has not passed could not be made a log of its own. Nothing has
    /// changed; the same call tries again.
    #[error("cannot set aside in {} what the cursor has not passed: {error}", directory.display())]
    SetAside {
        /// Where that log was to be.
        directory: PathBuf,
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// Why nothing could be read. The reader stands where it stood, so that the same
/// call tries again.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} segment {segment}: {error}")]
pub struct ReadError {
    /// What was tried.
    pub action: &'static str,
    /// Name of the file.
    pub segment: String,
    /// What the system said.
    #[source]
    pub error: io::Error,
}
