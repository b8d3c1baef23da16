use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;

use super::Order;
use super::nulls::Nulls;

/// A column of numbers or times.
pub(crate) struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: Nulls,
}

impl<T: ArrowPrimitiveType> Default for Numbers<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            nulls: Nulls::default(),
        }
    }
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    #[inline]
    pub(crate) fn push(&mut self, value: T::Native) {
        self.values.push(value);
        self.nulls.push_value();
    }

    #[inline]
    pub(crate) fn push_option(&mut self, value: Option<T::Native>) {
        match value {
            Some(value) => self.push(value),
            None => {
                self.values.push(T::Native::default());
                self.nulls.push_null();
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn size(&self) -> usize {
        std::mem::size_of_val(self.values.as_slice())
    }

    /// The number of a row; that of a missing one is zero.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> T::Native {
        self.values.get(row).copied().unwrap_or_default()
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> ArrayRef {
        let mut values = Vec::with_capacity(order.rows());
        for run in order.runs() {
            match &self.values[run] {
                [one] => values.push(*one),
                many => values.extend_from_slice(many),
            }
        }
        let values = ScalarBuffer::from(values);
        Arc::new(PrimitiveArray::<T>::new(values, self.nulls.gather(order)))
    }
}

/// Numbers as an array of `T` under another logical type (times in UTC).
pub(crate) fn numbers_as<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    data_type: DataType,
) -> ArrayRef {
    let values = ScalarBuffer::from(values);
    Arc::new(PrimitiveArray::<T>::new(values, None).with_data_type(data_type))
}

/// A column of booleans.
#[derive(Default)]
pub(crate) struct Bools {
    values: Vec<bool>,
    nulls: Nulls,
}

impl Bools {
    #[inline]
    pub(crate) fn push_option(&mut self, value: Option<bool>) {
        self.values.push(value.unwrap_or_default());
        match value {
            Some(_) => self.nulls.push_value(),
            None => self.nulls.push_null(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> ArrayRef {
        let mut values = BooleanBufferBuilder::new(order.rows());
        for run in order.runs() {
            values.append_slice(&self.values[run]);
        }
        Arc::new(BooleanArray::new(values.finish(), self.nulls.gather(order)))
    }
}
