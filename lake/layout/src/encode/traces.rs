//! Rows of `otel_traces`.

use std::borrow::Cow;

use arrow_array::ArrayRef;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_schema::ArrowError;
use otlp::{Payload, Span};

use super::days::Rows;
use super::facts::{Facts, Slots};
use super::head::Head;
use super::{Origin, Refused, Writer};
use crate::build::{Events, Links, Maps, Numbers, Order, SpanIds, Text, TraceIds};
use crate::promote::{PromotedColumn, Promotions};
use crate::reject::Reason;
use crate::sort::sorted;
use crate::tables::TableSpec;
use crate::time::{EventTime, optional_nanos};

pub(super) struct SpanRows {
    head: Head,
    trace_id: TraceIds,
    span_id: SpanIds,
    parent_span_id: SpanIds,
    trace_state: Text,
    name: Text,
    kind: Text,
    end: Numbers<Int64Type>,
    duration: Numbers<Int64Type>,
    status_code: Text,
    status_message: Text,
    attributes: Maps,
    events: Events,
    links: Links,
    flags: Numbers<Int32Type>,
    dropped_attributes: Numbers<Int32Type>,
    dropped_events: Numbers<Int32Type>,
    dropped_links: Numbers<Int32Type>,
    promoted: Vec<PromotedColumn>,
}

/// Adds the spans of `payload`; how many there were, and how many repeated keys were left out.
pub(super) fn append(
    writer: &mut Writer<SpanRows>,
    payload: &Payload,
    origin: Origin<'_>,
    refused: &mut Refused,
) -> (usize, u64) {
    let Writer { facts, days, spec } = writer;
    let promotions = spec.promotions();
    let mut slots = Slots::new(promotions);
    let mut index = 0;
    let mut duplicates = 0;
    for resource in payload.traces() {
        facts.set_resource(resource.resource(), resource.schema_url(), origin);
        slots.set_resource(resource.resource().attributes(), promotions);
        for scope in resource.scopes() {
            facts.set_scope(scope.scope(), origin);
            for span in scope.spans() {
                let pushed = facts.check().and_then(|()| {
                    let times = [
                        ("start_time_unix_nano", span.start_time_unix_nano),
                        ("end_time_unix_nano", span.end_time_unix_nano),
                    ];
                    let time = EventTime::of(&times, origin.ingest)?;
                    let rows = days.at(time.day());
                    rows.push(&span, time, index, origin, promotions, &mut slots)?;
                    duplicates += rows.attributes.take_duplicates();
                    Ok(())
                });
                if let Err(reason) = pushed {
                    refused.push((index, reason));
                }
                index += 1;
            }
            days.fill(facts, origin);
        }
    }
    (index, duplicates)
}

impl SpanRows {
    fn push<'a>(
        &mut self,
        span: &Span<'a>,
        time: EventTime,
        index: usize,
        origin: Origin<'_>,
        promotions: &Promotions,
        slots: &mut Slots<'a>,
    ) -> Result<(), Reason> {
        let start = optional_nanos("start_time_unix_nano", span.start_time_unix_nano)?;
        let end = optional_nanos("end_time_unix_nano", span.end_time_unix_nano)?;
        let row = self.head.len();
        slots.start_record();
        if let Err(reason) = self.push_values(span, origin, promotions, slots) {
            self.attributes.truncate(row);
            self.events.truncate(row);
            self.links.truncate(row);
            return Err(reason);
        }
        self.head.push(time, index);
        self.trace_id.push(span.trace_id);
        self.span_id.push(span.span_id);
        self.parent_span_id.push(span.parent_span_id);
        self.trace_state.push_or_null(span.trace_state);
        self.name.push_or_null(span.name);
        self.kind.push(&kind_name(span.kind));
        self.end.push_option(end);
        self.duration
            .push_option(end.zip(start).map(|(e, s)| e - s));
        let (code, message) = span.status().map_or((0, ""), |s| (s.code, s.message));
        self.status_code.push(&status_name(code));
        self.status_message.push_or_null(message);
        self.flags.push(span.flags.cast_signed());
        self.dropped_attributes
            .push(span.dropped_attributes_count.cast_signed());
        self.dropped_events
            .push(span.dropped_events_count.cast_signed());
        self.dropped_links
            .push(span.dropped_links_count.cast_signed());
        for (column, value) in self.promoted.iter_mut().zip(slots.values()) {
            column.push(value);
        }
        Ok(())
    }

    /// Attributes, events and links: what the table may be unable to hold.
    fn push_values<'a>(
        &mut self,
        span: &Span<'a>,
        origin: Origin<'_>,
        promotions: &Promotions,
        slots: &mut Slots<'a>,
    ) -> Result<(), Reason> {
        let limit = origin.max_depth;
        let too_deep = |field| move |_| Reason::TooDeep { field, limit };
        self.attributes
            .push_row(span.attributes(), limit, |key, value| {
                slots.see(key, value, promotions);
            })
            .map_err(too_deep("an attribute"))?;
        for event in span.events() {
            let time = optional_nanos("time_unix_nano of an event", event.time_unix_nano)?;
            self.events.time.push_option(time);
            self.events.name.push_or_null(event.name);
            self.events
                .attributes
                .push_row(event.attributes(), limit, |_, _| {})
                .map_err(too_deep("an attribute of an event"))?;
        }
        self.events.close();
        for link in span.links() {
            self.links.trace_id.push(link.trace_id);
            self.links.span_id.push(link.span_id);
            self.links.trace_state.push_or_null(link.trace_state);
            self.links
                .attributes
                .push_row(link.attributes(), limit, |_, _| {})
                .map_err(too_deep("an attribute of a link"))?;
        }
        self.links.close();
        Ok(())
    }
}

/// `Span.SpanKind` without its prefix, lower case; a number that this build does not know as it is.
fn kind_name(kind: i32) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        0 => "unspecified",
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        other => return Cow::Owned(other.to_string()),
    })
}

/// `Status.StatusCode` without its prefix, lower case.
fn status_name(code: i32) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        0 => "unset",
        1 => "ok",
        2 => "error",
        other => return Cow::Owned(other.to_string()),
    })
}

impl Rows for SpanRows {
    fn new(spec: &TableSpec) -> Self {
        Self {
            head: Head::default(),
            trace_id: TraceIds::default(),
            span_id: SpanIds::default(),
            parent_span_id: SpanIds::default(),
            trace_state: Text::default(),
            name: Text::default(),
            kind: Text::default(),
            end: Numbers::default(),
            duration: Numbers::default(),
            status_code: Text::default(),
            status_message: Text::default(),
            attributes: Maps::default(),
            events: Events::default(),
            links: Links::default(),
            flags: Numbers::default(),
            dropped_attributes: Numbers::default(),
            dropped_events: Numbers::default(),
            dropped_links: Numbers::default(),
            promoted: spec.promotions().builders(),
        }
    }

    fn len(&self) -> usize {
        self.head.len()
    }

    fn size(&self) -> usize {
        self.head.size()
            + self.trace_id.size()
            + self.span_id.size() * 2
            + self.trace_state.size()
            + self.name.size()
            + self.kind.size()
            + self.end.size() * 4
            + self.status_code.size()
            + self.status_message.size()
            + self.attributes.size()
            + self.events.size()
            + self.links.size()
            + self
                .promoted
                .iter()
                .map(PromotedColumn::size)
                .sum::<usize>()
    }

    fn fill(&mut self, facts: &Facts, origin: Origin<'_>) {
        self.head.fill(facts, origin);
    }

    fn sorted(&self) -> Vec<usize> {
        sorted(self.head.sort_keys())
    }

    fn gather(&self, order: &Order) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns = self.head.gather(order)?;
        columns.extend([
            self.trace_id.gather(order)?,
            self.span_id.gather(order)?,
            self.parent_span_id.gather(order)?,
            self.trace_state.gather(order)?,
            self.name.gather(order)?,
            self.kind.gather(order)?,
            self.end.gather(order),
            self.duration.gather(order),
            self.status_code.gather(order)?,
            self.status_message.gather(order)?,
            self.attributes.gather(order)?,
            self.events.gather(order)?,
            self.links.gather(order)?,
            self.flags.gather(order),
            self.dropped_attributes.gather(order),
            self.dropped_events.gather(order),
            self.dropped_links.gather(order),
        ]);
        for column in &self.promoted {
            columns.push(column.gather(order)?);
        }
        Ok(columns)
    }

    fn clear(&mut self) {
        self.head.clear();
        self.trace_id.clear();
        self.span_id.clear();
        self.parent_span_id.clear();
        self.trace_state.clear();
        self.name.clear();
        self.kind.clear();
        self.end.clear();
        self.duration.clear();
        self.status_code.clear();
        self.status_message.clear();
        self.attributes.clear();
        self.events.clear();
        self.links.clear();
        self.flags.clear();
        self.dropped_attributes.clear();
        self.dropped_events.clear();
        self.dropped_links.clear();
        self.promoted.iter_mut().for_each(PromotedColumn::clear);
    }
}
