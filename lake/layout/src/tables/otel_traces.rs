//! `otel_traces`: one row a span.

use arrow_schema::DataType::{Int32, Int64, Utf8};
use arrow_schema::Fields;

use crate::column::{Column, Encoding, list, string_map, struct_fields};

/// Fields of one element of `events`.
pub(crate) fn event_fields() -> Fields {
    struct_fields(&[
        ("time_unix_nano", Int64),
        ("name", Utf8),
        ("attributes", string_map()),
    ])
}

/// Fields of one element of `links`.
pub(crate) fn link_fields() -> Fields {
    struct_fields(&[
        ("trace_id", Utf8),
        ("span_id", Utf8),
        ("trace_state", Utf8),
        ("attributes", string_map()),
    ])
}

pub(crate) fn columns() -> Vec<Column> {
    let mut columns = super::head::columns(
        "Start of the span; its end, else the time it was taken in, when the start is missing",
    );
    columns.extend([
        Column::new("trace_id", Utf8, "32 hexadecimal digits, lower case")
            .encoded(Encoding::Plain)
            .bloom(),
        Column::new("span_id", Utf8, "16 hexadecimal digits, lower case")
            .encoded(Encoding::Plain)
            .without_statistics(),
        Column::new(
            "parent_span_id",
            Utf8,
            "Missing for the first span of a trace",
        )
        .encoded(Encoding::Plain)
        .without_statistics(),
        Column::new("trace_state", Utf8, "W3C trace state"),
        Column::new("span_name", Utf8, "Name of the span"),
        Column::new(
            "span_kind",
            Utf8,
            "unspecified, internal, server, client, producer or consumer",
        ),
        Column::new(
            "end_time_unix_nano",
            Int64,
            "End of the span, nanoseconds since 1970",
        )
        .encoded(Encoding::DeltaNumbers),
        Column::new(
            "duration_nano",
            Int64,
            "End minus start in nanoseconds; missing when either is",
        )
        .encoded(Encoding::DeltaNumbers),
        Column::new("status_code", Utf8, "unset, ok or error"),
        Column::new("status_message", Utf8, "What went wrong"),
        Column::new("attributes", string_map(), "Attributes of the span"),
        Column::new(
            "events",
            list(arrow_schema::DataType::Struct(event_fields())),
            "Events of the span in the order of the wire",
        ),
        Column::new(
            "links",
            list(arrow_schema::DataType::Struct(link_fields())),
            "Links to other spans",
        ),
        Column::new(
            "flags",
            Int32,
            "W3C trace flags in the low 8 bits, remote bits above",
        ),
        Column::new(
            "dropped_attributes_count",
            Int32,
            "Attributes that the source left out",
        ),
        Column::new(
            "dropped_events_count",
            Int32,
            "Events that the source left out",
        ),
        Column::new(
            "dropped_links_count",
            Int32,
            "Links that the source left out",
        ),
    ]);
    columns
}
