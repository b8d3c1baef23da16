//! Fields and nested messages, appended to one growing buffer.
//!
//! The length of a message stands before its content, and is known only after
//! it. [`open`] reserves as many bytes as the length will probably need,
//! [`close`] writes it, and moves the content when the guess was wrong. So
//! lengths are always canonical (shortest form), and a right guess copies
//! nothing.
//!
//! Scalars come in two kinds: `put_*` always writes the field (members of a
//! `oneof`, `optional` fields); `put_*_unless_zero` leaves out the default, as
//! proto3 does for fields without presence.



/// Key of a varint field: number and wire type 0.
pub(crate) const fn varint_key(field: u32) -> u32 {
    field << 3
}
/// Key of a fixed 64-bit field: number and wire type 1.
pub(crate) const fn fixed64_key(field: u32) -> u32 {
    field << 3 | 1
}
/// Key of a length-delimited field: number and wire type 2.
pub(crate) const fn length_key(field: u32) -> u32 {
    field << 3 | 2
}
/// Key of a fixed 32-bit field: number and wire type 5.
pub(crate) const fn fixed32_key(field: u32) -> u32 {
    field << 3 | 5
}

/// Width of the length of messages that are mostly below 128 bytes: attributes, values, events.
pub(crate) const SMALL: usize = 1;
/// Width of the length of messages of 128 bytes to 16 KiB: records, spans, points.
pub(crate) const RECORD: usize = 2;
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
    pub(crate) fn content(self) -> usize {
        self.content
    }
}

/// Starts a nested message; `width` is the number of bytes its length will probably need.
pub(crate) fn open(out: &mut Vec<u8>, key: u32, width: usize) -> Open {
    put_key(out, key);
    match width {
        1 => out.push(0),
        2 => out.extend_from_slice(&[0; 2]),
        _ => out.extend_from_slice(&[0; 3]),
    }
    Open {
        content: out.len(),
        width: width.min(GROUP),
    }
}

/// Ends a nested message: writes its length in front of what was appended since [`open`].
pub(crate) fn close(out: &mut Vec<u8>, open: Open) {
    let length = out.len() - open.content;
    let start = open.content - open.width;
    match open.width {
        1 if length < 1 << 7 => out[start] = length as u8,
        2 if (1 << 7..1 << 14).contains(&length) => {
            out[start] = length as u8 | 0x80;
            out[start + 1] = (length >> 7) as u8;
        }
        3 if (1 << 14..1 << 21).contains(&length) => {
            out[start] = length as u8 | 0x80;
            out[start + 1] = (length >> 7) as u8 | 0x80;
            out[start + 2] = (length >> 14) as u8;
        }
        _ => close_moving(out, open, length),
    }
}

/// The guess was wrong: moves the content to where the real length ends.
#[cold]
fn close_moving(out: &mut Vec<u8>, open: Open, length: usize) {
    let start = open.content - open.width;
    let width = varint_size(length as u64);
    if width > open.width {
        out.resize(out.len() + (width - open.width), 0);
    }
    out.copy_within(open.content..open.content + length, start + width);
    out.truncate(start + width + length);
    let mut rest = length;
    for byte in &mut out[start..start + width - 1] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out[start + width - 1] = rest as u8;
}

/// Bytes of the shortest varint of `value`, 1 to 10.
pub(crate) const fn varint_size(value: u64) -> usize {
    // 9/64 is a little more than 1/7: exact for every width of 1 to 64 bits.
    ((64 - (value | 1).leading_zeros()) as usize * 9 + 64) / 64
}

/// Appends the shortest varint of `value`.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    let mut bytes = [0u8; 10];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    out.extend_from_slice(&bytes[..=length]);
}

/// Appends the key of a field: one byte for fields 1 to 15, two up to 2047.
pub(crate) fn put_key(out: &mut Vec<u8>, key: u32) {
    if key < 0x80 {
        out.push(key as u8);
    } else {
        put_varint(out, u64::from(key));
    }
}

/// Appends a varint field, zero or not.
pub(crate) fn put_varint_field(out: &mut Vec<u8>, key: u32, value: u64) {
    put_key(out, key);
    put_varint(out, value);
}

/// Appends a varint field unless it is zero.
pub(crate) fn put_varint_unless_zero(out: &mut Vec<u8>, key: u32, value: u64) {
    if value != 0 {
        put_varint_field(out, key, value);
    }
}

/// An `int32` or enum on the wire: sign-extended to 64 bits.
pub(crate) fn int32_bits(value: i32) -> u64 {
    i64::from(value) as u64
}

/// A `sint32` on the wire: zigzag.
pub(crate) fn sint32_bits(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

/// Appends a fixed 64-bit field, zero or not.
pub(crate) fn put_fixed64(out: &mut Vec<u8>, key: u32, value: u64) {
    put_key(out, key);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a fixed 64-bit field unless it is zero.
pub(crate) fn put_fixed64_unless_zero(out: &mut Vec<u8>, key: u32, value: u64) {
    if value != 0 {
        put_fixed64(out, key, value);
    }
}

/// Appends a double unless it is +0.0; -0.0 and NaN are no defaults.
pub(crate) fn put_double_unless_zero(out: &mut Vec<u8>, key: u32, value: f64) {
    put_fixed64_unless_zero(out, key, value.to_bits());
}

/// Appends a fixed 32-bit field unless it is zero.
pub(crate) fn put_fixed32_unless_zero(out: &mut Vec<u8>, key: u32, value: u32) {
    if value != 0 {
        put_key(out, key);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends a string, bytes or already encoded message field, empty or not.
pub(crate) fn put_bytes(out: &mut Vec<u8>, key: u32, value: &[u8]) {
    put_key(out, key);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a string or bytes field unless it is empty.
pub(crate) fn put_bytes_unless_empty(out: &mut Vec<u8>, key: u32, value: &[u8]) {
    if !value.is_empty() {
        put_bytes(out, key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_is_as_long_as_announced() {
        for bits in 0..64 {
            for value in [1u64 << bits, (1u64 << bits) - 1, u64::MAX >> bits] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_size(value), "{value}");
                assert_eq!(
                    prost::encoding::decode_varint(&mut out.as_slice()).unwrap(),
                    value
                );
            }
        }
    }

    #[test]
    fn lengths_are_canonical_whatever_was_guessed() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            for width in [SMALL, RECORD, GROUP] {
                let mut out = vec![7; 3];
                let message = open(&mut out, length_key(1), width);
                out.extend((0..length).map(|n| n as u8));
                close(&mut out, message);
                out.push(9);

                let mut expected = vec![7, 7, 7];
                let content: Vec<u8> = (0..length).map(|n| n as u8).collect();
                put_bytes(&mut expected, length_key(1), &content);
                expected.push(9);
                assert!(out == expected, "length {length}, width {width}");
            }
        }
    }

    #[test]
    fn keys_beyond_field_15_take_two_bytes() {
        let mut out = Vec::new();
        put_fixed32_unless_zero(&mut out, fixed32_key(16), 1);
        assert_eq!(out, [0x85, 0x01, 1, 0, 0, 0]);
    }
}
