//! Strings, and everything that may stand in one: numbers, names, hex, base64.

use super::Reader;
use crate::json::error::Problem;
use crate::json::ids;
use crate::json::number::{self, Integer};
use crate::json::scan::{Raw, Result};
use crate::json::shape::{Field, Names};
use crate::json::string::unescape;
use crate::wire;
use crate::write::nest::{RECORD, SMALL, close, open};

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn raw_string(&mut self, expected: &'static str) -> Result<Raw<'a>> {
        if self.scanner.peek() != b'"' {
            return Err(self.scanner.problem(expected));
        }
        self.scanner.string()
    }

    #[inline]
    pub(super) fn string(&mut self, field: &Field) -> Result<()> {
        let text = self.raw_string("a string")?;
        if field.explicit || !text.bytes.is_empty() {
            self.put_string(field.number, text);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn put_string(&mut self, number: u32, text: Raw<'_>) {
        if !text.escaped {
            wire::put_bytes(&mut self.out, number, text.bytes);
            return;
        }
        // Resolving an escape makes a text shorter, mostly by little.
        let width = if text.bytes.len() < 128 {
            SMALL
        } else {
            RECORD
        };
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
    pub(super) fn integer<T>(
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
        value
            .and_then(narrow)
            .ok_or_else(|| Problem::new(at, expected))
    }

    pub(super) fn double(&mut self) -> Result<f64> {
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

    pub(super) fn enumeration(&mut self, names: &'static Names) -> Result<i32> {
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

    pub(super) fn bool(&mut self) -> Result<bool> {
        self.scanner.peek();
        if self.scanner.literal(b"true") {
            return Ok(true);
        }
        if self.scanner.literal(b"false") {
            return Ok(false);
        }
        Err(self.scanner.problem("true or false"))
    }

    pub(super) fn bytes(&mut self, field: &Field) -> Result<()> {
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

    pub(super) fn id(&mut self, field: &Field, length: usize) -> Result<()> {
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
