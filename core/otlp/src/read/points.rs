use super::messages::{Decode, Extent, Messages};
use super::numbers::Numbers;
use super::value::Attributes;
use crate::wire::Fields;

/// The value of a number point or an exemplar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum NumberValue {
    /// Left out.
    #[default]
    None,
    /// A signed integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
}

/// A point of a gauge or a sum. Absent fields read as zero or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberPoint<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// When the observed interval began, nanoseconds since 1970; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// The value.
    pub value: NumberValue,
    /// `DataPointFlags`: 1 means that no value was recorded.
    pub flags: u32,
    attributes: Attributes<'a>,
    exemplars: Extent,
    encoded: &'a [u8],
}

impl<'a> Decode<'a> for NumberPoint<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut point = NumberPoint {
            encoded: message,
            ..NumberPoint::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                2 => point.start_time_unix_nano = field.u64(),
                3 => point.time_unix_nano = field.u64(),
                4 => point.value = NumberValue::Double(field.double()),
                5 => point.exemplars.include(&field),
                6 => point.value = NumberValue::Int(field.i64()),
                7 => attributes.include(&field),
                8 => point.flags = field.u32(),
                _ => {}
            }
        }
        point.attributes = attributes.attributes(message, 7);
        point
    }
}

/// A point of a histogram. Absent fields read as zero or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistogramPoint<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// When the observed interval began, nanoseconds since 1970; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// How many values.
    pub count: u64,
    /// Their sum, if it was recorded.
    pub sum: Option<f64>,
    /// The least of them, if it was recorded.
    pub min: Option<f64>,
    /// The greatest of them, if it was recorded.
    pub max: Option<f64>,
    /// `DataPointFlags`: 1 means that no value was recorded.
    pub flags: u32,
    attributes: Attributes<'a>,
    exemplars: Extent,
    encoded: &'a [u8],
}

impl<'a> HistogramPoint<'a> {
    /// The count of each bucket: none, or one more than there are bounds.
    pub fn bucket_counts(&self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        Numbers::new(self.encoded, 6).fixed64()
    }

    /// The upper bounds of all buckets but the last, inclusive.
    pub fn explicit_bounds(&self) -> impl Iterator<Item = f64> + Clone + use<'a> {
        Numbers::new(self.encoded, 7).fixed64().map(f64::from_bits)
    }
}

impl<'a> Decode<'a> for HistogramPoint<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut point = HistogramPoint {
            encoded: message,
            ..HistogramPoint::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                2 => point.start_time_unix_nano = field.u64(),
                3 => point.time_unix_nano = field.u64(),
                4 => point.count = field.u64(),
                5 => point.sum = Some(field.double()),
                8 => point.exemplars.include(&field),
                9 => attributes.include(&field),
                10 => point.flags = field.u32(),
                11 => point.min = Some(field.double()),
                12 => point.max = Some(field.double()),
                _ => {}
            }
        }
        point.attributes = attributes.attributes(message, 9);
        point
    }
}

/// A point of an exponential histogram. Absent fields read as zero or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExponentialHistogramPoint<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// When the observed interval began, nanoseconds since 1970; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// How many values.
    pub count: u64,
    /// Their sum, if it was recorded.
    pub sum: Option<f64>,
    /// Buckets grow by a factor of `2^(2^-scale)`.
    pub scale: i32,
    /// How many values were within `zero_threshold` of zero.
    pub zero_count: u64,
    /// The width of the bucket around zero.
    pub zero_threshold: f64,
    /// The least value, if it was recorded.
    pub min: Option<f64>,
    /// The greatest value, if it was recorded.
    pub max: Option<f64>,
    /// `DataPointFlags`: 1 means that no value was recorded.
    pub flags: u32,
    /// The buckets of positive values.
    pub positive: Option<Buckets<'a>>,
    /// The buckets of negative values, by magnitude.
    pub negative: Option<Buckets<'a>>,
    attributes: Attributes<'a>,
    exemplars: Extent,
    encoded: &'a [u8],
}

impl<'a> Decode<'a> for ExponentialHistogramPoint<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut point = ExponentialHistogramPoint {
            encoded: message,
            ..ExponentialHistogramPoint::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                1 => attributes.include(&field),
                2 => point.start_time_unix_nano = field.u64(),
                3 => point.time_unix_nano = field.u64(),
                4 => point.count = field.u64(),
                5 => point.sum = Some(field.double()),
                6 => point.scale = field.sint32(),
                7 => point.zero_count = field.u64(),
                8 => point.positive = Some(Buckets::decode(field.bytes())),
                9 => point.negative = Some(Buckets::decode(field.bytes())),
                10 => point.flags = field.u32(),
                11 => point.exemplars.include(&field),
                12 => point.min = Some(field.double()),
                13 => point.max = Some(field.double()),
                14 => point.zero_threshold = field.double(),
                _ => {}
            }
        }
        point.attributes = attributes.attributes(message, 1);
        point
    }
}

/// One side of an exponential histogram.
#[derive(Clone, Copy, Debug, Default)]
pub struct Buckets<'a> {
    /// The index of the first bucket.
    pub offset: i32,
    encoded: &'a [u8],
}

impl<'a> Buckets<'a> {
    /// The count of each bucket, from `offset` on.
    pub fn counts(&self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        Numbers::new(self.encoded, 2).varint()
    }
}

impl<'a> Decode<'a> for Buckets<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut offset = 0;
        for field in Fields::new(message) {
            if field.number == 1 {
                offset = field.sint32();
            }
        }
        Buckets {
            offset,
            encoded: message,
        }
    }
}

/// A point of a summary. Absent fields read as zero or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryPoint<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// When the observed interval began, nanoseconds since 1970; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// `DataPointFlags`: 1 means that no value was recorded.
    pub flags: u32,
    attributes: Attributes<'a>,
    quantiles: Extent,
    encoded: &'a [u8],
}

impl<'a> SummaryPoint<'a> {
    /// The quantiles that the producer computed.
    pub fn quantiles(&self) -> Messages<'a, Quantile> {
        self.quantiles.messages(self.encoded, 6)
    }
}

impl<'a> Decode<'a> for SummaryPoint<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut point = SummaryPoint {
            encoded: message,
            ..SummaryPoint::default()
        };
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                2 => point.start_time_unix_nano = field.u64(),
                3 => point.time_unix_nano = field.u64(),
                4 => point.count = field.u64(),
                5 => point.sum = field.double(),
                6 => point.quantiles.include(&field),
                7 => attributes.include(&field),
                8 => point.flags = field.u32(),
                _ => {}
            }
        }
        point.attributes = attributes.attributes(message, 7);
        point
    }
}

/// A quantile of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantile {
    /// Which one, 0 to 1.
    pub quantile: f64,
    /// The value there.
    pub value: f64,
}

impl<'a> Decode<'a> for Quantile {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut quantile = Quantile::default();
        for field in Fields::new(message) {
            match field.number {
                1 => quantile.quantile = field.double(),
                2 => quantile.value = field.double(),
                _ => {}
            }
        }
        quantile
    }
}

/// A raw measurement kept as an example of a point. Absent fields read as zero
/// or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exemplar<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The value.
    pub value: NumberValue,
    /// 8 bytes or none.
    pub span_id: &'a [u8],
    /// 16 bytes or none.
    pub trace_id: &'a [u8],
    attributes: Attributes<'a>,
}

impl<'a> Exemplar<'a> {
    /// The attributes that the aggregation had removed.
    pub const fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }
}

impl<'a> Decode<'a> for Exemplar<'a> {
    #[inline]
    fn decode(message: &'a [u8]) -> Self {
        let mut exemplar = Exemplar::default();
        let mut attributes = Extent::default();
        for field in Fields::new(message) {
            match field.number {
                2 => exemplar.time_unix_nano = field.u64(),
                3 => exemplar.value = NumberValue::Double(field.double()),
                4 => exemplar.span_id = field.bytes(),
                5 => exemplar.trace_id = field.bytes(),
                6 => exemplar.value = NumberValue::Int(field.i64()),
                7 => attributes.include(&field),
                _ => {}
            }
        }
        exemplar.attributes = attributes.attributes(message, 7);
        exemplar
    }
}

/// What points of every type have.
macro_rules! point {
    ($name:ident $(, exemplars in $exemplars:literal)?) => {
        impl<'a> $name<'a> {
            /// The attributes that tell the streams of the metric apart.
            #[inline]
            pub const fn attributes(&self) -> Attributes<'a> {
                self.attributes
            }

            $(
                /// Raw measurements kept as examples.
                #[inline]
                pub fn exemplars(&self) -> Messages<'a, Exemplar<'a>> {
                    self.exemplars.messages(self.encoded, $exemplars)
                }
            )?

            /// The content of the point's message.
            #[inline]
            pub const fn encoded(&self) -> &'a [u8] {
                self.encoded
            }
        }
    };
}

point!(NumberPoint, exemplars in 5);
point!(HistogramPoint, exemplars in 8);
point!(ExponentialHistogramPoint, exemplars in 11);
point!(SummaryPoint);
