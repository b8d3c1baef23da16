//! Rows of a batch in the order of a sort key: better statistics, better compression.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{ArrowError, DataType};

enum Key<'a> {
    Text(&'a StringArray),
    Number(&'a Int64Array),
}

impl Key<'_> {
    #[inline]
    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            // A missing text is stored as an empty one, so it sorts first.
            Self::Text(column) => column.value(a).cmp(column.value(b)),
            Self::Number(column) => column.value(a).cmp(&column.value(b)),
        }
    }
}

/// `batch` sorted by the columns `key` (texts and 64-bit integers); rows of equal keys stay in
/// their order. A batch that is sorted already is returned as it is.
pub(crate) fn sorted(batch: RecordBatch, key: &[&str]) -> Result<RecordBatch, ArrowError> {
    let keys: Vec<Key<'_>> = key
        .iter()
        .filter_map(|name| {
            let column = batch.column_by_name(name)?;
            match column.data_type() {
                DataType::Utf8 => Some(Key::Text(column.as_string())),
                DataType::Int64 => Some(Key::Number(column.as_primitive::<Int64Type>())),
                _ => None,
            }
        })
        .collect();
    let compare = |a: usize, b: usize| {
        keys.iter()
            .map(|key| key.compare(a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    };
    let rows = batch.num_rows();
    if (1..rows).all(|row| compare(row - 1, row).is_le()) {
        return Ok(batch);
    }
    let rows = u32::try_from(rows).map_err(|_| ArrowError::OffsetOverflowError(rows))?;
    let mut order: Vec<u32> = (0..rows).collect();
    order.sort_by(|&a, &b| compare(a as usize, b as usize));
    arrow_select::take::take_record_batch(&batch, &UInt32Array::from(order))
}
