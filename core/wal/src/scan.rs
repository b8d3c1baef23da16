//! Walking the entries of one segment, past whatever is broken in it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{DiskFile, read_full_at};
use crate::format::{ALIGNMENT, ENTRY_HEADER, EntryHeader, LogId};

/// How often a read that fails is tried before what it covers counts as lost.
const ATTEMPTS: usize = 3;

/// What is read at a time when only headers are wanted and entries are small.
const STRIDE: usize = 64 << 10;

/// Entries from this length on are stepped over, and only their headers read.
const LARGE: u64 = 4096;

/// A part of a file in memory, so that small entries cost no call each.
struct Window {
    file: Arc<dyn DiskFile>,
    start: u64,
    bytes: Bytes,
    size: usize,
}

impl Window {
    /// `length` bytes from `offset`, fewer at `limit` or at the end of the file.
    fn get(&mut self, offset: u64, length: usize, limit: u64) -> io::Result<Bytes> {
        let room = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(room);
        if let Some(at) = offset.checked_sub(self.start) {
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            if at.saturating_add(length) <= self.bytes.len() {
                return Ok(self.bytes.slice(at..at + length));
            }
        }
        self.load(offset, length.max(self.size).min(room))?;
        Ok(self.bytes.slice(..length.min(self.bytes.len())))
    }

    fn load(&mut self, offset: u64, length: usize) -> io::Result<()> {
        let mut buffer = vec![0; length];
        let mut attempt = 1;
        let read = loop {
            match read_full_at(&*self.file, offset, &mut buffer) {
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                other => break other?,
            }
        };
        buffer.truncate(read);
        self.start = offset;
        self.bytes = buffer.into();
        Ok(())
    }
}

/// What stands next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A whole header; its payload is not looked at yet.
    Header(EntryHeader),
    /// Nothing readable up to this sequence, whose header comes next; the bytes
    /// before are passed.
    Lost { to: u64 },
    /// No entry with an expected number comes any more.
    End,
}

/// Stands at an entry of one segment.
pub(crate) struct Scanner {
    window: Window,
    id: LogId,
    /// Where the next header is expected.
    pub(crate) offset: u64,
    /// The number that it should have.
    pub(crate) expected: u64,
    /// Where what may be read ends; grows with the segment.
    pub(crate) limit: u64,
    /// The first number that belongs to the next segment.
    pub(crate) end: u64,
}

impl Scanner {
    pub(crate) fn new(
        file: Arc<dyn DiskFile>,
        window: usize,
        id: LogId,
        (offset, expected): (u64, u64),
        (limit, end): (u64, u64),
    ) -> Self {
        Self {
            window: Window {
                file,
                start: 0,
                bytes: Bytes::new(),
                size: window,
            },
            id,
            offset,
            expected,
            limit,
            end,
        }
    }

    /// Looks at what stands here. Standing still: the caller moves on with
    /// [`Scanner::pass`]; only `Lost` moves, in front of the entry that it found.
    pub(crate) fn step(&mut self) -> Step {
        if self.expected >= self.end {
            return Step::End;
        }
        match self.header_at(self.offset) {
            Some(header) if header.sequence == self.expected => Step::Header(header),
            Some(header) if header.sequence > self.expected => {
                self.expected = header.sequence;
                Step::Lost {
                    to: header.sequence,
                }
            }
            _ => self.search(),
        }
    }

    /// Moves behind the entry that [`Scanner::step`] showed.
    pub(crate) fn pass(&mut self, header: &EntryHeader) {
        self.offset += header.span();
        self.expected = header.sequence + 1;
    }

    /// Reads no more than needed from here on if only headers are wanted, judging
    /// by the entry that [`Scanner::step`] showed.
    pub(crate) fn stride(&mut self, header: &EntryHeader) {
        self.window.size = if header.span() < LARGE {
            STRIDE
        } else {
            ENTRY_HEADER
        };
    }

    /// The payload of the entry here, or none if it is not what was written.
    pub(crate) fn payload(&mut self, header: &EntryHeader) -> Option<Bytes> {
        let length = header.length as usize;
        let start = self.offset + ENTRY_HEADER as u64;
        let bytes = self.window.get(start, length, self.limit).ok()?;
        (bytes.len() == length && crc32c::crc32c(&bytes) == header.payload_crc).then_some(bytes)
    }

    /// A header of this log that belongs here, with room for its payload.
    fn header_at(&mut self, offset: u64) -> Option<EntryHeader> {
        let bytes = self.window.get(offset, ENTRY_HEADER, self.limit).ok()?;
        self.check(&bytes, offset)
    }

    fn check(&self, bytes: &[u8], offset: u64) -> Option<EntryHeader> {
        let header = EntryHeader::decode(bytes, self.id)?;
        let fits = offset + ENTRY_HEADER as u64 + u64::from(header.length) <= self.limit;
        let belongs = header.sequence >= self.expected && header.sequence < self.end;
        (fits && belongs).then_some(header)
    }

    /// Looks for the next header behind something unreadable.
    fn search(&mut self) -> Step {
        let mut offset = self.offset + ALIGNMENT;
        while offset + ENTRY_HEADER as u64 <= self.limit {
            let size = self.window.size.max(4096);
            let Ok(bytes) = self.window.get(offset, size, self.limit) else {
                // one sector that cannot be read must not cost those behind it
                offset += 4096;
                continue;
            };
            if bytes.len() < ENTRY_HEADER {
                break;
            }
            let last = bytes.len() - ENTRY_HEADER;
            for at in (0..=last).step_by(ALIGNMENT as usize) {
                if let Some(header) = self.check(&bytes[at..], offset + at as u64) {
                    self.offset = offset + at as u64;
                    self.expected = header.sequence;
                    return Step::Lost {
                        to: header.sequence,
                    };
                }
            }
            offset += (last as u64 / ALIGNMENT + 1) * ALIGNMENT;
        }
        Step::End
    }
}
