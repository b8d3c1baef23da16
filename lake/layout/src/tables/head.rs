//! The columns that logs, spans and data points share.

use arrow_schema::DataType::{Date32, Int64, Utf8};

use crate::column::{Column, Encoding, string_map, timestamp};

/// The first columns of every OpenTelemetry table.
pub(crate) fn columns(time: &'static str) -> Vec<Column> {
    vec![
        Column::new(
            "record_id",
            Utf8,
            "Unique, sorts by time: time in nanoseconds, log id, sequence of the entry, index in it (hexadecimal)",
        )
        .encoded(Encoding::DeltaText),
        Column::new("date", Date32, "Day of the event time, UTC; partition").required(),
        Column::new("time", timestamp(), time)
            .required()
            .encoded(Encoding::DeltaNumbers),
        Column::new(
            "time_unix_nano",
            Int64,
            "The same time in nanoseconds since 1970; its bounds in the log are exact",
        )
        .required()
        .encoded(Encoding::DeltaNumbers),
        Column::new("service_name", Utf8, "Resource attribute service.name"),
        Column::new(
            "resource_attributes",
            string_map(),
            "Attributes of the resource",
        ),
        Column::new("resource_schema_url", Utf8, "Schema URL of the resource"),
        Column::new("scope_name", Utf8, "Name of the instrumentation scope"),
        Column::new("scope_version", Utf8, "Version of the instrumentation scope"),
        Column::new(
            "scope_attributes",
            string_map(),
            "Attributes of the instrumentation scope",
        ),
        Column::new("_ingest_time", timestamp(), "When the collector took the record")
            .encoded(Encoding::DeltaNumbers),
    ]
}
