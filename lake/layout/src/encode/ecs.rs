//! Rows of `ecs_events`: flat columns, labels, and one JSON object for everything else.

use arrow_array::ArrayRef;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_schema::ArrowError;
use otlp::{LogRecord, Payload, Value};

use super::days::Rows;
use super::facts::Facts;
use super::{EcsName, Origin, Refused, Writer};
use crate::build::{Maps, Numbers, Order, Ranks, Text, TextLists, numbers_as};
use crate::column::timestamp;
use crate::names::Names;
use crate::promote::{push_text, to_long};
use crate::reject::Reason;
use crate::sort::sorted;
use crate::tables::{ECS_COLUMNS, EcsKind, TableSpec};
use crate::time::{EventTime, micros};
use crate::value::{json, push_json_text, render};

pub(super) struct EcsRows {
    time_unix_nano: Numbers<Int64Type>,
    columns: Vec<EcsColumn>,
    labels: Maps,
    extra: Text,
}

enum EcsColumn {
    Text(Text),
    Long(Numbers<Int64Type>),
    Int(Numbers<Int32Type>),
    TextList(TextLists),
}

/// What is looked at for every record.
struct Walk<'a> {
    names: Names,
    ecs_name: Option<EcsName>,
    /// Values for the flat columns, by position.
    record: Vec<Option<Value<'a>>>,
    resource: Vec<Option<Value<'a>>>,
    /// The resource's other attributes as the inside of a JSON object.
    resource_extra: String,
    resource_refused: bool,
}

/// Adds the records of `payload`; how many there were. Keys cannot repeat in the columns.
pub(super) fn append(
    writer: &mut Writer<EcsRows>,
    payload: &Payload,
    origin: Origin<'_>,
    refused: &mut Refused,
) -> (usize, u64) {
    let mut walk = Walk {
        names: Names::new(ECS_COLUMNS.iter().map(|&(field, _, _)| field)),
        ecs_name: origin.ecs_name,
        record: vec![None; ECS_COLUMNS.len()],
        resource: vec![None; ECS_COLUMNS.len()],
        resource_extra: String::new(),
        resource_refused: false,
    };
    let mut index = 0;
    for resource in payload.logs() {
        walk.set_resource(resource.resource(), origin);
        for scope in resource.scopes() {
            for record in scope.records() {
                if let Err(reason) = walk.push(&mut writer.days, &record, origin) {
                    refused.push((index, reason));
                }
                index += 1;
            }
        }
    }
    (index, 0)
}

impl<'a> Walk<'a> {
    fn ecs_name(&self, key: &'a str) -> &'a str {
        self.ecs_name.and_then(|name| name(key)).unwrap_or(key)
    }

    fn set_resource(&mut self, resource: otlp::Resource<'a>, origin: Origin<'_>) {
        self.resource.fill(None);
        self.resource_extra.clear();
        self.resource_refused = false;
        for entry in resource.attributes() {
            let key = self.ecs_name(entry.key);
            if let Some(slot) = self.names.find(key) {
                let slot = &mut self.resource[slot];
                *slot = slot.or(Some(entry.value));
                continue;
            }
            let out = &mut self.resource_extra;
            member(key, entry.value, origin.max_depth, out)
                .unwrap_or_else(|()| self.resource_refused = true);
        }
    }

    fn push(
        &mut self,
        days: &mut super::Days<EcsRows>,
        record: &LogRecord<'a>,
        origin: Origin<'_>,
    ) -> Result<(), Reason> {
        let limit = origin.max_depth;
        let too_deep = |field| Reason::TooDeep { field, limit };
        if self.resource_refused {
            return Err(too_deep("an attribute of the resource"));
        }
        let times = [
            ("time_unix_nano", record.time_unix_nano),
            ("observed_time_unix_nano", record.observed_time_unix_nano),
        ];
        let time = EventTime::of(&times, origin.ingest)?;
        let rows = days.at(time.day());
        let row = rows.time_unix_nano.len();
        if self.push_open_ended(rows, record, limit).is_err() {
            rows.labels.truncate(row);
            rows.extra.truncate(row);
            return Err(too_deep("an attribute"));
        }
        rows.time_unix_nano.push(time.nanos);
        Ok(())
    }

    /// Flat columns, labels and the rest.
    fn push_open_ended(
        &mut self,
        rows: &mut EcsRows,
        record: &LogRecord<'a>,
        limit: usize,
    ) -> Result<(), ()> {
        self.record.fill(None);
        let row = rows.extra.len();
        rows.extra.open().push('{');
        for entry in record.attributes() {
            let key = self.ecs_name(entry.key);
            if let Some(slot) = self.names.find(key)
                && self.record[slot].is_none()
            {
                if fits(ECS_COLUMNS[slot].2, entry.value) {
                    self.record[slot] = Some(entry.value);
                    continue;
                }
            } else if let Some(label) = key.strip_prefix("labels.") {
                let pushed = rows.labels.push_entry(label, entry.value, limit);
                pushed.map_err(|_| ())?;
                continue;
            }
            member(key, entry.value, limit, rows.extra.open())?;
        }
        rows.labels.close();
        self.fill_from_record(record);
        self.finish_extra(rows, record, row)?;
        // Nothing can fail from here on, so that all columns stay of one length.
        for (position, column) in rows.columns.iter_mut().enumerate() {
            column.push(self.record[position].or(self.resource[position]));
        }
        Ok(())
    }

    /// Fields of the record itself stand in for attributes that are not there.
    fn fill_from_record(&mut self, record: &LogRecord<'a>) {
        for (field, value) in [
            ("event.action", Value::String(record.event_name)),
            ("log.level", Value::String(record.severity_text)),
            ("message", record.body.unwrap_or(Value::Empty)),
        ] {
            let empty = matches!(value, Value::Empty | Value::String(""));
            if let Some(slot) = self.names.find(field)
                && self.record[slot].is_none()
                && !empty
            {
                self.record[slot] = Some(value);
            }
        }
    }

    /// Trace context and the resource's other attributes, and the end of the object.
    fn finish_extra(
        &self,
        rows: &mut EcsRows,
        record: &LogRecord<'a>,
        row: usize,
    ) -> Result<(), ()> {
        for (key, id) in [("trace.id", record.trace_id), ("span.id", record.span_id)] {
            if !id.is_empty() {
                comma(rows.extra.open());
                push_json_text(key, rows.extra.open());
                let out = rows.extra.open();
                out.push_str(":\"");
                out.extend(id.iter().flat_map(|b| hex(*b)));
                out.push('"');
            }
        }
        if !self.resource_extra.is_empty() {
            let out = rows.extra.open();
            comma(out);
            out.push_str("\"resource\":{");
            out.push_str(&self.resource_extra);
            out.push('}');
        }
        let out = rows.extra.open();
        if out.ends_with('{') {
            rows.extra.truncate(row);
            rows.extra.push_null();
        } else {
            out.push('}');
            rows.extra.close();
        }
        Ok(())
    }
}

/// Appends `"key":value` to the inside of an object.
fn member(key: &str, value: Value<'_>, limit: usize, out: &mut String) -> Result<(), ()> {
    comma(out);
    push_json_text(key, out);
    out.push(':');
    json(value, limit, out).map_err(|_| ())
}

/// A comma unless a member or an object was just begun.
fn comma(out: &mut String) {
    if !matches!(out.as_bytes().last(), None | Some(b'{')) {
        out.push(',');
    }
}

fn hex(byte: u8) -> [char; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 15].map(|nibble| char::from(DIGITS[usize::from(nibble)]))
}

/// Whether a column of this kind can hold the value; otherwise it is kept with everything else.
fn fits(kind: EcsKind, value: Value<'_>) -> bool {
    match kind {
        EcsKind::Text => true,
        EcsKind::Long => to_long(value).is_some(),
        EcsKind::Int => to_long(value).is_some_and(|n| i32::try_from(n).is_ok()),
        EcsKind::TextList => !matches!(value, Value::Map(_)),
    }
}

impl EcsColumn {
    fn new(kind: EcsKind) -> Self {
        match kind {
            EcsKind::Text => Self::Text(Text::default()),
            EcsKind::Long => Self::Long(Numbers::default()),
            EcsKind::Int => Self::Int(Numbers::default()),
            EcsKind::TextList => Self::TextList(TextLists::default()),
        }
    }

    fn push(&mut self, value: Option<Value<'_>>) {
        match (self, value) {
            (Self::Text(column), Some(value)) => push_text(value, column),
            (Self::Text(column), None) => column.push_null(),
            (Self::Long(column), value) => column.push_option(value.and_then(to_long)),
            (Self::Int(column), value) => {
                let number = value.and_then(to_long);
                column.push_option(number.and_then(|n| i32::try_from(n).ok()));
            }
            (Self::TextList(column), Some(value)) => push_list(value, column),
            (Self::TextList(column), None) => column.push_null(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Text(column) => column.size(),
            Self::Long(column) => column.size(),
            Self::Int(column) => column.size(),
            Self::TextList(column) => column.size(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Text(column) => column.clear(),
            Self::Long(column) => column.clear(),
            Self::Int(column) => column.clear(),
            Self::TextList(column) => column.clear(),
        }
    }

    fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Text(column) => column.gather(order),
            Self::Long(column) => Ok(column.gather(order)),
            Self::Int(column) => Ok(column.gather(order)),
            Self::TextList(column) => column.gather(order),
        }
    }
}

/// A list of texts; a single value is a list of one.
fn push_list(value: Value<'_>, column: &mut TextLists) {
    let depth = otlp::limits::MAX_VALUE_DEPTH;
    let mut push = |item| {
        let pushed = render(item, depth, column.items.open());
        column.items.close();
        pushed.is_ok()
    };
    let whole = match value {
        Value::Array(items) => items.into_iter().all(&mut push),
        Value::Empty => false,
        single => push(single),
    };
    if whole {
        column.close();
    } else {
        column.rewind();
        column.push_null();
    }
}

impl Rows for EcsRows {
    fn new(_: &TableSpec) -> Self {
        Self {
            time_unix_nano: Numbers::default(),
            columns: ECS_COLUMNS
                .iter()
                .map(|&(_, _, kind)| EcsColumn::new(kind))
                .collect(),
            labels: Maps::default(),
            extra: Text::default(),
        }
    }

    fn len(&self) -> usize {
        self.time_unix_nano.len()
    }

    fn size(&self) -> usize {
        self.time_unix_nano.size() * 2
            + self.columns.iter().map(EcsColumn::size).sum::<usize>()
            + self.labels.size()
            + self.extra.size()
    }

    fn fill(&mut self, _: &Facts, _: Origin<'_>) {}

    fn sorted(&self) -> Vec<usize> {
        let mut columns = ECS_COLUMNS.iter().zip(&self.columns);
        let service = columns.find_map(|((field, _, _), column)| match column {
            EcsColumn::Text(text) if *field == "service.name" => Some(Ranks::of(text)),
            _ => None,
        });
        let rank = |row| service.as_ref().map_or(0, |ranks| ranks.at(row));
        sorted((0..self.len()).map(|row| (rank(row), self.time_unix_nano.get(row))))
    }

    fn gather(&self, order: &Order) -> Result<Vec<ArrayRef>, ArrowError> {
        let ts = order.runs().flatten();
        let ts = ts.map(|row| micros(self.time_unix_nano.get(row))).collect();
        let mut columns = vec![
            numbers_as::<TimestampMicrosecondType>(ts, timestamp()),
            self.time_unix_nano.gather(order),
        ];
        for column in &self.columns {
            columns.push(column.gather(order)?);
        }
        columns.push(self.labels.gather(order)?);
        columns.push(self.extra.gather(order)?);
        Ok(columns)
    }

    fn clear(&mut self) {
        self.time_unix_nano.clear();
        self.columns.iter_mut().for_each(EcsColumn::clear);
        self.labels.clear();
        self.extra.clear();
    }
}
