//! The columns that differ between metric types; what a type does not have stays empty.

use otlp::{
    Buckets, ExponentialHistogramPoint, HistogramPoint, NumberPoint, NumberValue, SummaryPoint,
};

use super::columns::PointRows;
use crate::reject::Reason;

/// Values of one point.
#[derive(Default)]
pub(super) struct Cells<'a> {
    metric_type: &'static str,
    temporality: Option<i32>,
    monotonic: Option<bool>,
    number: NumberValue,
    count: Option<u64>,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    histogram: Option<HistogramPoint<'a>>,
    exponential: Option<ExponentialHistogramPoint<'a>>,
    summary: Option<SummaryPoint<'a>>,
}

impl<'a> Cells<'a> {
    pub(super) fn gauge(point: &NumberPoint<'_>) -> Self {
        Self {
            metric_type: "gauge",
            number: point.value,
            ..Self::default()
        }
    }

    pub(super) fn sum(point: &NumberPoint<'_>, temporality: i32, monotonic: bool) -> Self {
        Self {
            metric_type: "sum",
            temporality: Some(temporality),
            monotonic: Some(monotonic),
            number: point.value,
            ..Self::default()
        }
    }

    pub(super) fn histogram(point: HistogramPoint<'a>, temporality: i32) -> Self {
        Self {
            metric_type: "histogram",
            temporality: Some(temporality),
            count: Some(point.count),
            sum: point.sum,
            min: point.min,
            max: point.max,
            histogram: Some(point),
            ..Self::default()
        }
    }

    pub(super) fn exponential(point: ExponentialHistogramPoint<'a>, temporality: i32) -> Self {
        Self {
            metric_type: "exponential_histogram",
            temporality: Some(temporality),
            count: Some(point.count),
            sum: point.sum,
            min: point.min,
            max: point.max,
            exponential: Some(point),
            ..Self::default()
        }
    }

    pub(super) fn summary(point: SummaryPoint<'a>) -> Self {
        Self {
            metric_type: "summary",
            count: Some(point.count),
            sum: Some(point.sum),
            summary: Some(point),
            ..Self::default()
        }
    }

    /// Refuses counts that do not fit the columns.
    pub(super) fn check(&self) -> Result<(), Reason> {
        fits("count", self.count)?;
        if let Some(point) = &self.histogram {
            fits("bucket_counts", point.bucket_counts())?;
        }
        if let Some(point) = &self.exponential {
            fits("zero_count", [point.zero_count])?;
            fits("positive_bucket_counts", counts(point.positive.as_ref()))?;
            fits("negative_bucket_counts", counts(point.negative.as_ref()))?;
        }
        Ok(())
    }

    /// Writes all columns of the point that depend on its type.
    pub(super) fn push(&self, rows: &mut PointRows) {
        rows.metric_type.push(self.metric_type);
        match self.temporality {
            Some(1) => rows.temporality.push("delta"),
            Some(2) => rows.temporality.push("cumulative"),
            Some(_) => rows.temporality.push("unspecified"),
            None => rows.temporality.push_null(),
        }
        rows.monotonic.push_option(self.monotonic);
        let (double, long) = match self.number {
            NumberValue::None => (None, None),
            NumberValue::Double(value) => (Some(value), None),
            NumberValue::Int(value) => (None, Some(value)),
        };
        rows.value_double.push_option(double);
        rows.value_long.push_option(long);
        rows.count.push_option(self.count.map(u64::cast_signed));
        rows.sum.push_option(self.sum);
        rows.min.push_option(self.min);
        rows.max.push_option(self.max);
        self.push_histogram(rows);
        self.push_exponential(rows);
        match &self.summary {
            Some(point) => rows
                .quantiles
                .push(point.quantiles().map(|q| (q.quantile, q.value))),
            None => rows.quantiles.push_null(),
        }
    }

    fn push_histogram(&self, rows: &mut PointRows) {
        match &self.histogram {
            Some(point) => {
                rows.bucket_counts
                    .push(point.bucket_counts().map(u64::cast_signed));
                rows.explicit_bounds.push(point.explicit_bounds());
            }
            None => {
                rows.bucket_counts.push_null();
                rows.explicit_bounds.push_null();
            }
        }
    }

    fn push_exponential(&self, rows: &mut PointRows) {
        let point = self.exponential.as_ref();
        rows.scale.push_option(point.map(|p| p.scale));
        rows.zero_count
            .push_option(point.map(|p| p.zero_count.cast_signed()));
        rows.zero_threshold
            .push_option(point.map(|p| p.zero_threshold));
        let positive = point.and_then(|p| p.positive);
        let negative = point.and_then(|p| p.negative);
        rows.positive_offset.push_option(positive.map(|b| b.offset));
        rows.negative_offset.push_option(negative.map(|b| b.offset));
        for (buckets, column) in [
            (positive, &mut rows.positive_counts),
            (negative, &mut rows.negative_counts),
        ] {
            match buckets {
                Some(buckets) => column.push(buckets.counts().map(u64::cast_signed)),
                None => column.push_null(),
            }
        }
    }
}

fn counts<'a>(buckets: Option<&Buckets<'a>>) -> impl Iterator<Item = u64> + use<'a> {
    buckets.map(|b| b.counts()).into_iter().flatten()
}

fn fits(field: &'static str, values: impl IntoIterator<Item = u64>) -> Result<(), Reason> {
    match values
        .into_iter()
        .find(|&value| i64::try_from(value).is_err())
    {
        Some(value) => Err(Reason::NumberTooLarge { field, value }),
        None => Ok(()),
    }
}

/// The value as a double; integers beyond 2^53 are rounded.
pub(super) fn as_double(value: NumberValue) -> Option<f64> {
    match value {
        NumberValue::None => None,
        NumberValue::Double(value) => Some(value),
        #[allow(clippy::cast_precision_loss)]
        NumberValue::Int(value) => Some(value as f64),
    }
}
