//! What is inside a string: where it stops being plain, and what its escapes mean.

/// How many bytes come before the next quote, backslash or control character.
///
/// Eight at a time: the lowest marked byte of a word is exact, those above it
/// may be marked by a borrow.
#[inline]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let mut length = 0;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let marks = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & TOPS;
        if marks != 0 {
            return length + marks.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    length + rest.iter().position(special).unwrap_or(rest.len())
}

/// Appends the characters of a string, escapes resolved.
///
/// Half of a surrogate pair without its other half is no character; it becomes
/// U+FFFD, as in Go and in JavaScript's `TextEncoder`.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (character, length) = escaped_character(&rest[at..]);
        let mut buffer = [0; 4];
        out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
}

/// The character that a valid escape at the start of `text` stands for, and the escape's length.
fn escaped_character(text: &[u8]) -> (char, usize) {
    let simple = match text[1] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = code_unit(text).unwrap_or_default();
            let second = text.get(6..).and_then(code_unit);
            if let (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) = (first, second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                return (
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                    12,
                );
            }
            return (
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
                6,
            );
        }
        byte => byte as char,
    };
    (simple, 2)
}

/// The UTF-16 code unit of a `\uXXXX` at the start of `text`.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |code, digit| {
        Some(code << 4 | (*digit as char).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=255u8 {
                    // Neighbours that differ from the special bytes by one bit or by a borrow.
                    for filler in [b'a', 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x80, 0xa2, 0xdc, 0xff] {
                        let mut bytes = vec![filler; length];
                        bytes[at] = byte;
                        let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                        let expected = if special { at } else { length };
                        assert_eq!(plain_length(&bytes), expected, "{bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn surrogates_pair_up_or_are_replaced() {
        for (raw, expected) in [
            (r"\ud83d\ude00", "😀"),
            (r"a\ud800", "a\u{fffd}"),
            (r"\udc00\ud800", "\u{fffd}\u{fffd}"),
            (r"\ud800\u0041", "\u{fffd}A"),
            (r"\ud800\\u0041", "\u{fffd}\\u0041"),
            (r"\uDBFF\uDFFF", "\u{10ffff}"),
        ] {
            let mut out = Vec::new();
            unescape(raw.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{raw}");
        }
    }
}
