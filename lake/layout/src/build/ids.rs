use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::ArrowError;

use super::nulls::Nulls;
use super::{Offsets, Order, end, strings};

/// A column of ids of `N` bytes that leaves as lower-case hexadecimal.
pub(crate) struct Ids<const N: usize> {
    ids: Vec<[u8; N]>,
    nulls: Nulls,
}

/// Trace ids.
pub(crate) type TraceIds = Ids<16>;
/// Span ids.
pub(crate) type SpanIds = Ids<8>;

impl<const N: usize> Default for Ids<N> {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            nulls: Nulls::default(),
        }
    }
}

impl<const N: usize> Ids<N> {
    /// Missing when there are no bytes; a valid payload has none of another length.
    #[inline]
    pub(crate) fn push(&mut self, id: &[u8]) {
        match id.try_into() {
            Ok(id) => {
                self.ids.push(id);
                self.nulls.push_value();
            }
            Err(_) => {
                self.ids.push([0; N]);
                self.nulls.push_null();
            }
        }
    }

    /// Bytes that the rows have as text.
    pub(crate) fn size(&self) -> usize {
        self.ids.len() * (2 * N + 4)
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.ids.truncate(rows);
        self.nulls.truncate(rows);
    }

    pub(crate) fn clear(&mut self) {
        self.ids.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let mut text = String::with_capacity(order.rows() * 2 * N);
        let mut offsets = Offsets::with_capacity(order.rows());
        let complete = self.nulls.none();
        for run in order.runs() {
            for row in run {
                if complete || !self.nulls.is_null(row) {
                    push_hex(&self.ids[row], &mut text);
                }
                offsets.push(end(text.len()));
            }
        }
        Ok(Arc::new(strings(offsets, text, self.nulls.gather(order))?))
    }
}

/// Appends lower-case hexadecimal.
#[inline]
pub(crate) fn push_hex<const N: usize>(id: &[u8; N], out: &mut String) {
    let digits: [[u8; 2]; N] = id.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    // Digits are ASCII, so this is never the empty text.
    out.push_str(std::str::from_utf8(digits.as_flattened()).unwrap_or_default());
}

/// A digit from 4 bits; no table, so that the compiler does 16 of them at once.
#[inline]
fn digit(nibble: u8) -> u8 {
    nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;

    #[test]
    fn ids_leave_as_hexadecimal() {
        let mut ids = Ids::<8>::default();
        ids.push(&[0x01, 0x9a, 0xff, 0, 0, 0, 0xb0, 0x0c]);
        ids.push(&[]);
        let gathered = ids.gather(&Order::of_rows([1, 0])).unwrap();
        let texts = gathered.as_string::<i32>();
        assert!(texts.is_null(0));
        assert_eq!(texts.value(1), "019aff000000b00c");
    }
}
