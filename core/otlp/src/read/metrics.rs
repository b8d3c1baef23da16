use super::messages::{Decode, Extent, Messages};
use super::points::{ExponentialHistogramPoint, HistogramPoint, NumberPoint, SummaryPoint};
use super::value::Attributes;
use crate::wire::Fields;

/// One metric: a name with data points of one type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metric<'a> {
    /// The name.
    pub name: &'a str,
    /// What it measures, for people.
    pub description: &'a str,
    /// The unit, in UCUM spelling.
    pub unit: &'a str,
    metadata: Attributes<'a>,
    kind: Kind,
    data: &'a [u8],
    encoded: &'a [u8],
}

/// The type of a metric's points: the field number in its `data`.
#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    None,
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// The data points of a metric.
///
/// A temporality is `AggregationTemporality`: 0 unspecified, 1 delta,
/// 2 cumulative.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// The metric has no data, or data of a type that this build does not know.
    None,
    /// Values that were measured.
    Gauge(Messages<'a, NumberPoint<'a>>),
    /// Sums over time.
    Sum {
        /// Its points.
        points: Messages<'a, NumberPoint<'a>>,
        /// `AggregationTemporality`.
        temporality: i32,
        /// Whether it only grows.
        monotonic: bool,
    },
    /// Distributions over explicit buckets.
    Histogram {
        /// Its points.
        points: Messages<'a, HistogramPoint<'a>>,
        /// `AggregationTemporality`.
        temporality: i32,
    },
    /// Distributions over exponential buckets.
    ExponentialHistogram {
        /// Its points.
        points: Messages<'a, ExponentialHistogramPoint<'a>>,
        /// `AggregationTemporality`.
        temporality: i32,
    },
    /// Quantiles that the producer computed.
    Summary(Messages<'a, SummaryPoint<'a>>),
}

impl<'a> Metric<'a> {
    /// Attributes of the metric itself, not of its points.
    pub const fn metadata(&self) -> Attributes<'a> {
        self.metadata
    }

    /// Its data points.
    ///
    /// Found at each call by a walk over the points, because the temporality
    /// usually comes after them.
    pub fn data(&self) -> Data<'a> {
        let mut temporality = 0;
        let mut monotonic = false;
        let mut points = Extent::default();
        for field in Fields::new(self.data) {
            match field.number {
                1 => points.include(&field),
                2 => temporality = field.i32(),
                3 => monotonic = field.bool(),
                _ => {}
            }
        }
        let data = self.data;
        match self.kind {
            Kind::None => Data::None,
            Kind::Gauge => Data::Gauge(points.messages(data, 1)),
            Kind::Sum => Data::Sum {
                points: points.messages(data, 1),
                temporality,
                monotonic,
            },
            Kind::Histogram => Data::Histogram {
                points: points.messages(data, 1),
                temporality,
            },
            Kind::ExponentialHistogram => Data::ExponentialHistogram {
                points: points.messages(data, 1),
                temporality,
            },
            Kind::Summary => Data::Summary(points.messages(data, 1)),
        }
    }

    /// The content of the `Metric` message.
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl<'a> Decode<'a> for Metric<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut metric = Metric {
            encoded: message,
            ..Metric::default()
        };
        let mut metadata = Extent::default();
        for field in Fields::new(message) {
            let kind = match field.number {
                1 => {
                    metric.name = field.str();
                    continue;
                }
                2 => {
                    metric.description = field.str();
                    continue;
                }
                3 => {
                    metric.unit = field.str();
                    continue;
                }
                12 => {
                    metadata.include(&field);
                    continue;
                }
                5 => Kind::Gauge,
                7 => Kind::Sum,
                9 => Kind::Histogram,
                10 => Kind::ExponentialHistogram,
                11 => Kind::Summary,
                _ => continue,
            };
            metric.kind = kind;
            metric.data = field.bytes();
        }
        metric.metadata = metadata.attributes(message, 12);
        metric
    }
}
