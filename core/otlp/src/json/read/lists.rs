//! Arrays: lists of objects, and packed lists of numbers.

use super::Reader;
use crate::json::number::Integer;
use crate::json::scan::Result;
use crate::json::shape::{self, Field, Kind, Shape};
use crate::wire;
use crate::write::nest::{SMALL, close, open};

impl Reader<'_> {
    pub(super) fn list(&mut self, field: &'static Field) -> Result<()> {
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
    pub(super) fn null(&mut self) -> bool {
        self.scanner.peek() == b'n' && self.scanner.literal(b"null")
    }
}
