//! The one forward walk over what came in: no allocation, bounded depth.

use super::schema::{ANY_VALUE, KEY_VALUE, Kind, Schema};
use crate::limits::MAX_VALUE_DEPTH;
use crate::wire::{Cursor, MAX_GROUP_DEPTH, WireType};

/// What is wrong, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) problem: Problem,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A key that is cut short, has number 0, a wire type that does not exist,
    /// or more than 32 bits.
    #[error("expected a protobuf field here; is this an OTLP request, and whole?")]
    Key,
    /// The value of a field ends before it is complete, or its varint has more
    /// than 64 bits.
    #[error("expected a complete value, but it is cut short or runs past the end of its message")]
    Value,
    /// A known field with another wire type.
    #[error("expected {expected}, found {found}; is this an OTLP request of another signal?")]
    WireType {
        /// What the field must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A string that is not UTF-8.
    #[error("expected UTF-8 text")]
    Utf8,
    /// A trace or span id of the wrong length.
    #[error("expected an id of {expected} bytes or none, found {found} bytes")]
    IdLength {
        /// 16 for trace ids, 8 for span ids.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// A second resource, scope, body, value, status, or side of a histogram, or
    /// a second member of a value or of a metric's data.
    #[error("expected this at most once in its message; send one")]
    Twice,
    /// Values nested deeper than [`MAX_VALUE_DEPTH`].
    #[error("expected values nested at most {MAX_VALUE_DEPTH} deep; flatten it")]
    Depth,
    /// Groups nested deeper than 8 in an unknown field. OTLP has no groups.
    #[error("expected groups nested at most {MAX_GROUP_DEPTH} deep")]
    GroupDepth,
    /// JSON where protobuf was announced.
    #[error("expected protobuf, found JSON; send it with the content type application/json")]
    Json,
}

type Walk<T> = Result<T, Fault>;

#[cold]
fn fault<T>(offset: usize, problem: Problem) -> Walk<T> {
    Err(Fault { offset, problem })
}

const fn describe(wire: WireType) -> &'static str {
    match wire {
        WireType::Varint => "a varint",
        WireType::Fixed64 => "8 bytes",
        WireType::Len => "a length and bytes",
        WireType::StartGroup => "the start of a group",
        WireType::EndGroup => "the end of a group",
        WireType::Fixed32 => "4 bytes",
    }
}

#[cold]
fn wrong_wire_type<T>(offset: usize, expected: WireType, found: WireType) -> Walk<T> {
    let (expected, found) = (describe(expected), describe(found));
    fault(offset, Problem::WireType { expected, found })
}

/// Walks the message in `buf[pos..]` and returns how many items it holds.
pub(super) fn message(schema: &'static Schema, buf: &[u8], pos: usize) -> Walk<usize> {
    let mut cursor = Cursor::at(buf, pos);
    let mut items = 0;
    let mut seen = 0u32;
    while !cursor.is_done() {
        let start = cursor.pos();
        let Some((number, wire)) = cursor.key() else {
            return fault(start, Problem::Key);
        };
        match schema.rule(number).kind {
            Kind::Attributes => {
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                key_value(buf, pos, 1)?;
            }
            Kind::Utf8 | Kind::Utf8s => string(&mut cursor, start, wire)?,
            Kind::Varint => varint(&mut cursor, start, wire)?,
            Kind::Fixed64 => fixed64(&mut cursor, start, wire)?,
            Kind::Value => {
                once(&mut seen, 31, start)?;
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                any_value(buf, pos, 1)?;
            }
            Kind::Items(schema) => {
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                message(schema, buf, pos)?;
                items += 1;
            }
            Kind::Many(schema) => {
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                items += message(schema, buf, pos)?;
            }
            Kind::Once(schema, bit) => {
                once(&mut seen, bit, start)?;
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                items += message(schema, buf, pos)?;
            }
            Kind::TraceId => id(&mut cursor, buf, start, wire, 16)?,
            Kind::SpanId => id(&mut cursor, buf, start, wire, 8)?,
            Kind::Fixed32 => fixed32(&mut cursor, start, wire)?,
            Kind::Bytes => content(&mut cursor, buf, start, wire).map(drop)?,
            Kind::Fixed64s => many(&mut cursor, buf, start, wire, fixed64, WireType::Fixed64)?,
            Kind::Varints => many(&mut cursor, buf, start, wire, varint, WireType::Varint)?,
            Kind::Unknown => skip(&mut cursor, start, number, wire)?,
        }
    }
    Ok(items)
}

/// Walks the `KeyValue` in `buf[pos..]`; `depth` is that of its value.
#[inline]
fn key_value(buf: &[u8], pos: usize, depth: usize) -> Walk<()> {
    let mut cursor = Cursor::at(buf, pos);
    let mut has_value = false;
    while !cursor.is_done() {
        let start = cursor.pos();
        let Some((number, wire)) = cursor.key() else {
            return fault(start, Problem::Key);
        };
        match number {
            1 => string(&mut cursor, start, wire)?,
            2 => {
                if has_value {
                    return fault(start, Problem::Twice);
                }
                has_value = true;
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                any_value(buf, pos, depth)?;
            }
            _ => other(&KEY_VALUE, &mut cursor, start, number, wire)?,
        }
    }
    Ok(())
}

/// Walks the `AnyValue` in `buf[pos..]`.
#[inline]
fn any_value(buf: &[u8], pos: usize, depth: usize) -> Walk<()> {
    let mut cursor = Cursor::at(buf, pos);
    let mut has_value = false;
    while !cursor.is_done() {
        let start = cursor.pos();
        let Some((number, wire)) = cursor.key() else {
            return fault(start, Problem::Key);
        };
        if number <= 8 {
            if has_value {
                return fault(start, Problem::Twice);
            }
            has_value = true;
        }
        match number {
            1 => string(&mut cursor, start, wire)?,
            3 => varint(&mut cursor, start, wire)?,
            5 | 6 => {
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                nested(buf, pos, start, number, depth + 1)?;
            }
            7 => content(&mut cursor, buf, start, wire).map(drop)?,
            _ => other(&ANY_VALUE, &mut cursor, start, number, wire)?,
        }
    }
    Ok(())
}

/// Walks the array (5) or map (6) in `buf[pos..]`, whose members are `depth`
/// deep.
#[inline(never)]
fn nested(buf: &[u8], pos: usize, parent: usize, number: u32, depth: usize) -> Walk<()> {
    if depth > MAX_VALUE_DEPTH {
        return fault(parent, Problem::Depth);
    }
    let mut cursor = Cursor::at(buf, pos);
    while !cursor.is_done() {
        let start = cursor.pos();
        match cursor.key() {
            None => return fault(start, Problem::Key),
            Some((1, wire)) => {
                let (buf, pos) = content(&mut cursor, buf, start, wire)?;
                match number {
                    5 => any_value(buf, pos, depth)?,
                    _ => key_value(buf, pos, depth)?,
                }
            }
            Some((other, wire)) => skip(&mut cursor, start, other, wire)?,
        }
    }
    Ok(())
}

/// A field of a hand-walked message that is rare, or unknown.
#[inline(never)]
fn other(
    schema: &'static Schema,
    cursor: &mut Cursor<'_>,
    start: usize,
    number: u32,
    wire: WireType,
) -> Walk<()> {
    match schema.rule(number).kind {
        Kind::Varint => varint(cursor, start, wire),
        Kind::Fixed64 => fixed64(cursor, start, wire),
        _ => skip(cursor, start, number, wire),
    }
}

#[inline(always)]
fn once(seen: &mut u32, bit: u8, start: usize) -> Walk<()> {
    if *seen & (1 << bit) != 0 {
        return fault(start, Problem::Twice);
    }
    *seen |= 1 << bit;
    Ok(())
}

/// Steps over a length-delimited value. Its content is the end of the first of
/// what is returned, from the second on.
#[inline(always)]
fn content<'a>(
    cursor: &mut Cursor<'a>,
    buf: &'a [u8],
    start: usize,
    wire: WireType,
) -> Walk<(&'a [u8], usize)> {
    if wire != WireType::Len {
        return wrong_wire_type(start, WireType::Len, wire);
    }
    match cursor.len_delimited() {
        Some(bytes) => {
            let end = cursor.pos();
            Ok((buf.get(..end).unwrap_or_default(), end - bytes.len()))
        }
        None => fault(start, Problem::Value),
    }
}

#[inline(always)]
fn string(cursor: &mut Cursor<'_>, start: usize, wire: WireType) -> Walk<()> {
    if wire != WireType::Len {
        return wrong_wire_type(start, WireType::Len, wire);
    }
    match cursor.len_delimited() {
        None => fault(start, Problem::Value),
        Some(bytes) if is_utf8(bytes) => Ok(()),
        Some(bytes) => {
            let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
            fault(cursor.pos() - bytes.len() + valid, Problem::Utf8)
        }
    }
}

#[inline(always)]
fn id<'a>(
    cursor: &mut Cursor<'a>,
    buf: &'a [u8],
    start: usize,
    wire: WireType,
    expected: usize,
) -> Walk<()> {
    let (_, from) = content(cursor, buf, start, wire)?;
    let found = cursor.pos() - from;
    if found != 0 && found != expected {
        return fault(start, Problem::IdLength { expected, found });
    }
    Ok(())
}

#[inline(always)]
fn varint(cursor: &mut Cursor<'_>, start: usize, wire: WireType) -> Walk<()> {
    if wire != WireType::Varint {
        return wrong_wire_type(start, WireType::Varint, wire);
    }
    cursor
        .varint()
        .map_or_else(|| fault(start, Problem::Value), |_| Ok(()))
}

#[inline(always)]
fn fixed64(cursor: &mut Cursor<'_>, start: usize, wire: WireType) -> Walk<()> {
    if wire != WireType::Fixed64 {
        return wrong_wire_type(start, WireType::Fixed64, wire);
    }
    cursor
        .fixed64()
        .map_or_else(|| fault(start, Problem::Value), |_| Ok(()))
}

#[inline(always)]
fn fixed32(cursor: &mut Cursor<'_>, start: usize, wire: WireType) -> Walk<()> {
    if wire != WireType::Fixed32 {
        return wrong_wire_type(start, WireType::Fixed32, wire);
    }
    cursor
        .fixed32()
        .map_or_else(|| fault(start, Problem::Value), |_| Ok(()))
}

/// A repeated scalar: packed, or one of it.
#[inline(never)]
fn many<'a>(
    cursor: &mut Cursor<'a>,
    buf: &'a [u8],
    start: usize,
    wire: WireType,
    one: fn(&mut Cursor<'_>, usize, WireType) -> Walk<()>,
    unpacked: WireType,
) -> Walk<()> {
    if wire != WireType::Len {
        return one(cursor, start, wire);
    }
    let (buf, pos) = content(cursor, buf, start, wire)?;
    let mut packed = Cursor::at(buf, pos);
    while !packed.is_done() {
        one(&mut packed, start, unpacked)?;
    }
    Ok(())
}

#[inline(always)]
fn skip(cursor: &mut Cursor<'_>, start: usize, number: u32, wire: WireType) -> Walk<()> {
    let before = *cursor;
    match cursor.skip(number, wire) {
        Some(()) => Ok(()),
        None if before.is_deep_group(number, wire) => fault(start, Problem::GroupDepth),
        None => fault(start, Problem::Value),
    }
}

const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Most strings are short and ASCII: look at them eight bytes at a time, and
/// leave the rest to `simdutf8`.
#[inline(always)]
fn is_utf8(bytes: &[u8]) -> bool {
    if bytes.len() > 64 {
        return simdutf8::basic::from_utf8(bytes).is_ok();
    }
    short_ascii(bytes) || std::str::from_utf8(bytes).is_ok()
}

#[inline(always)]
fn short_ascii(bytes: &[u8]) -> bool {
    let word = |chunk: &[u8; 8]| u64::from_le_bytes(*chunk);
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().fold(0, |all, byte| all | byte) < 0x80;
    };
    let mut all = word(last);
    for chunk in bytes.as_chunks::<8>().0 {
        all |= word(chunk);
    }
    all & NOT_ASCII == 0
}
