//! Nested messages and optional fields, appended to one growing buffer.
//!
//! The length of a message stands before its content, and is known only after
//! it. [`open`] reserves as many bytes as the length will probably need,
//! [`close`] writes it, and moves the content when the guess was wrong. So
//! lengths are always canonical (shortest form), and a right guess copies
//! nothing.
//!
//! The functions of [`crate::wire`] always write a field (members of a `oneof`,
//! `optional` fields); `put_some_*` leave out the default, as proto3 does for
//! fields without presence.

use crate::wire::{self, Cursor, WireType};

/// Width of the length of messages mostly below 128 bytes: attributes, values, events.
pub(crate) const SMALL: usize = 1;
/// Width of the length of messages of 128 bytes to 16 KiB: records, spans, points.
pub(crate) const RECORD: usize = 2;
/// What a length of [`RECORD`] bytes can say is less than this.
pub(crate) const RECORD_LIMIT: usize = 1 << 14;
/// Width of the length of messages of 16 KiB to 2 MiB: what holds many records.
pub(crate) const GROUP: usize = 3;

/// A message whose length is still to be written.
#[must_use = "a message that is opened must be closed"]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    /// Where the content starts, behind the reserved length.
    content: usize,
    width: usize,
}

impl Open {
    /// Where the content of the message starts.
    pub(crate) const fn content(self) -> usize {
        self.content
    }
}

/// Starts a nested message; `width` is the number of bytes its length will probably need:
/// [`SMALL`], [`RECORD`] or [`GROUP`].
#[inline]
pub(crate) fn open(out: &mut Vec<u8>, number: u32, width: usize) -> Open {
    wire::put_key(out, number, WireType::Len);
    // Constant lengths are stores, a length known only at run time is a call.
    match width {
        SMALL => out.push(0),
        RECORD => out.extend_from_slice(&[0; RECORD]),
        _ => out.extend_from_slice(&[0; GROUP]),
    }
    Open {
        content: out.len(),
        width,
    }
}

/// Ends a nested message: writes its length in front of what was appended since [`open`].
#[inline]
pub(crate) fn close(out: &mut Vec<u8>, open: Open) {
    let length = out.len() - open.content;
    match (
        open.width,
        &mut out[open.content - open.width..open.content],
    ) {
        (1, [first]) if length < 1 << 7 => *first = length as u8,
        (2, [first, second]) if (1 << 7..RECORD_LIMIT).contains(&length) => {
            *first = length as u8 | 0x80;
            *second = (length >> 7) as u8;
        }
        _ => close_slowly(out, open, length),
    }
}

/// Writes the length of a large message, or moves the content to where its length really ends.
#[cold]
fn close_slowly(out: &mut Vec<u8>, open: Open, length: usize) {
    let start = open.content - open.width;
    let content = start + wire::varint_len(length as u64);
    if content > open.content {
        out.resize(content + length, 0);
    }
    if content != open.content {
        out.copy_within(open.content..open.content + length, content);
        out.truncate(content + length);
    }
    let mut rest = length;
    for byte in &mut out[start..content - 1] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[content - 1] = rest as u8;
}

/// Takes fields out of the message whose content starts at `content` and has not ended.
///
/// For what a message must not have twice: a message in it, or the members of a
/// `oneof`. Only who sets them twice pays for the walk.
#[cold]
pub(crate) fn remove_fields(out: &mut Vec<u8>, content: usize, numbers: &[u32]) {
    let mut at = content;
    while at < out.len() {
        let mut cursor = Cursor::at(out, at);
        let Some((number, wire)) = cursor.key() else {
            return;
        };
        if cursor.skip(number, wire).is_none() {
            return;
        }
        let end = cursor.pos();
        if numbers.contains(&number) {
            out.drain(at..end);
        } else {
            at = end;
        }
    }
}

/// Appends a varint field unless it is zero.
#[inline]
pub(crate) fn put_some_uint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        wire::put_uint(out, number, value);
    }
}

/// Appends an `int32` or enumeration unless it is zero; negative ones take ten bytes.
#[inline]
pub(crate) fn put_some_int32(out: &mut Vec<u8>, number: u32, value: i32) {
    put_some_uint(out, number, i64::from(value) as u64);
}

/// Appends a fixed 64-bit field unless it is zero.
#[inline]
pub(crate) fn put_some_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        wire::put_fixed64(out, number, value);
    }
}

/// Appends a double unless it is +0.0; -0.0 and NaN are no defaults.
#[inline]
pub(crate) fn put_some_double(out: &mut Vec<u8>, number: u32, value: f64) {
    put_some_fixed64(out, number, value.to_bits());
}

/// Appends a fixed 32-bit field unless it is zero.
#[inline]
pub(crate) fn put_some_fixed32(out: &mut Vec<u8>, number: u32, value: u32) {
    if value != 0 {
        wire::put_fixed32(out, number, value);
    }
}

/// Appends a string or bytes field unless it is empty.
#[inline]
pub(crate) fn put_some_bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    if !value.is_empty() {
        wire::put_bytes(out, number, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_canonical_whatever_was_guessed() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            for width in [SMALL, RECORD, GROUP] {
                let content: Vec<u8> = (0..length).map(|n| n as u8).collect();
                let mut out = vec![7; 3];
                let message = open(&mut out, 1, width);
                out.extend_from_slice(&content);
                close(&mut out, message);
                out.push(9);

                let mut expected = vec![7, 7, 7];
                wire::put_bytes(&mut expected, 1, &content);
                expected.push(9);
                assert!(out == expected, "length {length}, width {width}");
            }
        }
    }

    #[test]
    fn defaults_are_left_out_and_negative_zero_is_none() {
        let mut out = Vec::new();
        put_some_uint(&mut out, 1, 0);
        put_some_double(&mut out, 2, 0.0);
        put_some_fixed32(&mut out, 3, 0);
        put_some_bytes(&mut out, 4, b"");
        assert!(out.is_empty());
        put_some_double(&mut out, 2, -0.0);
        assert_eq!(out, [0x11, 0, 0, 0, 0, 0, 0, 0, 0x80]);
    }
}
