//! The draft of a log record.

use super::arena::Arena;
use super::attributes::AttributesDraft;
use super::message::Message;
use super::outer::{ResourceDraft, ScopeDraft};
use super::record::{Record, record_attributes, record_draft};
use crate::read::Decode;
use crate::wire::put_bytes;
use crate::write::ValueWriter;
use crate::{LogRecord, Value};

/// Fields of `LogRecord`.
const TIME: u32 = 1;
const SEVERITY_NUMBER: u32 = 2;
const SEVERITY_TEXT: u32 = 3;
const BODY: u32 = 5;
pub(super) const ATTRIBUTES: u32 = 6;
const DROPPED: u32 = 7;
const FLAGS: u32 = 8;
const TRACE_ID: u32 = 9;
const SPAN_ID: u32 = 10;
const OBSERVED: u32 = 11;
const EVENT_NAME: u32 = 12;

record_draft! {
    /// A log record under edit.
    ///
    /// Looking at fields costs one walk over the record, looking at attributes
    /// another one; a record that no setter touched is copied as it came.
    LogDraft
}

record_attributes! { LogDraft }

impl<'a> LogDraft<'_, 'a> {
    /// The whole record as it is now. One forward pass; after a change the
    /// record is encoded first, so prefer the getters then.
    pub fn read(&mut self) -> LogRecord<'a> {
        LogRecord::decode(self.record.message.current(self.arena))
    }

    /// The body; `None` when the record has none.
    pub fn body(&mut self) -> Option<Value<'a>> {
        self.record
            .message
            .field(BODY)
            .map(|field| Value::decode(field.bytes()))
    }

    /// Sets the body.
    pub fn set_body(&mut self, body: Value<'_>) {
        let body = self.arena.any_value(body);
        self.put_body(body);
    }

    /// Sets the body to a value that `write` writes.
    pub fn set_body_with(&mut self, write: impl FnOnce(&mut ValueWriter<'_>)) {
        let body = self.arena.any_value_with(write);
        self.put_body(body);
    }

    fn put_body(&mut self, body: &'a [u8]) {
        let field = self.arena.encode(|out| put_bytes(out, BODY, body));
        self.record.message.set_field(BODY, field);
    }

    /// Removes the body and returns it.
    pub fn take_body(&mut self) -> Option<Value<'a>> {
        let body = self.body();
        if body.is_some() {
            self.record.message.clear_field(BODY);
        }
        body
    }
}

super::fields! { LogDraft:
    fixed64 time_unix_nano, set_time_unix_nano = TIME,
        "when it happened, nanoseconds since 1970; 0 if unknown";
    fixed64 observed_time_unix_nano, set_observed_time_unix_nano = OBSERVED,
        "when the collection system saw it, nanoseconds since 1970";
    int32 severity_number, set_severity_number = SEVERITY_NUMBER,
        "`SeverityNumber`, 1 to 24; 0 if unspecified";
    text severity_text, set_severity_text = SEVERITY_TEXT,
        "the severity as the source spells it";
    text event_name, set_event_name = EVENT_NAME,
        "the name of the event; empty if this is a plain log record";
    uint32 dropped_attributes_count, set_dropped_attributes_count = DROPPED,
        "how many attributes were discarded";
    fixed32 flags, set_flags = FLAGS,
        "the W3C trace flags in the lowest 8 bits";
    id16 trace_id, set_trace_id = TRACE_ID,
        "the trace's id";
    id8 span_id, set_span_id = SPAN_ID,
        "the span's id";
}
