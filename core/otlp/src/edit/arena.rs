//! Where new strings and values live until the walk is over.

use std::cell::Cell;

use bumpalo::Bump;

use crate::Value;
use crate::wire::{Cursor, WireType, one_byte_key, put_bytes};
use crate::write::value::put_value_content;
use crate::write::{Sink, ValueWriter};

/// A bump allocator for what edits add to records.
///
/// What it hands out lives as long as the payload that is walked, so values
/// read from a draft and values made here can be mixed freely. The memory is
/// used again by the next walk.
#[derive(Default)]
pub struct Arena {
    bump: Bump,
    /// Where things are encoded whose size is not known before.
    buffer: Cell<Vec<u8>>,
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena")
            .field("allocated", &self.bump.allocated_bytes())
            .finish()
    }
}

/// What an arena keeps between walks at most; one giant payload must not hold
/// its memory for ever.
const KEPT: usize = 4 << 20;

impl Arena {
    /// A copy of a text.
    #[inline]
    pub fn text(&self, text: &str) -> &str {
        self.bump.alloc_str(text)
    }

    /// A copy of some bytes.
    #[inline]
    pub fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.bump.alloc_slice_copy(bytes)
    }

    /// A text put together from what is displayed, as `format_args!` gives it.
    pub fn format(&self, text: std::fmt::Arguments<'_>) -> &str {
        let mut buffer = String::from_utf8(self.buffer.take()).unwrap_or_default();
        // Writing into a String cannot fail; a Display that fails leaves what it wrote.
        let _ = std::fmt::Write::write_fmt(&mut buffer, text);
        let copy = self.text(&buffer);
        self.give_back(buffer.into_bytes());
        copy
    }

    /// A copy of a value.
    pub fn value(&self, value: Value<'_>) -> Value<'_> {
        Value::decode(self.any_value(value))
    }

    /// A value of any shape, written by `write`: arrays, maps, and nested ones.
    pub fn build(&self, write: impl FnOnce(&mut ValueWriter<'_>)) -> Value<'_> {
        Value::decode(self.any_value_with(write))
    }

    /// An array of one text.
    pub fn list_of_one(&self, text: &str) -> Value<'_> {
        const HEAD: usize = 4;
        let mut list = [0; HEAD + STACK];
        let len = text.len();
        // `ArrayValue.values` with an `AnyValue.string_value` in it, all lengths one byte
        if let Some(list) = list.get_mut(..HEAD + len)
            && let Some((head, content)) = list.split_first_chunk_mut::<HEAD>()
        {
            *head = [0x0a, len as u8 + 2, STRING_KEY, len as u8];
            content.copy_from_slice(text.as_bytes());
            return Value::array(self.bytes(list));
        }
        self.build(|value| value.array(|array| array.push(Value::String(text))))
    }

    /// The content of an `AnyValue`.
    #[inline]
    pub(crate) fn any_value(&self, value: Value<'_>) -> &[u8] {
        match value {
            Value::String(text) => self.short_field(STRING_VALUE, text.as_bytes()),
            Value::Empty => &[],
            Value::Array(values) => self.short_field(ARRAY_VALUE, values.encoded()),
            Value::Bool(flag) => self.bytes(&[0x10, u8::from(flag)]),
            _ => self.encode(|out| put_value_content(out, value)),
        }
    }

    /// A length-delimited field with a key of one byte; put together on the stack
    /// if it is short.
    #[inline]
    pub(crate) fn short_field(&self, number: u32, content: &[u8]) -> &[u8] {
        let mut field = [0; STACK + 2];
        match field.get_mut(2..content.len() + 2) {
            Some(place) if number < 16 => {
                place.copy_from_slice(content);
                field[0] = (number << 3 | 2) as u8;
                field[1] = content.len() as u8;
                self.bytes(&field[..content.len() + 2])
            }
            _ => self.encode(|out| put_bytes(out, number, content)),
        }
    }

    /// A `fixed64` field with a key of one byte.
    #[inline]
    pub(crate) fn fixed64_field(&self, number: u32, value: u64) -> &[u8] {
        debug_assert!(number < 16, "keys of one byte only");
        let mut field = [0; 9];
        field[0] = (number << 3 | 1) as u8;
        field[1..].copy_from_slice(&value.to_le_bytes());
        self.bytes(&field)
    }

    /// The content of an `AnyValue` that `write` writes.
    pub(crate) fn any_value_with(&self, write: impl FnOnce(&mut ValueWriter<'_>)) -> &[u8] {
        let mut sink = Sink {
            bytes: self.buffer.take(),
            too_deep: 0,
        };
        sink.bytes.clear();
        sink.value_with(FIELD, 0, write);
        let mut cursor = Cursor::at(&sink.bytes, 1);
        let copy = self.bytes(cursor.len_delimited().unwrap_or_default());
        self.give_back(sink.bytes);
        copy
    }

    /// What `write` appends, in one piece.
    #[inline]
    pub(crate) fn encode(&self, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        // Taken, not borrowed: `write` may use the arena, too.
        let mut buffer = self.buffer.take();
        buffer.clear();
        write(&mut buffer);
        let copy = self.bytes(&buffer);
        self.give_back(buffer);
        copy
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        if buffer.capacity() <= KEPT {
            self.buffer.set(buffer);
        }
    }

    /// Frees everything; the memory is kept for the next walk.
    pub(crate) fn reset(&mut self) {
        if self.bump.allocated_bytes() > KEPT {
            self.bump = Bump::new();
        } else {
            self.bump.reset();
        }
    }
}

/// What is put together on the stack, at most.
const STACK: usize = 100;

/// Members of `AnyValue`, and the key of the first one on the wire.
const STRING_VALUE: u32 = 1;
const ARRAY_VALUE: u32 = 5;
const STRING_KEY: u8 = one_byte_key(STRING_VALUE as u8, WireType::Len);

/// The number of any field; its key is cut off again.
const FIELD: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_come_back() {
        let arena = Arena::default();
        let value = arena.build(|v| {
            v.map(|m| {
                m.attribute("n", Value::Int(7));
                // Using the arena while it is being written to is fine.
                let text = arena.format(format_args!("{}-{}", 1, 2));
                m.attribute_with("list", |v| v.array(|a| a.push(Value::String(text))));
            });
        });
        let Value::Map(map) = value else {
            panic!("{value:?}")
        };
        assert_eq!(map.get("n"), Some(Value::Int(7)));
        let Some(Value::Array(mut list)) = map.get("list") else {
            panic!("{map:?}")
        };
        assert_eq!(list.next(), Some(Value::String("1-2")));
    }

    #[test]
    fn a_list_of_one_is_an_array_of_one() {
        let arena = Arena::default();
        for length in 0..300 {
            let text = "x".repeat(length);
            let built = arena.build(|v| v.array(|a| a.push(Value::String(&text))));
            assert_eq!(arena.list_of_one(&text), built);
            assert_eq!(arena.value(built), built);
        }
    }

    #[test]
    fn every_kind_of_value_is_copied() {
        let arena = Arena::default();
        let kinds = [
            Value::Empty,
            Value::Bool(true),
            Value::Int(-1),
            Value::Double(0.5),
            Value::String(""),
            Value::Bytes(&[1, 2]),
        ];
        for value in kinds {
            assert_eq!(arena.value(value), value);
        }
    }
}
