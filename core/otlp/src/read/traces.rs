use super::messages::{Decode, Extent, Messages};
use super::value::Attributes;
use crate::wire::Fields;

/// One span. Absent fields read as zero or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span<'a> {
    /// 16 bytes or none.
    pub trace_id: &'a [u8],
    /// 8 bytes or none.
    pub span_id: &'a [u8],
    /// The W3C `tracestate`.
    pub trace_state: &'a str,
    /// 8 bytes; none for a root span.
    pub parent_span_id: &'a [u8],
    /// The W3C trace flags in the lowest 8 bits, then whether parent is remote.
    pub flags: u32,
    /// The name of the operation.
    pub name: &'a str,
    /// `SpanKind`: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// How many attributes the producer discarded.
    pub dropped_attributes_count: u32,
    /// How many events the producer discarded.
    pub dropped_events_count: u32,
    /// How many links the producer discarded.
    pub dropped_links_count: u32,
    status: Option<Status<'a>>,
    attributes: Attributes<'a>,
    events: Extent,
    links: Extent,
    encoded: &'a [u8],
}

impl<'a> Span<'a> {
    /// Its attributes.
    #[inline]
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }

    /// What happened during the span.
    #[inline]
    pub fn events(&self) -> Messages<'a, Event<'a>> {
        self.events.messages(self.encoded, 11)
    }

    /// Spans of this or other traces that it is related to.
    #[inline]
    pub fn links(&self) -> Messages<'a, Link<'a>> {
        self.links.messages(self.encoded, 13)
    }

    /// How it ended, if it said so.
    #[inline]
    pub const fn status(&self) -> Option<Status<'a>> {
        self.status
    }

    /// The content of the `Span` message.
    #[inline]
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl<'a> Decode<'a> for Span<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut span = Span {
            encoded: message,
            ..Span::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => span.trace_id = field.bytes(),
                2 => span.span_id = field.bytes(),
                3 => span.trace_state = field.str(),
                4 => span.parent_span_id = field.bytes(),
                5 => span.name = field.str(),
                6 => span.kind = field.i32(),
                7 => span.start_time_unix_nano = field.u64(),
                8 => span.end_time_unix_nano = field.u64(),
                9 => attributes.include(&field),
                10 => span.dropped_attributes_count = field.u32(),
                11 => span.events.include(&field),
                12 => span.dropped_events_count = field.u32(),
                13 => span.links.include(&field),
                14 => span.dropped_links_count = field.u32(),
                15 => span.status = Some(Status::decode(field.bytes())),
                16 => span.flags = field.u32(),
                _ => {}
            }
        }
        span.attributes = attributes.attributes(message, 9);
        span
    }
}

/// How a span ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status<'a> {
    /// `StatusCode`: 0 unset, 1 ok, 2 error.
    pub code: i32,
    /// Why, for people.
    pub message: &'a str,
}

impl<'a> Decode<'a> for Status<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut status = Status::default();
        for field in Fields::new(message) {
            match field.number {
                2 => status.message = field.str(),
                3 => status.code = field.i32(),
                _ => {}
            }
        }
        status
    }
}

/// Something that happened during a span.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The name of the event.
    pub name: &'a str,
    /// How many attributes the producer discarded.
    pub dropped_attributes_count: u32,
    attributes: Attributes<'a>,
}

impl<'a> Event<'a> {
    /// Its attributes.
    #[inline]
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }
}

impl<'a> Decode<'a> for Event<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut event = Event::default();
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => event.time_unix_nano = field.u64(),
                2 => event.name = field.str(),
                3 => attributes.include(&field),
                4 => event.dropped_attributes_count = field.u32(),
                _ => {}
            }
        }
        event.attributes = attributes.attributes(message, 3);
        event
    }
}

/// A span that a span is related to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link<'a> {
    /// 16 bytes or none.
    pub trace_id: &'a [u8],
    /// 8 bytes or none.
    pub span_id: &'a [u8],
    /// The W3C `tracestate`.
    pub trace_state: &'a str,
    /// How many attributes the producer discarded.
    pub dropped_attributes_count: u32,
    /// The W3C trace flags in the lowest 8 bits.
    pub flags: u32,
    attributes: Attributes<'a>,
}

impl<'a> Link<'a> {
    /// Its attributes.
    #[inline]
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }
}

impl<'a> Decode<'a> for Link<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut link = Link::default();
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => link.trace_id = field.bytes(),
                2 => link.span_id = field.bytes(),
                3 => link.trace_state = field.str(),
                4 => attributes.include(&field),
                5 => link.dropped_attributes_count = field.u32(),
                6 => link.flags = field.u32(),
                _ => {}
            }
        }
        link.attributes = attributes.attributes(message, 4);
        link
    }
}
