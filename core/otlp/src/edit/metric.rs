//! The draft of a metric: everything but its points.

use super::arena::Arena;
use super::attributes::AttributesDraft;
use super::message::Message;
use super::outer::{ResourceDraft, ScopeDraft};
use super::record::{Record, record_draft};
use crate::Metric;
use crate::read::Decode;
use crate::wire::{Field, Fields, put_bytes, put_uint};

/// Fields of `Metric`.
const NAME: u32 = 1;
const DESCRIPTION: u32 = 2;
const UNIT: u32 = 3;
const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;
const EXPONENTIAL_HISTOGRAM: u32 = 10;
const SUMMARY: u32 = 11;
pub(super) const METADATA: u32 = 12;
/// Fields of `Sum`, and of the histograms as far as they have them.
pub(super) const POINTS: u32 = 1;
const TEMPORALITY: u32 = 2;
const MONOTONIC: u32 = 3;

/// The type of a metric's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Values that were measured.
    Gauge,
    /// Sums over time.
    Sum,
    /// Distributions over explicit buckets.
    Histogram,
    /// Distributions over exponential buckets.
    ExponentialHistogram,
    /// Quantiles that the producer computed.
    Summary,
}

impl MetricKind {
    const ALL: [MetricKind; 5] = [
        MetricKind::Gauge,
        MetricKind::Sum,
        MetricKind::Histogram,
        MetricKind::ExponentialHistogram,
        MetricKind::Summary,
    ];

    /// The field of `Metric` that holds such points.
    pub(super) const fn field(self) -> u32 {
        match self {
            MetricKind::Gauge => GAUGE,
            MetricKind::Sum => SUM,
            MetricKind::Histogram => HISTOGRAM,
            MetricKind::ExponentialHistogram => EXPONENTIAL_HISTOGRAM,
            MetricKind::Summary => SUMMARY,
        }
    }

    /// The kind of points in this field of `Metric`.
    pub(super) fn of_field(number: u32) -> Option<MetricKind> {
        MetricKind::ALL
            .into_iter()
            .find(|kind| kind.field() == number)
    }

    const fn has_temporality(self) -> bool {
        !matches!(self, MetricKind::Gauge | MetricKind::Summary)
    }
}

record_draft! {
    /// A metric under edit. Its points are seen by [`Edit::point`](super::Edit::point).
    MetricDraft
}

impl<'a> MetricDraft<'_, 'a> {
    /// The whole metric as it is now, points included.
    pub fn read(&mut self) -> Metric<'a> {
        Metric::decode(self.record.message.current(self.arena))
    }

    /// Attributes about the metric itself; those of its points are another thing.
    pub fn metadata(&mut self) -> AttributesDraft<'_, 'a> {
        AttributesDraft::new(self.record.message.attributes(), self.arena)
    }

    /// The type of its points; `None` when it has none, or of an unknown type.
    pub fn kind(&mut self) -> Option<MetricKind> {
        self.data().map(|(kind, _)| kind)
    }

    fn data(&mut self) -> Option<(MetricKind, &'a [u8])> {
        MetricKind::ALL.into_iter().find_map(|kind| {
            self.record
                .message
                .field(kind.field())
                .map(|field| (kind, field.bytes()))
        })
    }

    fn in_data(&mut self, number: u32) -> Option<Field<'a>> {
        let (_, data) = self.data()?;
        Fields::new(data)
            .filter(|field| field.number == number)
            .last()
    }

    /// `AggregationTemporality`: 0 unspecified (also when the type has none),
    /// 1 delta, 2 cumulative.
    pub fn temporality(&mut self) -> i32 {
        let has = self.kind().is_some_and(MetricKind::has_temporality);
        if has {
            self.in_data(TEMPORALITY).map_or(0, |field| field.i32())
        } else {
            0
        }
    }

    /// Sets `AggregationTemporality`; nothing happens if the type has none.
    pub fn set_temporality(&mut self, temporality: i32) {
        if self.kind().is_some_and(MetricKind::has_temporality) {
            self.set_in_data(TEMPORALITY, i64::from(temporality) as u64);
        }
    }

    /// Whether it is a sum that only grows.
    pub fn is_monotonic(&mut self) -> bool {
        self.kind() == Some(MetricKind::Sum)
            && self.in_data(MONOTONIC).is_some_and(|field| field.bool())
    }

    /// Sets whether the sum only grows; nothing happens if it is no sum.
    pub fn set_monotonic(&mut self, monotonic: bool) {
        if self.kind() == Some(MetricKind::Sum) {
            self.set_in_data(MONOTONIC, u64::from(monotonic));
        }
    }

    /// Copies the data with one of its plain fields replaced.
    fn set_in_data(&mut self, number: u32, value: u64) {
        let Some((kind, data)) = self.data() else {
            return;
        };
        let anew = self.arena.encode(|out| {
            for field in Fields::new(data).filter(|field| field.number != number) {
                out.extend_from_slice(data.get(field.start..field.end).unwrap_or_default());
            }
            if value != 0 {
                put_uint(out, number, value);
            }
        });
        let field = self.arena.encode(|out| put_bytes(out, kind.field(), anew));
        self.record.message.set_field(kind.field(), field);
    }
}

super::fields! { MetricDraft:
    text name, set_name = NAME, "the name";
    text description, set_description = DESCRIPTION, "what it measures, for people";
    text unit, set_unit = UNIT, "the unit, in UCUM spelling";
}
