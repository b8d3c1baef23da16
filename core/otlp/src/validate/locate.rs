//! From a byte offset to the path of the field that it is in.

use std::fmt::Write as _;

use super::schema::Schema;
use crate::Signal;
use crate::wire::{Cursor, WireType};

/// The path of the innermost field around byte `offset` of a request that is
/// valid before it; the name of the request if it is in none.
#[cold]
pub(super) fn path(signal: Signal, bytes: &[u8], offset: usize) -> String {
    let mut path = String::new();
    let mut schema = Schema::request(signal);
    let mut end = bytes.len();
    let mut pos = 0;
    while let Some(field) = containing(schema, &bytes[..end], pos, offset) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&field.name);
        match schema.rule(field.number).kind.message() {
            Some(inner) if offset >= field.content && field.end <= end => schema = inner,
            _ => break,
        }
        (pos, end) = (field.content, field.end);
    }
    if path.is_empty() {
        format!("the {signal} request")
    } else {
        path
    }
}

struct Found {
    number: u32,
    name: String,
    /// Where the value starts, after a length.
    content: usize,
    /// Where it ends; past the buffer if it is cut short.
    end: usize,
}

fn containing(schema: &Schema, buf: &[u8], pos: usize, offset: usize) -> Option<Found> {
    let mut cursor = Cursor::at(buf, pos);
    let mut counts = [0usize; 32];
    while !cursor.is_done() {
        let (number, wire) = cursor.key()?;
        let value = cursor.pos();
        let skipped = cursor.skip(number, wire);
        let (content, end) = match skipped {
            Some(()) => (content_start(buf, value, wire, cursor.pos()), cursor.pos()),
            None => (usize::MAX, usize::MAX),
        };
        let index = counts.get(number as usize).copied().unwrap_or(0);
        if offset < end {
            return Some(Found {
                number,
                name: name(schema, number, index),
                content,
                end,
            });
        }
        if let Some(count) = counts.get_mut(number as usize) {
            *count += 1;
        }
    }
    None
}

fn content_start(buf: &[u8], value: usize, wire: WireType, end: usize) -> usize {
    let mut cursor = Cursor::at(buf, value);
    match wire {
        WireType::Len => cursor
            .len_delimited()
            .map_or(end, |bytes| end - bytes.len()),
        _ => value,
    }
}

fn name(schema: &Schema, number: u32, index: usize) -> String {
    let rule = schema.rule(number);
    let mut name = String::from(rule.name);
    if name.is_empty() {
        let _ = write!(name, "(unknown field {number})");
    } else if rule.kind.is_repeated() {
        let _ = write!(name, "[{index}]");
    }
    name
}
