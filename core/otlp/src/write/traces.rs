//! Spans from scratch.

use super::attributes::attribute_methods;
use super::envelope::{Envelope, envelope_methods};
use super::nest::{
    SMALL, close, open, put_some_bytes, put_some_fixed32, put_some_fixed64, put_some_int32,
    put_some_uint, remove_fields,
};
use super::nested::Sink;
use crate::{Signal, wire};

/// Writes a request of spans.
///
/// Call [`resource`](Self::resource), [`scope`](Self::scope) and
/// [`span`](Self::span) in the order in which they stand in the request.
#[derive(Debug, Default)]
pub struct TracesWriter {
    envelope: Envelope,
}

impl TracesWriter {
    envelope_methods!(Signal::Traces, "Spans");

    /// Appends a span to the current scope.
    #[inline]
    pub fn span(&mut self, write: impl FnOnce(&mut SpanWriter<'_>)) {
        let span = self.envelope.open_item();
        write(&mut SpanWriter {
            sink: &mut self.envelope.sink,
            content: span.content(),
            has_status: false,
        });
        self.envelope.close_item(span);
        self.envelope.items += 1;
    }
}

/// Writes the fields of one span.
#[derive(Debug)]
pub struct SpanWriter<'w> {
    sink: &'w mut Sink,
    /// Where the content of the span starts.
    content: usize,
    has_status: bool,
}

impl SpanWriter<'_> {
    attribute_methods!(9);

    /// The trace it belongs to.
    pub fn trace_id(&mut self, id: &[u8; 16]) {
        wire::put_bytes(&mut self.sink.bytes, 1, id);
    }

    /// Its own id.
    pub fn span_id(&mut self, id: &[u8; 8]) {
        wire::put_bytes(&mut self.sink.bytes, 2, id);
    }

    /// The W3C trace state.
    pub fn trace_state(&mut self, state: &str) {
        put_some_bytes(&mut self.sink.bytes, 3, state.as_bytes());
    }

    /// The id of its parent; none for a root.
    pub fn parent_span_id(&mut self, id: &[u8; 8]) {
        wire::put_bytes(&mut self.sink.bytes, 4, id);
    }

    /// Flags: the lowest eight bits are W3C trace flags.
    pub fn flags(&mut self, flags: u32) {
        put_some_fixed32(&mut self.sink.bytes, 16, flags);
    }

    /// The name of the operation.
    pub fn name(&mut self, name: &str) {
        put_some_bytes(&mut self.sink.bytes, 5, name.as_bytes());
    }

    /// The kind: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub fn kind(&mut self, kind: i32) {
        put_some_int32(&mut self.sink.bytes, 6, kind);
    }

    /// When it started, in nanoseconds since 1970.
    pub fn start_time_unix_nano(&mut self, time: u64) {
        put_some_fixed64(&mut self.sink.bytes, 7, time);
    }

    /// When it ended, in nanoseconds since 1970.
    pub fn end_time_unix_nano(&mut self, time: u64) {
        put_some_fixed64(&mut self.sink.bytes, 8, time);
    }

    /// How many attributes the source left out.
    pub fn dropped_attributes_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 10, u64::from(count));
    }

    /// Appends an event.
    pub fn event(&mut self, write: impl FnOnce(&mut EventWriter<'_>)) {
        let event = open(&mut self.sink.bytes, 11, SMALL);
        write(&mut EventWriter { sink: self.sink });
        close(&mut self.sink.bytes, event);
    }

    /// How many events the source left out.
    pub fn dropped_events_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 12, u64::from(count));
    }

    /// Appends a link to another span.
    pub fn link(&mut self, write: impl FnOnce(&mut LinkWriter<'_>)) {
        let link = open(&mut self.sink.bytes, 13, SMALL);
        write(&mut LinkWriter { sink: self.sink });
        close(&mut self.sink.bytes, link);
    }

    /// How many links the source left out.
    pub fn dropped_links_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 14, u64::from(count));
    }

    /// How it ended: 0 unset, 1 ok, 2 error; the message is for errors.
    pub fn status(&mut self, code: i32, message: &str) {
        let out = &mut self.sink.bytes;
        if std::mem::replace(&mut self.has_status, true) {
            remove_fields(out, self.content, &[15]);
        }
        let status = open(out, 15, SMALL);
        put_some_bytes(out, 2, message.as_bytes());
        put_some_int32(out, 3, code);
        close(out, status);
    }
}

/// Writes an event of a span.
#[derive(Debug)]
pub struct EventWriter<'w> {
    sink: &'w mut Sink,
}

impl EventWriter<'_> {
    attribute_methods!(3);

    /// When it happened, in nanoseconds since 1970.
    pub fn time_unix_nano(&mut self, time: u64) {
        put_some_fixed64(&mut self.sink.bytes, 1, time);
    }

    /// Its name.
    pub fn name(&mut self, name: &str) {
        put_some_bytes(&mut self.sink.bytes, 2, name.as_bytes());
    }

    /// How many attributes the source left out.
    pub fn dropped_attributes_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 4, u64::from(count));
    }
}

/// Writes a link of a span.
#[derive(Debug)]
pub struct LinkWriter<'w> {
    sink: &'w mut Sink,
}

impl LinkWriter<'_> {
    attribute_methods!(4);

    /// The trace of the other span.
    pub fn trace_id(&mut self, id: &[u8; 16]) {
        wire::put_bytes(&mut self.sink.bytes, 1, id);
    }

    /// The id of the other span.
    pub fn span_id(&mut self, id: &[u8; 8]) {
        wire::put_bytes(&mut self.sink.bytes, 2, id);
    }

    /// The W3C trace state of the other span.
    pub fn trace_state(&mut self, state: &str) {
        put_some_bytes(&mut self.sink.bytes, 3, state.as_bytes());
    }

    /// How many attributes the source left out.
    pub fn dropped_attributes_count(&mut self, count: u32) {
        put_some_uint(&mut self.sink.bytes, 5, u64::from(count));
    }

    /// Flags: the lowest eight bits are W3C trace flags.
    pub fn flags(&mut self, flags: u32) {
        put_some_fixed32(&mut self.sink.bytes, 6, flags);
    }
}
