//! Trees as YAML in block style.

use crate::node::{Map, Node, Value};
use crate::scalar;
use std::fmt::Write;

/// YAML allows simple keys of up to 1024 characters.
const LONGEST_KEY: usize = 1000;

impl Node {
    /// The tree as YAML, two spaces a level; it parses back to the same
    /// values. Secrets are plain text in a tree: redact before.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        match &self.value {
            Value::Map(map) if !map.is_empty() => mapping(&mut out, map, 0),
            Value::List(items) if !items.is_empty() => list(&mut out, items, 0),
            scalar => {
                inline(&mut out, scalar);
                out.push('\n');
            }
        }
        out
    }
}

/// The entries; the cursor stands where the first key belongs.
fn mapping(out: &mut String, map: &Map, indent: usize) {
    for (i, entry) in map.entries().iter().enumerate() {
        if i > 0 {
            spaces(out, indent);
        }
        match entry.key.len() > LONGEST_KEY {
            true => {
                out.push_str("? ");
                quoted(out, &entry.key);
                out.push('\n');
                spaces(out, indent);
            }
            false => text(out, &entry.key),
        }
        out.push(':');
        match &entry.node.value {
            Value::Map(below) if !below.is_empty() => {
                out.push('\n');
                spaces(out, indent + 2);
                mapping(out, below, indent + 2);
            }
            Value::List(items) if !items.is_empty() => {
                out.push('\n');
                spaces(out, indent + 2);
                list(out, items, indent + 2);
            }
            scalar => {
                out.push(' ');
                inline(out, scalar);
                out.push('\n');
            }
        }
    }
}

/// The elements; the cursor stands where the first dash belongs.
fn list(out: &mut String, items: &[Node], indent: usize) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            spaces(out, indent);
        }
        out.push_str("- ");
        match &item.value {
            Value::Map(map) if !map.is_empty() => mapping(out, map, indent + 2),
            Value::List(inner) if !inner.is_empty() => list(out, inner, indent + 2),
            scalar => {
                inline(out, scalar);
                out.push('\n');
            }
        }
    }
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// A scalar, or an empty list or mapping.
fn inline(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => push(out, format_args!("{value}")),
        Value::Float(value) if value.is_nan() => out.push_str(".nan"),
        Value::Float(value) if value.is_infinite() => {
            out.push_str(if *value > 0.0 { ".inf" } else { "-.inf" });
        }
        // Always with a point or an exponent, so that it stays a float.
        Value::Float(value) => push(out, format_args!("{value:?}")),
        Value::String(value) => text(out, value),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
    }
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = out.write_fmt(what);
}

fn text(out: &mut String, value: &str) {
    match is_plain(value) {
        true => out.push_str(value),
        false => quoted(out, value),
    }
}

/// Whether the text can stand without quotes and means itself.
fn is_plain(value: &str) -> bool {
    let Some(first) = value.chars().next() else {
        return false;
    };
    let resolves = matches!(scalar::resolve(value), Value::String(_));
    resolves
        && !"-?:,[]{}#&*!|>'\"%@`=".contains(first)
        && value != "<<"
        && !value.starts_with("...")
        && !value.starts_with(' ')
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !value.contains(" #")
        && value.chars().all(is_printable)
}

fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn quoted(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c => push(out, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}
