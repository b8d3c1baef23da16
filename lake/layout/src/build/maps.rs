use std::sync::Arc;

use arrow_array::{ArrayRef, MapArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::ArrowError;
use otlp::{Attributes, Value};

use super::{Ends, Offsets, Order, Text, end};
use crate::column::{map_entries, map_fields};
use crate::value::{TooDeep, render};

/// A column of `map<string,string>`. A row without entries is an empty map, never missing.
#[derive(Default)]
pub(crate) struct Maps {
    ends: Ends,
    keys: Text,
    values: Text,
    /// Entries left out because their key was there already.
    duplicates: u64,
}

impl Maps {
    pub(crate) fn len(&self) -> usize {
        self.ends.rows()
    }

    pub(crate) fn size(&self) -> usize {
        self.keys.size() + self.values.size() + self.ends.size()
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
        self.ends.close(self.keys.len());
    }

    /// Adds the only row of `other`.
    pub(crate) fn push_only(&mut self, other: &Self) {
        for entry in 0..other.keys.len() {
            self.keys.push(other.keys.get(entry));
            if other.values.is_null(entry) {
                self.values.push_null();
            } else {
                self.values.push(other.values.get(entry));
            }
        }
        self.close();
    }

    /// Takes back all rows from `rows` on, and the entries of a row that is not closed.
    pub(crate) fn truncate(&mut self, rows: usize) {
        let entries = self.ends.truncate(rows);
        self.keys.truncate(entries);
        self.values.truncate(entries);
    }

    /// Forgets all rows and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.keys.clear();
        self.values.clear();
    }

    /// Entries left out since the last call.
    pub(crate) fn take_duplicates(&mut self) -> u64 {
        std::mem::take(&mut self.duplicates)
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, entries) = self.ends.gather(order)?;
        let (keys, values) = (self.keys.gather(&entries)?, self.values.gather(&entries)?);
        maps(offsets, keys, values)
    }

    /// Rows many times over: `(row, times)`.
    pub(crate) fn gather_repeated(&self, rows: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
        let mut offsets = Offsets::with_capacity(rows.iter().map(|(_, times)| times).sum());
        let mut runs = Vec::with_capacity(rows.len());
        let mut written = 0;
        for &(row, times) in rows {
            let entries = self.ends.span(&(row..row + 1))?;
            for _ in 0..times {
                written += entries.len();
                offsets.push(end(written));
            }
            runs.push((entries, times));
        }
        let runs = runs.iter().cloned();
        let keys = self.keys.gather_runs_repeated(runs.clone())?;
        let values = self.values.gather_runs_repeated(runs)?;
        maps(offsets.finish()?, keys, values)
    }
}

fn maps(
    offsets: OffsetBuffer<i32>,
    keys: ArrayRef,
    values: ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let entries = StructArray::try_new(map_fields(), vec![keys, values], None)?;
    let maps = MapArray::try_new(map_entries(), offsets, entries, None, false)?;
    Ok(Arc::new(maps))
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
        (self.first..keys.len()).any(|row| keys.get(row) == key)
    }
}
