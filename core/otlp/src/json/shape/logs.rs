//! Logs.

use super::common::{ANY_VALUE, KEY_VALUE, RESOURCE, SCOPE};
use super::{Field, Kind, Names, Shape};
use crate::write::nest::{GROUP, RECORD};

/// `ExportLogsServiceRequest`.
pub(in crate::json) static LOGS: Shape = Shape::new(
    "an object with \"resourceLogs\"",
    GROUP,
    &[Field::new(
        "resourceLogs",
        "resource_logs",
        1,
        Kind::Objects(&RESOURCE_LOGS),
    )],
);

/// `ResourceLogs`.
pub(super) static RESOURCE_LOGS: Shape = Shape::new(
    "an object with \"scopeLogs\"",
    GROUP,
    &[
        Field::word("resource", 1, Kind::Object(&RESOURCE)),
        Field::new("scopeLogs", "scope_logs", 2, Kind::Objects(&SCOPE_LOGS)),
        Field::new("schemaUrl", "schema_url", 3, Kind::String),
    ],
);

/// `ScopeLogs`.
pub(super) static SCOPE_LOGS: Shape = Shape::new(
    "an object with \"logRecords\"",
    GROUP,
    &[
        Field::word("scope", 1, Kind::Object(&SCOPE)),
        Field::new("logRecords", "log_records", 2, Kind::Objects(&LOG_RECORD)),
        Field::new("schemaUrl", "schema_url", 3, Kind::String),
    ],
);

/// `LogRecord`.
pub(super) static LOG_RECORD: Shape = Shape::new(
    "a log record (an object)",
    RECORD,
    &[
        Field::new("timeUnixNano", "time_unix_nano", 1, Kind::Fixed64),
        Field::new(
            "observedTimeUnixNano",
            "observed_time_unix_nano",
            11,
            Kind::Fixed64,
        ),
        Field::new(
            "severityNumber",
            "severity_number",
            2,
            Kind::Enum(&SEVERITIES),
        ),
        Field::new("severityText", "severity_text", 3, Kind::String),
        Field::word("body", 5, Kind::Object(&ANY_VALUE)),
        Field::word("attributes", 6, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "droppedAttributesCount",
            "dropped_attributes_count",
            7,
            Kind::Uint32,
        ),
        Field::word("flags", 8, Kind::Fixed32),
        Field::new("traceId", "trace_id", 9, Kind::Id(16)),
        Field::new("spanId", "span_id", 10, Kind::Id(8)),
        Field::new("eventName", "event_name", 12, Kind::String),
    ],
)
.counted();

/// The names of `SeverityNumber`.
static SEVERITIES: Names = Names {
    expected: "an integer, or a name such as \"SEVERITY_NUMBER_INFO\"",
    names: &[
        "SEVERITY_NUMBER_UNSPECIFIED",
        "SEVERITY_NUMBER_TRACE",
        "SEVERITY_NUMBER_TRACE2",
        "SEVERITY_NUMBER_TRACE3",
        "SEVERITY_NUMBER_TRACE4",
        "SEVERITY_NUMBER_DEBUG",
        "SEVERITY_NUMBER_DEBUG2",
        "SEVERITY_NUMBER_DEBUG3",
        "SEVERITY_NUMBER_DEBUG4",
        "SEVERITY_NUMBER_INFO",
        "SEVERITY_NUMBER_INFO2",
        "SEVERITY_NUMBER_INFO3",
        "SEVERITY_NUMBER_INFO4",
        "SEVERITY_NUMBER_WARN",
        "SEVERITY_NUMBER_WARN2",
        "SEVERITY_NUMBER_WARN3",
        "SEVERITY_NUMBER_WARN4",
        "SEVERITY_NUMBER_ERROR",
        "SEVERITY_NUMBER_ERROR2",
        "SEVERITY_NUMBER_ERROR3",
        "SEVERITY_NUMBER_ERROR4",
        "SEVERITY_NUMBER_FATAL",
        "SEVERITY_NUMBER_FATAL2",
        "SEVERITY_NUMBER_FATAL3",
        "SEVERITY_NUMBER_FATAL4",
    ],
};
