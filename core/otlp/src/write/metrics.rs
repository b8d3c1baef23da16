//! Metrics from scratch. Their points are in [`super::points`].

use super::attributes::attribute_methods;
use super::envelope::{Envelope, envelope_methods};
use super::nest::{
    RECORD, close, open, put_some_bytes, put_some_int32, put_some_uint, remove_fields,
};
use super::nested::Sink;
use super::points::{
    ExponentialHistogramPointsWriter, HistogramPointsWriter, NumberPointsWriter,
    SummaryPointsWriter,
};
use crate::Signal;

/// Writes a request of metrics.
///
/// Call [`resource`](Self::resource), [`scope`](Self::scope) and
/// [`metric`](Self::metric) in the order in which they stand in the request.
#[derive(Debug, Default)]
pub struct MetricsWriter {
    envelope: Envelope,
}

impl MetricsWriter {
    envelope_methods!(Signal::Metrics, "Data points");

    /// Appends a metric to the current scope.
    #[inline]
    pub fn metric(&mut self, write: impl FnOnce(&mut MetricWriter<'_>)) {
        let metric = self.envelope.open_item();
        let mut writer = MetricWriter {
            sink: &mut self.envelope.sink,
            content: metric.content(),
            has_data: false,
            points: 0,
        };
        write(&mut writer);
        let points = writer.points;
        self.envelope.close_item(metric);
        self.envelope.items += points;
    }
}

/// Field numbers of the members of `Metric.data`.
const DATA: [u32; 5] = [5, 7, 9, 10, 11];

/// Writes one metric: facts, and points of one kind. When points of several
/// kinds are written, the last kind stays.
#[derive(Debug)]
pub struct MetricWriter<'w> {
    sink: &'w mut Sink,
    /// Where the content of the metric starts.
    content: usize,
    has_data: bool,
    points: usize,
}

impl MetricWriter<'_> {
    attribute_methods!(
        12,
        metadata,
        metadata_with,
        all_metadata,
        "a fact about the metric"
    );

    /// Its name.
    pub fn name(&mut self, name: &str) {
        put_some_bytes(&mut self.sink.bytes, 1, name.as_bytes());
    }

    /// What it measures.
    pub fn description(&mut self, description: &str) {
        put_some_bytes(&mut self.sink.bytes, 2, description.as_bytes());
    }

    /// Its unit, in UCUM.
    pub fn unit(&mut self, unit: &str) {
        put_some_bytes(&mut self.sink.bytes, 3, unit.as_bytes());
    }

    /// Current values.
    pub fn gauge(&mut self, write: impl FnOnce(&mut NumberPointsWriter<'_>)) {
        self.data(5, |sink| {
            let mut list = NumberPointsWriter { sink, points: 0 };
            write(&mut list);
            list.points
        });
    }

    /// Sums; temporality is 1 for delta, 2 for cumulative.
    pub fn sum(
        &mut self,
        temporality: i32,
        monotonic: bool,
        write: impl FnOnce(&mut NumberPointsWriter<'_>),
    ) {
        self.data(7, |sink| {
            put_some_int32(&mut sink.bytes, 2, temporality);
            put_some_uint(&mut sink.bytes, 3, u64::from(monotonic));
            let mut list = NumberPointsWriter { sink, points: 0 };
            write(&mut list);
            list.points
        });
    }

    /// Histograms; temporality is 1 for delta, 2 for cumulative.
    pub fn histogram(
        &mut self,
        temporality: i32,
        write: impl FnOnce(&mut HistogramPointsWriter<'_>),
    ) {
        self.data(9, |sink| {
            put_some_int32(&mut sink.bytes, 2, temporality);
            let mut list = HistogramPointsWriter { sink, points: 0 };
            write(&mut list);
            list.points
        });
    }

    /// Exponential histograms; temporality is 1 for delta, 2 for cumulative.
    pub fn exponential_histogram(
        &mut self,
        temporality: i32,
        write: impl FnOnce(&mut ExponentialHistogramPointsWriter<'_>),
    ) {
        self.data(10, |sink| {
            put_some_int32(&mut sink.bytes, 2, temporality);
            let mut list = ExponentialHistogramPointsWriter { sink, points: 0 };
            write(&mut list);
            list.points
        });
    }

    /// Summaries.
    pub fn summary(&mut self, write: impl FnOnce(&mut SummaryPointsWriter<'_>)) {
        self.data(11, |sink| {
            let mut list = SummaryPointsWriter { sink, points: 0 };
            write(&mut list);
            list.points
        });
    }

    fn data(&mut self, number: u32, write: impl FnOnce(&mut Sink) -> usize) {
        if std::mem::replace(&mut self.has_data, true) {
            remove_fields(&mut self.sink.bytes, self.content, &DATA);
        }
        let data = open(&mut self.sink.bytes, number, RECORD);
        self.points = write(self.sink);
        close(&mut self.sink.bytes, data);
    }
}
