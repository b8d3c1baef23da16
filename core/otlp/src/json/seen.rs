//! Which members of an object came already, so that the last one of a key wins.

use super::shape::MAX_FIELDS;
use crate::wire::Cursor;

/// Where in the output the fields of the open message stand.
///
/// A repeated key is legal JSON, though no sane sender writes one. Its earlier
/// field is taken out again: protobuf would merge the messages of both, and a
/// `oneof` must not have two members.
#[derive(Debug)]
pub(super) struct Seen {
    /// Where the content of the message starts.
    content: usize,
    /// A bit for each field that stands in the output.
    slots: u32,
    /// Where it starts, behind `content`. No text that is accepted becomes 4 GiB.
    starts: [u32; MAX_FIELDS],
    /// The one field with counted items in it, if any, and how many.
    items: (usize, usize),
}

impl Seen {
    #[inline]
    pub(super) fn new(content: usize) -> Seen {
        Seen {
            content,
            slots: 0,
            starts: [0; MAX_FIELDS],
            items: (0, 0),
        }
    }

    #[inline]
    pub(super) fn contains(&self, slot: usize) -> bool {
        self.slots >> slot & 1 == 1
    }

    /// Notes a field that was just written, from `start` to the end of the output.
    #[inline]
    pub(super) fn insert(&mut self, slot: usize, start: usize, items: usize) {
        self.slots |= 1 << slot;
        self.starts[slot] = (start - self.content) as u32;
        if items > 0 {
            self.items = (slot, items);
        }
    }

    /// Takes a field out of the output again; how many counted items went with it.
    ///
    /// What moves up has been read since, and each part of it moves at most once
    /// for every field of the message, so a hostile text gains nothing.
    #[cold]
    pub(super) fn remove(&mut self, slot: usize, out: &mut Vec<u8>) -> usize {
        let relative = self.starts[slot];
        let start = self.content + relative as usize;
        let mut cursor = Cursor::at(out, start);
        let skipped = cursor
            .key()
            .and_then(|(number, wire)| cursor.skip(number, wire));
        debug_assert!(skipped.is_some(), "what the reader wrote can be walked");
        let length = cursor.pos() - start;
        out.drain(start..start + length);
        self.slots &= !(1 << slot);
        for other in &mut self.starts {
            if *other > relative {
                *other -= length as u32;
            }
        }
        let (holder, items) = self.items;
        if holder != slot {
            return 0;
        }
        self.items = (0, 0);
        items
    }
}
