//! Metrics.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Field, Kind, Names, Shape};
use crate::write::nest::{GROUP, RECORD, SMALL};

/// `ExportMetricsServiceRequest`.
pub(in crate::json) static METRICS: Shape = Shape::new(
    "an object with \"resourceMetrics\"",
    GROUP,
    &[Field::new(
        "resourceMetrics",
        "resource_metrics",
        1,
        Kind::Objects(&RESOURCE_METRICS),
    )],
);

/// `ResourceMetrics`.
pub(super) static RESOURCE_METRICS: Shape = Shape::new(
    "an object with \"scopeMetrics\"",
    GROUP,
    &[
        Field::word("resource", 1, Kind::Object(&RESOURCE)),
        Field::new(
            "scopeMetrics",
            "scope_metrics",
            2,
            Kind::Objects(&SCOPE_METRICS),
        ),
        Field::new("schemaUrl", "schema_url", 3, Kind::String),
    ],
);

/// `ScopeMetrics`.
pub(super) static SCOPE_METRICS: Shape = Shape::new(
    "an object with \"metrics\"",
    GROUP,
    &[
        Field::word("scope", 1, Kind::Object(&SCOPE)),
        Field::word("metrics", 2, Kind::Objects(&METRIC)),
        Field::new("schemaUrl", "schema_url", 3, Kind::String),
    ],
);

/// `Metric`.
pub(super) static METRIC: Shape = Shape::new(
    "a metric (an object)",
    RECORD,
    &[
        Field::word("name", 1, Kind::String),
        Field::word("description", 2, Kind::String),
        Field::word("unit", 3, Kind::String),
        Field::word("gauge", 5, Kind::Object(&GAUGE)).one_of(3),
        Field::word("sum", 7, Kind::Object(&SUM)).one_of(3),
        Field::word("histogram", 9, Kind::Object(&HISTOGRAM)).one_of(3),
        Field::new(
            "exponentialHistogram",
            "exponential_histogram",
            10,
            Kind::Object(&EXPONENTIAL_HISTOGRAM),
        )
        .one_of(3),
        Field::word("summary", 11, Kind::Object(&SUMMARY)).one_of(3),
        Field::word("metadata", 12, Kind::Objects(&KEY_VALUE)),
    ],
);

/// `Gauge`.
pub(super) static GAUGE: Shape = Shape::new(
    "an object with \"dataPoints\"",
    RECORD,
    &[Field::new(
        "dataPoints",
        "data_points",
        1,
        Kind::Objects(&NUMBER_POINT),
    )],
);

/// `Sum`.
pub(super) static SUM: Shape = Shape::new(
    "an object with \"dataPoints\"",
    RECORD,
    &[
        Field::new("dataPoints", "data_points", 1, Kind::Objects(&NUMBER_POINT)),
        Field::new(
            "aggregationTemporality",
            "aggregation_temporality",
            2,
            Kind::Enum(&TEMPORALITIES),
        ),
        Field::new("isMonotonic", "is_monotonic", 3, Kind::Bool),
    ],
);

/// `Histogram`.
pub(super) static HISTOGRAM: Shape = Shape::new(
    "an object with \"dataPoints\"",
    RECORD,
    &[
        Field::new(
            "dataPoints",
            "data_points",
            1,
            Kind::Objects(&HISTOGRAM_POINT),
        ),
        Field::new(
            "aggregationTemporality",
            "aggregation_temporality",
            2,
            Kind::Enum(&TEMPORALITIES),
        ),
    ],
);

/// `ExponentialHistogram`.
pub(super) static EXPONENTIAL_HISTOGRAM: Shape = Shape::new(
    "an object with \"dataPoints\"",
    RECORD,
    &[
        Field::new(
            "dataPoints",
            "data_points",
            1,
            Kind::Objects(&EXPONENTIAL_HISTOGRAM_POINT),
        ),
        Field::new(
            "aggregationTemporality",
            "aggregation_temporality",
            2,
            Kind::Enum(&TEMPORALITIES),
        ),
    ],
);

/// `Summary`.
pub(super) static SUMMARY: Shape = Shape::new(
    "an object with \"dataPoints\"",
    RECORD,
    &[Field::new(
        "dataPoints",
        "data_points",
        1,
        Kind::Objects(&SUMMARY_POINT),
    )],
);

/// `NumberDataPoint`.
pub(super) static NUMBER_POINT: Shape = Shape::new(
    "a data point (an object)",
    SMALL,
    &[
        Field::word("attributes", 7, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "startTimeUnixNano",
            "start_time_unix_nano",
            2,
            Kind::Fixed64,
        ),
        Field::new("timeUnixNano", "time_unix_nano", 3, Kind::Fixed64),
        Field::new("asDouble", "as_double", 4, Kind::Double).one_of(3),
        Field::new("asInt", "as_int", 6, Kind::Sfixed64).one_of(3),
        Field::word("exemplars", 5, Kind::Objects(&EXEMPLAR)),
        Field::word("flags", 8, Kind::Uint32),
    ],
)
.counted();

/// `HistogramDataPoint`.
pub(super) static HISTOGRAM_POINT: Shape = Shape::new(
    "a data point (an object)",
    RECORD,
    &[
        Field::word("attributes", 9, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "startTimeUnixNano",
            "start_time_unix_nano",
            2,
            Kind::Fixed64,
        ),
        Field::new("timeUnixNano", "time_unix_nano", 3, Kind::Fixed64),
        Field::word("count", 4, Kind::Fixed64),
        Field::word("sum", 5, Kind::Double).explicit(),
        Field::new("bucketCounts", "bucket_counts", 6, Kind::Fixed64s),
        Field::new("explicitBounds", "explicit_bounds", 7, Kind::Doubles),
        Field::word("exemplars", 8, Kind::Objects(&EXEMPLAR)),
        Field::word("flags", 10, Kind::Uint32),
        Field::word("min", 11, Kind::Double).explicit(),
        Field::word("max", 12, Kind::Double).explicit(),
    ],
)
.counted();

/// `ExponentialHistogramDataPoint`.
pub(super) static EXPONENTIAL_HISTOGRAM_POINT: Shape = Shape::new(
    "a data point (an object)",
    RECORD,
    &[
        Field::word("attributes", 1, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "startTimeUnixNano",
            "start_time_unix_nano",
            2,
            Kind::Fixed64,
        ),
        Field::new("timeUnixNano", "time_unix_nano", 3, Kind::Fixed64),
        Field::word("count", 4, Kind::Fixed64),
        Field::word("sum", 5, Kind::Double).explicit(),
        Field::word("scale", 6, Kind::Sint32),
        Field::new("zeroCount", "zero_count", 7, Kind::Fixed64),
        Field::word("positive", 8, Kind::Object(&BUCKETS)),
        Field::word("negative", 9, Kind::Object(&BUCKETS)),
        Field::word("flags", 10, Kind::Uint32),
        Field::word("exemplars", 11, Kind::Objects(&EXEMPLAR)),
        Field::word("min", 12, Kind::Double).explicit(),
        Field::word("max", 13, Kind::Double).explicit(),
        Field::new("zeroThreshold", "zero_threshold", 14, Kind::Double),
    ],
)
.counted();

/// `ExponentialHistogramDataPoint.Buckets`.
pub(super) static BUCKETS: Shape = Shape::new(
    "buckets: an object with \"bucketCounts\"",
    SMALL,
    &[
        Field::word("offset", 1, Kind::Sint32),
        Field::new("bucketCounts", "bucket_counts", 2, Kind::Uint64s),
    ],
);

/// `SummaryDataPoint`.
pub(super) static SUMMARY_POINT: Shape = Shape::new(
    "a data point (an object)",
    RECORD,
    &[
        Field::word("attributes", 7, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "startTimeUnixNano",
            "start_time_unix_nano",
            2,
            Kind::Fixed64,
        ),
        Field::new("timeUnixNano", "time_unix_nano", 3, Kind::Fixed64),
        Field::word("count", 4, Kind::Fixed64),
        Field::word("sum", 5, Kind::Double),
        Field::new(
            "quantileValues",
            "quantile_values",
            6,
            Kind::Objects(&QUANTILE),
        ),
        Field::word("flags", 8, Kind::Uint32),
    ],
)
.counted();

/// `SummaryDataPoint.ValueAtQuantile`.
pub(super) static QUANTILE: Shape = Shape::new(
    "a quantile with its value (an object)",
    SMALL,
    &[
        Field::word("quantile", 1, Kind::Double),
        Field::word("value", 2, Kind::Double),
    ],
);

/// `Exemplar`.
pub(super) static EXEMPLAR: Shape = Shape::new(
    "an exemplar (an object)",
    SMALL,
    &[
        Field::new(
            "filteredAttributes",
            "filtered_attributes",
            7,
            Kind::Objects(&KEY_VALUE),
        ),
        Field::new("timeUnixNano", "time_unix_nano", 2, Kind::Fixed64),
        Field::new("asDouble", "as_double", 3, Kind::Double).one_of(2),
        Field::new("asInt", "as_int", 6, Kind::Sfixed64).one_of(2),
        Field::new("spanId", "span_id", 4, Kind::Id(8)),
        Field::new("traceId", "trace_id", 5, Kind::Id(16)),
    ],
);

/// The names of `AggregationTemporality`.
static TEMPORALITIES: Names = Names {
    expected: "an integer, or a name such as \"AGGREGATION_TEMPORALITY_DELTA\"",
    names: &[
        "AGGREGATION_TEMPORALITY_UNSPECIFIED",
        "AGGREGATION_TEMPORALITY_DELTA",
        "AGGREGATION_TEMPORALITY_CUMULATIVE",
    ],
};
