//! The draft of a span, and of its events and links.

use super::Verdict;
use super::arena::Arena;
use super::attributes::AttributesDraft;
use super::message::Message;
use super::outer::{ResourceDraft, ScopeDraft};
use super::record::{Record, record_attributes, record_draft};
use crate::read::Decode;
use crate::wire::{put_bytes, put_uint};
use crate::{Span, Status};

/// Fields of `Span`.
const TRACE_ID: u32 = 1;
const SPAN_ID: u32 = 2;
const TRACE_STATE: u32 = 3;
const PARENT_SPAN_ID: u32 = 4;
const NAME: u32 = 5;
const KIND: u32 = 6;
const START: u32 = 7;
const END: u32 = 8;
pub(super) const ATTRIBUTES: u32 = 9;
const DROPPED: u32 = 10;
const EVENTS: u32 = 11;
const DROPPED_EVENTS: u32 = 12;
const LINKS: u32 = 13;
const DROPPED_LINKS: u32 = 14;
const STATUS: u32 = 15;
const FLAGS: u32 = 16;
/// Fields of `Span.Event`.
const EVENT_TIME: u32 = 1;
const EVENT_NAME: u32 = 2;
const EVENT_ATTRIBUTES: u32 = 3;
const EVENT_DROPPED: u32 = 4;
/// Fields of `Span.Link`.
const LINK_TRACE_ID: u32 = 1;
const LINK_SPAN_ID: u32 = 2;
const LINK_TRACE_STATE: u32 = 3;
const LINK_ATTRIBUTES: u32 = 4;
const LINK_DROPPED: u32 = 5;
const LINK_FLAGS: u32 = 6;
/// Fields of `Status`.
const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;

record_draft! {
    /// A span under edit.
    SpanDraft
}
record_attributes! { SpanDraft }

impl<'a> SpanDraft<'_, 'a> {
    /// The whole span as it is now. One forward pass; after a change the span is
    /// encoded first, so prefer the getters then.
    pub fn read(&mut self) -> Span<'a> {
        Span::decode(self.record.message.current(self.arena))
    }

    /// The status; `None` when the span has none.
    pub fn status(&mut self) -> Option<Status<'a>> {
        self.record
            .message
            .field(STATUS)
            .map(|field| Status::decode(field.bytes()))
    }

    /// Sets the status: `StatusCode` (0 unset, 1 ok, 2 error) and message.
    pub fn set_status(&mut self, code: i32, message: &str) {
        let status = self.arena.encode(|out| {
            if !message.is_empty() {
                put_bytes(out, STATUS_MESSAGE, message.as_bytes());
            }
            if code != 0 {
                put_uint(out, STATUS_CODE, i64::from(code) as u64);
            }
        });
        let field = self.arena.encode(|out| put_bytes(out, STATUS, status));
        self.record.message.set_field(STATUS, field);
    }

    /// Shows every event, in order; it can be changed or dropped.
    pub fn events(&mut self, mut look: impl FnMut(&mut EventDraft<'_, 'a>) -> Verdict) {
        let arena = self.arena;
        self.record
            .each_nested(EVENTS, EVENT_ATTRIBUTES, arena, |message| {
                look(&mut EventDraft { message, arena })
            });
    }

    /// Shows every link, in order; it can be changed or dropped.
    pub fn links(&mut self, mut look: impl FnMut(&mut LinkDraft<'_, 'a>) -> Verdict) {
        let arena = self.arena;
        self.record
            .each_nested(LINKS, LINK_ATTRIBUTES, arena, |message| {
                look(&mut LinkDraft { message, arena })
            });
    }
}

super::fields! { SpanDraft:
    id16 trace_id, set_trace_id = TRACE_ID, "the trace's id";
    id8 span_id, set_span_id = SPAN_ID, "the span's id";
    text trace_state, set_trace_state = TRACE_STATE, "the W3C trace state";
    id8 parent_span_id, set_parent_span_id = PARENT_SPAN_ID, "the parent's id";
    fixed32 flags, set_flags = FLAGS, "the W3C trace flags in the lowest 8 bits";
    text name, set_name = NAME, "the name";
    int32 kind, set_kind = KIND, "`SpanKind`, 1 to 5; 0 if unspecified";
    fixed64 start_time_unix_nano, set_start_time_unix_nano = START,
        "the start, nanoseconds since 1970";
    fixed64 end_time_unix_nano, set_end_time_unix_nano = END,
        "the end, nanoseconds since 1970";
    uint32 dropped_attributes_count, set_dropped_attributes_count = DROPPED,
        "how many attributes were discarded";
    uint32 dropped_events_count, set_dropped_events_count = DROPPED_EVENTS,
        "how many events were discarded";
    uint32 dropped_links_count, set_dropped_links_count = DROPPED_LINKS,
        "how many links were discarded";
}

/// An event of a span under edit.
#[derive(Debug)]
pub struct EventDraft<'d, 'a> {
    message: &'d mut Message<'a>,
    arena: &'a Arena,
}

/// A link of a span under edit.
#[derive(Debug)]
pub struct LinkDraft<'d, 'a> {
    message: &'d mut Message<'a>,
    arena: &'a Arena,
}

super::nested_draft! { EventDraft }
super::nested_draft! { LinkDraft }

super::fields! { EventDraft:
    fixed64 time_unix_nano, set_time_unix_nano = EVENT_TIME,
        "when it happened, nanoseconds since 1970";
    text name, set_name = EVENT_NAME, "the name";
    uint32 dropped_attributes_count, set_dropped_attributes_count = EVENT_DROPPED,
        "how many attributes were discarded";
}

super::fields! { LinkDraft:
    id16 trace_id, set_trace_id = LINK_TRACE_ID, "the id of the linked trace";
    id8 span_id, set_span_id = LINK_SPAN_ID, "the id of the linked span";
    text trace_state, set_trace_state = LINK_TRACE_STATE, "the W3C trace state";
    fixed32 flags, set_flags = LINK_FLAGS, "the W3C trace flags in the lowest 8 bits";
    uint32 dropped_attributes_count, set_dropped_attributes_count = LINK_DROPPED,
        "how many attributes were discarded";
}
