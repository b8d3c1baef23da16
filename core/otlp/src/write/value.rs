//! Encoding of values and attributes that exist already.
//!
//! Shared by the writers and by the drafts of [`crate::edit`]. Lengths are
//! computed before anything is written, so nothing moves.

use crate::read::next_field;
use crate::wire::{self, WireType, bytes_len, one_byte_key, varint_len};
use crate::{Attributes, Value};

/// Field numbers of `KeyValue`.
pub(super) mod key_value {
    pub(in crate::write) const KEY: u32 = 1;
    pub(in crate::write) const VALUE: u32 = 2;
}

/// Field numbers of the members of `AnyValue.value`.
pub(super) mod any_value {
    pub(in crate::write) const STRING: u32 = 1;
    pub(in crate::write) const BOOL: u32 = 2;
    pub(in crate::write) const INT: u32 = 3;
    pub(in crate::write) const DOUBLE: u32 = 4;
    pub(in crate::write) const ARRAY: u32 = 5;
    pub(in crate::write) const MAP: u32 = 6;
    pub(in crate::write) const BYTES: u32 = 7;
    /// `ArrayValue.values` and `KeyValueList.values`.
    pub(in crate::write) const MEMBERS: u32 = 1;
}

/// Bytes of an `AnyValue` message that holds `value`, without its own key and length.
#[inline]
pub(crate) fn value_size(value: Value<'_>) -> usize {
    match value {
        Value::Empty => 0,
        Value::String(text) => bytes_len(any_value::STRING, text.len()),
        Value::Bool(_) => 2,
        Value::Int(number) => 1 + varint_len(number as u64),
        Value::Double(_) => 9,
        Value::Bytes(bytes) => bytes_len(any_value::BYTES, bytes.len()),
        Value::Array(values) => bytes_len(any_value::ARRAY, values.encoded().len()),
        Value::Map(entries) => bytes_len(any_value::MAP, map_size(entries)),
    }
}

/// Appends the content of an `AnyValue` message; nothing for [`Value::Empty`].
///
/// A member of a `oneof` is written even when it is zero or empty.
#[inline]
pub(crate) fn put_value_content(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Empty => {}
        Value::String(text) => wire::put_bytes(out, any_value::STRING, text.as_bytes()),
        Value::Bool(flag) => wire::put_uint(out, any_value::BOOL, u64::from(flag)),
        Value::Int(number) => wire::put_uint(out, any_value::INT, number as u64),
        Value::Double(number) => wire::put_fixed64(out, any_value::DOUBLE, number.to_bits()),
        Value::Bytes(bytes) => wire::put_bytes(out, any_value::BYTES, bytes),
        Value::Array(values) => wire::put_bytes(out, any_value::ARRAY, values.encoded()),
        Value::Map(entries) => put_map(out, entries),
    }
}

/// Bytes of a `KeyValueList`.
///
/// The entries are counted one by one: a map may also be the attributes of a
/// record, which have another field number and other fields between them.
fn map_size(entries: Attributes<'_>) -> usize {
    let mut size = 0;
    let mut rest = entries.encoded();
    while let Some(entry) = next_field(&mut rest, entries.number()) {
        size += bytes_len(any_value::MEMBERS, entry.bytes().len());
    }
    size
}

fn put_map(out: &mut Vec<u8>, entries: Attributes<'_>) {
    wire::put_len(out, any_value::MAP, map_size(entries));
    let mut rest = entries.encoded();
    while let Some(entry) = next_field(&mut rest, entries.number()) {
        wire::put_bytes(out, any_value::MEMBERS, entry.bytes());
    }
}

/// Appends a field that holds an `AnyValue`: `LogRecord.body`, `KeyValue.value`, `ArrayValue.values`.
#[inline]
pub(crate) fn put_value(out: &mut Vec<u8>, number: u32, value: Value<'_>) {
    wire::put_len(out, number, value_size(value));
    put_value_content(out, value);
}

/// Bytes of a `KeyValue` message, without its own key and length.
#[inline]
pub(crate) fn key_value_size(key: &str, value: Value<'_>) -> usize {
    let key = match key.len() {
        0 => 0,
        length => bytes_len(key_value::KEY, length),
    };
    key + bytes_len(key_value::VALUE, value_size(value))
}

/// Appends a field that holds a `KeyValue`: an attribute, or an entry of a map.
#[inline]
pub(crate) fn put_key_value(out: &mut Vec<u8>, number: u32, key: &str, value: Value<'_>) {
    match value {
        Value::String(text)
            if number < 16 && !key.is_empty() && key.len() + text.len() + 6 < 0x80 =>
        {
            put_short_text(out, number, key, text);
        }
        Value::Int(integer) if number < 16 && (1..100).contains(&key.len()) => {
            put_short_int(out, number, key, integer);
        }
        _ => put_any_key_value(out, number, key, value),
    }
}

/// A text as most are: all lengths are one byte.
#[inline(never)]
fn put_short_text(out: &mut Vec<u8>, number: u32, key: &str, text: &str) {
    const KEY: u8 = one_byte_key(key_value::KEY as u8, WireType::Len);
    const VALUE: u8 = one_byte_key(key_value::VALUE as u8, WireType::Len);
    const STRING: u8 = one_byte_key(any_value::STRING as u8, WireType::Len);
    let (key_len, text_len) = (key.len() as u8, text.len() as u8);
    let pair = one_byte_key(number as u8, WireType::Len);
    out.reserve(key.len() + text.len() + 8);
    out.extend_from_slice(&[pair, key_len + text_len + 6, KEY, key_len]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[VALUE, text_len + 2, STRING, text_len]);
    out.extend_from_slice(text.as_bytes());
}

/// An integer under a short key: all lengths are one byte.
#[inline(never)]
fn put_short_int(out: &mut Vec<u8>, number: u32, key: &str, integer: i64) {
    const KEY: u8 = one_byte_key(key_value::KEY as u8, WireType::Len);
    const VALUE: u8 = one_byte_key(key_value::VALUE as u8, WireType::Len);
    const INT: u8 = one_byte_key(any_value::INT as u8, WireType::Varint);
    let (key_len, width) = (key.len() as u8, varint_len(integer as u64) as u8);
    let pair = one_byte_key(number as u8, WireType::Len);
    out.reserve(key.len() + 17);
    out.extend_from_slice(&[pair, key_len + width + 5, KEY, key_len]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&[VALUE, width + 1, INT]);
    wire::put_varint(out, integer as u64);
}

fn put_any_key_value(out: &mut Vec<u8>, number: u32, key: &str, value: Value<'_>) {
    wire::put_len(out, number, key_value_size(key, value));
    if !key.is_empty() {
        wire::put_bytes(out, key_value::KEY, key.as_bytes());
    }
    put_value(out, key_value::VALUE, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_attributes_are_as_any_others() {
        let integers = (0..64).map(|shift| Value::Int(i64::MIN >> shift));
        let integers =
            integers.chain((0..64).map(|shift| Value::Int((i64::MAX as u64 >> shift) as i64)));
        let long = "x".repeat(200);
        let texts = (0..200).filter_map(|length| long.get(..length).map(Value::String));
        for value in integers.chain(texts) {
            for length in [0, 1, 8, 99, 100, 101, 127, 128] {
                let key = long.get(..length).unwrap_or_default();
                let (mut short, mut any) = (Vec::new(), Vec::new());
                put_key_value(&mut short, 6, key, value);
                put_any_key_value(&mut any, 6, key, value);
                assert_eq!(short, any, "{length} {value:?}");
            }
        }
    }
}
