use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{ArrowError, DataType};

use super::{Numbers, Text, end, offsets};
use crate::column::list_item;

/// A column of lists of numbers.
pub(crate) struct NumberLists<T: ArrowPrimitiveType> {
    ends: Vec<i32>,
    items: Numbers<T>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Default for NumberLists<T> {
    fn default() -> Self {
        Self {
            ends: vec![0],
            items: Numbers::default(),
            nulls: NullBufferBuilder::new(0),
        }
    }
}

impl<T: ArrowPrimitiveType> NumberLists<T> {
    #[inline]
    pub(crate) fn push(&mut self, items: impl Iterator<Item = T::Native>) {
        for item in items {
            self.items.push(item);
        }
        self.ends.push(end(self.items.len()));
        self.nulls.append_non_null();
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.push(end(self.items.len()));
        self.nulls.append_null();
    }

    pub(crate) fn size(&self) -> usize {
        self.items.size() + self.ends.len() * 4
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(ListArray::try_new(
            list_item(T::DATA_TYPE),
            offsets(&mut self.ends)?,
            self.items.finish(),
            self.nulls.finish(),
        )?))
    }
}

/// A column of lists of texts.
pub(crate) struct TextLists {
    ends: Vec<i32>,
    /// The items; end a row with [`close`](Self::close).
    pub(crate) items: Text,
    nulls: NullBufferBuilder,
}

impl Default for TextLists {
    fn default() -> Self {
        Self {
            ends: vec![0],
            items: Text::default(),
            nulls: NullBufferBuilder::new(0),
        }
    }
}

impl TextLists {
    pub(crate) fn close(&mut self) {
        self.ends.push(end(self.items.len()));
        self.nulls.append_non_null();
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.push(end(self.items.len()));
        self.nulls.append_null();
    }

    /// Takes back the items of a row that is not closed.
    pub(crate) fn rewind(&mut self) {
        let items = self.ends.last().copied().unwrap_or_default();
        self.items.truncate(usize::try_from(items).unwrap_or(0));
    }

    pub(crate) fn size(&self) -> usize {
        self.items.size() + self.ends.len() * 4
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(ListArray::try_new(
            list_item(DataType::Utf8),
            offsets(&mut self.ends)?,
            self.items.finish()?,
            self.nulls.finish(),
        )?))
    }
}
