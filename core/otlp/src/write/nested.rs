//! Arrays and maps of any shape, written without building them first.

use super::nest::{Open, SMALL, close, open, put_some_bytes};
use super::value::{self, any_value, key_value};
use crate::Value;
use crate::limits::MAX_VALUE_DEPTH;

/// Where writers append: the bytes, and what had to be left out of them.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) bytes: Vec<u8>,
    /// Arrays and maps that were nested too deep, and were written as empty values.
    pub(crate) too_deep: usize,
}

impl Sink {
    /// Appends an attribute to a list that is field `number` of the open message.
    #[inline]
    pub(crate) fn attribute(&mut self, number: u32, key: &str, value: Value<'_>) {
        value::put_key_value(&mut self.bytes, number, key, value);
    }

    /// Appends an attribute whose value is written by `write`, `depth` containers deep.
    pub(crate) fn attribute_with(
        &mut self,
        number: u32,
        key: &str,
        depth: usize,
        write: impl FnOnce(&mut ValueWriter<'_>),
    ) {
        let pair = open(&mut self.bytes, number, SMALL);
        put_some_bytes(&mut self.bytes, key_value::KEY, key.as_bytes());
        self.value_with(key_value::VALUE, depth, write);
        close(&mut self.bytes, pair);
    }

    /// Appends a field that holds an `AnyValue` written by `write`.
    pub(crate) fn value_with(
        &mut self,
        number: u32,
        depth: usize,
        write: impl FnOnce(&mut ValueWriter<'_>),
    ) {
        let value = open(&mut self.bytes, number, SMALL);
        write(&mut ValueWriter {
            sink: self,
            value,
            depth,
        });
        close(&mut self.bytes, value);
    }

    /// `value` if it fits below `depth` containers, else an empty value, counted.
    fn fitted<'a>(&mut self, value: Value<'a>, depth: usize) -> Value<'a> {
        if depth == 0 || fits(value, MAX_VALUE_DEPTH.saturating_sub(depth)) {
            return value;
        }
        self.too_deep += 1;
        Value::Empty
    }
}

/// Whether `value` is at most `levels` deep, a scalar being one deep.
///
/// A value that came out of a payload obeys the limit in its own place, so the
/// recursion is bounded; but it may not fit below other containers.
fn fits(value: Value<'_>, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(mut values) => values.all(|value| fits(value, inner)),
        Value::Map(mut entries) => entries.all(|entry| fits(entry.value, inner)),
        _ => true,
    }
}

/// Writes one value. When several are written, the last one stays.
///
/// A value to which nothing is written stays empty. An array or map whose
/// members would be deeper than [`MAX_VALUE_DEPTH`] is written as an empty
/// value, its closure is not called, and the writer's `too_deep` counts it.
#[derive(Debug)]
pub struct ValueWriter<'w> {
    sink: &'w mut Sink,
    value: Open,
    /// Containers around this value.
    depth: usize,
}

impl ValueWriter<'_> {
    /// Writes a value that exists already.
    pub fn set(&mut self, value: Value<'_>) {
        self.clear();
        let value = self.sink.fitted(value, self.depth);
        value::put_value_content(&mut self.sink.bytes, value);
    }

    /// Writes a string.
    pub fn string(&mut self, text: &str) {
        self.set(Value::String(text));
    }

    /// Writes an array, element by element.
    pub fn array(&mut self, write: impl FnOnce(&mut ArrayWriter<'_>)) {
        self.clear();
        if self.refused() {
            return;
        }
        let array = open(&mut self.sink.bytes, any_value::ARRAY, SMALL);
        write(&mut ArrayWriter {
            sink: self.sink,
            depth: self.depth + 1,
        });
        close(&mut self.sink.bytes, array);
    }

    /// Writes a map, entry by entry.
    pub fn map(&mut self, write: impl FnOnce(&mut MapWriter<'_>)) {
        self.clear();
        if self.refused() {
            return;
        }
        let map = open(&mut self.sink.bytes, any_value::MAP, SMALL);
        write(&mut MapWriter {
            sink: self.sink,
            depth: self.depth + 1,
        });
        close(&mut self.sink.bytes, map);
    }

    fn clear(&mut self) {
        self.sink.bytes.truncate(self.value.content());
    }

    /// Whether a container does not fit here any more; counts it.
    fn refused(&mut self) -> bool {
        // This value is one deeper than its containers, its members are two.
        let refused = self.depth + 2 > MAX_VALUE_DEPTH;
        self.sink.too_deep += usize::from(refused);
        refused
    }
}

/// Writes the elements of an array.
#[derive(Debug)]
pub struct ArrayWriter<'w> {
    sink: &'w mut Sink,
    /// Containers around the elements, this array included.
    depth: usize,
}

impl ArrayWriter<'_> {
    /// Appends an element.
    pub fn push(&mut self, value: Value<'_>) {
        let value = self.sink.fitted(value, self.depth);
        value::put_value(&mut self.sink.bytes, any_value::MEMBERS, value);
    }

    /// Appends an element that `write` writes.
    pub fn push_with(&mut self, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.sink.value_with(any_value::MEMBERS, self.depth, write);
    }
}

/// Writes the entries of a map, in order; keys are not compared.
#[derive(Debug)]
pub struct MapWriter<'w> {
    sink: &'w mut Sink,
    /// Containers around the entries, this map included.
    depth: usize,
}

impl MapWriter<'_> {
    /// Appends an entry.
    pub fn attribute(&mut self, key: &str, value: Value<'_>) {
        let value = self.sink.fitted(value, self.depth);
        self.sink.attribute(any_value::MEMBERS, key, value);
    }

    /// Appends an entry whose value `write` writes.
    pub fn attribute_with(&mut self, key: &str, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.sink
            .attribute_with(any_value::MEMBERS, key, self.depth, write);
    }
}
