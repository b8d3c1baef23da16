//! Stepping over the fields of a message that is known to be valid.
//!
//! The same as [`Fields`], but without looking at values: for the index of a
//! draft, where this loop is most of the cost.

use crate::wire::Fields;

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) number: u32,
    pub(super) start: usize,
    /// Where the content starts; only for length-delimited fields.
    pub(super) content: usize,
    pub(super) end: usize,
}

/// The fields of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Steps<'a> {
    #[inline(always)]
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Steps { message, at: 0 }
    }

    /// Where the next field starts.
    #[inline(always)]
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Goes on at another field.
    #[inline(always)]
    pub(super) const fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// A field whose key is one byte, and whose length (or varint) is at most
    /// two: all but the rarest.
    #[inline(always)]
    fn short(&self) -> Option<Step> {
        let start = self.at;
        let (&key, rest) = self.message.get(start..)?.split_first()?;
        let (content, end) = match key {
            0x80.. => return None,
            _ => match (key & 7, rest) {
                (2, &[len @ ..0x80, ..]) => (start + 2, start + 2 + usize::from(len)),
                (2, &[low, high @ ..0x80, ..]) => {
                    let len = usize::from(low & 0x7f) | usize::from(high) << 7;
                    (start + 3, start + 3 + len)
                }
                (1, _) => (start + 1, start + 9),
                (5, _) => (start + 1, start + 5),
                (0, &[..0x80, ..]) => (start + 1, start + 2),
                _ => return None,
            },
        };
        Some(Step {
            number: u32::from(key >> 3),
            start,
            content,
            end,
        })
    }

    #[cold]
    #[inline(never)]
    fn long(&self) -> Option<Step> {
        let field = Fields::new(self.message.get(self.at..)?).next()?;
        let end = self.at + field.end;
        Some(Step {
            number: field.number,
            start: self.at,
            content: end - field.bytes().len(),
            end,
        })
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    #[inline(always)]
    fn next(&mut self) -> Option<Step> {
        if self.at >= self.message.len() {
            return None;
        }
        let step = match self.short() {
            Some(step) => step,
            None => self.long()?,
        };
        self.at = step.end;
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{put_bytes, put_fixed32, put_fixed64, put_uint};

    proptest! {
        #[test]
        fn steps_are_where_fields_are(
            fields in prop::collection::vec((1..40u32, 0..4u8, any::<u64>(), 0..300usize), 0..12),
        ) {
            let mut message = Vec::new();
            for (number, kind, value, len) in fields {
                match kind {
                    0 => put_uint(&mut message, number, value >> (value & 63)),
                    1 => put_fixed64(&mut message, number, value),
                    2 => put_bytes(&mut message, number, &vec![b'x'; len]),
                    _ => put_fixed32(&mut message, number, value as u32),
                }
            }
            let steps: Vec<_> = Steps::new(&message).map(|s| (s.number, s.start, s.end)).collect();
            let fields: Vec<_> =
                Fields::new(&message).map(|f| (f.number, f.start, f.end)).collect();
            prop_assert_eq!(steps, fields);
            for (step, field) in Steps::new(&message).zip(Fields::new(&message)) {
                if field.wire == crate::wire::WireType::Len {
                    prop_assert_eq!(&message[step.content..step.end], field.bytes());
                }
            }
        }
    }
}
