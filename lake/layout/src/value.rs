//! Attribute values as text: texts as they are, numbers and booleans in JSON form, lists and maps
//! as JSON, bytes in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otlp::Value;

/// A value nests deeper than the table takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// Appends the text of `value`; nothing for an empty one. A text is one level deep.
#[inline]
pub(crate) fn render(value: Value<'_>, max_depth: usize, out: &mut Vec<u8>) -> Result<(), TooDeep> {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Empty => {}
        Value::Int(number) => push_int(number, out),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Double(number) => push_double(number, out),
        Value::Bytes(bytes) => push_base64(bytes, out),
        Value::Array(_) | Value::Map(_) => return json(value, max_depth, out),
    }
    Ok(())
}

/// Appends `value` as JSON. What JSON cannot say (bytes, NaN, infinities) is a string.
pub(crate) fn json(value: Value<'_>, max_depth: usize, out: &mut Vec<u8>) -> Result<(), TooDeep> {
    let Some(below) = max_depth.checked_sub(1) else {
        return Err(TooDeep);
    };
    match value {
        Value::Empty => out.extend_from_slice(b"null"),
        Value::String(text) => push_json_text(text, out),
        Value::Bool(_) | Value::Int(_) => render(value, max_depth, out)?,
        Value::Double(number) if number.is_finite() => push_double(number, out),
        Value::Double(_) | Value::Bytes(_) => {
            out.push(b'"');
            render(value, max_depth, out)?;
            out.push(b'"');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json(item, below, out)?;
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            out.push(b'{');
            for (index, entry) in entries.enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_json_text(entry.key, out);
                out.push(b':');
                json(entry.value, below, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Name of the value's type, for `body_type`; nothing for an empty value.
pub(crate) fn type_name(value: Value<'_>) -> &'static str {
    match value {
        Value::Empty => "",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Double(_) => "double",
        Value::Bytes(_) => "bytes",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
    }
}

/// Appends a JSON string.
pub(crate) fn push_json_text(text: &str, out: &mut Vec<u8>) {
    let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing text to a vector cannot fail.
        let _ = serde_json::to_writer(out, text);
    }
}

/// Appends a decimal number.
#[inline]
pub(crate) fn push_int(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        // A digit is below ten.
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the shortest text that reads back as the same double; `NaN`, `Infinity` and
/// `-Infinity` as OTLP/JSON names them.
pub(crate) fn push_double(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        // Writing a number to a vector cannot fail.
        let _ = serde_json::to_writer(out, &number);
    } else if number.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if number > 0.0 {
        out.extend_from_slice(b"Infinity");
    } else {
        out.extend_from_slice(b"-Infinity");
    }
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let length = bytes.len().div_ceil(3) * 4;
    out.resize(start + length, 0);
    // The room was made to measure, so encoding cannot fail.
    let written = out
        .get_mut(start..)
        .and_then(|room| STANDARD.encode_slice(bytes, room).ok())
        .unwrap_or(0);
    out.truncate(start + written);
}
