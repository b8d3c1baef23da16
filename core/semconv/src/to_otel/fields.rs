//! What becomes a field of the log record or the name of its scope (mapping, sections 5 to 7).
//!
//! A field that the record has already is not overwritten: an equal value is
//! dropped, another one keeps its ECS name. Only the observed time is always
//! the event's, because every receiver sets one.

use otlp::Value;

use super::event::Field;
use super::place::{Level, Mapping};
use crate::convert::{text, unwrapped};
use crate::severity::number_of_level;
use crate::table::Entry;
use crate::time;

impl<'a> Mapping<'_, '_, 'a> {
    pub(super) fn time(&mut self, field: &Field<'a>) {
        let there = self.log.time_unix_nano();
        match read_time(field.value) {
            Some(time) if there == 0 => {
                self.log.set_time_unix_nano(time);
                self.remove(field);
            }
            Some(time) if there == time => self.remove(field),
            _ => self.keep_original(field),
        }
    }

    pub(super) fn observed_time(&mut self, field: &Field<'a>) {
        match read_time(field.value) {
            Some(time) => {
                self.log.set_observed_time_unix_nano(time);
                self.remove(field);
            }
            None => self.keep_original(field),
        }
    }

    /// The text; numbers come in [`Mapping::derive`], since other fields may supply them.
    pub(super) fn severity(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let Some(level) = text(self.arena, field.value) else {
            self.level = Level::Kept;
            return self.keep(field, entry);
        };
        if level.is_empty() {
            return self.remove(field);
        }
        let there = self.log.severity_text();
        if there == level {
            self.remove(field);
        } else if there.is_empty() && self.log.severity_number() == 0 {
            self.log.set_severity_text(level);
            self.remove(field);
        } else {
            self.level = Level::Kept;
            return self.keep(field, entry);
        }
        self.level = Level::Given(number_of_level(level));
    }

    /// Scalars as text, anything else structured.
    pub(super) fn body(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let body = match field.value {
            whole @ (Value::Array(_) | Value::Map(_) | Value::Bytes(_)) => whole,
            scalar => Value::String(text(self.arena, scalar).unwrap_or_default()),
        };
        match self.log.body().filter(|there| !there.is_empty()) {
            None => {
                self.log.set_body(body);
                self.remove(field);
            }
            Some(there) if there == body => self.remove(field),
            Some(_) => self.keep(field, entry),
        }
    }

    /// Exactly one name that is not empty.
    pub(super) fn event_name(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let there = self.log.event_name();
        match text(self.arena, field.value) {
            Some(name) if name.is_empty() || name == there => self.remove(field),
            Some(name) if there.is_empty() => {
                self.log.set_event_name(name);
                self.remove(field);
            }
            _ => self.keep(field, entry),
        }
    }

    pub(super) fn scope_name(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let there = self.log.scope().name();
        match text(self.arena, field.value) {
            Some(name) if name.is_empty() || name == there => self.remove(field),
            Some(name) if there.is_empty() => {
                self.log.scope().set_name(name);
                self.remove(field);
            }
            _ => self.keep(field, entry),
        }
    }

    /// 32 hex digits, or 16 padded on the left.
    pub(super) fn trace_id(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let id = text(self.arena, field.value).and_then(|digits| match digits.len() {
            16 => hex::<8>(digits).map(|low| {
                let mut id = [0; 16];
                id.iter_mut()
                    .skip(8)
                    .zip(low)
                    .for_each(|(to, from)| *to = from);
                id
            }),
            _ => hex::<16>(digits),
        });
        let there = self.log.trace_id();
        match id {
            Some(id) if there.is_empty() => {
                self.log.set_trace_id(Some(id));
                self.remove(field);
            }
            Some(id) if there == id => self.remove(field),
            _ => self.keep(field, entry),
        }
    }

    pub(super) fn span_id(&mut self, field: &Field<'a>, entry: &'static Entry) {
        let there = self.log.span_id();
        match text(self.arena, field.value).and_then(hex::<8>) {
            Some(id) if there.is_empty() => {
                self.log.set_span_id(Some(id));
                self.remove(field);
            }
            Some(id) if there == id => self.remove(field),
            _ => self.keep(field, entry),
        }
    }
}

fn read_time(value: Value<'_>) -> Option<u64> {
    match unwrapped(value)? {
        Value::String(text) => time::parse(text),
        Value::Int(millis) => time::from_millis(millis),
        Value::Double(millis) => time::from_millis_f64(millis),
        _ => None,
    }
}

/// Exactly `N` bytes in hex, of any case, not all zero.
pub(super) fn hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut id = [0; N];
    for (byte, [high, low]) in id.iter_mut().zip(pairs) {
        let digit = |d: u8| char::from(d).to_digit(16);
        *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
    }
    (id != [0; N]).then_some(id)
}
