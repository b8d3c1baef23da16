//! The words of error messages.

use crate::node::{Node, Value};

/// Longest piece of a value that a message shows, in characters.
const SHOWN: usize = 40;

/// A value as a message names it: `integer 5`, `a list`. What came from a
/// reference is not shown, since it may be a secret.
pub(crate) fn described(node: &Node) -> String {
    let shown = |kind: &str, value: &str| match node.origin.reference.is_some() {
        true => format!("{} {kind}", article(kind)),
        false => format!("{kind} {value}"),
    };
    let written = |otherwise: String| match &node.text {
        Some(text) => text.to_string(),
        None => otherwise,
    };
    match &node.value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => shown("boolean", &written(value.to_string())),
        Value::Int(value) => shown("integer", &written(value.to_string())),
        Value::Float(value) => shown("number", &written(value.to_string())),
        Value::String(text) => {
            let mut cut: String = text.chars().take(SHOWN).collect();
            if cut.len() < text.len() {
                cut.push('…');
            }
            shown("string", &format!("{cut:?}"))
        }
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

/// The kind of a value without the value, for secrets.
pub(super) fn kind_of(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

fn article(word: &str) -> &'static str {
    match word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    }
}

/// What serde's own types call themselves, in words for people.
pub(super) fn expectation(words: &str) -> String {
    let known = match words {
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string" => "a string",
        "a sequence" => "a list",
        "a map" | "map" => "a mapping",
        "unit" | "unit struct" => "nothing",
        "option" => "a value or nothing",
        "a character" => "a single character",
        "IPv4 address" | "IPv6 address" | "IP address" => "an IP address",
        _ if words.starts_with("a nonzero ") => "an integer other than 0",
        _ if words.starts_with("struct ") => "a mapping of settings",
        _ if words.starts_with("tuple ") || words.starts_with("an array of length") => "a list",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
        | "usize" => "an integer",
        "f32" | "f64" => "a number",
        other => other,
    };
    known.to_owned()
}

/// `unknown key "x"; did you mean "y"? (allowed: …)`.
pub(super) fn unknown_key(key: &str, allowed: &[&str]) -> String {
    let mut sorted: Vec<&str> = allowed.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut message = format!("unknown key \"{key}\"");
    if let Some(near) = crate::nearest(key, sorted.iter().copied()) {
        message.push_str(&format!("; did you mean \"{near}\"?"));
    }
    match sorted.is_empty() {
        true => message.push_str(" (there are no settings here)"),
        false => message.push_str(&format!(" (allowed: {})", sorted.join(", "))),
    }
    message
}

/// `expected one of a, b, c, got string "x"; did you mean …?`
pub(super) fn unknown_choice(choice: &str, allowed: &[&str]) -> String {
    let list = (allowed.iter().map(|word| format!("\"{word}\"")))
        .collect::<Vec<_>>()
        .join(", ");
    let mut message = match allowed.len() {
        1 => format!("expected {list}, got \"{choice}\""),
        _ => format!("expected one of {list}, got \"{choice}\""),
    };
    if let Some(near) = crate::nearest(choice, allowed.iter().copied()) {
        message.push_str(&format!("; did you mean \"{near}\"?"));
    }
    message
}
