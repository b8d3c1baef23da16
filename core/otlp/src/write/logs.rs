//! Log records from scratch.

use super::attributes::attribute_methods;
use super::envelope::Envelope;
use super::nest::{put_some_bytes, put_some_fixed32, put_some_fixed64, put_some_int32, put_some_uint};
use super::nested::{Sink, ValueWriter};
use super::resource::{ResourceWriter, ScopeWriter};
use super::value::put_value;
use crate::{Payload, Signal, Value, wire};

/// Writes a request of log records.
///
/// Call [`resource`](Self::resource), [`scope`](Self::scope) and
/// [`record`](Self::record) in the order in which they stand in the request. A
/// record belongs to the last scope, a scope to the last resource; either may
/// be left out.
#[derive(Debug, Default)]
pub struct LogsWriter {
    envelope: Envelope,
}

impl LogsWriter {
    /// A writer without anything written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a group of records of one resource.
    pub fn resource(&mut self, write: impl FnOnce(&mut ResourceWriter<'_>)) {
        self.envelope.resource(write);
    }

    /// Starts a group of records of one scope, inside the current resource.
    pub fn scope(&mut self, write: impl FnOnce(&mut ScopeWriter<'_>)) {
        self.envelope.scope(write);
    }

    /// Appends a record to the current scope.
    #[inline]
    pub fn record(&mut self, write: impl FnOnce(&mut LogWriter<'_>)) {
        let record = self.envelope.open_item();
        write(&mut LogWriter { sink: &mut self.envelope.sink });
        self.envelope.close_item(record);
        self.envelope.items += 1;
    }

    /// Records since the last [`finish`](Self::finish).
    pub fn items(&self) -> usize {
        self.envelope.items
    }

    /// Bytes since the last [`finish`](Self::finish): a little less than the payload will have.
    pub fn size(&self) -> usize {
        self.envelope.sink.bytes.len()
    }

    /// Arrays and maps since the last [`finish`](Self::finish) that became empty values, because
    /// their members would be deeper than [`MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH).
    pub fn too_deep(&self) -> usize {
        self.envelope.sink.too_deep
    }

    /// What was written since the last call; the writer can be used again.
    pub fn finish(&mut self) -> Payload {
        let (bytes, items) = self.envelope.finish();
        Payload::from_valid(Signal::Logs, bytes, items)
    }
}

/// Writes the fields of one log record.
#[derive(Debug)]
pub struct LogWriter<'w> {
    sink: &'w mut Sink,
}

impl LogWriter<'_> {
    attribute_methods!(6);

    /// When it happened, in nanoseconds since 1970; 0 when unknown.
    pub fn time_unix_nano(&mut self, time: u64) {
        put_some_fixed64(&mut self.sink.bytes, 1, time);
    }

    /// When it was first seen by a collector, in nanoseconds since 1970.
    pub fn observed_time_unix_nano(&mut self, time: u64) {
        put_some_fixed64(&mut self.sink.bytes, 11, time);
    }

    /// The severity, 1 (trace) to 24 (fatal 4); 0 when unknown.
    pub fn severity_number(&mut self, number: i32) {
        put_some_int32(&mut self.sink.bytes, 2, number);
    }

    /// The severity as the source called it.
    pub fn severity_text(&mut self, text: &str) {
        put_some_bytes(&mut self.sink.bytes, 3, text.as_bytes());
    }

    /// The body.
    pub fn body(&mut self, value: Value<'_>) {
        put_value(&mut self.sink.bytes, 5, value);
    }

    /// The body, as `write` writes it.
    pub fn body_with(&mut self, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.sink.value_with(5, 0, write);
    }

    /// How many attributes the source left out.
    pub fn dropped_attributes_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 7, u64::from(count));
    }

    /// Flags: the lowest eight bits are W3C trace flags.
    pub fn flags(&mut self, flags: u32) {
        put_some_fixed32(&mut self.sink.bytes, 8, flags);
    }

    /// The trace it belongs to.
    pub fn trace_id(&mut self, id: &[u8; 16]) {
        wire::put_bytes(&mut self.sink.bytes, 9, id);
    }

    /// The span it belongs to.
    pub fn span_id(&mut self, id: &[u8; 8]) {
        wire::put_bytes(&mut self.sink.bytes, 10, id);
    }

    /// The name of the event; an event is a record that has one.
    pub fn event_name(&mut self, name: &str) {
        put_some_bytes(&mut self.sink.bytes, 12, name.as_bytes());
    }
}
