//! `otel_metrics`: one row a data point; columns of other metric types stay empty and cost nothing.

use arrow_schema::DataType::{Boolean, Float64, Int32, Int64, Struct, Utf8};
use arrow_schema::Fields;

use crate::column::{Column, Encoding, list, string_map, struct_fields};

/// Fields of one element of `quantiles`.
pub(crate) fn quantile_fields() -> Fields {
    struct_fields(&[("quantile", Float64), ("value", Float64)])
}

/// Fields of one element of `exemplars`.
pub(crate) fn exemplar_fields() -> Fields {
    struct_fields(&[
        ("time_unix_nano", Int64),
        ("value", Float64),
        ("trace_id", Utf8),
        ("span_id", Utf8),
        ("attributes", string_map()),
    ])
}

pub(crate) fn columns() -> Vec<Column> {
    let mut columns = super::head::columns(
        "Time of the point; its start, else the time it was taken in, when it has none",
    );
    columns.extend([
        Column::new("metric_name", Utf8, "Name of the metric"),
        Column::new(
            "metric_type",
            Utf8,
            "gauge, sum, histogram, exponential_histogram or summary",
        ),
        Column::new("description", Utf8, "What the metric measures"),
        Column::new("unit", Utf8, "Unit in UCUM"),
        Column::new("attributes", string_map(), "Attributes of the point"),
        Column::new(
            "start_time_unix_nano",
            Int64,
            "Start of the interval, nanoseconds since 1970",
        )
        .encoded(Encoding::DeltaNumbers),
        Column::new(
            "aggregation_temporality",
            Utf8,
            "delta or cumulative; missing for gauges and summaries",
        ),
        Column::new(
            "is_monotonic",
            Boolean,
            "Whether the sum never falls; missing for others",
        ),
        Column::new(
            "value_double",
            Float64,
            "Value of a gauge or sum that is a double",
        ),
        Column::new(
            "value_long",
            Int64,
            "Value of a gauge or sum that is an integer",
        ),
        Column::new("count", Int64, "Observations of a histogram or summary"),
        Column::new("sum", Float64, "Sum of the observations"),
        Column::new("min", Float64, "Smallest observation"),
        Column::new("max", Float64, "Largest observation"),
        Column::new(
            "bucket_counts",
            list(Int64),
            "Observations a bucket of a histogram",
        ),
        Column::new(
            "explicit_bounds",
            list(Float64),
            "Upper bounds of the buckets, inclusive",
        ),
        Column::new("scale", Int32, "Scale of an exponential histogram"),
        Column::new("zero_count", Int64, "Observations that count as zero"),
        Column::new("zero_threshold", Float64, "Width of the zero bucket"),
        Column::new(
            "positive_offset",
            Int32,
            "Index of the first positive bucket",
        ),
        Column::new("positive_bucket_counts", list(Int64), "Positive buckets"),
        Column::new(
            "negative_offset",
            Int32,
            "Index of the first negative bucket",
        ),
        Column::new("negative_bucket_counts", list(Int64), "Negative buckets"),
        Column::new(
            "quantiles",
            list(Struct(quantile_fields())),
            "Quantiles of a summary",
        ),
        Column::new(
            "exemplars",
            list(Struct(exemplar_fields())),
            "Examples of observations",
        ),
        Column::new("flags", Int32, "Bit 0: no recorded value"),
    ]);
    columns
}
