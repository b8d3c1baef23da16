//! Where the items of each signal are: the one thing in which walks over the
//! three signals differ.

use crate::Signal;
use crate::wire::{Cursor, Field, Fields};

/// The levels of messages around the items of a signal.
///
/// Level 0 is the request, level 1 a resource's message, level 2 a scope's. In
/// metrics, level 3 is a metric and level 4 its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// A bit for each field number that leads from this level to the next.
    levels: &'static [u32],
}

impl Frame {
    pub(crate) const fn of(signal: Signal) -> Frame {
        let levels: &[u32] = match signal {
            Signal::Logs | Signal::Traces => &[1 << 1, 1 << 2, 1 << 2],
            Signal::Metrics => &[
                1 << 1,
                1 << 2,
                1 << 2,
                1 << 5 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 11,
                1 << 1,
            ],
        };
        Frame { levels }
    }

    /// Whether field `number` of a message of this level is one of the next.
    #[inline(always)]
    pub(crate) const fn is_inner(self, level: usize, number: u32) -> bool {
        number < 32 && level < self.levels.len() && self.levels[level] & (1 << number) != 0
    }

    /// Whether what is inside a message of this level are the items.
    #[inline(always)]
    pub(crate) const fn holds_items(self, level: usize) -> bool {
        level + 1 == self.levels.len()
    }

    /// How many items are in a message of this level, which is valid.
    pub(crate) fn count(self, level: usize, message: &[u8]) -> usize {
        let inner = Fields::new(message).filter(|field| self.is_inner(level, field.number));
        if self.holds_items(level) {
            inner.count()
        } else {
            inner
                .map(|field| self.count(level + 1, field.bytes()))
                .sum()
        }
    }

    /// How many items a field in a message of this level is or holds.
    #[inline]
    pub(crate) fn count_field(self, level: usize, field: &Field<'_>) -> usize {
        if !self.is_inner(level, field.number) {
            0
        } else if self.holds_items(level) {
            1
        } else {
            self.count(level + 1, field.bytes())
        }
    }

    /// Like [`count`](Self::count), for bytes that were not validated.
    fn skim(self, level: usize, message: &[u8]) -> Option<usize> {
        let mut cursor = Cursor::new(message);
        let mut items = 0;
        while !cursor.is_done() {
            let (number, wire) = cursor.key()?;
            if !self.is_inner(level, number) {
                cursor.skip(number, wire)?;
            } else if wire != crate::wire::WireType::Len {
                return None;
            } else {
                let inner = cursor.len_delimited()?;
                items += if self.holds_items(level) {
                    1
                } else {
                    self.skim(level + 1, inner)?
                };
            }
        }
        Some(items)
    }
}

/// Counts the items of a request by its frame alone, 30 times faster than
/// validation and without looking into a single item; `None` if the frame is
/// malformed. For those who only relay: this is no proof that the bytes are
/// valid, and not a way to a [`Payload`](crate::Payload).
pub fn count_items(signal: Signal, request: &[u8]) -> Option<usize> {
    Frame::of(signal).skim(0, request)
}
