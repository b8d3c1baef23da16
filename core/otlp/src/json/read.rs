//! From text to protobuf in one pass, driven by the tables of [`super::shape`].

mod lists;
mod scalars;

use super::error::{JsonError, Problem};
use super::number::Integer;
use super::scan::{Result, Scanner};
use super::seen::Seen;
use super::shape::{self, Field, Kind, Shape};
use super::string::unescape;
use crate::limits::MAX_VALUE_DEPTH;
use crate::wire::{self, zigzag};
use crate::write::envelope::into_bytes;
use crate::write::nest::{self, close, open};
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
    Ok(Payload::from_valid(
        signal,
        into_bytes(reader.out),
        reader.items,
    ))
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
            match self.key(shape, next)? {
                Some(index) => {
                    next = index + 1;
                    let field = &shape.fields[index];
                    self.member(field, index, &mut seen)
                        .map_err(|p| p.in_key(field.name))?;
                }
                None => self.scanner.skip_value()?,
            }
            if !self.scanner.next(b'}', "',' or '}'")? {
                return Ok(());
            }
        }
    }

    /// The key of a member: which field it is, if any.
    #[inline]
    fn key(&mut self, shape: &Shape, next: usize) -> Result<Option<usize>> {
        if let Some((index, length)) = shape.guess(self.scanner.rest(), next) {
            self.scanner.advance(length);
            return Ok(Some(index));
        }
        let key = self.scanner.key()?;
        if !key.escaped {
            return Ok(shape.find(key.bytes));
        }
        self.scratch.clear();
        unescape(key.bytes, &mut self.scratch);
        Ok(shape.find(&self.scratch))
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
}
