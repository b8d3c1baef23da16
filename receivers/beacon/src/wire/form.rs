//! Forms: `a=1&b=2` of bodies and queries, and `multipart/form-data`.

use std::borrow::Cow;

use memchr::memmem;
use semconv::table::{self, Type};
use serde_json::{Map, Value};

use crate::cmcd::Reader;

/// Fields that hold JSON rather than being an event's field.
const HOLDERS: [&str; 4] = ["data", "d", "e", "events"];

/// The parameter of CTA-5004.
const CMCD: &str = "CMCD=";

/// The text of JSON that a form stands for: what one field holds, or an object
/// with the fields.
pub(crate) fn urlencoded(form: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = form
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect();
    let held = pairs
        .iter()
        .find_map(|(key, value)| HOLDERS.contains(&key.as_str()).then(|| json_in(value))?);
    if let Some(held) = held {
        return Some(held.into_owned());
    }
    let mut event = Map::new();
    for (key, value) in pairs {
        match key.strip_suffix("[]") {
            Some(list) => match event
                .entry(list)
                .or_insert_with(|| Value::Array(Vec::new()))
            {
                Value::Array(values) => values.push(typed(list, value)),
                other => *other = typed(list, value),
            },
            None => drop(event.insert(key.clone(), typed(&key, value))),
        }
    }
    (!event.is_empty()).then(|| Value::Object(event).to_string())
}

/// The text of JSON that a query stands for: as of a form, with what a media player says in
/// `CMCD`. What stands beside that wins over it.
pub(crate) fn query(query: &str, mut reader: Reader<'_>) -> Option<String> {
    let (of_player, beside): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| pair.starts_with(CMCD));
    if of_player.is_empty() {
        return urlencoded(query);
    }
    let beside = urlencoded(&beside.join("&"));
    let mut reports = of_player.iter().filter_map(|pair| pair.strip_prefix(CMCD));
    let Some(report) = reports.find(|report| !report.is_empty()) else {
        return beside;
    };
    let report = decode(report);
    let mut event = reader.event(report.trim_ascii()).ok()?.to_owned();
    if let Some(beside) = beside {
        let members = beside.trim_start().strip_prefix('{')?;
        if !members.trim_start().starts_with('}') {
            event.pop();
            event.push(',');
            event.push_str(members);
        }
    }
    Some(event)
}

/// JSON, or base64 of JSON.
fn json_in(value: &str) -> Option<Cow<'_, str>> {
    let text = super::plain_or_base64(value, false)?;
    text.trim_start().starts_with(['{', '[']).then_some(text)
}

/// Numbers and booleans only for fields that are known to be such.
fn typed(key: &str, value: String) -> Value {
    let kind = table::lookup(key).map(|entry| entry.kind);
    let typed = match kind {
        Some(Type::Int) => value.parse::<i64>().ok().map(Value::from),
        Some(Type::Double) => value.parse::<f64>().ok().map(Value::from),
        Some(Type::Bool) => value.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    typed.unwrap_or(Value::String(value))
}

/// Percent-decoding. What is no escape stays as it is.
pub(crate) fn percent_decoded(text: &str) -> Cow<'static, str> {
    Cow::Owned(decoded(text, b'+'))
}

/// Percent-decoding as forms do it.
fn decode(text: &str) -> String {
    decoded(text, b' ')
}

fn decoded(text: &str, plus: u8) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let code = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(if *byte == b'+' { plus } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The content of the one part of a form. `None` when there are several, or
/// none, or when it is no such form.
pub(crate) fn multipart(body: &[u8], boundary: &str) -> Option<Vec<u8>> {
    let delimiter = format!("--{boundary}");
    let start = memmem::find(body, delimiter.as_bytes())? + delimiter.len();
    let rest = body.get(start..)?.strip_prefix(b"\r\n")?;
    let head = memmem::find(rest, b"\r\n\r\n")?;
    let content = rest.get(head + 4..)?;
    let end = memmem::find(content, format!("\r\n{delimiter}").as_bytes())?;
    let after = content.get(end + 2 + delimiter.len()..)?;
    if !after.starts_with(b"--") || !is_text(rest.get(..head)?) {
        return None;
    }
    content.get(..end).map(<[u8]>::to_vec)
}

/// A part is text unless it says otherwise.
fn is_text(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let kind = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type:"));
    kind.is_none_or(|kind| {
        let kind = kind.trim();
        kind.starts_with("text/") || kind.starts_with("application/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_become_json() {
        let table = [
            ("data=%7B%22a%22%3A1%7D", Some(r#"{"a":1}"#)),
            ("x=1&d=eyJhIjoxfQ", Some(r#"{"a":1}"#)),
            ("events=[{\"a\":1}]", Some(r#"[{"a":1}]"#)),
            (
                "event.action=page+view&a=%C3%A9",
                Some(r#"{"a":"é","event.action":"page view"}"#),
            ),
            (
                "event.duration=42&n=42",
                Some(r#"{"event.duration":42,"n":"42"}"#),
            ),
            ("tags[]=a&tags[]=b", Some(r#"{"tags":["a","b"]}"#)),
            ("d=plain&e=x", Some(r#"{"d":"plain","e":"x"}"#)),
            ("bad=%zz%", Some(r#"{"bad":"%zz%"}"#)),
            ("", None),
            ("&&", None),
        ];
        for (form, expected) in table {
            assert_eq!(urlencoded(form).as_deref(), expected, "{form}");
        }
    }

    #[test]
    fn one_part_is_taken() {
        let part = |name: &str, kind: &str, value: &str| {
            format!(
                "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{kind}\r\n{value}\r\n"
            )
        };
        let one = format!("{}--B--\r\n", part("d", "", "{\"a\":1}"));
        assert_eq!(multipart(one.as_bytes(), "B"), Some(b"{\"a\":1}".to_vec()));
        let two = format!("{}{}--B--\r\n", part("d", "", "1"), part("x", "", "2"));
        assert_eq!(multipart(two.as_bytes(), "B"), None);
        let picture = format!("{}--B--", part("d", "Content-Type: image/png\r\n", "1"));
        assert_eq!(multipart(picture.as_bytes(), "B"), None);
        assert_eq!(multipart(b"--B\r\n", "B"), None);
        assert_eq!(multipart(one.as_bytes(), "C"), None);
    }
}
