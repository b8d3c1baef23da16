//! Requests with log records.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::common::*;

/// A valid request.
pub fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scope =
        (scope(), vec(record(), 0..5), text()).prop_map(|(scope, log_records, schema_url)| {
            ScopeLogs {
                scope,
                log_records,
                schema_url,
            }
        });
    let resource =
        (resource(), vec(scope, 0..3), text()).prop_map(|(resource, scope_logs, schema_url)| {
            ResourceLogs {
                resource,
                scope_logs,
                schema_url,
            }
        });
    vec(resource, 0..4).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

/// A valid log record.
pub fn record() -> impl Strategy<Value = LogRecord> {
    let numbers = (number(), number(), 0..30i32, small_number(), small_number());
    let texts = (text(), option::of(value()), attributes(), text());
    (numbers, texts, id(16), id(8)).prop_map(|(numbers, texts, trace_id, span_id)| {
        let (time_unix_nano, observed_time_unix_nano, severity_number, dropped, flags) = numbers;
        let (severity_text, body, attributes, event_name) = texts;
        LogRecord {
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes_count: dropped,
            flags,
            trace_id,
            span_id,
            event_name,
        }
    })
}
