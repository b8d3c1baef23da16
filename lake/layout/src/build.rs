//! Column builders on plain vectors: rows can be taken back, and rows leave in any order.
//!
//! A builder is written once and read once: [`gather`](Text::gather) and its like copy the rows
//! of an [`Order`] to Arrow arrays, runs of neighbours in one piece. So sorting costs no copy of
//! its own, a batch can be as small as a processor's cache, and the vectors stay for the rows that
//! come next instead of growing again.

mod ids;
mod lists;
mod maps;
mod nulls;
mod numbers;
mod order;
mod structs;
mod text;

pub(crate) use ids::{SpanIds, TraceIds, push_hex};
pub(crate) use lists::{NumberLists, TextLists};
pub(crate) use maps::Maps;
pub(crate) use numbers::{Bools, Numbers, numbers_as};
pub(crate) use order::{Order, Ranks};
pub(crate) use structs::{Events, Exemplars, Links, Quantiles};
use text::strings;
pub(crate) use text::{Text, record_ids};

use std::ops::Range;

use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;

/// The end of a row as Arrow's 32-bit offset.
///
/// A builder is emptied long before it holds 2 GiB (the encoder hands out batches of tens of
/// megabytes, and one payload is limited far below); should it happen nevertheless, this row and
/// all behind it end at -1 and [`Ends::span`] makes gathering fail instead of storing garbage.
#[inline]
fn end(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(-1)
}

/// Where the rows of a column end in what they are made of; a row may be empty.
struct Ends(Vec<i32>);

impl Default for Ends {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Ends {
    #[inline]
    fn close(&mut self, items: usize) {
        self.0.push(end(items));
    }

    fn rows(&self) -> usize {
        self.0.len() - 1
    }

    fn size(&self) -> usize {
        self.0.len() * 4
    }

    /// Items of all rows.
    fn items(&self) -> usize {
        let last = self.0.last().copied().unwrap_or_default();
        usize::try_from(last).unwrap_or(0)
    }

    /// Keeps at most `rows` rows; the number of items that they have.
    fn truncate(&mut self, rows: usize) -> usize {
        self.0.truncate(rows + 1);
        self.items()
    }

    fn clear(&mut self) {
        self.0.truncate(1);
    }

    /// Where the items of neighbouring rows lie.
    #[inline]
    fn span(&self, rows: &Range<usize>) -> Result<Range<usize>, ArrowError> {
        let at = |row: usize| self.0.get(row).and_then(|&end| usize::try_from(end).ok());
        match (at(rows.start), at(rows.end)) {
            (Some(from), Some(to)) if from <= to => Ok(from..to),
            _ => Err(ArrowError::OffsetOverflowError(self.0.len())),
        }
    }

    /// The ends of neighbouring rows, and where the first begins.
    #[inline]
    fn of(&self, rows: &Range<usize>) -> &[i32] {
        self.0.get(rows.start..=rows.end).unwrap_or_default()
    }

    /// Offsets of the rows in `order`, and the order of their items.
    fn gather(&self, order: &Order) -> Result<(OffsetBuffer<i32>, Order), ArrowError> {
        let mut offsets = Offsets::with_capacity(order.rows());
        let mut items = Order::default();
        for rows in order.runs() {
            offsets.extend(self.of(&rows), items.rows());
            items.push(self.span(&rows)?);
        }
        Ok((offsets.finish()?, items))
    }
}

/// Offsets of gathered rows, a run at a time.
struct Offsets(Vec<i32>);

impl Offsets {
    fn with_capacity(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self(offsets)
    }

    /// Appends the rows behind the first `ends`, whose items begin at `written` of the new items.
    #[inline]
    fn extend(&mut self, ends: &[i32], written: usize) {
        let (Some(&from), Some(rest)) = (ends.first(), ends.get(1..)) else {
            return;
        };
        // Both are positive: `Ends::span` refuses what is not, and too much text ends at -1.
        let shift = end(written).wrapping_sub(from);
        match rest {
            [one] => self.0.push(one.wrapping_add(shift)),
            many => self
                .0
                .extend(many.iter().map(|end| end.wrapping_add(shift))),
        }
    }

    /// Appends one row.
    #[inline]
    fn push(&mut self, end: i32) {
        self.0.push(end);
    }

    /// # Errors
    /// When the offsets do not rise: more than 2 GiB of items.
    fn finish(self) -> Result<OffsetBuffer<i32>, ArrowError> {
        if self.0.is_sorted() {
            Ok(OffsetBuffer::new(ScalarBuffer::from(self.0)))
        } else {
            Err(ArrowError::OffsetOverflowError(self.0.len()))
        }
    }
}
