use super::messages::{Decode, Extent};
use super::value::{Attributes, Value};
use crate::wire::Fields;

/// One log record. Absent fields read as zero or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogRecord<'a> {
    /// When it happened, nanoseconds since 1970; 0 if unknown.
    pub time_unix_nano: u64,
    /// When the collection system saw it, nanoseconds since 1970.
    pub observed_time_unix_nano: u64,
    /// `SeverityNumber`, 1 to 24; 0 if unspecified.
    pub severity_number: i32,
    /// The severity as the source spells it.
    pub severity_text: &'a str,
    /// The body.
    pub body: Option<Value<'a>>,
    /// How many attributes the producer discarded.
    pub dropped_attributes_count: u32,
    /// The W3C trace flags in the lowest 8 bits.
    pub flags: u32,
    /// 16 bytes or none.
    pub trace_id: &'a [u8],
    /// 8 bytes or none.
    pub span_id: &'a [u8],
    /// The name of the event; empty if this is a plain log record.
    pub event_name: &'a str,
    attributes: Attributes<'a>,
    encoded: &'a [u8],
}

impl<'a> LogRecord<'a> {
    /// Its attributes.
    #[inline]
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }

    /// The content of the `LogRecord` message.
    #[inline]
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl<'a> Decode<'a> for LogRecord<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut record = LogRecord {
            encoded: message,
            ..LogRecord::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => record.time_unix_nano = field.u64(),
                2 => record.severity_number = field.i32(),
                3 => record.severity_text = field.str(),
                5 => record.body = Some(Value::decode(field.bytes())),
                6 => attributes.include(&field),
                7 => record.dropped_attributes_count = field.u32(),
                8 => record.flags = field.u32(),
                9 => record.trace_id = field.bytes(),
                10 => record.span_id = field.bytes(),
                11 => record.observed_time_unix_nano = field.u64(),
                12 => record.event_name = field.str(),
                _ => {}
            }
        }
        record.attributes = attributes.attributes(message, 6);
        record
    }
}
