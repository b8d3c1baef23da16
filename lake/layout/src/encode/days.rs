//! Open days: the builders of each partition that rows go to.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;

use super::facts::Facts;
use super::{EncodeError, Origin, RowGroup};
use crate::build::Order;
use crate::tables::TableSpec;

/// Builders of one day of one table.
pub(super) trait Rows: Sized {
    /// Empty builders.
    fn new(spec: &TableSpec) -> Self;
    /// Rows so far.
    fn len(&self) -> usize;
    /// Bytes so far, roughly.
    fn size(&self) -> usize;
    /// Takes note of what resource, scope and entry say of all rows since the last call.
    fn fill(&mut self, facts: &Facts, origin: Origin<'_>);
    /// The rows in the order of the table's sort key.
    fn sorted(&self) -> Vec<usize>;
    /// Columns of these rows, those of the table's file schema.
    fn gather(&self, order: &Order) -> Result<Vec<ArrayRef>, ArrowError>;
    /// Forgets all rows and keeps the room.
    fn clear(&mut self);
}

/// The open days of a table.
pub(super) struct Days<R> {
    open: Vec<(i32, Box<R>)>,
    /// Position of the day that was asked for last: the next record is mostly of the same day.
    last: usize,
    /// Builders of a day that was taken: their room is for the next.
    spare: Option<Box<R>>,
    /// What a new day is made for.
    spec: Arc<TableSpec>,
}

impl<R: Rows> Days<R> {
    pub(super) fn new(spec: &Arc<TableSpec>) -> Self {
        Self {
            open: Vec::new(),
            last: 0,
            spare: None,
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
        let rows = self
            .spare
            .take()
            .unwrap_or_else(|| Box::new(R::new(&self.spec)));
        self.open.push((day, rows));
        self.open.len() - 1
    }

    pub(super) fn fill(&mut self, facts: &Facts, origin: Origin<'_>) {
        for (_, rows) in &mut self.open {
            rows.fill(facts, origin);
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.open.iter().map(|(_, rows)| rows.len()).sum()
    }

    pub(super) fn size(&self) -> usize {
        self.open.iter().map(|(_, rows)| rows.size()).sum()
    }

    /// Hands the days that hold at least `bytes` to `each`, sorted, as batches of at most
    /// `batch_rows` rows, and forgets them, also when `each` fails.
    pub(super) fn drain<E>(
        &mut self,
        bytes: usize,
        batch_rows: usize,
        mut each: impl FnMut(RowGroup<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.last = 0;
        let mut position = 0;
        while let Some((_, rows)) = self.open.get(position) {
            if rows.size() < bytes {
                position += 1;
                continue;
            }
            let (day, mut rows) = self.open.swap_remove(position);
            let given = match rows.sorted() {
                order if order.is_empty() => Ok(()),
                order => each(RowGroup {
                    day,
                    rows: order.len(),
                    batches: Box::new(batches(&self.spec, &*rows, &order, batch_rows)),
                }),
            };
            rows.clear();
            self.spare = Some(rows);
            given?;
        }
        Ok(())
    }

    /// Forgets all rows, and the room that they had.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.spare = None;
        self.last = 0;
    }
}

/// Batches of the rows in `order`.
fn batches<R: Rows>(
    spec: &TableSpec,
    rows: &R,
    order: &[usize],
    batch_rows: usize,
) -> impl Iterator<Item = Result<RecordBatch, EncodeError>> {
    order.chunks(batch_rows.max(1)).map(move |order| {
        let order = Order::of_rows(order.iter().copied());
        rows.gather(&order)
            .and_then(|columns| RecordBatch::try_new(spec.file_schema().clone(), columns))
            .map_err(|source| EncodeError::Arrow {
                table: spec.name().to_owned(),
                source,
            })
    })
}
