use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

/// Segments below this many bytes are gathered into one when they are joined.
pub(super) const SMALL: usize = 4 << 10;

/// A gathered segment grows no further than this, so that moving it when it
/// outgrows its buffer stays cheap.
const GATHERED: usize = 64 << 10;

/// Some whole top-level fields of a request.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) bytes: Bytes,
    pub(super) items: usize,
    /// Copied together from small ones: nobody else's buffer, and may grow.
    gathered: bool,
}

/// The rope: segments with their sums.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    list: SmallVec<[Segment; 1]>,
    items: usize,
    size: usize,
}

impl Segments {
    pub(super) fn new() -> Self {
        Segments {
            list: SmallVec::new(),
            items: 0,
            size: 0,
        }
    }

    pub(super) fn one(bytes: Bytes, items: usize) -> Self {
        let mut segments = Segments::new();
        if !bytes.is_empty() {
            segments.take(Segment {
                bytes,
                items,
                gathered: false,
            });
        }
        segments
    }

    pub(super) const fn items(&self) -> usize {
        self.items
    }

    pub(super) const fn size(&self) -> usize {
        self.size
    }

    pub(super) fn as_slice(&self) -> &[Segment] {
        &self.list
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Segment> {
        self.list.iter()
    }

    /// Puts all segments of `other` after these.
    pub(super) fn append(&mut self, other: Segments) {
        if self.list.is_empty() {
            *self = other;
            return;
        }
        for segment in other.list {
            self.push(segment);
        }
    }

    /// Puts a slice of a larger buffer after these; a small one is copied.
    pub(super) fn push_slice(&mut self, bytes: Bytes, items: usize) {
        self.push(Segment {
            bytes,
            items,
            gathered: false,
        });
    }

    /// Puts bytes that were made for this rope after these.
    pub(super) fn push_own(&mut self, bytes: Vec<u8>, items: usize) {
        let small = bytes.len() < SMALL;
        let segment = Segment {
            bytes: bytes.into(),
            items,
            gathered: small,
        };
        match self.list.last() {
            Some(last) if small && last.gathered => self.push(segment),
            _ => self.take(segment),
        }
    }

    pub(super) fn push(&mut self, segment: Segment) {
        if segment.bytes.is_empty() {
            return;
        }
        if segment.bytes.len() < SMALL {
            self.gather(&segment);
        } else {
            self.take(segment);
        }
    }

    fn take(&mut self, segment: Segment) {
        self.items += segment.items;
        self.size += segment.bytes.len();
        self.list.push(segment);
    }

    /// Copies a small segment behind the last one, if that is small or gathered,
    /// else into a buffer of its own that the next ones can join.
    fn gather(&mut self, small: &Segment) {
        let (mut buffer, items) = self.gathering(small.bytes.len());
        buffer.extend_from_slice(&small.bytes);
        self.items += small.items;
        self.size += small.bytes.len();
        self.list.push(Segment {
            bytes: buffer.freeze(),
            items: items + small.items,
            gathered: true,
        });
    }

    /// Takes the last segment off as a buffer that `more` bytes can be put
    /// behind, with its items; an empty buffer if it should stay as it is.
    fn gathering(&mut self, more: usize) -> (BytesMut, usize) {
        let room = |last: &&Segment| {
            last.bytes.len() < SMALL || (last.gathered && last.bytes.len() + more <= GATHERED)
        };
        let mut small = None;
        if self.list.last().filter(room).is_some()
            && let Some(last) = self.list.pop()
        {
            // Only a buffer of our own that nobody else holds grows in place.
            let shared = match (last.gathered, last.bytes) {
                (true, bytes) => match bytes.try_into_mut() {
                    Ok(buffer) => return (buffer, last.items),
                    Err(shared) => shared,
                },
                (false, bytes) => bytes,
            };
            if shared.len() < SMALL {
                small = Some((shared, last.items));
            } else {
                self.list.push(Segment {
                    bytes: shared,
                    items: last.items,
                    gathered: true,
                });
            }
        }
        let (bytes, items) = small.unwrap_or_default();
        // Behind a full one comes another: it need not grow in steps, which copy it each time.
        let usual = match self.list.last() {
            Some(last) if last.gathered => GATHERED,
            _ => SMALL,
        };
        let mut buffer = BytesMut::with_capacity((bytes.len() + more).max(usual));
        buffer.extend_from_slice(&bytes);
        (buffer, items)
    }

    /// Ties `owner` to the bytes of every segment.
    pub(super) fn keep<O: Send + Sync + 'static>(mut self, owner: O) -> Segments {
        if let [only] = self.list.as_mut_slice() {
            only.keep(owner);
            return self;
        }
        let owner = Arc::new(owner);
        for segment in &mut self.list {
            segment.keep(Arc::clone(&owner));
        }
        self
    }

    pub(super) fn into_bytes(mut self) -> Bytes {
        if self.list.len() == 1
            && let Some(only) = self.list.pop()
        {
            return only.bytes;
        }
        let mut all = Vec::with_capacity(self.size);
        for segment in &self.list {
            all.extend_from_slice(&segment.bytes);
        }
        all.into()
    }
}

impl Segment {
    fn keep<O: Send + Sync + 'static>(&mut self, owner: O) {
        // Other people's buffers do not grow in place.
        self.gathered = false;
        self.bytes = Bytes::from_owner(Kept {
            bytes: std::mem::take(&mut self.bytes),
            _owner: owner,
        });
    }
}

/// Bytes and what lives as long as they do.
struct Kept<O> {
    bytes: Bytes,
    _owner: O,
}

impl<O> AsRef<[u8]> for Kept<O> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl IntoIterator for Segments {
    type Item = Segment;
    type IntoIter = smallvec::IntoIter<[Segment; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
