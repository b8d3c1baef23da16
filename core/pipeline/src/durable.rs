//! The sending queue on disk: one write-ahead log a pipeline and storage
//! extension, written once whatever the number of exporters, with one cursor an
//! exporter.
//!
//! ```text
//! pipeline ─ Branch: append, sync, answer ─ DurableLog ─┬─ Pump ─ Tail of exporter 1
//!                                                       └─ Pump ─ Tail of exporter 2
//! ```
//!
//! An offer is answered when its entry is on stable storage. A pump reads the
//! log for one exporter, in order and no further ahead than a window of bytes,
//! and hands what it reads to the exporter's tail. Entries are acknowledged in
//! the log when all before them are done with, so what was not is read again
//! after a restart.

mod branch;
mod entry;
mod events;
mod log;
mod pump;
mod recent;
mod storage;
mod tracker;

pub use branch::Branch;
pub use entry::{Context, Decoded, EntryError, decode, encode, signal_of, tag_of};
pub use log::DurableLog;
pub(crate) use pump::{Ended, Pump};
pub use storage::{Storage, escape, unescape};
pub(crate) use tracker::Tracker;
