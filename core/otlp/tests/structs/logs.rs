use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlp::Payload;

use super::{Explicit, any_value, attributes, resource, scope};

pub fn request(payload: &Payload) -> ExportLogsServiceRequest {
    let resource_logs = payload.logs().map(|r| ResourceLogs {
        resource: resource(r.resource()),
        scope_logs: r.scopes().map(scope_logs).collect(),
        schema_url: r.schema_url().to_owned(),
    });
    ExportLogsServiceRequest {
        resource_logs: resource_logs.collect(),
    }
}

fn scope_logs(s: otlp::ScopeLogs<'_>) -> ScopeLogs {
    ScopeLogs {
        scope: scope(s.scope()),
        log_records: s.records().map(record).collect(),
        schema_url: s.schema_url().to_owned(),
    }
}

fn record(ours: otlp::LogRecord<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: ours.time_unix_nano,
        observed_time_unix_nano: ours.observed_time_unix_nano,
        severity_number: ours.severity_number,
        severity_text: ours.severity_text.to_owned(),
        body: ours.body.map(any_value),
        attributes: attributes(ours.attributes()),
        dropped_attributes_count: ours.dropped_attributes_count,
        flags: ours.flags,
        trace_id: ours.trace_id.to_vec(),
        span_id: ours.span_id.to_vec(),
        event_name: ours.event_name.to_owned(),
    }
}

impl Explicit for ExportLogsServiceRequest {
    fn explicit(mut self) -> Self {
        for resource in &mut self.resource_logs {
            resource.resource = resource.resource.take().explicit();
            for scope in &mut resource.scope_logs {
                scope.scope = scope.scope.take().explicit();
                for record in &mut scope.log_records {
                    record.body = record.body.take().map(Explicit::explicit);
                    record.attributes = std::mem::take(&mut record.attributes).explicit();
                }
            }
        }
        self
    }
}
