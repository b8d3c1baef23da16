//! Requests with spans.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::common::*;

/// A valid request.
pub fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope =
        (scope(), vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
            scope,
            spans,
            schema_url,
        });
    let resource =
        (resource(), vec(scope, 0..3), text()).prop_map(|(resource, scope_spans, schema_url)| {
            ResourceSpans {
                resource,
                scope_spans,
                schema_url,
            }
        });
    vec(resource, 0..4).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// A valid span.
pub fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), id(8), text());
    let what = (text(), 0..7i32, number(), number(), small_number());
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    let dropped = (small_number(), small_number(), small_number());
    (ids, what, lists, dropped, option::of(status())).prop_map(
        |(ids, what, lists, dropped, status)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: ids.3,
            name: what.0,
            kind: what.1,
            start_time_unix_nano: what.2,
            end_time_unix_nano: what.3,
            flags: what.4,
            attributes: lists.0,
            events: lists.1,
            links: lists.2,
            dropped_attributes_count: dropped.0,
            dropped_events_count: dropped.1,
            dropped_links_count: dropped.2,
            status,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    (number(), text(), attributes(), small_number()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (
        id(16),
        id(8),
        text(),
        attributes(),
        small_number(),
        small_number(),
    )
        .prop_map(
            |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
                trace_id,
                span_id,
                trace_state,
                attributes,
                dropped_attributes_count,
                flags,
            },
        )
}

fn status() -> impl Strategy<Value = Status> {
    (text(), 0..4i32).prop_map(|(message, code)| Status { message, code })
}
