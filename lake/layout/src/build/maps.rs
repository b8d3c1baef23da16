use std::sync::Arc;

use arrow_array::{ArrayRef, MapArray, StructArray};
use arrow_schema::ArrowError;
use otlp::{Attributes, Value};

use super::{Text, end, offsets};
use crate::column::{map_entries, map_fields};
use crate::value::{TooDeep, render};

/// A column of `map<string,string>`. A row without entries is an empty map, never missing.
pub(crate) struct Maps {
    ends: Vec<i32>,
    keys: Text,
    values: Text,
    /// Entries left out because their key was there already.
    duplicates: u64,
}

impl Default for Maps {
    fn default() -> Self {
        Self {
            ends: vec![0],
            keys: Text::default(),
            values: Text::default(),
            duplicates: 0,
        }
    }
}

impl Maps {
    pub(crate) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    pub(crate) fn size(&self) -> usize {
        self.keys.size() + self.values.size() + self.ends.len() * 4
    }

    /// One row: the attributes with their values as text. `each` sees every entry as it goes in.
    ///
    /// Of several entries with one key the first is kept: that is what reading by key returns
    /// elsewhere in the pipeline, and some readers refuse a map with a repeated key.
    ///
    /// On an error nothing of the row is left.
    #[inline]
    pub(crate) fn push_row<'a>(
        &mut self,
        attributes: Attributes<'a>,
        max_depth: usize,
        mut each: impl FnMut(&'a str, Value<'a>),
    ) -> Result<(), TooDeep> {
        let mut seen = Seen::starting_at(self.keys.len());
        for entry in attributes {
            if seen.before(entry.key, &self.keys) {
                self.duplicates += 1;
                continue;
            }
            each(entry.key, entry.value);
            if let Err(too_deep) = self.push_entry(entry.key, entry.value, max_depth) {
                self.truncate(self.len());
                return Err(too_deep);
            }
        }
        self.close();
        Ok(())
    }

    /// One entry of the row that is being written; end it with [`close`](Self::close).
    #[inline]
    pub(crate) fn push_entry(
        &mut self,
        key: &str,
        value: Value<'_>,
        max_depth: usize,
    ) -> Result<(), TooDeep> {
        self.keys.push(key);
        if value.is_empty() {
            self.values.push_null();
        } else {
            render(value, max_depth, self.values.open())?;
            self.values.close();
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn close(&mut self) {
        self.ends.push(end(self.keys.len()));
    }

    /// `times` copies of the only row of `other`.
    pub(crate) fn push_repeated(&mut self, other: &Self, times: usize) {
        for _ in 0..times {
            self.keys.append(&other.keys);
            self.values.append(&other.values);
            self.ends.push(end(self.keys.len()));
        }
    }

    /// Takes back all rows from `rows` on, and the entries of a row that is not closed.
    pub(crate) fn truncate(&mut self, rows: usize) {
        if rows < self.len() {
            self.ends.truncate(rows + 1);
        }
        let entries = self.ends.last().copied().unwrap_or_default();
        let entries = usize::try_from(entries).unwrap_or(0);
        self.keys.truncate(entries);
        self.values.truncate(entries);
    }

    pub(crate) fn clear(&mut self) {
        self.truncate(0);
    }

    /// Entries left out since the last call.
    pub(crate) fn take_duplicates(&mut self) -> u64 {
        std::mem::take(&mut self.duplicates)
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let offsets = offsets(&mut self.ends)?;
        let entries = StructArray::try_new(
            map_fields(),
            vec![self.keys.finish()?, self.values.finish()?],
            None,
        )?;
        Ok(Arc::new(MapArray::try_new(
            map_entries(),
            offsets,
            entries,
            None,
            false,
        )?))
    }
}

/// Finds repeated keys of one row: 64 bits of a filter, and a comparison when the bit is set.
struct Seen {
    first: usize,
    bits: u64,
}

impl Seen {
    fn starting_at(first: usize) -> Self {
        Self { first, bits: 0 }
    }

    #[inline]
    fn before(&mut self, key: &str, keys: &Text) -> bool {
        let bytes = key.as_bytes();
        let end = bytes.last().copied().unwrap_or_default();
        let middle = bytes.get(bytes.len() / 2).copied().unwrap_or_default();
        let hash = (bytes.len() as u64)
            .wrapping_mul(31)
            .wrapping_add(u64::from(end))
            .wrapping_mul(31)
            .wrapping_add(u64::from(middle));
        let bit = 1u64 << (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58);
        if self.bits & bit == 0 {
            self.bits |= bit;
            return false;
        }
        (self.first..keys.len()).any(|row| keys.get(row) == bytes)
    }
}
