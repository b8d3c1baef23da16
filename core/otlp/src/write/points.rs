//! Data points of metrics, and exemplars.

use super::attributes::attribute_methods;
use super::nest::{
    RECORD, SMALL, close, open, put_some_double, put_some_fixed64, put_some_uint, remove_fields,
};
use super::nested::Sink;
use crate::NumberValue;
use crate::wire::{self, zigzag};

/// The fields of a message that must not come twice: messages and members of a `oneof`.
#[derive(Debug)]
struct Once {
    /// Where the content of the message starts.
    content: usize,
    /// A bit for each of them that was written.
    written: u8,
}

impl Once {
    const fn new(content: usize) -> Once {
        Once {
            content,
            written: 0,
        }
    }

    /// Called before one of `numbers` is written; takes out what was written before.
    fn replace(&mut self, out: &mut Vec<u8>, bit: u8, numbers: &[u32]) {
        if self.written & bit != 0 {
            remove_fields(out, self.content, numbers);
        }
        self.written |= bit;
    }
}

/// A list of points, and one point of it.
macro_rules! points_writer {
    ($list:ident, $point:ident, $what:literal, $width:expr $(, $once:ident)?) => {
        #[doc = concat!("Writes a list of ", $what, ".")]
        #[derive(Debug)]
        pub struct $list<'w> {
            pub(super) sink: &'w mut Sink,
            pub(super) points: usize,
        }

        impl $list<'_> {
            /// Appends a point.
            #[inline]
            pub fn point(&mut self, write: impl FnOnce(&mut $point<'_>)) {
                let point = open(&mut self.sink.bytes, 1, $width);
                write(&mut $point { $($once: Once::new(point.content()),)? sink: self.sink });
                close(&mut self.sink.bytes, point);
                self.points += 1;
            }
        }

        #[doc = concat!("Writes one of ", $what, ".")]
        #[derive(Debug)]
        pub struct $point<'w> {
            sink: &'w mut Sink,
            $($once: Once,)?
        }

        impl $point<'_> {
            /// When its interval started, in nanoseconds since 1970; 0 when unknown.
            pub fn start_time_unix_nano(&mut self, time: u64) {
                put_some_fixed64(&mut self.sink.bytes, 2, time);
            }

            /// When it was taken, in nanoseconds since 1970.
            pub fn time_unix_nano(&mut self, time: u64) {
                put_some_fixed64(&mut self.sink.bytes, 3, time);
            }
        }
    };
}

points_writer!(
    NumberPointsWriter,
    NumberPointWriter,
    "the points of a gauge or sum",
    SMALL,
    once
);
points_writer!(
    HistogramPointsWriter,
    HistogramPointWriter,
    "the points of a histogram",
    RECORD
);
points_writer!(
    ExponentialHistogramPointsWriter,
    ExponentialHistogramPointWriter,
    "the points of an exponential histogram",
    RECORD,
    once
);
points_writer!(
    SummaryPointsWriter,
    SummaryPointWriter,
    "the points of a summary",
    RECORD
);

impl NumberPointWriter<'_> {
    attribute_methods!(7);

    /// Its value.
    pub fn value(&mut self, value: NumberValue) {
        self.once.replace(&mut self.sink.bytes, 1, &[4, 6]);
        put_number(&mut self.sink.bytes, value, 4);
    }

    /// Appends an exemplar.
    pub fn exemplar(&mut self, write: impl FnOnce(&mut ExemplarWriter<'_>)) {
        put_exemplar(self.sink, 5, write);
    }

    /// Flags: 1 says that no value was recorded.
    pub fn flags(&mut self, flags: u32) {
        put_some_uint(&mut self.sink.bytes, 8, u64::from(flags));
    }
}

impl HistogramPointWriter<'_> {
    attribute_methods!(9);

    /// How many values it stands for.
    pub fn count(&mut self, count: u64) {
        put_some_fixed64(&mut self.sink.bytes, 4, count);
    }

    /// Their sum; leave it out when it is unknown.
    pub fn sum(&mut self, sum: f64) {
        wire::put_fixed64(&mut self.sink.bytes, 5, sum.to_bits());
    }

    /// Appends the number of values in each bucket, one more than there are bounds.
    pub fn bucket_counts(&mut self, counts: impl IntoIterator<Item = u64>) {
        put_packed(&mut self.sink.bytes, 6, counts, |out, count| {
            out.extend_from_slice(&count.to_le_bytes());
        });
    }

    /// Appends the upper bounds of the buckets, but for the last one's.
    pub fn explicit_bounds(&mut self, bounds: impl IntoIterator<Item = f64>) {
        put_packed(&mut self.sink.bytes, 7, bounds, |out, bound| {
            out.extend_from_slice(&bound.to_le_bytes());
        });
    }

    /// Appends an exemplar.
    pub fn exemplar(&mut self, write: impl FnOnce(&mut ExemplarWriter<'_>)) {
        put_exemplar(self.sink, 8, write);
    }

    /// Flags: 1 says that no value was recorded.
    pub fn flags(&mut self, flags: u32) {
        put_some_uint(&mut self.sink.bytes, 10, u64::from(flags));
    }

    /// The least of the values; leave it out when it is unknown.
    pub fn min(&mut self, min: f64) {
        wire::put_fixed64(&mut self.sink.bytes, 11, min.to_bits());
    }

    /// The greatest of the values; leave it out when it is unknown.
    pub fn max(&mut self, max: f64) {
        wire::put_fixed64(&mut self.sink.bytes, 12, max.to_bits());
    }
}

impl ExponentialHistogramPointWriter<'_> {
    attribute_methods!(1);

    /// How many values it stands for.
    pub fn count(&mut self, count: u64) {
        put_some_fixed64(&mut self.sink.bytes, 4, count);
    }

    /// Their sum; leave it out when it is unknown.
    pub fn sum(&mut self, sum: f64) {
        wire::put_fixed64(&mut self.sink.bytes, 5, sum.to_bits());
    }

    /// The resolution: each bucket's upper bound is its lower one times 2 to the power of 2^-scale.
    pub fn scale(&mut self, scale: i32) {
        put_some_uint(&mut self.sink.bytes, 6, u64::from(zigzag(scale)));
    }

    /// How many values are within the zero threshold.
    pub fn zero_count(&mut self, count: u64) {
        put_some_fixed64(&mut self.sink.bytes, 7, count);
    }

    /// The numbers of positive values in each bucket, from the bucket with index `offset` on.
    pub fn positive(&mut self, offset: i32, counts: impl IntoIterator<Item = u64>) {
        self.buckets(8, 1, offset, counts);
    }

    /// The numbers of negative values in each bucket, from the bucket with index `offset` on.
    pub fn negative(&mut self, offset: i32, counts: impl IntoIterator<Item = u64>) {
        self.buckets(9, 2, offset, counts);
    }

    fn buckets(
        &mut self,
        number: u32,
        bit: u8,
        offset: i32,
        counts: impl IntoIterator<Item = u64>,
    ) {
        let out = &mut self.sink.bytes;
        self.once.replace(out, bit, &[number]);
        let buckets = open(out, number, SMALL);
        put_some_uint(out, 1, u64::from(zigzag(offset)));
        put_packed(out, 2, counts, wire::put_varint);
        close(out, buckets);
    }

    /// Flags: 1 says that no value was recorded.
    pub fn flags(&mut self, flags: u32) {
        put_some_uint(&mut self.sink.bytes, 10, u64::from(flags));
    }

    /// Appends an exemplar.
    pub fn exemplar(&mut self, write: impl FnOnce(&mut ExemplarWriter<'_>)) {
        put_exemplar(self.sink, 11, write);
    }

    /// The least of the values; leave it out when it is unknown.
    pub fn min(&mut self, min: f64) {
        wire::put_fixed64(&mut self.sink.bytes, 12, min.to_bits());
    }

    /// The greatest of the values; leave it out when it is unknown.
    pub fn max(&mut self, max: f64) {
        wire::put_fixed64(&mut self.sink.bytes, 13, max.to_bits());
    }

    /// Values whose magnitude is at most this are in the zero bucket.
    pub fn zero_threshold(&mut self, threshold: f64) {
        put_some_double(&mut self.sink.bytes, 14, threshold);
    }
}

impl SummaryPointWriter<'_> {
    attribute_methods!(7);

    /// How many values it stands for.
    pub fn count(&mut self, count: u64) {
        put_some_fixed64(&mut self.sink.bytes, 4, count);
    }

    /// Their sum.
    pub fn sum(&mut self, sum: f64) {
        put_some_double(&mut self.sink.bytes, 5, sum);
    }

    /// Appends a quantile, 0 to 1, with its value.
    pub fn quantile(&mut self, quantile: f64, value: f64) {
        let out = &mut self.sink.bytes;
        let pair = open(out, 6, SMALL);
        put_some_double(out, 1, quantile);
        put_some_double(out, 2, value);
        close(out, pair);
    }

    /// Flags: 1 says that no value was recorded.
    pub fn flags(&mut self, flags: u32) {
        put_some_uint(&mut self.sink.bytes, 8, u64::from(flags));
    }
}

/// Writes an exemplar: one value as it was measured, and where.
#[derive(Debug)]
pub struct ExemplarWriter<'w> {
    sink: &'w mut Sink,
    once: Once,
}

impl ExemplarWriter<'_> {
    attribute_methods!(7);

    /// When it was measured, in nanoseconds since 1970.
    pub fn time_unix_nano(&mut self, time: u64) {
        put_some_fixed64(&mut self.sink.bytes, 2, time);
    }

    /// Its value.
    pub fn value(&mut self, value: NumberValue) {
        self.once.replace(&mut self.sink.bytes, 1, &[3, 6]);
        put_number(&mut self.sink.bytes, value, 3);
    }

    /// The span in which it was measured.
    pub fn span_id(&mut self, id: &[u8; 8]) {
        wire::put_bytes(&mut self.sink.bytes, 4, id);
    }

    /// The trace in which it was measured.
    pub fn trace_id(&mut self, id: &[u8; 16]) {
        wire::put_bytes(&mut self.sink.bytes, 5, id);
    }
}

fn put_exemplar(sink: &mut Sink, number: u32, write: impl FnOnce(&mut ExemplarWriter<'_>)) {
    let exemplar = open(&mut sink.bytes, number, SMALL);
    write(&mut ExemplarWriter {
        once: Once::new(exemplar.content()),
        sink,
    });
    close(&mut sink.bytes, exemplar);
}

/// The value of a point or exemplar: integers are field 6 in both, doubles are not.
fn put_number(out: &mut Vec<u8>, value: NumberValue, double: u32) {
    match value {
        NumberValue::None => {}
        NumberValue::Int(value) => wire::put_fixed64(out, 6, value as u64),
        NumberValue::Double(value) => wire::put_fixed64(out, double, value.to_bits()),
    }
}

/// A packed list of numbers; nothing when it is empty.
fn put_packed<T>(
    out: &mut Vec<u8>,
    number: u32,
    list: impl IntoIterator<Item = T>,
    put: impl Fn(&mut Vec<u8>, T),
) {
    let mut list = list.into_iter().peekable();
    if list.peek().is_none() {
        return;
    }
    let packed = open(out, number, SMALL);
    for item in list {
        put(out, item);
    }
    close(out, packed);
}
