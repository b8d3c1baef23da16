//! Encoding of values and attributes, flat or nested.
//!
//! The functions here are shared by the writers and by the drafts of
//! [`crate::edit`]; the public types let a caller write arrays and maps of any
//! shape without building them first.

use super::nest::{
    GROUP, Open, SMALL, close, fixed64_key, length_key, open, put_bytes, put_fixed64, put_key,
    put_varint, put_varint_field, varint_key, varint_size,
};
use crate::Value;
use crate::limits::MAX_VALUE_DEPTH;

/// `KeyValue.key` and `KeyValue.value`.
const KEY: u32 = length_key(1);
const VALUE: u32 = length_key(2);
/// Members of `AnyValue.value`.
const STRING: u32 = length_key(1);
const BOOL: u32 = varint_key(2);
const INT: u32 = varint_key(3);
const DOUBLE: u32 = fixed64_key(4);
const ARRAY: u32 = length_key(5);
const MAP: u32 = length_key(6);
const BYTES: u32 = length_key(7);
/// `ArrayValue.values` and `KeyValueList.values`.
const ELEMENTS: u32 = length_key(1);

/// Bytes of an `AnyValue` message that holds `value`, without its own key and length.
pub(crate) fn value_size(value: Value<'_>) -> usize {
    match value {
        Value::Empty => 0,
        Value::String(text) => field_size(text.len()),
        Value::Bool(_) => 2,
        Value::Int(number) => 1 + varint_size(number as u64),
        Value::Double(_) => 9,
        Value::Bytes(bytes) => field_size(bytes.len()),
        Value::Array(values) => field_size(values.encoded().len()),
        Value::Map(attributes) => field_size(attributes.encoded().len()),
    }
}

/// Bytes of a length-delimited field with a key of one byte.
fn field_size(length: usize) -> usize {
    1 + varint_size(length as u64) + length
}

/// Appends the content of an `AnyValue` message; nothing for [`Value::Empty`].
///
/// A member of a `oneof` is written even when it is zero or empty.
pub(crate) fn put_value_content(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Empty => {}
        Value::String(text) => put_bytes(out, STRING, text.as_bytes()),
        Value::Bool(flag) => put_varint_field(out, BOOL, u64::from(flag)),
        Value::Int(number) => put_varint_field(out, INT, number as u64),
        Value::Double(number) => put_fixed64(out, DOUBLE, number.to_bits()),
        Value::Bytes(bytes) => put_bytes(out, BYTES, bytes),
        Value::Array(values) => put_bytes(out, ARRAY, values.encoded()),
        Value::Map(attributes) => put_bytes(out, MAP, attributes.encoded()),
    }
}

/// Appends a field that holds an `AnyValue`: `LogRecord.body`, `KeyValue.value`, `ArrayValue.values`.
pub(crate) fn put_value(out: &mut Vec<u8>, key: u32, value: Value<'_>) {
    put_key(out, key);
    put_varint(out, value_size(value) as u64);
    put_value_content(out, value);
}

/// Bytes of a `KeyValue` message, without its own key and length.
pub(crate) fn key_value_size(name: &str, value: Value<'_>) -> usize {
    name_size(name) + field_size(value_size(value))
}

/// Bytes of `KeyValue.key`, which is left out when it is empty.
fn name_size(name: &str) -> usize {
    if name.is_empty() {
        0
    } else {
        field_size(name.len())
    }
}

/// Appends a field that holds a `KeyValue`: every list of attributes, and the entries of a map.
///
/// The lengths are computed first, so nothing moves.
pub(crate) fn put_key_value(out: &mut Vec<u8>, key: u32, name: &str, value: Value<'_>) {
    put_key(out, key);
    put_varint(out, key_value_size(name, value) as u64);
    if !name.is_empty() {
        put_bytes(out, KEY, name.as_bytes());
    }
    put_value(out, VALUE, value);
}
