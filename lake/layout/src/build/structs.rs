//! Lists of structs: events and links of spans, quantiles and exemplars of points.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Fields};

use super::nulls::Nulls;
use super::{Ends, Maps, Numbers, Order, SpanIds, Text, TraceIds};
use crate::column::list_item;
use crate::tables::{event_fields, exemplar_fields, link_fields, quantile_fields};

fn list_of(
    offsets: OffsetBuffer<i32>,
    fields: Fields,
    columns: Vec<ArrayRef>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let items = StructArray::try_new(fields.clone(), columns, None)?;
    Ok(Arc::new(ListArray::try_new(
        list_item(DataType::Struct(fields)),
        offsets,
        Arc::new(items),
        nulls,
    )?))
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

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.time.clear();
        self.name.clear();
        self.attributes.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, items) = self.ends.gather(order)?;
        let columns = vec![
            self.time.gather(&items),
            self.name.gather(&items)?,
            self.attributes.gather(&items)?,
        ];
        list_of(offsets, event_fields(), columns, None)
    }
}

/// `array<struct<trace_id, span_id, trace_state, attributes>>`
#[derive(Default)]
pub(crate) struct Links {
    ends: Ends,
    pub(crate) trace_id: TraceIds,
    pub(crate) span_id: SpanIds,
    pub(crate) trace_state: Text,
    pub(crate) attributes: Maps,
}

impl Links {
    pub(crate) fn close(&mut self) {
        self.ends.close(self.attributes.len());
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

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.trace_id.clear();
        self.span_id.clear();
        self.trace_state.clear();
        self.attributes.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, items) = self.ends.gather(order)?;
        let columns = vec![
            self.trace_id.gather(&items)?,
            self.span_id.gather(&items)?,
            self.trace_state.gather(&items)?,
            self.attributes.gather(&items)?,
        ];
        list_of(offsets, link_fields(), columns, None)
    }
}

/// `array<struct<quantile, value>>`, missing for points that are no summary.
#[derive(Default)]
pub(crate) struct Quantiles {
    ends: Ends,
    quantile: Numbers<Float64Type>,
    value: Numbers<Float64Type>,
    nulls: Nulls,
}

impl Quantiles {
    pub(crate) fn push(&mut self, quantiles: impl Iterator<Item = (f64, f64)>) {
        for (quantile, value) in quantiles {
            self.quantile.push(quantile);
            self.value.push(value);
        }
        self.ends.close(self.quantile.len());
        self.nulls.push_value();
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.close(self.quantile.len());
        self.nulls.push_null();
    }

    pub(crate) fn size(&self) -> usize {
        self.quantile.size() * 2
    }

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.quantile.clear();
        self.value.clear();
        self.nulls.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, items) = self.ends.gather(order)?;
        let columns = vec![self.quantile.gather(&items), self.value.gather(&items)];
        list_of(
            offsets,
            quantile_fields(),
            columns,
            self.nulls.gather(order),
        )
    }
}

/// `array<struct<time_unix_nano, value, trace_id, span_id, attributes>>`
#[derive(Default)]
pub(crate) struct Exemplars {
    ends: Ends,
    pub(crate) time: Numbers<Int64Type>,
    pub(crate) value: Numbers<Float64Type>,
    pub(crate) trace_id: TraceIds,
    pub(crate) span_id: SpanIds,
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

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.time.clear();
        self.value.clear();
        self.trace_id.clear();
        self.span_id.clear();
        self.attributes.clear();
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        let (offsets, items) = self.ends.gather(order)?;
        let columns = vec![
            self.time.gather(&items),
            self.value.gather(&items),
            self.trace_id.gather(&items)?,
            self.span_id.gather(&items)?,
            self.attributes.gather(&items)?,
        ];
        list_of(offsets, exemplar_fields(), columns, None)
    }
}
