//! Arrays and maps of any shape, written without building them first.

use super::nest::{Open, RECORD, SMALL, close, length_key, open, put_bytes_unless_empty};
use super::value::{self, ARRAY, ELEMENTS, KEY, MAP, VALUE};
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
    /// Appends an attribute to a list that is field `key` of the open message.
    pub(crate) fn attribute(&mut self, key: u32, name: &str, value: Value<'_>) {
        value::put_key_value(&mut self.bytes, key, name, value);
    }

    /// Appends an attribute whose value is written by `write`, `depth` containers deep.
    pub(crate) fn attribute_with(
        &mut self,
        key: u32,
        name: &str,
        depth: usize,
        write: impl FnOnce(&mut ValueWriter<'_>),
    ) {
        let pair = open(&mut self.bytes, key, SMALL);
        put_bytes_unless_empty(&mut self.bytes, KEY, name.as_bytes());
        self.value_with(VALUE, depth, write);
        close(&mut self.bytes, pair);
    }

    /// Appends a field that holds an `AnyValue` written by `write`.
    pub(crate) fn value_with(
        &mut self,
        key: u32,
        depth: usize,
        write: impl FnOnce(&mut ValueWriter<'_>),
    ) {
        let value = open(&mut self.bytes, key, SMALL);
        write(&mut ValueWriter {
            sink: self,
            value,
            depth,
        });
        close(&mut self.bytes, value);
    }

    /// `value` if its containers fit below `depth` others, else an empty value, counted.
    fn fitted<'a>(&mut self, value: Value<'a>, depth: usize) -> Value<'a> {
        if depth == 0 || value_depth(value, MAX_VALUE_DEPTH - depth.min(MAX_VALUE_DEPTH)) {
            return value;
        }
        self.too_deep += 1;
        Value::Empty
    }
}

/// Whether at most `allowed` containers are nested in one another in `value`.
///
/// A value that came out of a payload obeys the limit in its own place, so the
/// recursion is bounded; but it may not fit below others.
fn value_depth(value: Value<'_>, allowed: usize) -> bool {
    match value {
        Value::Array(values) => {
            allowed > 0 && values.clone().all(|value| value_depth(value, allowed - 1))
        }
        Value::Map(entries) => {
            allowed > 0
                && entries
                    .clone()
                    .all(|entry| value_depth(entry.value, allowed - 1))
        }
        _ => true,
    }
}

/// Writes one value. When several are written, the last one stays.
///
/// A value to which nothing is written stays empty. An array or map nested in
/// more than [`MAX_VALUE_DEPTH`] others is written as an empty value, its
/// closure is not called, and the writer's `too_deep` counts it.
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
        let array = open(&mut self.sink.bytes, ARRAY, SMALL);
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
        let map = open(&mut self.sink.bytes, MAP, SMALL);
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
        let refused = self.depth >= MAX_VALUE_DEPTH;
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
        value::put_value(&mut self.sink.bytes, ELEMENTS, value);
    }

    /// Appends an element that `write` writes.
    pub fn push_with(&mut self, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.sink.value_with(ELEMENTS, self.depth, write);
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
        self.sink.attribute(ELEMENTS, key, value);
    }

    /// Appends an entry whose value `write` writes.
    pub fn attribute_with(&mut self, key: &str, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.sink.attribute_with(ELEMENTS, key, self.depth, write);
    }
}
