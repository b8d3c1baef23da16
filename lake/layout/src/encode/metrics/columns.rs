//! Builders of the columns of `otel_metrics`.

use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;

use crate::build::{Bools, Exemplars, Maps, NumberLists, Numbers, Quantiles, Text};
use crate::encode::days::Rows;
use crate::encode::facts::Facts;
use crate::encode::head::Head;
use crate::promote::PromotedColumn;
use crate::tables::TableSpec;

#[derive(Default)]
pub(in crate::encode) struct PointRows {
    pub(super) head: Head,
    pub(super) name: Text,
    pub(super) metric_type: Text,
    pub(super) description: Text,
    pub(super) unit: Text,
    pub(super) attributes: Maps,
    pub(super) start: Numbers<Int64Type>,
    pub(super) temporality: Text,
    pub(super) monotonic: Bools,
    pub(super) value_double: Numbers<Float64Type>,
    pub(super) value_long: Numbers<Int64Type>,
    pub(super) count: Numbers<Int64Type>,
    pub(super) sum: Numbers<Float64Type>,
    pub(super) min: Numbers<Float64Type>,
    pub(super) max: Numbers<Float64Type>,
    pub(super) bucket_counts: NumberLists<Int64Type>,
    pub(super) explicit_bounds: NumberLists<Float64Type>,
    pub(super) scale: Numbers<Int32Type>,
    pub(super) zero_count: Numbers<Int64Type>,
    pub(super) zero_threshold: Numbers<Float64Type>,
    pub(super) positive_offset: Numbers<Int32Type>,
    pub(super) positive_counts: NumberLists<Int64Type>,
    pub(super) negative_offset: Numbers<Int32Type>,
    pub(super) negative_counts: NumberLists<Int64Type>,
    pub(super) quantiles: Quantiles,
    pub(super) exemplars: Exemplars,
    pub(super) flags: Numbers<Int32Type>,
    pub(super) promoted: Vec<PromotedColumn>,
}

impl PointRows {
    fn columns(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns = self.head.finish()?;
        columns.extend([
            self.name.finish()?,
            self.metric_type.finish()?,
            self.description.finish()?,
            self.unit.finish()?,
            self.attributes.finish()?,
            self.start.finish(),
            self.temporality.finish()?,
            self.monotonic.finish(),
            self.value_double.finish(),
            self.value_long.finish(),
            self.count.finish(),
            self.sum.finish(),
            self.min.finish(),
            self.max.finish(),
            self.bucket_counts.finish()?,
            self.explicit_bounds.finish()?,
            self.scale.finish(),
            self.zero_count.finish(),
            self.zero_threshold.finish(),
            self.positive_offset.finish(),
            self.positive_counts.finish()?,
            self.negative_offset.finish(),
            self.negative_counts.finish()?,
            self.quantiles.finish()?,
            self.exemplars.finish()?,
            self.flags.finish(),
        ]);
        for column in &mut self.promoted {
            columns.push(column.finish()?);
        }
        Ok(columns)
    }
}

impl Rows for PointRows {
    fn new(spec: &TableSpec) -> Self {
        Self {
            promoted: spec.promotions().builders(),
            ..Self::default()
        }
    }

    fn len(&self) -> usize {
        self.head.len()
    }

    fn size(&self) -> usize {
        self.head.size()
            + self.name.size()
            + self.metric_type.size()
            + self.description.size()
            + self.unit.size()
            + self.attributes.size()
            + self.temporality.size()
            // the nine columns of eight bytes and the small ones
            + self.start.size() * 12
            + self.bucket_counts.size()
            + self.explicit_bounds.size()
            + self.positive_counts.size()
            + self.negative_counts.size()
            + self.quantiles.size()
            + self.exemplars.size()
            + self.promoted.iter().map(PromotedColumn::size).sum::<usize>()
    }

    fn fill(&mut self, facts: &Facts) {
        self.head.fill(facts);
    }

    fn finish(&mut self, spec: &TableSpec) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(spec.file_schema().clone(), self.columns()?)
    }
}
