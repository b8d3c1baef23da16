//! `otel_logs`: one row a log record or event.

use arrow_schema::DataType::{Int32, Int64, Utf8};

use crate::column::{Column, Encoding, string_map};

pub(crate) fn columns() -> Vec<Column> {
    let mut columns = super::head::columns(
        "Event time: time of the record, else its observed time, else the time it was taken in",
    );
    columns.extend([
        Column::new(
            "observed_time_unix_nano",
            Int64,
            "When the record was observed, nanoseconds since 1970",
        )
        .encoded(Encoding::DeltaNumbers),
        Column::new(
            "severity_number",
            Int32,
            "1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal, 0 not given",
        ),
        Column::new("severity_text", Utf8, "Severity as the source named it"),
        Column::new(
            "event_name",
            Utf8,
            "Name of the event; missing for plain log records",
        ),
        Column::new("body", Utf8, "Text, or JSON when the body is structured")
            .encoded(Encoding::Plain)
            .without_statistics(),
        Column::new(
            "body_type",
            Utf8,
            "Type of the body: string, bool, int, double, bytes (base64), array or map (JSON)",
        ),
        Column::new("attributes", string_map(), "Attributes of the record"),
        Column::new("trace_id", Utf8, "32 hexadecimal digits, lower case")
            .encoded(Encoding::Plain)
            .bloom(),
        Column::new("span_id", Utf8, "16 hexadecimal digits, lower case")
            .encoded(Encoding::Plain)
            .without_statistics(),
        Column::new("flags", Int32, "W3C trace flags in the low 8 bits"),
        Column::new(
            "dropped_attributes_count",
            Int32,
            "Attributes that the source left out",
        ),
    ]);
    columns
}
