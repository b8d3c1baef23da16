//! OTLP log records to flat ECS (mapping, section 15).
//!
//! Exporters that write ECS call [`from_otel`] for each record and get pairs of
//! ECS path and value. The fields of the record come first, then its
//! attributes, then those of its resource; a path comes once. [`ToEcs`] does
//! the same inside a pipeline.
//!
//! An attribute that has an ECS name already owns it; one that would become
//! that name keeps its own, unless the values are equal.

mod attributes;
mod edit;
mod json;
mod record;
mod value;

use otlp::{KeyValue, LogRecord, Value};

pub use edit::ToEcs;
pub use value::EcsValue;

/// The fields of a log record and what stands around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    /// Nanoseconds since 1970; 0 when unknown.
    pub time_unix_nano: u64,
    /// Nanoseconds since 1970; 0 when unknown.
    pub observed_time_unix_nano: u64,
    /// 1 to 24; 0 when unspecified.
    pub severity_number: i32,
    /// As the source spells it.
    pub severity_text: &'a str,
    /// The body.
    pub body: Option<Value<'a>>,
    /// 16 bytes or none.
    pub trace_id: &'a [u8],
    /// 8 bytes or none.
    pub span_id: &'a [u8],
    /// The name of the event.
    pub event_name: &'a str,
    /// The name of the instrumentation scope.
    pub scope_name: &'a str,
}

impl<'a> Fields<'a> {
    /// Of a record in a scope of this name.
    pub fn of(record: &LogRecord<'a>, scope_name: &'a str) -> Self {
        Fields {
            time_unix_nano: record.time_unix_nano,
            observed_time_unix_nano: record.observed_time_unix_nano,
            severity_number: record.severity_number,
            severity_text: record.severity_text,
            body: record.body,
            trace_id: record.trace_id,
            span_id: record.span_id,
            event_name: record.event_name,
            scope_name,
        }
    }
}

/// Gives every ECS field of a record to `sink`: its path, and its value.
///
/// Both are valid during the call only. Nothing is allocated unless a body has
/// to be written as JSON, or there are container labels or environment variables.
pub fn from_otel<'a>(
    fields: &Fields<'a>,
    record: impl Iterator<Item = KeyValue<'a>>,
    resource: impl Iterator<Item = KeyValue<'a>>,
    mut sink: impl FnMut(&str, EcsValue<'_>),
) {
    let mut all = attributes::All::gather(record, resource);
    record::fields(fields, &mut all, &mut sink);
    all.emit(&mut sink);
}
