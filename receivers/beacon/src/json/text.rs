//! What is inside a string.

/// A text that mostly stands in the request already.
pub(crate) type Text<'t> = std::borrow::Cow<'t, str>;

/// Appends the characters of a string, escapes resolved. Half of a surrogate
/// pair becomes U+FFFD; NUL, which some stores cannot hold, is left out.
pub(crate) fn unescape(raw: &str, out: &mut String) {
    unescape_all(raw, out, false);
}

/// The same, where NUL may be kept.
pub(crate) fn unescape_all(raw: &str, out: &mut String, nul: bool) {
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let (character, length) = escaped(rest.get(at..).unwrap_or_default());
        if nul || character != '\0' {
            out.push(character);
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The character that a valid escape stands for, and the escape's length.
fn escaped(text: &str) -> (char, usize) {
    let simple = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        Some(byte) => char::from(*byte),
        None => '\u{fffd}',
    };
    (simple, 2)
}

fn unicode(text: &str) -> (char, usize) {
    let first = code_unit(text).unwrap_or_default();
    let second = text.get(6..).and_then(code_unit);
    if let (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) = (first, second) {
        let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        6,
    )
}

fn code_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_become_characters() {
        let table = [
            (r"a\tb\/\\", "a\tb/\\"),
            (r"\u00e9\ud83d\ude00", "é😀"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ude00", "\u{fffd}"),
            (r"a\u0000b", "ab"),
        ];
        for (raw, expected) in table {
            let mut out = String::new();
            super::unescape(raw, &mut out);
            assert_eq!(out, expected, "{raw}");
        }
    }
}
