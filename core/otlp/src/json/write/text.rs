//! JSON text: objects, lists and scalars, appended to one buffer.

use std::io::Write;

use crate::json::ids::{put_base64, put_hex};
use crate::json::string::plain_length;

/// An object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

/// Appends an object with the members that `write` writes.
#[inline]
pub(super) fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    write(&mut Object { out, empty: true });
    out.push(b'}');
}

impl Object<'_> {
    /// Appends a key; the caller appends its value.
    #[inline]
    pub(super) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A member that is an object.
    #[inline]
    pub(super) fn object(&mut self, key: &'static str, write: impl FnOnce(&mut Object<'_>)) {
        object(self.key(key), write);
    }

    /// A member that is a list; left out when it is empty.
    #[inline]
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        let mut items = items.into_iter();
        let Some(first) = items.next() else {
            return;
        };
        let out = self.key(key);
        out.push(b'[');
        write(out, first);
        for item in items {
            out.push(b',');
            write(out, item);
        }
        out.push(b']');
    }

    /// Text; left out when it is empty.
    #[inline]
    pub(super) fn string(&mut self, key: &'static str, text: &str) {
        if !text.is_empty() {
            put_string(self.key(key), text);
        }
    }

    /// An id in hex; left out when it is empty.
    #[inline]
    pub(super) fn id(&mut self, key: &'static str, id: &[u8]) {
        if !id.is_empty() {
            let out = self.key(key);
            out.push(b'"');
            put_hex(id, out);
            out.push(b'"');
        }
    }

    /// A 64-bit integer, which is a string in JSON; left out when it is zero.
    #[inline]
    pub(super) fn long(&mut self, key: &'static str, value: u64) {
        if value != 0 {
            put_quoted(self.key(key), value);
        }
    }

    /// A 32-bit integer or enumeration; left out when it is zero.
    #[inline]
    pub(super) fn short<T: itoa::Integer + Default + PartialEq>(
        &mut self,
        key: &'static str,
        value: T,
    ) {
        if value != T::default() {
            put_integer(self.key(key), value);
        }
    }

    /// `true`; left out when it is false.
    pub(super) fn flag(&mut self, key: &'static str, value: bool) {
        if value {
            self.key(key).extend_from_slice(b"true");
        }
    }

    /// A double, zero or not, if there is one.
    pub(super) fn double_if_any(&mut self, key: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            put_double(self.key(key), value);
        }
    }

    /// A double; left out when it is +0.
    pub(super) fn double(&mut self, key: &'static str, value: f64) {
        if value.to_bits() != 0 {
            put_double(self.key(key), value);
        }
    }
}

/// Appends an integer.
#[inline]
pub(super) fn put_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends an integer in quotes, as 64-bit ones are written.
#[inline]
pub(super) fn put_quoted(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.push(b'"');
    put_integer(out, value);
    out.push(b'"');
}

/// Appends a double in the shortest form that reads back as the same one.
pub(super) fn put_double(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    // Writing to a buffer in memory cannot fail.
    let _ = if value.is_nan() {
        out.write_all(b"\"NaN\"")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 {
            b"\"Infinity\""
        } else {
            b"\"-Infinity\""
        })
    } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        write!(out, "{value:e}")
    } else {
        write!(out, "{value}")
    };
}

/// Appends bytes as base64.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    put_base64(bytes, out);
    out.push(b'"');
}

/// Appends text in quotes. Escaped is what has to be: quotes, backslashes, control characters.
#[inline]
pub(super) fn put_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_length(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(special) = rest.get(plain) else {
            break;
        };
        put_escape(out, *special);
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

fn put_escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            put_hex(&[byte], out);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = Vec::new();
        put_double(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_short_and_plain() {
        assert_eq!(double(0.0), "0");
        assert_eq!(double(-0.0), "-0");
        assert_eq!(double(1.0), "1");
        assert_eq!(double(0.1), "0.1");
        assert_eq!(double(1e20), "100000000000000000000");
        assert_eq!(double(1e21), "1e21");
        assert_eq!(double(1.5e-7), "1.5e-7");
        assert_eq!(double(f64::MAX), "1.7976931348623157e308");
        assert_eq!(double(f64::NAN), "\"NaN\"");
        assert_eq!(double(f64::NEG_INFINITY), "\"-Infinity\"");
    }

    #[test]
    fn only_what_must_be_is_escaped() {
        let mut out = Vec::new();
        put_string(
            &mut out,
            "a\"b\\c/d\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é\u{2028}😀",
        );
        let expected = "\"a\\\"b\\\\c/d\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}é\u{2028}😀\"";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
