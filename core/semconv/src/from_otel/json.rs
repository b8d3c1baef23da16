//! The JSON text of a value: keys sorted, no blanks.

use std::fmt::Write as _;

use otlp::{KeyValue, Value};

/// Appends the JSON text of a value. Doubles that JSON has no number for become text; bytes become hex.
pub(super) fn write(out: &mut String, value: Value<'_>) {
    // Writing into a String does not fail.
    let _ = match value {
        Value::Empty => out.write_str("null"),
        Value::Bool(flag) => write!(out, "{flag}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Double(number) if number.is_finite() => write!(out, "{number:?}"),
        Value::Double(number) => write!(out, "\"{number}\""),
        Value::String(text) => text_into(out, text),
        Value::Bytes(bytes) => {
            out.push('"');
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            out.write_str("\"")
        }
        Value::Array(values) => {
            out.push('[');
            for (at, member) in values.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, member);
            }
            out.write_str("]")
        }
        Value::Map(map) => {
            let mut members: Vec<KeyValue<'_>> = map.collect();
            members.sort_by_key(|member| member.key);
            out.push('{');
            for (at, member) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                let _ = text_into(out, member.key);
                out.push(':');
                write(out, member.value);
            }
            out.write_str("}")
        }
    };
}

fn text_into(out: &mut String, text: &str) -> std::fmt::Result {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.push(c),
        }
    }
    out.push('"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_json_with_sorted_keys() {
        let arena = otlp::edit::Arena::default();
        let value = arena.build(|v| {
            v.map(|m| {
                m.attribute("z", Value::Double(2.0));
                m.attribute("a\"\u{1}\n", Value::String("é😀"));
                m.attribute_with("m", |v| {
                    v.array(|a| {
                        a.push(Value::Bool(true));
                        a.push(Value::Empty);
                        a.push(Value::Int(-1));
                        a.push(Value::Double(f64::NAN));
                        a.push(Value::Bytes(&[0xAB, 1]));
                        a.push_with(|v| v.map(|_| {}));
                    });
                });
            });
        });
        let mut text = String::new();
        write(&mut text, value);
        assert_eq!(
            text,
            r#"{"a\"\u0001\n":"é😀","m":[true,null,-1,"NaN","ab01",{}],"z":2.0}"#
        );
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["m"][4], "ab01");
    }
}
