//! Values, ids and times as upstream writes them.

use std::fmt::{self, Write};

use otlp::{Attributes, Value};

/// A value without its type: `text`, `42`, `{"k":"v"}`.
pub(crate) fn plain(value: Value<'_>, out: &mut String) {
    match value {
        Value::String(text) => escaped(text, out),
        other => json(other, out),
    }
}

/// A value as JSON, as upstream prints arrays and maps.
fn json(value: Value<'_>, out: &mut String) {
    match value {
        Value::Empty => out.push_str("null"),
        Value::String(text) => quoted(text, out),
        Value::Bool(value) => put(out, format_args!("{value}")),
        Value::Int(value) => put(out, format_args!("{value}")),
        Value::Double(value) => put(out, format_args!("{value}")),
        Value::Bytes(bytes) => {
            out.push('"');
            hex(bytes, out);
            out.push('"');
        }
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json(value, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, entry) in map.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quoted(entry.key, out);
                out.push(':');
                json(entry.value, out);
            }
            out.push('}');
        }
    }
}

/// A value with its type, as `detailed` prints it: `Str(text)`, `Int(42)`.
pub(crate) fn typed(value: Value<'_>, out: &mut String) {
    let kind = match value {
        Value::Empty => "Empty",
        Value::String(_) => "Str",
        Value::Bool(_) => "Bool",
        Value::Int(_) => "Int",
        Value::Double(_) => "Double",
        Value::Bytes(_) => "Bytes",
        Value::Array(_) => "Slice",
        Value::Map(_) => "Map",
    };
    out.push_str(kind);
    out.push('(');
    if !matches!(value, Value::Empty) {
        plain(value, out);
    }
    out.push(')');
}

/// ` k=v k=v`, each with a blank before it.
pub(crate) fn pairs(attributes: Attributes<'_>, out: &mut String) {
    for attribute in attributes {
        out.push(' ');
        escaped(attribute.key, out);
        out.push('=');
        plain(attribute.value, out);
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        put(out, format_args!("{byte:02x}"));
    }
}

/// Text without control characters, so that a sender cannot drive the terminal.
pub(crate) fn escaped(text: &str, out: &mut String) {
    for character in text.chars() {
        if character.is_control() {
            put(out, format_args!("{}", character.escape_default()));
        } else {
            out.push(character);
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            character if character.is_control() => {
                put(out, format_args!("\\u{:04x}", u32::from(character)))
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

/// `2020-02-11 20:26:13.000000789 +0000 UTC`, as Go prints a time.
pub(crate) fn time(unix_nano: u64, out: &mut String) {
    let (seconds, nanos) = (unix_nano / 1_000_000_000, unix_nano % 1_000_000_000);
    let Some(at) = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
    else {
        return put(out, format_args!("{unix_nano}"));
    };
    put(out, format_args!("{}", at.strftime("%Y-%m-%d %H:%M:%S")));
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        put(out, format_args!(".{}", fraction.trim_end_matches('0')));
    }
    out.push_str(" +0000 UTC");
}

/// Writing to a `String` cannot fail.
pub(crate) fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_go_prints_them() {
        let printed = |unix_nano| {
            let mut out = String::new();
            time(unix_nano, &mut out);
            out
        };
        assert_eq!(
            printed(1_581_452_773_000_000_789),
            "2020-02-11 20:26:13.000000789 +0000 UTC"
        );
        assert_eq!(printed(0), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(printed(1_500_000_000), "1970-01-01 00:00:01.5 +0000 UTC");
    }
}
