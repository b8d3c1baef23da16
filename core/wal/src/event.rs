//! What the log tells its owner about its files, to be logged and counted.

use std::fmt;

/// Takes events. Called on the thread that opens the log and on the writer's, so
/// it must be quick; any `Fn(&Event)` is one.
pub trait Observer: Send + Sync + 'static {
    /// Something happened that a person may want to know.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Something that is not part of normal work. Its `Display` is a sentence for
/// the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The last write before a crash was cut off; nobody had been told that it
    /// was durable.
    TornTail {
        /// Name of the segment.
        segment: String,
        /// Where it was cut.
        offset: u64,
        /// How many bytes behind that had been begun.
        bytes: u64,
    },
    /// Entries that had been durable are unreadable.
    Damaged {
        /// Name of the segment.
        segment: String,
        /// First sequence that is lost.
        from: u64,
        /// First sequence behind that is not.
        to: u64,
    },
    /// A file was set aside, not deleted.
    Quarantined {
        /// Its name now.
        file: String,
        /// Why.
        reason: String,
    },
    /// Entries are missing together with their file. The range may be wider than
    /// what was there.
    Missing {
        /// First sequence that is lost.
        from: u64,
        /// First sequence behind that is not.
        to: u64,
    },
    /// The file of cursors was missing or unreadable: consumers begin at the
    /// oldest entry and see some again.
    CursorsLost,
    /// One cursor was unreadable.
    CursorLost {
        /// Its place in the file.
        place: usize,
    },
    /// Sequence numbers were left out, so that none is used twice. Nothing is lost.
    Jumped {
        /// Where the log ended.
        from: u64,
        /// Where it continues.
        to: u64,
    },
    /// A write or sync failed and its segment was closed.
    SegmentFailed {
        /// Name of the segment.
        segment: String,
        /// What the system said.
        error: String,
    },
    /// Housekeeping failed; it is tried again.
    Postponed {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        error: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornTail {
                segment,
                offset,
                bytes,
            } => write!(
                f,
                "segment {segment} was cut at byte {offset}: the {bytes} bytes behind it were being written when \
                 the process stopped, and nobody had been told that they are stored"
            ),
            Self::Damaged { segment, from, to } => write!(
                f,
                "segment {segment} is damaged: entries {from} to {} are lost; the file is kept, as \
                 *.quarantined once it is done with",
                to.saturating_sub(1)
            ),
            Self::Quarantined { file, reason } => {
                write!(f, "a file of the log was set aside as {file}: {reason}")
            }
            Self::Missing { from, to } => write!(
                f,
                "a segment is missing: at most entries {from} to {} are lost with it",
                to.saturating_sub(1)
            ),
            Self::CursorsLost => write!(
                f,
                "the file of cursors is missing or unreadable: every consumer begins at the oldest entry and \
                 may see entries again"
            ),
            Self::CursorLost { place } => write!(
                f,
                "cursor {place} is unreadable: its consumer begins at the oldest entry and may see entries again"
            ),
            Self::Jumped { from, to } => write!(
                f,
                "the log continues at {to} instead of {from}, because a consumer is ahead of it: was it restored \
                 from a snapshot?"
            ),
            Self::SegmentFailed { segment, error } => write!(
                f,
                "segment {segment} was closed because the disk failed: {error}; what waited was refused"
            ),
            Self::Postponed { action, error } => {
                write!(f, "cannot {action}: {error}; it is tried again")
            }
        }
    }
}
