use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{Buffer, NullBuffer};
use arrow_schema::ArrowError;

use super::nulls::Nulls;
use super::{Ends, Offsets, Order, end};

/// A column of texts.
#[derive(Default)]
pub(crate) struct Text {
    ends: Ends,
    text: String,
    nulls: Nulls,
}

impl Text {
    pub(crate) fn len(&self) -> usize {
        self.ends.rows()
    }

    pub(crate) fn size(&self) -> usize {
        self.text.len() + self.ends.size()
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.close();
    }

    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.ends.close(self.text.len());
        self.nulls.push_null();
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

    /// The row that is being written, behind all others; end it with [`close`](Self::close).
    #[inline]
    pub(crate) fn open(&mut self) -> &mut String {
        &mut self.text
    }

    #[inline]
    pub(crate) fn close(&mut self) {
        self.ends.close(self.text.len());
        self.nulls.push_value();
    }

    /// The text of a row; empty when it is missing.
    pub(crate) fn get(&self, row: usize) -> &str {
        self.ends
            .span(&(row..row + 1))
            .ok()
            .and_then(|span| self.text.get(span))
            .unwrap_or_default()
    }

    /// Whether a row has no text.
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    /// Takes back all rows from `rows` on, and what was written into a row that is not closed.
    pub(crate) fn truncate(&mut self, rows: usize) {
        if rows < self.len() {
            self.nulls.truncate(rows);
        }
        self.text.truncate(self.ends.truncate(rows));
    }

    /// Forgets all rows and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.text.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        if self.nulls.all() {
            return Ok(Arc::new(StringArray::new_null(order.rows())));
        }
        let mut length = 0;
        for rows in order.runs() {
            length += self.ends.span(&rows)?.len();
        }
        let mut gathered = Gathered::with_capacity(order.rows(), length);
        for rows in order.runs() {
            gathered.push(self, rows)?;
        }
        gathered.finish(self.nulls.gather(order))
    }

    /// Rows many times over: `(row, times)`.
    pub(crate) fn gather_repeated(&self, rows: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
        self.gather_runs_repeated(rows.iter().map(|&(row, times)| (row..row + 1, times)))
    }

    /// Runs of rows, each many times over: `(rows, times)`.
    pub(super) fn gather_runs_repeated(
        &self,
        runs: impl Iterator<Item = (Range<usize>, usize)> + Clone,
    ) -> Result<ArrayRef, ArrowError> {
        let (mut rows, mut length) = (0, 0);
        for (run, times) in runs.clone() {
            rows += run.len() * times;
            length += self.ends.span(&run)?.len() * times;
        }
        if self.nulls.all() {
            return Ok(Arc::new(StringArray::new_null(rows)));
        }
        let mut gathered = Gathered::with_capacity(rows, length);
        for (run, times) in runs.clone() {
            for _ in 0..times {
                gathered.push(self, run.clone())?;
            }
        }
        let nulls = if self.nulls.none() {
            None
        } else {
            let valid = runs.flat_map(|(run, times)| (0..times).flat_map(move |_| run.clone()));
            Some(valid.map(|row| !self.nulls.is_null(row)).collect())
        };
        gathered.finish(nulls)
    }
}

/// Room for as many record ids.
pub(crate) fn record_ids(rows: usize) -> Gathered {
    Gathered::with_capacity(rows, rows * 48)
}

/// Rows of texts in their new order.
pub(crate) struct Gathered {
    offsets: Offsets,
    text: String,
}

impl Gathered {
    fn with_capacity(rows: usize, length: usize) -> Self {
        Self {
            offsets: Offsets::with_capacity(rows),
            text: String::with_capacity(length),
        }
    }

    #[inline]
    fn push(&mut self, from: &Text, rows: Range<usize>) -> Result<(), ArrowError> {
        let bytes = from.ends.span(&rows)?;
        self.offsets.extend(from.ends.of(&rows), self.text.len());
        // Rows end where texts end.
        self.text.push_str(from.text.get(bytes).unwrap_or_default());
        Ok(())
    }

    /// The row that is being written; end it with [`close`](Self::close).
    #[inline]
    pub(crate) fn open(&mut self) -> &mut String {
        &mut self.text
    }

    #[inline]
    pub(crate) fn close(&mut self) {
        self.offsets.push(end(self.text.len()));
    }

    /// The rows as an array.
    pub(crate) fn finish(self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(strings(self.offsets, self.text, nulls)?))
    }
}

/// An array of the texts between `offsets`.
pub(super) fn strings(
    offsets: Offsets,
    text: String,
    nulls: Option<NullBuffer>,
) -> Result<StringArray, ArrowError> {
    let bytes = Buffer::from_vec(text.into_bytes());
    StringArray::try_new(offsets.finish()?, bytes, nulls)
}
