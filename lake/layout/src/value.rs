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
pub(crate) fn render(value: Value<'_>, max_depth: usize, out: &mut String) -> Result<(), TooDeep> {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Empty => {}
        Value::Int(number) => out.push_str(itoa::Buffer::new().format(number)),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Double(number) => push_double(number, out),
        Value::Bytes(bytes) => STANDARD.encode_string(bytes, out),
        Value::Array(_) | Value::Map(_) => return json(value, max_depth, out),
    }
    Ok(())
}

/// Appends `value` as JSON. What JSON cannot say (bytes, NaN, infinities) is a string.
pub(crate) fn json(value: Value<'_>, max_depth: usize, out: &mut String) -> Result<(), TooDeep> {
    let Some(below) = max_depth.checked_sub(1) else {
        return Err(TooDeep);
    };
    match value {
        Value::Empty => out.push_str("null"),
        Value::String(text) => push_json_text(text, out),
        Value::Bool(_) | Value::Int(_) => render(value, max_depth, out)?,
        Value::Double(number) if number.is_finite() => push_double(number, out),
        Value::Double(_) | Value::Bytes(_) => {
            out.push('"');
            render(value, max_depth, out)?;
            out.push('"');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json(item, below, out)?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_json_text(entry.key, out);
                out.push(':');
                json(entry.value, below, out)?;
            }
            out.push('}');
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
pub(crate) fn push_json_text(text: &str, out: &mut String) {
    let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // Writing text to text cannot fail.
        let _ = serde_json::to_writer(Utf8(out), text);
    }
}

/// Appends the shortest text that reads back as the same double; `NaN`, `Infinity` and
/// `-Infinity` as OTLP/JSON names them.
pub(crate) fn push_double(number: f64, out: &mut String) {
    if number.is_finite() {
        // Writing a number to text cannot fail.
        let _ = serde_json::to_writer(Utf8(out), &number);
    } else if number.is_nan() {
        out.push_str("NaN");
    } else if number > 0.0 {
        out.push_str("Infinity");
    } else {
        out.push_str("-Infinity");
    }
}

/// A text as what JSON is written to, which comes in whole texts.
struct Utf8<'a>(&'a mut String);

impl std::io::Write for Utf8<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(std::io::Error::other)?;
        self.0.push_str(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
