//! Lists of structs: events and links of spans, quantiles and exemplars of points.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{ArrowError, DataType, Fields};

use super::{Maps, Numbers, Text, end, offsets};
use crate::column::list_item;
use crate::tables::{event_fields, exemplar_fields, link_fields, quantile_fields};

fn list_of(
    ends: &mut Vec<i32>,
    fields: Fields,
    columns: Vec<ArrayRef>,
    nulls: Option<arrow_buffer::NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let items = StructArray::try_new(fields.clone(), columns, None)?;
    Ok(Arc::new(ListArray::try_new(
        list_item(DataType::Struct(fields)),
        offsets(ends)?,
        Arc::new(items),
        nulls,
    )?))
}

/// Where the rows of a list column end; a row without items is an empty list.
pub(crate) struct Ends(Vec<i32>);

impl Default for Ends {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Ends {
    fn close(&mut self, items: usize) {
        self.0.push(end(items));
    }

    /// Keeps `rows` rows; the number of items that they have.
    fn truncate(&mut self, rows: usize) -> usize {
        self.0.truncate(rows + 1);
        let items = self.0.last().copied().unwrap_or_default();
        usize::try_from(items).unwrap_or(0)
    }
}

/// `array<struct<time_unix_nano, name, attributes>>`
#[derive(Default)]
pub(crate) struct Events {
    ends: Ends,
    pub(crate) time: Numbers<Int64Type>,
    pub(crate) name: Text,
    pub(crate) attributes: Maps,
}

impl Events {
    pub(crate) fn close(&mut self) {
        self.ends.close(self.time.len());
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        let items = self.ends.truncate(rows);
        self.time.truncate(items);
        self.name.truncate(items);
        self.attributes.truncate(items);
    }

    pub(crate) fn size(&self) -> usize {
        self.time.size() + self.name.size() + self.attributes.size()
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let columns = vec![
            self.time.finish(),
            self.name.finish()?,
            self.attributes.finish()?,
        ];
        list_of(&mut self.ends.0, event_fields(), columns, None)
    }
}

/// `array<struct<trace_id, span_id, trace_state, attributes>>`
#[derive(Default)]
pub(crate) struct Links {
    ends: Ends,
    pub(crate) trace_id: Text,
    pub(crate) span_id: Text,
    pub(crate) trace_state: Text,
    pub(crate) attributes: Maps,
}

impl Links {
    pub(crate) fn close(&mut self) {
        self.ends.close(self.trace_id.len());
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        let items = self.ends.truncate(rows);
        self.trace_id.truncate(items);
        self.span_id.truncate(items);
        self.trace_state.truncate(items);
        self.attributes.truncate(items);
    }

    pub(crate) fn size(&self) -> usize {
        self.trace_id.size() + self.span_id.size() + self.attributes.size()
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let columns = vec![
            self.trace_id.finish()?,
            self.span_id.finish()?,
            self.trace_state.finish()?,
            self.attributes.finish()?,
        ];
        list_of(&mut self.ends.0, link_fields(), columns, None)
    }
}

/// `array<struct<quantile, value>>`, missing for points that are no summary.
pub(crate) struct Quantiles {
    ends: Ends,
    quantile: Numbers<Float64Type>,
    value: Numbers<Float64Type>,
    nulls: NullBufferBuilder,
}

impl Default for Quantiles {
    fn default() -> Self {
        Self {
            ends: Ends::default(),
            quantile: Numbers::default(),
            value: Numbers::default(),
            nulls: NullBufferBuilder::new(0),
        }
    }
}

impl Quantiles {
    pub(crate) fn push(&mut self, quantiles: impl Iterator<Item = (f64, f64)>) {
        for (quantile, value) in quantiles {
            self.quantile.push(quantile);
            self.value.push(value);
        }
        self.ends.close(self.quantile.len());
        self.nulls.append_non_null();
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.close(self.quantile.len());
        self.nulls.append_null();
    }

    pub(crate) fn size(&self) -> usize {
        self.quantile.size() * 2
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let columns = vec![self.quantile.finish(), self.value.finish()];
        list_of(
            &mut self.ends.0,
            quantile_fields(),
            columns,
            self.nulls.finish(),
        )
    }
}

/// `array<struct<time_unix_nano, value, trace_id, span_id, attributes>>`
#[derive(Default)]
pub(crate) struct Exemplars {
    ends: Ends,
    pub(crate) time: Numbers<Int64Type>,
    pub(crate) value: Numbers<Float64Type>,
    pub(crate) trace_id: Text,
    pub(crate) span_id: Text,
    pub(crate) attributes: Maps,
}

impl Exemplars {
    pub(crate) fn close(&mut self) {
        self.ends.close(self.time.len());
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        let items = self.ends.truncate(rows);
        self.time.truncate(items);
        self.value.truncate(items);
        self.trace_id.truncate(items);
        self.span_id.truncate(items);
        self.attributes.truncate(items);
    }

    pub(crate) fn size(&self) -> usize {
        self.time.size() * 2 + self.trace_id.size() + self.attributes.size()
    }

    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let columns = vec![
            self.time.finish(),
            self.value.finish(),
            self.trace_id.finish()?,
            self.span_id.finish()?,
            self.attributes.finish()?,
        ];
        list_of(&mut self.ends.0, exemplar_fields(), columns, None)
    }
}
