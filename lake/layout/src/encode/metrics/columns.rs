//! Builders of the columns of `otel_metrics`.

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_schema::ArrowError;

use crate::build::{Bools, Exemplars, Maps, NumberLists, Numbers, Order, Quantiles, Ranks, Text};
use crate::encode::Origin;
use crate::encode::days::Rows;
use crate::encode::facts::Facts;
use crate::encode::head::Head;
use crate::promote::PromotedColumn;
use crate::sort::sorted;
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

    fn fill(&mut self, facts: &Facts, origin: Origin<'_>) {
        self.head.fill(facts, origin);
    }

    fn sorted(&self) -> Vec<usize> {
        let names = Ranks::of(&self.name);
        let keys = self.head.sort_keys().enumerate();
        sorted(keys.map(|(row, (service, time))| ((names.at(row), service), time)))
    }

    fn gather(&self, order: &Order) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns = self.head.gather(order)?;
        columns.extend([
            self.name.gather(order)?,
            self.metric_type.gather(order)?,
            self.description.gather(order)?,
            self.unit.gather(order)?,
            self.attributes.gather(order)?,
            self.start.gather(order),
            self.temporality.gather(order)?,
            self.monotonic.gather(order),
            self.value_double.gather(order),
            self.value_long.gather(order),
            self.count.gather(order),
            self.sum.gather(order),
            self.min.gather(order),
            self.max.gather(order),
            self.bucket_counts.gather(order)?,
            self.explicit_bounds.gather(order)?,
            self.scale.gather(order),
            self.zero_count.gather(order),
            self.zero_threshold.gather(order),
            self.positive_offset.gather(order),
            self.positive_counts.gather(order)?,
            self.negative_offset.gather(order),
            self.negative_counts.gather(order)?,
            self.quantiles.gather(order)?,
            self.exemplars.gather(order)?,
            self.flags.gather(order),
        ]);
        for column in &self.promoted {
            columns.push(column.gather(order)?);
        }
        Ok(columns)
    }

    fn clear(&mut self) {
        self.head.clear();
        self.name.clear();
        self.metric_type.clear();
        self.description.clear();
        self.unit.clear();
        self.attributes.clear();
        self.start.clear();
        self.temporality.clear();
        self.monotonic.clear();
        self.value_double.clear();
        self.value_long.clear();
        self.count.clear();
        self.sum.clear();
        self.min.clear();
        self.max.clear();
        self.bucket_counts.clear();
        self.explicit_bounds.clear();
        self.scale.clear();
        self.zero_count.clear();
        self.zero_threshold.clear();
        self.positive_offset.clear();
        self.positive_counts.clear();
        self.negative_offset.clear();
        self.negative_counts.clear();
        self.quantiles.clear();
        self.exemplars.clear();
        self.flags.clear();
        self.promoted.iter_mut().for_each(PromotedColumn::clear);
    }
}
