use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, ListArray};
use arrow_schema::{ArrowError, DataType};

use super::nulls::Nulls;
use super::{Ends, Numbers, Order, Text};
use crate::column::list_item;

/// A column of lists of numbers.
pub(crate) struct NumberLists<T: ArrowPrimitiveType> {
    ends: Ends,
    items: Numbers<T>,
    nulls: Nulls,
}

impl<T: ArrowPrimitiveType> Default for NumberLists<T> {
    fn default() -> Self {
        Self {
            ends: Ends::default(),
            items: Numbers::default(),
            nulls: Nulls::default(),
        }
    }
}

impl<T: ArrowPrimitiveType> NumberLists<T> {
    #[inline]
    pub(crate) fn push(&mut self, items: impl Iterator<Item = T::Native>) {
        for item in items {
            self.items.push(item);
        }
        self.ends.close(self.items.len());
        self.nulls.push_value();
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.close(self.items.len());
        self.nulls.push_null();
    }

    pub(crate) fn size(&self) -> usize {
        self.items.size() + self.ends.size()
    }

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.items.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, items) = self.ends.gather(order)?;
        Ok(Arc::new(ListArray::try_new(
            list_item(T::DATA_TYPE),
            offsets,
            self.items.gather(&items),
            self.nulls.gather(order),
        )?))
    }
}

/// A column of lists of texts.
#[derive(Default)]
pub(crate) struct TextLists {
    ends: Ends,
    /// The items; end a row with [`close`](Self::close).
    pub(crate) items: Text,
    nulls: Nulls,
}

impl TextLists {
    pub(crate) fn close(&mut self) {
        self.ends.close(self.items.len());
        self.nulls.push_value();
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.close(self.items.len());
        self.nulls.push_null();
    }

    /// Takes back the items of a row that is not closed.
    pub(crate) fn rewind(&mut self) {
        self.items.truncate(self.ends.items());
    }

    pub(crate) fn size(&self) -> usize {
        self.items.size() + self.ends.size()
    }

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.items.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, items) = self.ends.gather(order)?;
        Ok(Arc::new(ListArray::try_new(
            list_item(DataType::Utf8),
            offsets,
            self.items.gather(&items)?,
            self.nulls.gather(order),
        )?))
    }
}
