//! From JSON to OTLP values, with the limits of single values.

use otlp::Value;
use otlp::write::{LogWriter, ResourceWriter, ValueWriter};

use super::{Kind, Piece, Scanner, unescape, unescape_all};

/// What one value may be at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a text.
    pub(crate) text: usize,
    /// Bytes of a stack trace.
    pub(crate) stack: usize,
    /// Elements of an array.
    pub(crate) elements: usize,
    /// Whether NULs are removed, and secrets in URLs replaced.
    pub(crate) sanitize: bool,
}

/// What has attributes: a record, or a resource.
pub(crate) trait Attributed {
    fn put(&mut self, key: &str, value: Value<'_>);
    fn put_with(&mut self, key: &str, write: impl FnOnce(&mut ValueWriter<'_>));
}

impl Attributed for LogWriter<'_> {
    #[inline]
    fn put(&mut self, key: &str, value: Value<'_>) {
        self.attribute(key, value);
    }

    fn put_with(&mut self, key: &str, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.attribute_with(key, write);
    }
}

impl Attributed for ResourceWriter<'_> {
    #[inline]
    fn put(&mut self, key: &str, value: Value<'_>) {
        self.attribute(key, value);
    }

    fn put_with(&mut self, key: &str, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.attribute_with(key, write);
    }
}

/// Writes the values of one event; remembers what had to be cut.
pub(crate) struct Writing<'s> {
    pub(crate) limits: Limits,
    /// Strings without their escapes.
    pub(crate) scratch: &'s mut String,
    /// How many values were cut.
    pub(crate) cut: usize,
}

impl Writing<'_> {
    /// One attribute.
    #[inline(always)]
    pub(crate) fn attribute(
        &mut self,
        to: &mut impl Attributed,
        key: &str,
        piece: Piece,
        text: &str,
    ) {
        let raw = piece.raw(text);
        if piece.kind == Kind::Plain && raw.len() <= self.limits.text.min(self.limits.stack) {
            return to.put(key, Value::String(raw));
        }
        self.other(to, key, piece, text);
    }

    /// What is no short text.
    #[inline(never)]
    fn other(&mut self, to: &mut impl Attributed, key: &str, piece: Piece, text: &str) {
        let raw = piece.raw(text);
        let limit = self.limit_of(key);
        if piece.kind == Kind::Nested {
            to.put_with(key, |value| self.nested(value, raw, limit));
            return;
        }
        let value = self.scalar(piece.kind, raw, limit);
        to.put(key, value);
    }

    fn limit_of(&self, key: &str) -> usize {
        if key.ends_with("stack_trace") || key.ends_with("stacktrace") {
            self.limits.stack
        } else {
            self.limits.text
        }
    }

    fn scalar<'a>(&'a mut self, kind: Kind, raw: &'a str, limit: usize) -> Value<'a> {
        match kind {
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Integer => raw.parse().map_or(Value::String(raw), Value::Int),
            Kind::Double => match raw.parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Double(number),
                _ => Value::String(raw),
            },
            Kind::Plain => Value::String(cut(raw, limit, &mut self.cut)),
            Kind::Escaped => {
                self.scratch.clear();
                unescape_all(raw, self.scratch, !self.limits.sanitize);
                Value::String(cut(self.scratch, limit, &mut self.cut))
            }
            Kind::Nested => Value::Empty,
        }
    }

    /// An array or object. Nulls inside are left out.
    fn nested(&mut self, value: &mut ValueWriter<'_>, raw: &str, limit: usize) {
        let mut scanner = Scanner::new(raw);
        if scanner.eat(b'[') {
            value.array(|array| {
                self.elements(&mut scanner, |writing, piece| {
                    array.push_with(|element| writing.any(element, piece, raw, limit));
                });
            });
        } else if scanner.eat(b'{') {
            value.map(|map| {
                self.members(&mut scanner, |writing, key, piece| {
                    map.attribute_with(key, |member| writing.any(member, piece, raw, limit));
                });
            });
        }
    }

    fn any(&mut self, value: &mut ValueWriter<'_>, piece: Piece, text: &str, limit: usize) {
        if piece.kind == Kind::Nested {
            self.nested(value, piece.raw(text), limit);
        } else {
            value.set(self.scalar(piece.kind, piece.raw(text), limit));
        }
    }

    fn elements(&mut self, scanner: &mut Scanner<'_>, mut each: impl FnMut(&mut Self, Piece)) {
        let mut left = self.limits.elements;
        if scanner.eat(b']') {
            return;
        }
        loop {
            // The text was read once: there are no faults any more.
            let Ok(piece) = scanner.value(usize::MAX) else {
                return;
            };
            if let Some(piece) = piece {
                if left == 0 {
                    self.cut += 1;
                    return;
                }
                left -= 1;
                each(self, piece);
            }
            if !scanner.next(b']').unwrap_or(false) {
                return;
            }
        }
    }

    fn members(&mut self, scanner: &mut Scanner<'_>, mut each: impl FnMut(&mut Self, &str, Piece)) {
        if scanner.eat(b'}') {
            return;
        }
        let mut name = String::new();
        loop {
            let Ok(key) = scanner.key() else { return };
            let Ok(piece) = scanner.value(usize::MAX) else {
                return;
            };
            if let Some(piece) = piece {
                if key.escaped {
                    name.clear();
                    unescape(key.text, &mut name);
                    each(self, &name, piece);
                } else {
                    each(self, key.text, piece);
                }
            }
            if !scanner.next(b'}').unwrap_or(false) {
                return;
            }
        }
    }
}

/// The text up to `limit` bytes, cut between two characters.
pub(crate) fn cut<'a>(text: &'a str, limit: usize, count: &mut usize) -> &'a str {
    if text.len() <= limit {
        return text;
    }
    *count += 1;
    text.get(..text.floor_char_boundary(limit))
        .unwrap_or_default()
}
