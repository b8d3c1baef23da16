//! The bytes on disk, version 1. `docs/wal.md` has the tables.
//!
//! All numbers are little endian. In every file the first 64 bytes are frozen
//! for all versions: magic, version, log id, 28 bytes of the version's own and a
//! checksum, so that an older program can tell a newer file from a broken one.

use std::fmt;

/// The newest format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Where the first entry of a segment begins: the header has a sector of its own.
pub(crate) const SEGMENT_START: u64 = 512;

/// Bytes in front of each payload.
pub(crate) const ENTRY_HEADER: usize = 48;

/// Entries begin at multiples of this, so that a search after damage is cheap.
pub(crate) const ALIGNMENT: u64 = 8;

/// The largest payload in bytes.
pub(crate) const MAX_PAYLOAD: u64 = 1 << 30;

/// How far the log jumps when it does not know how many numbers were used: more
/// than a segment can hold.
pub(crate) const JUMP: u64 = 1 << 32;

/// No sequence number is as large: room for every sum.
pub(crate) const MAX_SEQUENCE: u64 = u64::MAX / 4;

/// Length of the frozen start of each file.
pub(crate) const PREAMBLE: usize = 64;

const SEGMENT_MAGIC: [u8; 8] = *b"PHAROSWL";
const CURSORS_MAGIC: [u8; 8] = *b"PHAROSCU";
const ENTRY_MARKER: [u8; 4] = *b"\xF5PWe";

/// Random, made with the log and kept in all its files. Positions are only
/// comparable within one id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({self})")
    }
}

/// What the first bytes of a file say about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Preamble<T> {
    /// Readable.
    Ours(T),
    /// Written by a newer program.
    Newer(u32),
    /// Anything else.
    Unreadable(&'static str),
}

/// What stands at the start of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) id: LogId,
    /// Sequence of the first entry.
    pub(crate) first: u64,
    /// Where the log ended before; less than `first` after a jump that lost nothing.
    pub(crate) previous_end: u64,
    /// `first` of the segment before, 0 if there was none.
    pub(crate) previous_first: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_START as usize] {
        let mut out = [0; SEGMENT_START as usize];
        put_preamble(&mut out, SEGMENT_MAGIC, self.id);
        out[28..36].copy_from_slice(&self.first.to_le_bytes());
        out[36..44].copy_from_slice(&self.previous_end.to_le_bytes());
        out[44..52].copy_from_slice(&self.previous_first.to_le_bytes());
        close_preamble(&mut out);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Preamble<Self> {
        match check_preamble(bytes, SEGMENT_MAGIC) {
            Preamble::Newer(version) => Preamble::Newer(version),
            Preamble::Unreadable(why) => Preamble::Unreadable(why),
            Preamble::Ours(id) => {
                let header = Self {
                    id,
                    first: u64_at(bytes, 28),
                    previous_end: u64_at(bytes, 36),
                    previous_first: u64_at(bytes, 44),
                };
                let orderly = header.first > 0
                    && header.first < MAX_SEQUENCE
                    && header.previous_end <= header.first;
                if !orderly {
                    return Preamble::Unreadable("its sequence numbers contradict each other");
                }
                Preamble::Ours(header)
            }
        }
    }
}

/// The start of the file of cursors.
pub(crate) fn encode_cursors_header(id: LogId) -> [u8; PREAMBLE] {
    let mut out = [0; PREAMBLE];
    put_preamble(&mut out, CURSORS_MAGIC, id);
    close_preamble(&mut out);
    out
}

pub(crate) fn decode_cursors_header(bytes: &[u8]) -> Preamble<LogId> {
    check_preamble(bytes, CURSORS_MAGIC)
}

/// What stands in front of each payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    pub(crate) length: u32,
    pub(crate) sequence: u64,
    pub(crate) time: u64,
    pub(crate) tag: u32,
    pub(crate) items: u32,
    pub(crate) payload_crc: u32,
    /// Place within the group that was synced as one; everything before the
    /// group was durable when this was written.
    pub(crate) place: u32,
}

impl EntryHeader {
    pub(crate) fn encode(&self, id: LogId) -> [u8; ENTRY_HEADER] {
        let mut out = [0; ENTRY_HEADER];
        out[..4].copy_from_slice(&ENTRY_MARKER);
        out[4..8].copy_from_slice(&self.length.to_le_bytes());
        out[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        out[16..24].copy_from_slice(&self.time.to_le_bytes());
        out[24..28].copy_from_slice(&self.tag.to_le_bytes());
        out[28..32].copy_from_slice(&self.items.to_le_bytes());
        out[32..36].copy_from_slice(&self.payload_crc.to_le_bytes());
        out[36..40].copy_from_slice(&self.place.to_le_bytes());
        let crc = seeded_crc(id, &out[..44]);
        out[44..48].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// None for anything that this log did not write.
    pub(crate) fn decode(bytes: &[u8], id: LogId) -> Option<Self> {
        if bytes.len() < ENTRY_HEADER || bytes[..4] != ENTRY_MARKER {
            return None;
        }
        if u32_at(bytes, 44) != seeded_crc(id, &bytes[..44]) {
            return None;
        }
        let header = Self {
            length: u32_at(bytes, 4),
            sequence: u64_at(bytes, 8),
            time: u64_at(bytes, 16),
            tag: u32_at(bytes, 24),
            items: u32_at(bytes, 28),
            payload_crc: u32_at(bytes, 32),
            place: u32_at(bytes, 36),
        };
        let fits = u64::from(header.length) <= MAX_PAYLOAD
            && header.sequence > u64::from(header.place)
            && header.sequence < MAX_SEQUENCE;
        fits.then_some(header)
    }

    /// Bytes from this entry to the next.
    pub(crate) fn span(&self) -> u64 {
        entry_span(u64::from(self.length))
    }

    /// First sequence of the group that this entry was written with.
    pub(crate) fn group(&self) -> u64 {
        self.sequence - u64::from(self.place)
    }
}

/// Bytes that an entry takes in the file.
pub(crate) fn entry_span(payload: u64) -> u64 {
    (ENTRY_HEADER as u64 + payload).next_multiple_of(ALIGNMENT)
}

/// A checksum that fits only one log: bytes copied from another one, or sent by
/// a client, never pass as an entry.
pub(crate) fn seeded_crc(id: LogId, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&id.0), bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(out)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}

fn put_preamble(out: &mut [u8], magic: [u8; 8], id: LogId) {
    out[..8].copy_from_slice(&magic);
    out[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    out[12..28].copy_from_slice(&id.0);
}

fn close_preamble(out: &mut [u8]) {
    let crc = crc32c::crc32c(&out[..60]);
    out[60..64].copy_from_slice(&crc.to_le_bytes());
}

fn check_preamble(bytes: &[u8], magic: [u8; 8]) -> Preamble<LogId> {
    if bytes.len() < PREAMBLE {
        return Preamble::Unreadable("it is shorter than its header");
    }
    if bytes[..8] != magic {
        return Preamble::Unreadable("it does not begin like a file of this kind");
    }
    if u32_at(bytes, 60) != crc32c::crc32c(&bytes[..60]) {
        return Preamble::Unreadable("the checksum of its header is wrong");
    }
    match u32_at(bytes, 8) {
        0 => Preamble::Unreadable("it has format version 0"),
        version if version > FORMAT_VERSION => Preamble::Newer(version),
        _ => {
            let mut id = [0; 16];
            id.copy_from_slice(&bytes[12..28]);
            Preamble::Ours(LogId(id))
        }
    }
}
