//! Log records from scratch.

use super::attributes::attribute_methods;
use super::envelope::{Envelope, envelope_methods};
use super::nest::{
    put_some_bytes, put_some_fixed32, put_some_fixed64, put_some_int32, put_some_uint,
    remove_fields,
};
use super::nested::{Sink, ValueWriter};
use super::value::put_value;
use crate::{Signal, Value, wire};

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
    envelope_methods!(Signal::Logs, "Records");

    /// Appends a record to the current scope.
    #[inline]
    pub fn record(&mut self, write: impl FnOnce(&mut LogWriter<'_>)) {
        let record = self.envelope.open_item();
        write(&mut LogWriter {
            sink: &mut self.envelope.sink,
            content: record.content(),
            has_body: false,
        });
        self.envelope.close_item(record);
        self.envelope.items += 1;
    }
}

/// Writes the fields of one log record.
#[derive(Debug)]
pub struct LogWriter<'w> {
    sink: &'w mut Sink,
    /// Where the content of the record starts.
    content: usize,
    has_body: bool,
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
        self.replace_body();
        put_value(&mut self.sink.bytes, 5, value);
    }

    /// The body, as `write` writes it.
    pub fn body_with(&mut self, write: impl FnOnce(&mut ValueWriter<'_>)) {
        self.replace_body();
        self.sink.value_with(5, 0, write);
    }

    /// Takes out a body that was written before.
    fn replace_body(&mut self) {
        if std::mem::replace(&mut self.has_body, true) {
            remove_fields(&mut self.sink.bytes, self.content, &[5]);
        }
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
