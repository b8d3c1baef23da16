use super::value::next_field;
use crate::wire::{Cursor, WireType};

/// The numbers of a repeated scalar field, packed or not or both.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    rest: &'a [u8],
    number: u32,
    packed: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// The numbers in field `number` of `message`.
    pub(super) const fn new(message: &'a [u8], number: u32) -> Self {
        Numbers {
            rest: message,
            number,
            packed: &[],
        }
    }

    /// Reads them as `fixed64`.
    pub(super) fn fixed64(self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        self.decode(|cursor| cursor.fixed64())
    }

    /// Reads them as varints.
    pub(super) fn varint(self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        self.decode(|cursor| cursor.varint())
    }

    fn decode(
        mut self,
        one: impl Fn(&mut Cursor<'a>) -> Option<u64> + Clone,
    ) -> impl Iterator<Item = u64> + Clone {
        std::iter::from_fn(move || {
            loop {
                if !self.packed.is_empty() {
                    let mut cursor = Cursor::new(self.packed);
                    let value = one(&mut cursor)?;
                    self.packed = self.packed.get(cursor.pos()..).unwrap_or_default();
                    return Some(value);
                }
                let field = next_field(&mut self.rest, self.number)?;
                match field.wire {
                    WireType::Len => self.packed = field.bytes(),
                    _ => return Some(field.u64()),
                }
            }
        })
    }
}
