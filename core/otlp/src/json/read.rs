//! From text to protobuf in one pass, driven by the tables of [`super::shape`].

use super::error::{JsonError, Problem};
use super::ids;
use super::number::{self, Integer};
use super::scan::{Raw, Result, Scanner, unescape};
use super::seen::Seen;
use super::shape::{self, Field, Kind, Names, Shape};
use crate::limits::MAX_VALUE_DEPTH;
use crate::wire::{self, zigzag};
use crate::write::envelope::into_bytes;
use crate::write::nest::{self, RECORD, SMALL, close, open};
use crate::{Payload, Signal};

/// Longer texts are refused. What comes out is at most a small multiple of what
/// came in, and 32 bits are enough to say where in an object something is.
const MAX_TEXT: usize = 512 << 20;

/// Reads an OTLP/JSON request; see [`super::read`].
pub(super) fn read(signal: Signal, text: &[u8]) -> std::result::Result<Payload, JsonError> {
    let root = match signal {
        Signal::Logs => &shape::LOGS,
        Signal::Traces => &shape::TRACES,
        Signal::Metrics => &shape::METRICS,
    };
    let problem = |problem: Box<Problem>| problem.into_error(text);
    if text.len() > MAX_TEXT {
        return Err(problem(Problem::new(MAX_TEXT, "a text of at most 512 MiB")));
    }
    if let Err(error) = simdutf8::compat::from_utf8(text) {
        return Err(problem(Problem::new(error.valid_up_to(), "UTF-8")));
    }
    let mut reader = Reader {
        scanner: Scanner::new(text),
        // Compact OTLP/JSON is a little more than twice as long as protobuf.
        out: Vec::with_capacity(text.len() / 2),
        scratch: Vec::new(),
        items: 0,
        depth: 0,
    };
    reader.object(root).map_err(problem)?;
    if reader.scanner.peek() != 0 || reader.scanner.pos() < text.len() {
        return Err(problem(reader.scanner.problem("the end of the text")));
    }
    Ok(Payload::from_valid(signal, into_bytes(reader.out), reader.items))
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    out: Vec<u8>,
    /// Strings without their escapes, decoded base64.
    scratch: Vec<u8>,
    items: usize,
    /// Values around this place.
    depth: usize,
}

impl<'a> Reader<'a> {
    /// An object; its fields become the content of the open message.
    fn object(&mut self, shape: &'static Shape) -> Result<()> {
        self.scanner.expect(b'{', shape.expected)?;
        if self.scanner.eat(b'}') {
            return Ok(());
        }
        let mut seen = Seen::new(self.out.len());
        let mut next = 0;
        loop {
            let key = self.scanner.key()?;
            match self.find(shape, key, next) {
                Some(index) => {
                    next = index + 1;
                    let field = &shape.fields[index];
                    self.member(field, index, &mut seen).map_err(|p| p.in_key(field.name))?;
                }
                None => self.scanner.skip_value()?,
            }
            if !self.scanner.next(b'}', "',' or '}'")? {
                return Ok(());
            }
        }
    }

    #[inline]
    fn find(&mut self, shape: &Shape, key: Raw<'_>, next: usize) -> Option<usize> {
        if !key.escaped {
            return shape.find(key.bytes, next);
        }
        self.scratch.clear();
        unescape(key.bytes, &mut self.scratch);
        shape.find(&self.scratch, next)
    }

    /// A member of an object. The last one of a key, or of a `oneof`, wins; lists are joined.
    #[inline]
    fn member(&mut self, field: &'static Field, index: usize, seen: &mut Seen) -> Result<()> {
        if self.scanner.peek() == b'n' && self.scanner.literal(b"null") {
            return Ok(());
        }
        if field.kind.is_list() {
            return self.list(field);
        }
        let slot = field.one_of.map_or(index, usize::from);
        if seen.contains(slot) {
            self.items -= seen.remove(slot, &mut self.out);
        }
        let (start, items) = (self.out.len(), self.items);
        self.single(field)?;
        if self.out.len() > start {
            seen.insert(slot, start, self.items - items);
        }
        Ok(())
    }

    #[inline]
    fn single(&mut self, field: &'static Field) -> Result<()> {
        let number = field.number;
        match field.kind {
            Kind::String => self.string(field),
            Kind::Object(shape) => {
                let message = open(&mut self.out, number, shape.width);
                self.nested(shape)?;
                close(&mut self.out, message);
                Ok(())
            }
            Kind::Fixed64 => {
                let value = self.integer("an unsigned 64-bit integer", Integer::as_u64)?;
                self.fixed64(field, value);
                Ok(())
            }
            Kind::Int64 => {
                let value = self.integer("a 64-bit integer", Integer::as_i64)?;
                self.varint(field, value as u64);
                Ok(())
            }
            Kind::Sfixed64 => {
                let value = self.integer("a 64-bit integer", Integer::as_i64)?;
                self.fixed64(field, value as u64);
                Ok(())
            }
            Kind::Double => {
                let value = self.double()?;
                self.fixed64(field, value.to_bits());
                Ok(())
            }
            Kind::Uint32 => {
                let value = self.integer("an unsigned 32-bit integer", Integer::as_u32)?;
                self.varint(field, u64::from(value));
                Ok(())
            }
            Kind::Fixed32 => {
                let value = self.integer("an unsigned 32-bit integer", Integer::as_u32)?;
                nest::put_some_fixed32(&mut self.out, number, value);
                Ok(())
            }
            Kind::Sint32 => {
                let value = self.integer("a 32-bit integer", Integer::as_i32)?;
                self.varint(field, u64::from(zigzag(value)));
                Ok(())
            }
            Kind::Enum(names) => {
                let value = self.enumeration(names)?;
                self.varint(field, i64::from(value) as u64);
                Ok(())
            }
            Kind::Bool => {
                let value = self.bool()?;
                self.varint(field, u64::from(value));
                Ok(())
            }
            Kind::Bytes => self.bytes(field),
            Kind::Id(length) => self.id(field, length),
            _ => self.list(field),
        }
    }

    #[inline]
    fn fixed64(&mut self, field: &Field, value: u64) {
        if field.explicit || value != 0 {
            wire::put_fixed64(&mut self.out, field.number, value);
        }
    }

    #[inline]
    fn varint(&mut self, field: &Field, value: u64) {
        if field.explicit || value != 0 {
            wire::put_uint(&mut self.out, field.number, value);
        }
    }

    /// An object inside another one; values count how deep they are.
    #[inline]
    fn nested(&mut self, shape: &'static Shape) -> Result<()> {
        if !shape.nests {
            return self.object(shape);
        }
        if self.depth == MAX_VALUE_DEPTH {
            return Err(self.scanner.problem("values nested at most 28 deep"));
        }
        self.depth += 1;
        self.object(shape)?;
        self.depth -= 1;
        Ok(())
    }

    // === lists ===

    fn list(&mut self, field: &'static Field) -> Result<()> {
        match field.kind {
            Kind::Objects(shape) => self.elements("an array", |reader| {
                if !reader.null() {
                    reader.element(field.number, shape)?;
                    reader.items += usize::from(shape.counted);
                }
                Ok(())
            }),
            Kind::Values => self.elements("an array", |reader| {
                if reader.null() {
                    wire::put_len(&mut reader.out, field.number, 0);
                    return Ok(());
                }
                reader.element(field.number, &shape::ANY_VALUE)
            }),
            Kind::Strings => self.elements("an array of strings", |reader| {
                let text = reader.raw_string("a string")?;
                reader.put_string(field.number, text);
                Ok(())
            }),
            Kind::Fixed64s => self.packed(field, |reader| {
                let value = reader.integer("an unsigned 64-bit integer", Integer::as_u64)?;
                reader.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }),
            Kind::Uint64s => self.packed(field, |reader| {
                let value = reader.integer("an unsigned 64-bit integer", Integer::as_u64)?;
                wire::put_varint(&mut reader.out, value);
                Ok(())
            }),
            Kind::Doubles => self.packed(field, |reader| {
                let value = reader.double()?;
                reader.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }),
            _ => Ok(()),
        }
    }

    #[inline]
    fn element(&mut self, number: u32, shape: &'static Shape) -> Result<()> {
        let message = open(&mut self.out, number, shape.width);
        self.nested(shape)?;
        close(&mut self.out, message);
        Ok(())
    }

    #[inline]
    fn elements(
        &mut self,
        expected: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.scanner.expect(b'[', expected)?;
        if self.scanner.eat(b']') {
            return Ok(());
        }
        for index in 0.. {
            self.scanner.peek();
            element(self).map_err(|p| p.in_element(index))?;
            if !self.scanner.next(b']', "',' or ']'")? {
                break;
            }
        }
        Ok(())
    }

    /// A list of numbers behind one key and length; nothing when it is empty.
    fn packed(
        &mut self,
        field: &Field,
        element: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let start = self.out.len();
        let list = open(&mut self.out, field.number, SMALL);
        self.elements("an array of numbers", element)?;
        if self.out.len() == list.content() {
            self.out.truncate(start);
        } else {
            close(&mut self.out, list);
        }
        Ok(())
    }

    #[inline]
    fn null(&mut self) -> bool {
        self.scanner.peek() == b'n' && self.scanner.literal(b"null")
    }

    // === scalars ===

    #[inline]
    fn raw_string(&mut self, expected: &'static str) -> Result<Raw<'a>> {
        if self.scanner.peek() != b'"' {
            return Err(self.scanner.problem(expected));
        }
        self.scanner.string()
    }

    #[inline]
    fn string(&mut self, field: &Field) -> Result<()> {
        let text = self.raw_string("a string")?;
        if field.explicit || !text.bytes.is_empty() {
            self.put_string(field.number, text);
        }
        Ok(())
    }

    #[inline]
    fn put_string(&mut self, number: u32, text: Raw<'_>) {
        if !text.escaped {
            wire::put_bytes(&mut self.out, number, text.bytes);
            return;
        }
        // Resolving an escape makes a text shorter, mostly by little.
        let width = if text.bytes.len() < 128 { SMALL } else { RECORD };
        let string = open(&mut self.out, number, width);
        unescape(text.bytes, &mut self.out);
        close(&mut self.out, string);
    }

    /// The content of a string that is not text but a number, a name, hex or base64.
    fn plain_string(&mut self) -> Result<PlainString<'a>> {
        let text = self.scanner.string()?;
        if !text.escaped {
            return Ok(PlainString::Borrowed(text.bytes));
        }
        self.scratch.clear();
        unescape(text.bytes, &mut self.scratch);
        Ok(PlainString::InScratch)
    }

    #[inline]
    fn integer<T>(
        &mut self,
        expected: &'static str,
        narrow: impl FnOnce(Integer) -> Option<T>,
    ) -> Result<T> {
        let quoted = self.scanner.peek() == b'"';
        let at = self.scanner.pos();
        let value = if quoted {
            let text = self.plain_string()?;
            number::integer(text.get(&self.scratch))
        } else {
            number::integer(self.scanner.number(expected)?)
        };
        value.and_then(narrow).ok_or_else(|| Problem::new(at, expected))
    }

    fn double(&mut self) -> Result<f64> {
        let expected = "a number that fits a double, \"NaN\", \"Infinity\" or \"-Infinity\"";
        let quoted = self.scanner.peek() == b'"';
        let at = self.scanner.pos();
        let value = if quoted {
            let text = self.plain_string()?;
            number::double_in_string(text.get(&self.scratch))
        } else {
            number::double(self.scanner.number(expected)?)
        };
        value.ok_or_else(|| Problem::new(at, expected))
    }

    fn enumeration(&mut self, names: &'static Names) -> Result<i32> {
        if self.scanner.peek() != b'"' {
            return self.integer(names.expected, Integer::as_i32);
        }
        let at = self.scanner.pos();
        let text = self.plain_string()?;
        let text = text.get(&self.scratch);
        let found = names.names.iter().position(|name| name.as_bytes() == text);
        found
            .and_then(|index| i32::try_from(index).ok())
            .ok_or_else(|| Problem::new(at, names.expected))
    }

    fn bool(&mut self) -> Result<bool> {
        self.scanner.peek();
        if self.scanner.literal(b"true") {
            return Ok(true);
        }
        if self.scanner.literal(b"false") {
            return Ok(false);
        }
        Err(self.scanner.problem("true or false"))
    }

    fn bytes(&mut self, field: &Field) -> Result<()> {
        const EXPECTED: &str = "a string of base64";
        if self.scanner.peek() != b'"' {
            return Err(self.scanner.problem(EXPECTED));
        }
        let at = self.scanner.pos();
        let text = self.plain_string()?;
        let start = self.out.len();
        let bytes = open(&mut self.out, field.number, SMALL);
        if !ids::base64(text.get(&self.scratch), &mut self.out) {
            self.out.truncate(start);
            return Err(Problem::new(at, EXPECTED));
        }
        close(&mut self.out, bytes);
        Ok(())
    }

    fn id(&mut self, field: &Field, length: usize) -> Result<()> {
        let expected = match length {
            16 => "32 hex digits or an empty string",
            _ => "16 hex digits or an empty string",
        };
        if self.scanner.peek() != b'"' {
            return Err(self.scanner.problem(expected));
        }
        let at = self.scanner.pos();
        let text = self.plain_string()?;
        let text = text.get(&self.scratch);
        if text.is_empty() {
            return Ok(());
        }
        wire::put_len(&mut self.out, field.number, length);
        if text.len() != 2 * length || !ids::hex(text, &mut self.out) {
            return Err(Problem::new(at, expected));
        }
        Ok(())
    }
}

/// A string whose escapes, if any, were resolved in the reader's scratch.
#[derive(Clone, Copy)]
enum PlainString<'a> {
    Borrowed(&'a [u8]),
    InScratch,
}

impl<'a> PlainString<'a> {
    fn get<'s>(self, scratch: &'s [u8]) -> &'s [u8]
    where
        'a: 's,
    {
        match self {
            PlainString::Borrowed(bytes) => bytes,
            PlainString::InScratch => scratch,
        }
    }
}
