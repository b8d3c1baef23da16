//! Stores that take many batches in one all-or-nothing commit: tables and files.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::batch::Batch;

/// Position of an entry in the log of a pipeline tail; rises by one an entry
/// and never starts again within one log.
pub type Sequence = u64;

/// Identity of the log that feeds a sink: a fresh one a process for a queue in
/// memory, one that stays with the files for a queue on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogId(pub Arc<str>);

/// What ids of logs begin with that end with their process.
const IN_MEMORY: &str = "memory-";

impl LogId {
    /// A fresh one, of a queue in memory.
    pub fn in_memory() -> LogId {
        LogId(format!("{IN_MEMORY}{}", uuid::Uuid::now_v7()).into())
    }

    /// Whether the log ends with its process, so that nobody ever asks again what
    /// a store has of it.
    pub fn is_in_memory(&self) -> bool {
        self.0.starts_with(IN_MEMORY)
    }
}

/// One batch with its position.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position in the log.
    pub sequence: Sequence,
    /// The telemetry.
    pub batch: Batch,
}

/// A store that a tail feeds: it stages entries, then commits all of them at
/// once together with the position of the log, so that an entry is stored
/// exactly once however often it is read from the log.
pub trait Sink: Send + Sync + 'static {
    /// Opens the store and tells the last position of `log` that it holds, or
    /// `None` when it never saw this log. Called before the first entry. A commit
    /// of an earlier run that is still on its way must not land after the answer.
    fn resume<'a>(&'a self, log: &'a LogId) -> BoxFuture<'a, Result<Option<Sequence>, SinkError>>;

    /// Encodes an entry into the next commit. After an error nothing of the
    /// entry is staged.
    fn stage(&self, entry: Entry) -> BoxFuture<'_, Result<Staged, SinkError>>;

    /// Makes everything that is staged visible, together with the position
    /// `upto`. After an error everything stays staged and the same commit can be
    /// tried again; a commit that landed before its answer was lost succeeds.
    fn commit(&self, upto: Sequence) -> BoxFuture<'_, Result<(), SinkError>>;

    /// When to commit.
    fn policy(&self) -> CommitPolicy;

    /// Called once after the last commit.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// When staged entries are committed: at the first limit that is reached.
#[derive(Clone, Copy, Debug)]
pub struct CommitPolicy {
    /// Age of the oldest staged entry.
    pub every: Duration,
    /// Encoded bytes that are staged.
    pub bytes: usize,
}

/// What staging an entry did.
#[derive(Clone, Debug, Default)]
pub struct Staged {
    /// Encoded bytes that are staged now, this entry included.
    pub bytes: usize,
    /// Records of this entry that the store cannot hold, by reason. The sink
    /// has put them into its dead letter before it answers.
    pub rejected: Vec<(Arc<str>, usize)>,
}

/// Why a sink could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Try the same again: store away, throttled, lost answer.
    #[error("{why}")]
    Later {
        /// How long the store asked to wait.
        after: Option<Duration>,
        /// One line.
        why: Arc<str>,
    },
    /// It will not work until somebody changes settings or the store. At start
    /// this ends the collector; later the tail keeps trying slowly and says so.
    #[error("{why}")]
    Settings {
        /// One line that says what to change.
        why: Arc<str>,
    },
    /// This entry can never be stored.
    #[error("{why}")]
    Never {
        /// One line.
        why: Arc<str>,
    },
}
