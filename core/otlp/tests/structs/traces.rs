use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use otlp::Payload;

use super::{Explicit, attributes, resource, scope};

pub fn request(payload: &Payload) -> ExportTraceServiceRequest {
    let resource_spans = payload.traces().map(|r| ResourceSpans {
        resource: resource(r.resource()),
        scope_spans: r.scopes().map(scope_spans).collect(),
        schema_url: r.schema_url().to_owned(),
    });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
}

fn scope_spans(s: otlp::ScopeSpans<'_>) -> ScopeSpans {
    ScopeSpans {
        scope: scope(s.scope()),
        spans: s.spans().map(span).collect(),
        schema_url: s.schema_url().to_owned(),
    }
}

fn span(ours: otlp::Span<'_>) -> Span {
    let event = |event: otlp::Event<'_>| Event {
        time_unix_nano: event.time_unix_nano,
        name: event.name.to_owned(),
        attributes: attributes(event.attributes()),
        dropped_attributes_count: event.dropped_attributes_count,
    };
    let link = |link: otlp::Link<'_>| Link {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        trace_state: link.trace_state.to_owned(),
        attributes: attributes(link.attributes()),
        dropped_attributes_count: link.dropped_attributes_count,
        flags: link.flags,
    };
    Span {
        trace_id: ours.trace_id.to_vec(),
        span_id: ours.span_id.to_vec(),
        trace_state: ours.trace_state.to_owned(),
        parent_span_id: ours.parent_span_id.to_vec(),
        flags: ours.flags,
        name: ours.name.to_owned(),
        kind: ours.kind,
        start_time_unix_nano: ours.start_time_unix_nano,
        end_time_unix_nano: ours.end_time_unix_nano,
        attributes: attributes(ours.attributes()),
        dropped_attributes_count: ours.dropped_attributes_count,
        events: ours.events().map(event).collect(),
        dropped_events_count: ours.dropped_events_count,
        links: ours.links().map(link).collect(),
        dropped_links_count: ours.dropped_links_count,
        status: ours.status().map(|status| Status {
            message: status.message.to_owned(),
            code: status.code,
        }),
    }
}

impl Explicit for ExportTraceServiceRequest {
    fn explicit(mut self) -> Self {
        for resource in &mut self.resource_spans {
            resource.resource = resource.resource.take().explicit();
            for scope in &mut resource.scope_spans {
                scope.scope = scope.scope.take().explicit();
                for span in &mut scope.spans {
                    span.attributes = std::mem::take(&mut span.attributes).explicit();
                    for event in &mut span.events {
                        event.attributes = std::mem::take(&mut event.attributes).explicit();
                    }
                    for link in &mut span.links {
                        link.attributes = std::mem::take(&mut link.attributes).explicit();
                    }
                }
            }
        }
        self
    }
}
