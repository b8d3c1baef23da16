//! Traces.

use super::common::{attributes, resource, scope};
use super::text::object;
use crate::{Event, Link, ResourceSpans, ScopeSpans, Span};

pub(super) fn resource_spans(out: &mut Vec<u8>, spans: ResourceSpans<'_>) {
    object(out, |o| {
        resource(o, spans.resource());
        o.list("scopeSpans", spans.scopes(), scope_spans);
        o.string("schemaUrl", spans.schema_url());
    });
}

fn scope_spans(out: &mut Vec<u8>, spans: ScopeSpans<'_>) {
    object(out, |o| {
        scope(o, spans.scope());
        o.list("spans", spans.spans(), span);
        o.string("schemaUrl", spans.schema_url());
    });
}

fn span(out: &mut Vec<u8>, span: Span<'_>) {
    object(out, |o| {
        o.id("traceId", span.trace_id);
        o.id("spanId", span.span_id);
        o.string("traceState", span.trace_state);
        o.id("parentSpanId", span.parent_span_id);
        o.short("flags", span.flags);
        o.string("name", span.name);
        o.short("kind", span.kind);
        o.long("startTimeUnixNano", span.start_time_unix_nano);
        o.long("endTimeUnixNano", span.end_time_unix_nano);
        attributes(o, "attributes", span.attributes());
        o.short("droppedAttributesCount", span.dropped_attributes_count);
        o.list("events", span.events(), event);
        o.short("droppedEventsCount", span.dropped_events_count);
        o.list("links", span.links(), link);
        o.short("droppedLinksCount", span.dropped_links_count);
        if let Some(status) = span.status() {
            o.object("status", |o| {
                o.string("message", status.message);
                o.short("code", status.code);
            });
        }
    });
}

fn event(out: &mut Vec<u8>, event: Event<'_>) {
    object(out, |o| {
        o.long("timeUnixNano", event.time_unix_nano);
        o.string("name", event.name);
        attributes(o, "attributes", event.attributes());
        o.short("droppedAttributesCount", event.dropped_attributes_count);
    });
}

fn link(out: &mut Vec<u8>, link: Link<'_>) {
    object(out, |o| {
        o.id("traceId", link.trace_id);
        o.id("spanId", link.span_id);
        o.string("traceState", link.trace_state);
        attributes(o, "attributes", link.attributes());
        o.short("droppedAttributesCount", link.dropped_attributes_count);
        o.short("flags", link.flags);
    });
}
