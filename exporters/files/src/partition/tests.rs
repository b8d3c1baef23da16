//! No record is lost or doubled on the way to its folder.

use otlp::NumberValue;
use otlp::write::{LogsWriter, MetricsWriter, TracesWriter};

use super::*;

const HOUR: u64 = 3_600_000_000_000;

fn hourly() -> Partitioner {
    Partitioner {
        template: Template::parse("h=!{timestamp:HH}").expect("is well formed"),
        by: PartitionBy::Event,
    }
}

/// Folders and how many records each got.
fn counts(payload: &Payload) -> Vec<(String, usize)> {
    let parts = hourly().split(payload, 5 * HOUR);
    let whole: usize = parts.iter().map(|(_, part)| part.items()).sum();
    assert_eq!(whole, payload.items());
    for (folder, part) in &parts {
        let spans = hourly().spans(part, 5 * HOUR);
        let folders = spans.iter().map(|span| hourly().template.folder(*span));
        assert!(folders.into_iter().all(|inside| inside == *folder));
    }
    let counted = parts
        .into_iter()
        .map(|(folder, part)| (folder, part.items()));
    counted.collect()
}

fn folders(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    let owned = expected
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count));
    owned.collect()
}

#[test]
fn log_records_go_by_their_time_or_that_of_their_observation() {
    let mut writer = LogsWriter::new();
    writer.resource(|_| {});
    for (time, observed) in [(HOUR, 0), (0, 2 * HOUR), (0, 0), (HOUR + 1, 9 * HOUR)] {
        writer.record(|record| {
            record.time_unix_nano(time);
            record.observed_time_unix_nano(observed);
        });
    }
    let found = counts(&writer.finish());
    assert_eq!(found, folders(&[("h=01", 2), ("h=02", 1), ("h=05", 1)]));
}

#[test]
fn spans_go_by_their_start() {
    let mut writer = TracesWriter::new();
    writer.resource(|_| {});
    for start in [3 * HOUR, 4 * HOUR, 3 * HOUR + 7] {
        writer.span(|span| {
            span.trace_id(&[1; 16]);
            span.span_id(&[1; 8]);
            span.start_time_unix_nano(start);
            span.end_time_unix_nano(start + HOUR);
        });
    }
    assert_eq!(
        counts(&writer.finish()),
        folders(&[("h=03", 2), ("h=04", 1)])
    );
}

#[test]
fn points_of_one_metric_go_apart() {
    let mut writer = MetricsWriter::new();
    writer.resource(|_| {});
    writer.metric(|metric| {
        metric.name("m");
        metric.gauge(|points| {
            for hour in [0, 1, 1, 23] {
                points.point(|point| {
                    point.time_unix_nano(hour * HOUR + 1);
                    point.value(NumberValue::Int(1));
                });
            }
        });
    });
    let found = counts(&writer.finish());
    assert_eq!(found, folders(&[("h=00", 1), ("h=01", 2), ("h=23", 1)]));
}

#[test]
fn records_of_one_folder_are_not_copied() {
    let mut writer = LogsWriter::new();
    writer.resource(|_| {});
    writer.record(|record| record.time_unix_nano(HOUR));
    let payload = writer.finish();
    let parts = hourly().split(&payload, 0);
    let address = |payload: &Payload| payload.segments().next().map(|segment| segment.as_ptr());
    assert_eq!(address(&parts[0].1), address(&payload));
}
