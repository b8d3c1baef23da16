use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{Buffer, NullBufferBuilder};
use arrow_schema::ArrowError;
use std::sync::Arc;

use super::{end, offsets};

/// A column of texts.
pub(crate) struct Text {
    ends: Vec<i32>,
    bytes: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            ends: vec![0],
            bytes: Vec::new(),
            nulls: NullBufferBuilder::new(0),
        }
    }
}

impl Text {
    pub(crate) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.close();
    }

    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.ends.push(end(self.bytes.len()));
        self.nulls.append_null();
    }

    /// Proto3 cannot tell an empty text from a missing one: both are stored as missing.
    #[inline]
    pub(crate) fn push_or_null(&mut self, text: &str) {
        if text.is_empty() {
            self.push_null();
        } else {
            self.push(text);
        }
    }

    /// Bytes of the row that is being written; end it with [`close`](Self::close).
    #[inline]
    pub(crate) fn open(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    #[inline]
    pub(crate) fn close(&mut self) {
        self.ends.push(end(self.bytes.len()));
        self.nulls.append_non_null();
    }

    /// Lower-case hexadecimal; missing when there are no bytes.
    #[inline]
    pub(crate) fn push_hex(&mut self, id: &[u8]) {
        if id.is_empty() {
            return self.push_null();
        }
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.bytes.extend(
            id.iter()
                .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]),
        );
        self.close();
    }

    /// `times` equal rows; empty is missing.
    pub(crate) fn push_repeated(&mut self, text: &str, times: usize) {
        if text.is_empty() {
            self.ends
                .resize(self.ends.len() + times, end(self.bytes.len()));
            self.nulls.append_n_nulls(times);
            return;
        }
        self.bytes.reserve(text.len() * times);
        for _ in 0..times {
            self.bytes.extend_from_slice(text.as_bytes());
            self.ends.push(end(self.bytes.len()));
        }
        self.nulls.append_n_non_nulls(times);
    }

    /// Appends all rows of `other`.
    pub(crate) fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(
            other.ends[1..]
                .iter()
                .map(|&e| end(base + usize::try_from(e).unwrap_or(usize::MAX - base))),
        );
        if other.nulls.as_slice().is_none() {
            self.nulls.append_n_non_nulls(other.len());
        } else {
            for row in 0..other.len() {
                self.nulls.append(other.nulls.is_valid(row));
            }
        }
    }

    /// The text of a row; empty when it is missing.
    pub(crate) fn get(&self, row: usize) -> &[u8] {
        let range = match (self.ends.get(row), self.ends.get(row + 1)) {
            (Some(&from), Some(&to)) => usize::try_from(from).ok().zip(usize::try_from(to).ok()),
            _ => None,
        };
        range
            .and_then(|(from, to)| self.bytes.get(from..to))
            .unwrap_or_default()
    }

    /// Takes back all rows from `rows` on, and what was written into a row that is not closed.
    pub(crate) fn truncate(&mut self, rows: usize) {
        if rows < self.len() {
            self.ends.truncate(rows + 1);
            self.nulls.truncate(rows);
        }
        let closed = self.ends.last().copied().unwrap_or_default();
        self.bytes.truncate(usize::try_from(closed).unwrap_or(0));
    }

    pub(crate) fn finish_strings(&mut self) -> Result<StringArray, ArrowError> {
        let offsets = offsets(&mut self.ends)?;
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        StringArray::try_new(offsets, bytes, self.nulls.finish())
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.finish_strings()?))
    }
}
