//! Rows of `otel_logs`.

use arrow_array::ArrayRef;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_schema::ArrowError;
use otlp::{LogRecord, Payload, Value};

use super::days::Rows;
use super::facts::{Facts, Slots};
use super::head::Head;
use super::{Origin, Refused, Writer};
use crate::build::{Maps, Numbers, Order, SpanIds, Text, TraceIds};
use crate::promote::{PromotedColumn, Promotions};
use crate::reject::Reason;
use crate::sort::sorted;
use crate::tables::TableSpec;
use crate::time::{EventTime, optional_nanos};
use crate::value::{render, type_name};

pub(super) struct LogRows {
    head: Head,
    observed: Numbers<Int64Type>,
    severity_number: Numbers<Int32Type>,
    severity_text: Text,
    event_name: Text,
    body: Text,
    body_type: Text,
    attributes: Maps,
    trace_id: TraceIds,
    span_id: SpanIds,
    flags: Numbers<Int32Type>,
    dropped_attributes: Numbers<Int32Type>,
    promoted: Vec<PromotedColumn>,
}

/// Adds the records of `payload`; how many there were, and how many repeated keys were left out.
pub(super) fn append(
    writer: &mut Writer<LogRows>,
    payload: &Payload,
    origin: Origin<'_>,
    refused: &mut Refused,
) -> (usize, u64) {
    let Writer { facts, days, spec } = writer;
    let promotions = spec.promotions();
    let mut slots = Slots::new(promotions);
    let mut index = 0;
    let mut duplicates = 0;
    for resource in payload.logs() {
        facts.set_resource(resource.resource(), resource.schema_url(), origin);
        slots.set_resource(resource.resource().attributes(), promotions);
        for scope in resource.scopes() {
            facts.set_scope(scope.scope(), origin);
            for record in scope.records() {
                let pushed = facts.check().and_then(|()| {
                    let times = [
                        ("time_unix_nano", record.time_unix_nano),
                        ("observed_time_unix_nano", record.observed_time_unix_nano),
                    ];
                    let time = EventTime::of(&times, origin.ingest)?;
                    let rows = days.at(time.day());
                    rows.push(&record, time, index, origin, promotions, &mut slots)?;
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

impl LogRows {
    #[inline]
    fn push<'a>(
        &mut self,
        record: &LogRecord<'a>,
        time: EventTime,
        index: usize,
        origin: Origin<'_>,
        promotions: &Promotions,
        slots: &mut Slots<'a>,
    ) -> Result<(), Reason> {
        let observed = optional_nanos("observed_time_unix_nano", record.observed_time_unix_nano)?;
        self.push_values(record, origin, promotions, slots)?;
        self.head.push(time, index);
        self.observed.push_option(observed);
        self.severity_number.push(record.severity_number);
        self.severity_text.push_or_null(record.severity_text);
        self.event_name.push_or_null(record.event_name);
        self.trace_id.push(record.trace_id);
        self.span_id.push(record.span_id);
        self.flags.push(record.flags.cast_signed());
        self.dropped_attributes
            .push(record.dropped_attributes_count.cast_signed());
        Ok(())
    }

    /// Attributes, body and promoted columns: what may nest too deep. Leaves nothing on an error.
    #[inline]
    fn push_values<'a>(
        &mut self,
        record: &LogRecord<'a>,
        origin: Origin<'_>,
        promotions: &Promotions,
        slots: &mut Slots<'a>,
    ) -> Result<(), Reason> {
        let row = self.head.len();
        let limit = origin.max_depth;
        let attributes = record.attributes();
        let pushed = if promotions.is_empty() {
            self.attributes.push_row(attributes, limit, |_, _| {})
        } else {
            slots.start_record();
            self.attributes.push_row(attributes, limit, |key, value| {
                slots.see(key, value, promotions);
            })
        };
        pushed.map_err(|_| Reason::TooDeep {
            field: "an attribute",
            limit,
        })?;
        let body = record.body.unwrap_or(Value::Empty);
        if body.is_empty() {
            self.body.push_null();
        } else if render(body, limit, self.body.open()).is_ok() {
            self.body.close();
        } else {
            self.body.truncate(row);
            self.attributes.truncate(row);
            return Err(Reason::TooDeep {
                field: "the body",
                limit,
            });
        }
        self.body_type.push_or_null(type_name(body));
        for (column, value) in self.promoted.iter_mut().zip(slots.values()) {
            column.push(value);
        }
        Ok(())
    }
}

impl Rows for LogRows {
    fn new(spec: &TableSpec) -> Self {
        Self {
            head: Head::default(),
            observed: Numbers::default(),
            severity_number: Numbers::default(),
            severity_text: Text::default(),
            event_name: Text::default(),
            body: Text::default(),
            body_type: Text::default(),
            attributes: Maps::default(),
            trace_id: TraceIds::default(),
            span_id: SpanIds::default(),
            flags: Numbers::default(),
            dropped_attributes: Numbers::default(),
            promoted: spec.promotions().builders(),
        }
    }

    fn len(&self) -> usize {
        self.head.len()
    }

    fn size(&self) -> usize {
        self.head.size()
            + self.observed.size()
            + self.severity_number.size() * 3
            + self.severity_text.size()
            + self.event_name.size()
            + self.body.size()
            + self.body_type.size()
            + self.attributes.size()
            + self.trace_id.size()
            + self.span_id.size()
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
            self.observed.gather(order),
            self.severity_number.gather(order),
            self.severity_text.gather(order)?,
            self.event_name.gather(order)?,
            self.body.gather(order)?,
            self.body_type.gather(order)?,
            self.attributes.gather(order)?,
            self.trace_id.gather(order)?,
            self.span_id.gather(order)?,
            self.flags.gather(order),
            self.dropped_attributes.gather(order),
        ]);
        for column in &self.promoted {
            columns.push(column.gather(order)?);
        }
        Ok(columns)
    }

    fn clear(&mut self) {
        self.head.clear();
        self.observed.clear();
        self.severity_number.clear();
        self.severity_text.clear();
        self.event_name.clear();
        self.body.clear();
        self.body_type.clear();
        self.attributes.clear();
        self.trace_id.clear();
        self.span_id.clear();
        self.flags.clear();
        self.dropped_attributes.clear();
        self.promoted.iter_mut().for_each(PromotedColumn::clear);
    }
}
