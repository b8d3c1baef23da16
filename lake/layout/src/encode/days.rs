//! Open days: the builders of each partition that rows go to.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::facts::Facts;
use crate::tables::TableSpec;

/// Builders of one day of one table.
pub(super) trait Rows: Sized {
    /// Empty builders.
    fn new(spec: &TableSpec) -> Self;
    /// Rows so far.
    fn len(&self) -> usize;
    /// Bytes so far, roughly.
    fn size(&self) -> usize;
    /// Writes what resource and scope say for all rows that were added since the last call.
    fn fill(&mut self, facts: &Facts);
    /// The rows as a batch in the table's file schema; leaves the builders empty.
    fn finish(&mut self, spec: &TableSpec) -> Result<RecordBatch, ArrowError>;
}

/// The open days of a table.
pub(super) struct Days<R> {
    open: Vec<(i32, R)>,
    /// Position of the day that was asked for last: the next record is mostly of the same day.
    last: usize,
    /// What a new day is made for.
    spec: Arc<TableSpec>,
}

impl<R: Rows> Days<R> {
    pub(super) fn new(spec: &Arc<TableSpec>) -> Self {
        Self {
            open: Vec::new(),
            last: 0,
            spec: spec.clone(),
        }
    }

    /// The builders of `day`.
    #[inline]
    pub(super) fn at(&mut self, day: i32) -> &mut R {
        let found = match self.open.get(self.last) {
            Some((open, _)) if *open == day => self.last,
            _ => self.find_or_open(day),
        };
        self.last = found;
        &mut self.open[found].1
    }

    fn find_or_open(&mut self, day: i32) -> usize {
        if let Some(found) = self.open.iter().position(|(open, _)| *open == day) {
            return found;
        }
        self.open.push((day, R::new(&self.spec)));
        self.open.len() - 1
    }

    pub(super) fn fill(&mut self, facts: &Facts) {
        for (_, rows) in &mut self.open {
            rows.fill(facts);
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.open.iter().map(|(_, rows)| rows.len()).sum()
    }

    pub(super) fn size(&self) -> usize {
        self.open.iter().map(|(_, rows)| rows.size()).sum()
    }

    /// Takes the days that hold at least `bytes`.
    pub(super) fn take(&mut self, bytes: usize) -> Result<Vec<(i32, RecordBatch)>, ArrowError> {
        let mut taken = Vec::new();
        let mut position = 0;
        while let Some((day, rows)) = self.open.get_mut(position) {
            if rows.size() < bytes {
                position += 1;
                continue;
            }
            if rows.len() > 0 {
                taken.push((*day, rows.finish(&self.spec)?));
            }
            self.open.swap_remove(position);
        }
        self.last = 0;
        Ok(taken)
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.last = 0;
    }
}
