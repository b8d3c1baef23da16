//! Column builders on plain vectors: rows can be taken back, runs of equal rows are copied as
//! ranges, and finishing hands the vectors to Arrow without copying.

mod lists;
mod maps;
mod numbers;
mod structs;
mod text;

pub(crate) use lists::{NumberLists, TextLists};
pub(crate) use maps::Maps;
pub(crate) use numbers::{Bools, Numbers};
pub(crate) use structs::{Events, Exemplars, Links, Quantiles};
pub(crate) use text::Text;

use arrow_buffer::{OffsetBuffer, ScalarBuffer};

/// The end of row as Arrow's 32-bit offset.
///
/// A builder is emptied long before it holds 2 GiB (the encoder hands out batches of tens of
/// megabytes, and one payload is limited far below); should it happen nevertheless, the offsets
/// go backwards and [`offsets`] makes finishing fail instead of storing garbage.
#[inline]
fn end(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(-1)
}

/// The offsets of a list, checked.
fn offsets(ends: &mut Vec<i32>) -> Result<OffsetBuffer<i32>, arrow_schema::ArrowError> {
    let ends = std::mem::replace(ends, vec![0]);
    if ends.is_sorted() {
        Ok(OffsetBuffer::new(ScalarBuffer::from(ends)))
    } else {
        Err(arrow_schema::ArrowError::OffsetOverflowError(ends.len()))
    }
}
