//! Data points and exemplars.

use super::common::attributes;
use super::text::{Object, object, put_double, put_quoted};
use crate::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, NumberPoint, NumberValue,
    Quantile, SummaryPoint,
};

pub(super) fn number_point(out: &mut Vec<u8>, point: NumberPoint<'_>) {
    object(out, |o| {
        attributes(o, "attributes", point.attributes());
        o.long("startTimeUnixNano", point.start_time_unix_nano);
        o.long("timeUnixNano", point.time_unix_nano);
        number(o, point.value);
        o.list("exemplars", point.exemplars(), exemplar);
        o.short("flags", point.flags);
    });
}

pub(super) fn histogram_point(out: &mut Vec<u8>, point: HistogramPoint<'_>) {
    object(out, |o| {
        attributes(o, "attributes", point.attributes());
        o.long("startTimeUnixNano", point.start_time_unix_nano);
        o.long("timeUnixNano", point.time_unix_nano);
        o.long("count", point.count);
        o.double_if_any("sum", point.sum);
        o.list("bucketCounts", point.bucket_counts(), put_quoted);
        o.list("explicitBounds", point.explicit_bounds(), put_double);
        o.list("exemplars", point.exemplars(), exemplar);
        o.short("flags", point.flags);
        o.double_if_any("min", point.min);
        o.double_if_any("max", point.max);
    });
}

pub(super) fn exponential_histogram_point(out: &mut Vec<u8>, point: ExponentialHistogramPoint<'_>) {
    object(out, |o| {
        attributes(o, "attributes", point.attributes());
        o.long("startTimeUnixNano", point.start_time_unix_nano);
        o.long("timeUnixNano", point.time_unix_nano);
        o.long("count", point.count);
        o.double_if_any("sum", point.sum);
        o.short("scale", point.scale);
        o.long("zeroCount", point.zero_count);
        buckets(o, "positive", point.positive);
        buckets(o, "negative", point.negative);
        o.short("flags", point.flags);
        o.list("exemplars", point.exemplars(), exemplar);
        o.double_if_any("min", point.min);
        o.double_if_any("max", point.max);
        o.double("zeroThreshold", point.zero_threshold);
    });
}

fn buckets(o: &mut Object<'_>, key: &'static str, buckets: Option<Buckets<'_>>) {
    if let Some(buckets) = buckets {
        o.object(key, |o| {
            o.short("offset", buckets.offset);
            o.list("bucketCounts", buckets.counts(), put_quoted);
        });
    }
}

pub(super) fn summary_point(out: &mut Vec<u8>, point: SummaryPoint<'_>) {
    object(out, |o| {
        attributes(o, "attributes", point.attributes());
        o.long("startTimeUnixNano", point.start_time_unix_nano);
        o.long("timeUnixNano", point.time_unix_nano);
        o.long("count", point.count);
        o.double("sum", point.sum);
        o.list("quantileValues", point.quantiles(), quantile);
        o.short("flags", point.flags);
    });
}

fn quantile(out: &mut Vec<u8>, quantile: Quantile) {
    object(out, |o| {
        o.double("quantile", quantile.quantile);
        o.double("value", quantile.value);
    });
}

fn exemplar(out: &mut Vec<u8>, exemplar: Exemplar<'_>) {
    object(out, |o| {
        attributes(o, "filteredAttributes", exemplar.attributes());
        o.long("timeUnixNano", exemplar.time_unix_nano);
        number(o, exemplar.value);
        o.id("spanId", exemplar.span_id);
        o.id("traceId", exemplar.trace_id);
    });
}

/// The value of a point or exemplar, zero or not.
fn number(o: &mut Object<'_>, value: NumberValue) {
    match value {
        NumberValue::None => {}
        NumberValue::Int(value) => put_quoted(o.key("asInt"), value),
        NumberValue::Double(value) => put_double(o.key("asDouble"), value),
    }
}
