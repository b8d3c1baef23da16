//! The write-ahead log: bytes in, the same bytes out, whatever happens to the
//! process or the machine in between. It knows files and a [`Disk`] trait and
//! nothing else: no telemetry, no clock, no runtime.
//!
//! # Guarantees
//!
//! 1. **Durable before the answer.** The callback of [`Log::append`] gets `Ok`
//!    only after the entry and the directory entry of its file were synced.
//! 2. **In order, once.** A [`Reader`] hands out every durable entry once, in
//!    the order of its sequence. After a restart a [`Cursor`] resumes behind
//!    what was acknowledged, so a consumer sees again only what it did not
//!    acknowledge (or what it acknowledged without waiting, just before a crash).
//! 3. **A sequence number is never used for two durable entries**, also when
//!    files were lost: the log then jumps forward. The id of a log is random and
//!    lives in its files.
//! 4. **Damage costs what is damaged.** A bad payload or header costs the
//!    entries that it covers, a missing file its entries; the reader is told with
//!    [`Read::Lost`], so what was accepted is always delivered or accounted for. A
//!    file in which damage was found is renamed, not deleted.
//! 5. **A failed sync is never repeated on the file**: its segment is closed at
//!    the last entry known durable, its waiters are refused, a new one begins.
//! 6. **A full disk** refuses appends and nothing else: reading, acknowledging
//!    and trimming write only in place.
//! 7. **Bounded memory**: the index is one small record a segment, the cache of
//!    recent entries has a size, a reader holds one window of the file. What
//!    waits for the writer is bounded by whoever calls [`Log::append`].
//!
//! What a consumer that is gone had still to read becomes a log of its own
//! ([`Log::set_aside`]). An [`Inspection`] looks at a log without its lock.
//!
//! A refusal is not a promise of absence: an entry that was refused because of
//! a failed write or sync can come back if the machine dies before the next
//! segment has begun.
//!
//! The bytes on disk are described in `docs/wal.md`.

mod aside;
mod backlog;
mod cursors;
mod disk;
mod engine;
mod error;
mod event;
mod expire;
mod format;
mod inspect;
mod log;
mod options;
mod reader;
mod recover;
mod scan;
mod segments;
mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use backlog::Backlog;
pub use disk::{Disk, DiskFile, OsDisk};
pub use error::{AppendError, CursorError, OpenError, ReadError};
pub use event::{Event, Observer};
pub use expire::Expired;
pub use format::{FORMAT_VERSION, LogId};
pub use inspect::{
    Damage, Entries, InspectedCursor, InspectedSegment, Inspection, Unreadable, Verified,
};
pub use log::{Append, Cursor, Log};
pub use options::{Options, Start};
pub use reader::{Entry, Lost, LostReason, Read, Reader};
pub use state::{CursorStatus, Position, Status};
