//! Requests with metrics of all types.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, number_data_point,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::common::*;

/// A valid request.
pub fn metrics() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scope = (scope(), vec(metric(), 0..4), text()).prop_map(|(scope, metrics, schema_url)| {
        ScopeMetrics {
            scope,
            metrics,
            schema_url,
        }
    });
    let resource =
        (resource(), vec(scope, 0..3), text()).prop_map(|(resource, scope_metrics, schema_url)| {
            ResourceMetrics {
                resource,
                scope_metrics,
                schema_url,
            }
        });
    vec(resource, 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

/// A valid metric.
pub fn metric() -> impl Strategy<Value = Metric> {
    (
        text(),
        text(),
        text(),
        attributes(),
        option::weighted(0.95, data()),
    )
        .prop_map(|(name, description, unit, metadata, data)| Metric {
            name,
            description,
            unit,
            metadata,
            data,
        })
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        vec(number_point(), 0..5).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (vec(number_point(), 0..5), 0..4i32, any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| Data::Sum(Sum {
                data_points,
                aggregation_temporality,
                is_monotonic
            })
        ),
        (vec(histogram_point(), 0..4), 0..4i32).prop_map(
            |(data_points, aggregation_temporality)| Data::Histogram(Histogram {
                data_points,
                aggregation_temporality
            })
        ),
        (vec(exponential_point(), 0..4), 0..4i32).prop_map(
            |(data_points, aggregation_temporality)| Data::ExponentialHistogram(
                ExponentialHistogram {
                    data_points,
                    aggregation_temporality
                }
            )
        ),
        vec(summary_point(), 0..4).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ]
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        double().prop_map(number_data_point::Value::AsDouble),
        number().prop_map(|int| number_data_point::Value::AsInt(int as i64)),
    ];
    (
        attributes(),
        number(),
        number(),
        vec(exemplar(), 0..3),
        small_number(),
        option::of(value),
    )
        .prop_map(
            |(attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value)| {
                NumberDataPoint {
                    attributes,
                    start_time_unix_nano,
                    time_unix_nano,
                    exemplars,
                    flags,
                    value,
                }
            },
        )
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    let value = prop_oneof![
        double().prop_map(exemplar::Value::AsDouble),
        number().prop_map(|int| exemplar::Value::AsInt(int as i64)),
    ];
    (attributes(), number(), id(8), id(16), option::of(value)).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    )
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let times = (number(), number(), number(), small_number());
    let sums = (
        option::of(double()),
        option::of(double()),
        option::of(double()),
    );
    let lists = (
        vec(number(), 0..5),
        vec(double(), 0..5),
        vec(exemplar(), 0..2),
        attributes(),
    );
    (times, sums, lists).prop_map(|(times, sums, lists)| HistogramDataPoint {
        start_time_unix_nano: times.0,
        time_unix_nano: times.1,
        count: times.2,
        flags: times.3,
        sum: sums.0,
        min: sums.1,
        max: sums.2,
        bucket_counts: lists.0,
        explicit_bounds: lists.1,
        exemplars: lists.2,
        attributes: lists.3,
    })
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let buckets = || {
        option::of((any::<i32>(), vec(number(), 0..5))).prop_map(|b| {
            b.map(|(offset, bucket_counts)| Buckets {
                offset,
                bucket_counts,
            })
        })
    };
    let times = (number(), number(), number(), small_number());
    let sums = (
        option::of(double()),
        option::of(double()),
        option::of(double()),
    );
    let shape = (any::<i32>(), number(), double(), buckets(), buckets());
    (times, sums, shape, vec(exemplar(), 0..2), attributes()).prop_map(
        |(times, sums, shape, exemplars, attributes)| ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum: sums.0,
            min: sums.1,
            max: sums.2,
            scale: shape.0,
            zero_count: shape.1,
            zero_threshold: shape.2,
            positive: shape.3,
            negative: shape.4,
            exemplars,
        },
    )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    let quantile =
        (double(), double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let times = (number(), number(), number(), small_number());
    (attributes(), times, double(), vec(quantile, 0..4)).prop_map(
        |(attributes, times, sum, quantile_values)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: times.0,
            time_unix_nano: times.1,
            count: times.2,
            flags: times.3,
            sum,
            quantile_values,
        },
    )
}
