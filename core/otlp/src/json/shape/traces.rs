//! Traces.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Field, Kind, Names, Shape};
use crate::write::nest::{GROUP, RECORD, SMALL};

/// `ExportTraceServiceRequest`.
pub(in crate::json) static TRACES: Shape = Shape::new(
    "an object with \"resourceSpans\"",
    GROUP,
    &[Field::new(
        "resourceSpans",
        "resource_spans",
        1,
        Kind::Objects(&RESOURCE_SPANS),
    )],
);

/// `ResourceSpans`.
pub(super) static RESOURCE_SPANS: Shape = Shape::new(
    "an object with \"scopeSpans\"",
    GROUP,
    &[
        Field::word("resource", 1, Kind::Object(&RESOURCE)),
        Field::new("scopeSpans", "scope_spans", 2, Kind::Objects(&SCOPE_SPANS)),
        Field::new("schemaUrl", "schema_url", 3, Kind::String),
    ],
);

/// `ScopeSpans`.
pub(super) static SCOPE_SPANS: Shape = Shape::new(
    "an object with \"spans\"",
    GROUP,
    &[
        Field::word("scope", 1, Kind::Object(&SCOPE)),
        Field::word("spans", 2, Kind::Objects(&SPAN)),
        Field::new("schemaUrl", "schema_url", 3, Kind::String),
    ],
);

/// `Span`.
pub(super) static SPAN: Shape = Shape::new(
    "a span (an object)",
    RECORD,
    &[
        Field::new("traceId", "trace_id", 1, Kind::Id(16)),
        Field::new("spanId", "span_id", 2, Kind::Id(8)),
        Field::new("traceState", "trace_state", 3, Kind::String),
        Field::new("parentSpanId", "parent_span_id", 4, Kind::Id(8)),
        Field::word("flags", 16, Kind::Fixed32),
        Field::word("name", 5, Kind::String),
        Field::word("kind", 6, Kind::Enum(&SPAN_KINDS)),
        Field::new(
            "startTimeUnixNano",
            "start_time_unix_nano",
            7,
            Kind::Fixed64,
        ),
        Field::new("endTimeUnixNano", "end_time_unix_nano", 8, Kind::Fixed64),
        Field::word("attributes", 9, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "droppedAttributesCount",
            "dropped_attributes_count",
            10,
            Kind::Uint32,
        ),
        Field::word("events", 11, Kind::Objects(&EVENT)),
        Field::new(
            "droppedEventsCount",
            "dropped_events_count",
            12,
            Kind::Uint32,
        ),
        Field::word("links", 13, Kind::Objects(&LINK)),
        Field::new("droppedLinksCount", "dropped_links_count", 14, Kind::Uint32),
        Field::word("status", 15, Kind::Object(&STATUS)),
    ],
)
.counted();

/// `Span.Event`.
pub(super) static EVENT: Shape = Shape::new(
    "an event (an object)",
    SMALL,
    &[
        Field::new("timeUnixNano", "time_unix_nano", 1, Kind::Fixed64),
        Field::word("name", 2, Kind::String),
        Field::word("attributes", 3, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "droppedAttributesCount",
            "dropped_attributes_count",
            4,
            Kind::Uint32,
        ),
    ],
);

/// `Span.Link`.
pub(super) static LINK: Shape = Shape::new(
    "a link (an object)",
    SMALL,
    &[
        Field::new("traceId", "trace_id", 1, Kind::Id(16)),
        Field::new("spanId", "span_id", 2, Kind::Id(8)),
        Field::new("traceState", "trace_state", 3, Kind::String),
        Field::word("attributes", 4, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "droppedAttributesCount",
            "dropped_attributes_count",
            5,
            Kind::Uint32,
        ),
        Field::word("flags", 6, Kind::Fixed32),
    ],
);

/// `Status`.
pub(super) static STATUS: Shape = Shape::new(
    "a status (an object)",
    SMALL,
    &[
        Field::word("message", 2, Kind::String),
        Field::word("code", 3, Kind::Enum(&STATUS_CODES)),
    ],
);

/// The names of `Span.SpanKind`.
static SPAN_KINDS: Names = Names {
    expected: "an integer, or a name such as \"SPAN_KIND_SERVER\"",
    names: &[
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ],
};

/// The names of `Status.StatusCode`.
static STATUS_CODES: Names = Names {
    expected: "an integer, or a name such as \"STATUS_CODE_OK\"",
    names: &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"],
};
