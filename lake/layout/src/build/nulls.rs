use arrow_buffer::{BooleanBufferBuilder, NullBuffer, NullBufferBuilder};

use super::Order;

/// Which rows of a column have a value. Costs nothing while all have one.
pub(super) struct Nulls {
    valid: NullBufferBuilder,
    missing: usize,
    rows: usize,
}

impl Default for Nulls {
    fn default() -> Self {
        Self {
            valid: NullBufferBuilder::new(0),
            missing: 0,
            rows: 0,
        }
    }
}

impl Nulls {
    #[inline]
    pub(super) fn push_value(&mut self) {
        self.rows += 1;
        self.valid.append_non_null();
    }

    #[inline]
    pub(super) fn push_null(&mut self) {
        self.rows += 1;
        self.missing += 1;
        self.valid.append_null();
    }

    /// Keeps the first `rows` rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        let missing = (rows..self.rows).filter(|&row| !self.valid.is_valid(row));
        self.missing -= missing.count();
        self.rows = self.rows.min(rows);
        self.valid.truncate(rows);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        !self.valid.is_valid(row)
    }

    /// Whether all rows have a value.
    pub(super) fn none(&self) -> bool {
        self.missing == 0
    }

    /// Whether no row has a value.
    pub(super) fn all(&self) -> bool {
        self.missing == self.rows
    }

    /// The rows of `order`; nothing when all have a value.
    pub(super) fn gather(&self, order: &Order) -> Option<NullBuffer> {
        if self.none() {
            return None;
        }
        if self.all() {
            return Some(NullBuffer::new_null(order.rows()));
        }
        let bits = self.valid.as_slice()?;
        let mut gathered = BooleanBufferBuilder::new(order.rows());
        for run in order.runs() {
            if run.len() == 1 {
                gathered.append(self.valid.is_valid(run.start));
            } else {
                gathered.append_packed_range(run, bits);
            }
        }
        Some(NullBuffer::new(gathered.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nulls(rows: &[bool]) -> Nulls {
        let mut nulls = Nulls::default();
        for &valid in rows {
            if valid {
                nulls.push_value();
            } else {
                nulls.push_null();
            }
        }
        nulls
    }

    fn gathered(nulls: &Nulls, order: &Order) -> Option<Vec<bool>> {
        Some(nulls.gather(order)?.iter().collect())
    }

    #[test]
    fn they_follow_their_rows() {
        let mut nulls = nulls(&[true, false, true, true, false]);
        let order = Order::of_rows([4, 1, 2, 3, 0]);
        assert_eq!(
            gathered(&nulls, &order),
            Some(vec![false, false, true, true, true])
        );
        nulls.truncate(4);
        nulls.truncate(9);
        assert_eq!(
            gathered(&nulls, &Order::of_rows([1, 0])),
            Some(vec![false, true])
        );
        nulls.truncate(1);
        assert_eq!(gathered(&nulls, &Order::of_rows([0])), None);
    }

    #[test]
    fn a_column_without_values_is_short_to_say() {
        let nulls = nulls(&[false, false]);
        assert!(nulls.all());
        assert_eq!(gathered(&nulls, &Order::of_rows([1])), Some(vec![false]));
    }
}
