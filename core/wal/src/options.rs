//! How a log is set up.

use crate::error::OpenError;
use crate::format::{ENTRY_HEADER, SEGMENT_START};

/// How large things may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Length of a segment in bytes, reserved when it is begun; default 64 MiB, at
    /// least 4 KiB. An entry that is larger gets a segment of its own. A log for
    /// little data should use less than a quarter of `max_bytes`.
    pub segment_bytes: u64,
    /// Bytes that may wait for the slowest cursor; appends beyond are refused.
    /// None (default) means as much as the disk has. The directory can be larger
    /// by one segment that is partly behind the cursor and one that is reserved.
    pub max_bytes: Option<u64>,
    /// Bytes of recent entries kept in memory for readers that keep up; default
    /// 16 MiB, 0 for none. What every cursor is past is let go at once.
    pub cache_bytes: u64,
    /// How many bytes a reader takes from a file at a time; default 256 KiB.
    pub window_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_bytes: None,
            cache_bytes: 16 << 20,
            window_bytes: 256 << 10,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if !(4096..=1 << 36).contains(&self.segment_bytes) {
            return Err(OpenError::Options(format!(
                "a segment has between 4 KiB and 64 GiB, not {} bytes",
                self.segment_bytes
            )));
        }
        if self.window_bytes < ENTRY_HEADER {
            return Err(OpenError::Options(format!(
                "a reader's window has at least {ENTRY_HEADER} bytes, not {}",
                self.window_bytes
            )));
        }
        if self.max_bytes.is_some_and(|max| max < 4096) {
            return Err(OpenError::Options(
                "a log may hold at least 4096 bytes".to_owned(),
            ));
        }
        Ok(())
    }

    /// Length of a segment that begins with an entry of `span` bytes.
    pub(crate) fn segment_for(&self, span: u64) -> u64 {
        self.segment_bytes.max(SEGMENT_START + span)
    }
}

/// Where a new cursor begins; one that exists stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest entry that the log still has.
    Oldest,
    /// Behind everything that is durable now.
    Newest,
}
