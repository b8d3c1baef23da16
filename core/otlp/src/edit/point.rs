//! The drafts of data points and exemplars.

use super::Verdict;
use super::arena::Arena;
use super::attributes::AttributesDraft;
use super::message::Message;
use super::metric::MetricKind;
use super::outer::{ResourceDraft, ScopeDraft};
use super::record::Record;
use crate::read::Decode;
use crate::{ExponentialHistogramPoint, HistogramPoint, NumberPoint, NumberValue, SummaryPoint};

/// Fields of all types of points.
const START: u32 = 2;
const TIME: u32 = 3;
/// Fields of `NumberDataPoint`.
const AS_DOUBLE: u32 = 4;
const AS_INT: u32 = 6;
/// Fields of `Exemplar`.
const EXEMPLAR_TIME: u32 = 2;
const EXEMPLAR_AS_DOUBLE: u32 = 3;
const EXEMPLAR_SPAN_ID: u32 = 4;
const EXEMPLAR_TRACE_ID: u32 = 5;
const EXEMPLAR_AS_INT: u32 = 6;
const EXEMPLAR_ATTRIBUTES: u32 = 7;

impl MetricKind {
    /// The field of its points that holds their attributes.
    pub(super) const fn attributes(self) -> u32 {
        match self {
            MetricKind::Gauge | MetricKind::Sum | MetricKind::Summary => 7,
            MetricKind::Histogram => 9,
            MetricKind::ExponentialHistogram => 1,
        }
    }

    const fn exemplars(self) -> Option<u32> {
        match self {
            MetricKind::Gauge | MetricKind::Sum => Some(5),
            MetricKind::Histogram => Some(8),
            MetricKind::ExponentialHistogram => Some(11),
            MetricKind::Summary => None,
        }
    }

    const fn flags(self) -> u32 {
        match self {
            MetricKind::Gauge | MetricKind::Sum | MetricKind::Summary => 8,
            MetricKind::Histogram | MetricKind::ExponentialHistogram => 10,
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, MetricKind::Gauge | MetricKind::Sum)
    }
}

/// A data point of any type, read.
#[derive(Clone, Copy, Debug)]
pub enum Point<'a> {
    /// Of a gauge or a sum.
    Number(NumberPoint<'a>),
    /// Of a histogram.
    Histogram(HistogramPoint<'a>),
    /// Of an exponential histogram.
    ExponentialHistogram(ExponentialHistogramPoint<'a>),
    /// Of a summary.
    Summary(SummaryPoint<'a>),
}

/// A data point of any type under edit.
#[derive(Debug)]
pub struct PointDraft<'d, 'a> {
    record: &'d mut Record<'a>,
    arena: &'a Arena,
    kind: MetricKind,
}

impl<'d, 'a> PointDraft<'d, 'a> {
    #[inline]
    pub(super) fn new(record: &'d mut Record<'a>, arena: &'a Arena, kind: MetricKind) -> Self {
        PointDraft {
            record,
            arena,
            kind,
        }
    }

    /// The type of the metric it belongs to.
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// The whole point as it is now. One forward pass; after a change the point
    /// is encoded first, so prefer the getters then.
    pub fn read(&mut self) -> Point<'a> {
        let encoded = self.record.message.current(self.arena);
        match self.kind {
            MetricKind::Gauge | MetricKind::Sum => Point::Number(NumberPoint::decode(encoded)),
            MetricKind::Histogram => Point::Histogram(HistogramPoint::decode(encoded)),
            MetricKind::ExponentialHistogram => {
                Point::ExponentialHistogram(ExponentialHistogramPoint::decode(encoded))
            }
            MetricKind::Summary => Point::Summary(SummaryPoint::decode(encoded)),
        }
    }

    /// The value of a gauge's or sum's point; `NumberValue::None` for others.
    pub fn value(&mut self) -> NumberValue {
        if !self.kind.is_number() {
            return NumberValue::None;
        }
        number(&mut self.record.message, AS_DOUBLE, AS_INT)
    }

    /// Sets the value of a gauge's or sum's point; nothing happens to others.
    pub fn set_value(&mut self, value: NumberValue) {
        if self.kind.is_number() {
            set_number(
                &mut self.record.message,
                self.arena,
                AS_DOUBLE,
                AS_INT,
                value,
            );
        }
    }

    /// `DataPointFlags`: 1 means that no value was recorded.
    pub fn flags(&mut self) -> u32 {
        self.record.message.u32(self.kind.flags())
    }

    /// Sets `DataPointFlags`.
    pub fn set_flags(&mut self, flags: u32) {
        self.record
            .message
            .set_uint(self.arena, self.kind.flags(), u64::from(flags));
    }

    /// Shows every exemplar, in order; it can be changed or dropped.
    pub fn exemplars(&mut self, mut look: impl FnMut(&mut ExemplarDraft<'_, 'a>) -> Verdict) {
        let arena = self.arena;
        let Some(field) = self.kind.exemplars() else {
            return;
        };
        self.record
            .each_nested(field, EXEMPLAR_ATTRIBUTES, arena, |message| {
                look(&mut ExemplarDraft { message, arena })
            });
    }
}

super::record::record_common! { PointDraft }
super::record::record_attributes! { PointDraft }

super::fields! { PointDraft:
    fixed64 start_time_unix_nano, set_start_time_unix_nano = START,
        "when the observed interval began, nanoseconds since 1970; 0 if unknown";
    fixed64 time_unix_nano, set_time_unix_nano = TIME,
        "the time, nanoseconds since 1970";
}

/// An exemplar of a data point under edit.
#[derive(Debug)]
pub struct ExemplarDraft<'d, 'a> {
    message: &'d mut Message<'a>,
    arena: &'a Arena,
}

super::nested_draft! { ExemplarDraft }

impl ExemplarDraft<'_, '_> {
    /// The value.
    pub fn value(&mut self) -> NumberValue {
        number(self.message, EXEMPLAR_AS_DOUBLE, EXEMPLAR_AS_INT)
    }

    /// Sets the value.
    pub fn set_value(&mut self, value: NumberValue) {
        set_number(
            self.message,
            self.arena,
            EXEMPLAR_AS_DOUBLE,
            EXEMPLAR_AS_INT,
            value,
        );
    }
}

super::fields! { ExemplarDraft:
    fixed64 time_unix_nano, set_time_unix_nano = EXEMPLAR_TIME,
        "the time, nanoseconds since 1970";
    id8 span_id, set_span_id = EXEMPLAR_SPAN_ID, "the id of the span it was recorded in";
    id16 trace_id, set_trace_id = EXEMPLAR_TRACE_ID, "the id of its trace";
}

/// The member of the `oneof` that stands last.
fn number(message: &mut Message<'_>, as_double: u32, as_int: u32) -> NumberValue {
    let double = message.field(as_double);
    let int = message.field(as_int);
    match (double, int) {
        (Some(_), Some(int)) if message.is_before(as_double, as_int) => NumberValue::Int(int.i64()),
        (Some(double), _) => NumberValue::Double(double.double()),
        (None, Some(int)) => NumberValue::Int(int.i64()),
        (None, None) => NumberValue::None,
    }
}

fn set_number<'a>(
    message: &mut Message<'a>,
    arena: &'a Arena,
    as_double: u32,
    as_int: u32,
    value: NumberValue,
) {
    let (double, int): (&[u8], &[u8]) = match value {
        NumberValue::None => (&[], &[]),
        NumberValue::Double(value) => (arena.fixed64_field(as_double, value.to_bits()), &[]),
        NumberValue::Int(value) => (&[], arena.fixed64_field(as_int, value as u64)),
    };
    message.set_field(as_double, double);
    message.set_field(as_int, int);
}
