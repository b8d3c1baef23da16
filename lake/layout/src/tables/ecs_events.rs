//! `ecs_events`: log records as flat columns of the Elastic Common Schema. The same schema serves
//! Delta, plain Parquet files and Firehose with Glue, so that one query runs on all of them.

use arrow_schema::DataType::{Date32, Int32, Int64, Utf8};

use crate::column::{Column, Encoding, list, string_map, timestamp};

/// Type of a flat ECS column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EcsKind {
    Text,
    Long,
    Int,
    TextList,
}

/// Field of ECS, column, type. The column is the field with underscores for dots.
pub(crate) const ECS_COLUMNS: &[(&str, &str, EcsKind)] = &[
    ("event.action", "event_action", EcsKind::Text),
    ("event.duration", "event_duration", EcsKind::Long),
    ("event.kind", "event_kind", EcsKind::Text),
    ("event.category", "event_category", EcsKind::TextList),
    ("event.dataset", "event_dataset", EcsKind::Text),
    ("message", "message", EcsKind::Text),
    ("log.level", "log_level", EcsKind::Text),
    ("error.code", "error_code", EcsKind::Text),
    ("error.message", "error_message", EcsKind::Text),
    ("error.stack_trace", "error_stack_trace", EcsKind::Text),
    (
        "http.request.referrer",
        "http_request_referrer",
        EcsKind::Text,
    ),
    ("http.request.method", "http_request_method", EcsKind::Text),
    (
        "http.response.status_code",
        "http_response_status_code",
        EcsKind::Int,
    ),
    ("url.full", "url_full", EcsKind::Text),
    ("url.path", "url_path", EcsKind::Text),
    ("url.domain", "url_domain", EcsKind::Text),
    ("client.ip", "client_ip", EcsKind::Text),
    ("user_agent.original", "user_agent_original", EcsKind::Text),
    ("session.id", "session_id", EcsKind::Text),
    ("user.id", "user_id", EcsKind::Text),
    ("service.name", "service_name", EcsKind::Text),
];

pub(crate) fn columns() -> Vec<Column> {
    let mut columns = vec![
        Column::new("date", Date32, "Day of the event time, UTC; partition").required(),
        Column::new("ts", timestamp(), "@timestamp")
            .required()
            .encoded(Encoding::DeltaNumbers),
        Column::new(
            "time_unix_nano",
            Int64,
            "The same time in nanoseconds since 1970; its bounds in the log are exact",
        )
        .required()
        .encoded(Encoding::DeltaNumbers),
    ];
    columns.extend(ECS_COLUMNS.iter().map(|&(field, column, kind)| {
        let data_type = match kind {
            EcsKind::Text => Utf8,
            EcsKind::Long => Int64,
            EcsKind::Int => Int32,
            EcsKind::TextList => list(Utf8),
        };
        let comment = match field {
            "event.duration" => "ECS field event.duration, nanoseconds".to_owned(),
            _ => format!("ECS field {field}"),
        };
        let column = Column::new(column, data_type, comment);
        match field {
            "message" | "error.stack_trace" => column.encoded(Encoding::Plain).without_statistics(),
            _ => column,
        }
    }));
    columns.extend([
        Column::new("labels", string_map(), "ECS fields labels.*"),
        Column::new("extra", Utf8, "Everything else as one JSON object")
            .encoded(Encoding::Plain)
            .without_statistics(),
    ]);
    columns
}
