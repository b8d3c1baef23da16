//! Logs.

use super::common::{attributes, resource, scope, value};
use super::text::object;
use crate::{LogRecord, ResourceLogs, ScopeLogs};

pub(super) fn resource_logs(out: &mut Vec<u8>, logs: ResourceLogs<'_>) {
    object(out, |o| {
        resource(o, logs.resource());
        o.list("scopeLogs", logs.scopes(), scope_logs);
        o.string("schemaUrl", logs.schema_url());
    });
}

fn scope_logs(out: &mut Vec<u8>, logs: ScopeLogs<'_>) {
    object(out, |o| {
        scope(o, logs.scope());
        o.list("logRecords", logs.records(), log_record);
        o.string("schemaUrl", logs.schema_url());
    });
}

fn log_record(out: &mut Vec<u8>, record: LogRecord<'_>) {
    object(out, |o| {
        o.long("timeUnixNano", record.time_unix_nano);
        o.long("observedTimeUnixNano", record.observed_time_unix_nano);
        o.short("severityNumber", record.severity_number);
        o.string("severityText", record.severity_text);
        if let Some(body) = record.body {
            value(o.key("body"), body);
        }
        attributes(o, "attributes", record.attributes());
        o.short("droppedAttributesCount", record.dropped_attributes_count);
        o.short("flags", record.flags);
        o.id("traceId", record.trace_id);
        o.id("spanId", record.span_id);
        o.string("eventName", record.event_name);
    });
}
