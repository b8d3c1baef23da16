//! The messages of OTLP 1.x as tables: what the walk checks, what errors name,
//! where the frame of a signal is.

use crate::Signal;

/// One message type: its fields by number.
pub(crate) struct Schema {
    fields: [Rule; Schema::FIELDS],
}

/// What is known of one field.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// The name in OTLP/JSON, which is what senders know.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// What the value of a field must be.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// No field of this version: stepped over and kept.
    Unknown,
    Varint,
    Fixed64,
    Fixed32,
    Utf8,
    /// A repeated string.
    Utf8s,
    Bytes,
    /// Bytes: none or 16.
    TraceId,
    /// Bytes: none or 8.
    SpanId,
    /// A repeated `fixed64` or `double`, packed or not.
    Fixed64s,
    /// A repeated varint, packed or not.
    Varints,
    /// A repeated message.
    Many(&'static Schema),
    /// A repeated message that is counted: log record, span, data point.
    Items(&'static Schema),
    /// A message that occurs at most once, as does any other of the same bit.
    Once(&'static Schema, u8),
    /// A repeated `KeyValue`.
    Attributes,
    /// An `AnyValue` that occurs at most once.
    Value,
}

impl Kind {
    /// The message type of the field, if it is a message.
    pub(crate) fn message(self) -> Option<&'static Schema> {
        match self {
            Kind::Many(schema) | Kind::Items(schema) | Kind::Once(schema, _) => Some(schema),
            Kind::Attributes => Some(&KEY_VALUE),
            Kind::Value => Some(&ANY_VALUE),
            _ => None,
        }
    }

    /// Whether the field may occur more than once, so that its path has an index.
    pub(crate) const fn is_repeated(self) -> bool {
        matches!(
            self,
            Kind::Many(_) | Kind::Items(_) | Kind::Attributes | Kind::Utf8s
        )
    }
}

const UNKNOWN: Rule = Rule {
    name: "",
    kind: Kind::Unknown,
};

impl Schema {
    /// The highest field number of OTLP is 16.
    const FIELDS: usize = 17;

    const fn new(fields: &[(usize, &'static str, Kind)]) -> Schema {
        let mut table = [UNKNOWN; Schema::FIELDS];
        let mut i = 0;
        while i < fields.len() {
            let (number, name, kind) = fields[i];
            table[number] = Rule { name, kind };
            i += 1;
        }
        Schema { fields: table }
    }

    #[inline(always)]
    pub(crate) fn rule(&self, number: u32) -> Rule {
        self.fields.get(number as usize).copied().unwrap_or(UNKNOWN)
    }

    /// The request message of a signal.
    pub(crate) const fn request(signal: Signal) -> &'static Schema {
        match signal {
            Signal::Logs => &LOGS,
            Signal::Traces => &TRACES,
            Signal::Metrics => &METRICS,
        }
    }
}

use Kind::*;

static LOGS: Schema = Schema::new(&[(1, "resourceLogs", Many(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Schema = Schema::new(&[
    (1, "resource", Once(&RESOURCE, 0)),
    (2, "scopeLogs", Many(&SCOPE_LOGS)),
    (3, "schemaUrl", Utf8),
]);
static SCOPE_LOGS: Schema = Schema::new(&[
    (1, "scope", Once(&SCOPE, 0)),
    (2, "logRecords", Items(&LOG_RECORD)),
    (3, "schemaUrl", Utf8),
]);
static LOG_RECORD: Schema = Schema::new(&[
    (1, "timeUnixNano", Fixed64),
    (2, "severityNumber", Varint),
    (3, "severityText", Utf8),
    (5, "body", Value),
    (6, "attributes", Attributes),
    (7, "droppedAttributesCount", Varint),
    (8, "flags", Fixed32),
    (9, "traceId", TraceId),
    (10, "spanId", SpanId),
    (11, "observedTimeUnixNano", Fixed64),
    (12, "eventName", Utf8),
]);

static TRACES: Schema = Schema::new(&[(1, "resourceSpans", Many(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Schema = Schema::new(&[
    (1, "resource", Once(&RESOURCE, 0)),
    (2, "scopeSpans", Many(&SCOPE_SPANS)),
    (3, "schemaUrl", Utf8),
]);
static SCOPE_SPANS: Schema = Schema::new(&[
    (1, "scope", Once(&SCOPE, 0)),
    (2, "spans", Items(&SPAN)),
    (3, "schemaUrl", Utf8),
]);
static SPAN: Schema = Schema::new(&[
    (1, "traceId", TraceId),
    (2, "spanId", SpanId),
    (3, "traceState", Utf8),
    (4, "parentSpanId", SpanId),
    (5, "name", Utf8),
    (6, "kind", Varint),
    (7, "startTimeUnixNano", Fixed64),
    (8, "endTimeUnixNano", Fixed64),
    (9, "attributes", Attributes),
    (10, "droppedAttributesCount", Varint),
    (11, "events", Many(&EVENT)),
    (12, "droppedEventsCount", Varint),
    (13, "links", Many(&LINK)),
    (14, "droppedLinksCount", Varint),
    (15, "status", Once(&STATUS, 0)),
    (16, "flags", Fixed32),
]);
static EVENT: Schema = Schema::new(&[
    (1, "timeUnixNano", Fixed64),
    (2, "name", Utf8),
    (3, "attributes", Attributes),
    (4, "droppedAttributesCount", Varint),
]);
static LINK: Schema = Schema::new(&[
    (1, "traceId", TraceId),
    (2, "spanId", SpanId),
    (3, "traceState", Utf8),
    (4, "attributes", Attributes),
    (5, "droppedAttributesCount", Varint),
    (6, "flags", Fixed32),
]);
static STATUS: Schema = Schema::new(&[(2, "message", Utf8), (3, "code", Varint)]);

static METRICS: Schema = Schema::new(&[(1, "resourceMetrics", Many(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Schema = Schema::new(&[
    (1, "resource", Once(&RESOURCE, 0)),
    (2, "scopeMetrics", Many(&SCOPE_METRICS)),
    (3, "schemaUrl", Utf8),
]);
static SCOPE_METRICS: Schema = Schema::new(&[
    (1, "scope", Once(&SCOPE, 0)),
    (2, "metrics", Many(&METRIC)),
    (3, "schemaUrl", Utf8),
]);
static METRIC: Schema = Schema::new(&[
    (1, "name", Utf8),
    (2, "description", Utf8),
    (3, "unit", Utf8),
    (5, "gauge", Once(&NUMBERS, 0)),
    (7, "sum", Once(&NUMBERS_OVER_TIME, 0)),
    (9, "histogram", Once(&HISTOGRAM, 0)),
    (10, "exponentialHistogram", Once(&EXPONENTIAL_HISTOGRAM, 0)),
    (11, "summary", Once(&SUMMARY, 0)),
    (12, "metadata", Attributes),
]);
static NUMBERS: Schema = Schema::new(&[(1, "dataPoints", Items(&NUMBER_POINT))]);
static NUMBERS_OVER_TIME: Schema = Schema::new(&[
    (1, "dataPoints", Items(&NUMBER_POINT)),
    (2, "aggregationTemporality", Varint),
    (3, "isMonotonic", Varint),
]);
static HISTOGRAM: Schema = Schema::new(&[
    (1, "dataPoints", Items(&HISTOGRAM_POINT)),
    (2, "aggregationTemporality", Varint),
]);
static EXPONENTIAL_HISTOGRAM: Schema = Schema::new(&[
    (1, "dataPoints", Items(&EXPONENTIAL_HISTOGRAM_POINT)),
    (2, "aggregationTemporality", Varint),
]);
static SUMMARY: Schema = Schema::new(&[(1, "dataPoints", Items(&SUMMARY_POINT))]);
static NUMBER_POINT: Schema = Schema::new(&[
    (2, "startTimeUnixNano", Fixed64),
    (3, "timeUnixNano", Fixed64),
    (4, "asDouble", Fixed64),
    (5, "exemplars", Many(&EXEMPLAR)),
    (6, "asInt", Fixed64),
    (7, "attributes", Attributes),
    (8, "flags", Varint),
]);
static HISTOGRAM_POINT: Schema = Schema::new(&[
    (2, "startTimeUnixNano", Fixed64),
    (3, "timeUnixNano", Fixed64),
    (4, "count", Fixed64),
    (5, "sum", Fixed64),
    (6, "bucketCounts", Fixed64s),
    (7, "explicitBounds", Fixed64s),
    (8, "exemplars", Many(&EXEMPLAR)),
    (9, "attributes", Attributes),
    (10, "flags", Varint),
    (11, "min", Fixed64),
    (12, "max", Fixed64),
]);
static EXPONENTIAL_HISTOGRAM_POINT: Schema = Schema::new(&[
    (1, "attributes", Attributes),
    (2, "startTimeUnixNano", Fixed64),
    (3, "timeUnixNano", Fixed64),
    (4, "count", Fixed64),
    (5, "sum", Fixed64),
    (6, "scale", Varint),
    (7, "zeroCount", Fixed64),
    (8, "positive", Once(&BUCKETS, 0)),
    (9, "negative", Once(&BUCKETS, 1)),
    (10, "flags", Varint),
    (11, "exemplars", Many(&EXEMPLAR)),
    (12, "min", Fixed64),
    (13, "max", Fixed64),
    (14, "zeroThreshold", Fixed64),
]);
static BUCKETS: Schema = Schema::new(&[(1, "offset", Varint), (2, "bucketCounts", Varints)]);
static SUMMARY_POINT: Schema = Schema::new(&[
    (2, "startTimeUnixNano", Fixed64),
    (3, "timeUnixNano", Fixed64),
    (4, "count", Fixed64),
    (5, "sum", Fixed64),
    (6, "quantileValues", Many(&QUANTILE)),
    (7, "attributes", Attributes),
    (8, "flags", Varint),
]);
static QUANTILE: Schema = Schema::new(&[(1, "quantile", Fixed64), (2, "value", Fixed64)]);
static EXEMPLAR: Schema = Schema::new(&[
    (2, "timeUnixNano", Fixed64),
    (3, "asDouble", Fixed64),
    (4, "spanId", SpanId),
    (5, "traceId", TraceId),
    (6, "asInt", Fixed64),
    (7, "filteredAttributes", Attributes),
]);

static RESOURCE: Schema = Schema::new(&[
    (1, "attributes", Attributes),
    (2, "droppedAttributesCount", Varint),
    (3, "entityRefs", Many(&ENTITY_REF)),
]);
static ENTITY_REF: Schema = Schema::new(&[
    (1, "schemaUrl", Utf8),
    (2, "type", Utf8),
    (3, "idKeys", Utf8s),
    (4, "descriptionKeys", Utf8s),
]);
static SCOPE: Schema = Schema::new(&[
    (1, "name", Utf8),
    (2, "version", Utf8),
    (3, "attributes", Attributes),
    (4, "droppedAttributesCount", Varint),
]);
/// Walked by hand; here for the names.
pub(super) static KEY_VALUE: Schema = Schema::new(&[
    (1, "key", Utf8),
    (2, "value", Value),
    (3, "keyStrindex", Varint),
]);
/// Walked by hand; here for the names.
pub(super) static ANY_VALUE: Schema = Schema::new(&[
    (1, "stringValue", Utf8),
    (2, "boolValue", Varint),
    (3, "intValue", Varint),
    (4, "doubleValue", Fixed64),
    (5, "arrayValue", Once(&ARRAY_VALUE, 0)),
    (6, "kvlistValue", Once(&KEY_VALUE_LIST, 0)),
    (7, "bytesValue", Bytes),
    (8, "stringValueStrindex", Varint),
]);
static ARRAY_VALUE: Schema = Schema::new(&[(1, "values", Many(&ANY_VALUE))]);
static KEY_VALUE_LIST: Schema = Schema::new(&[(1, "values", Attributes)]);
