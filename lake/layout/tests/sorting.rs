use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use lake_layout::{EncodeError, Encoder, Kind, TableSpec};
use otlp::{Payload, Signal, Value};

use crate::kit::*;

/// Records, spans and points of three services, times going up and down.
fn mixed(signal: Signal) -> Payload {
    let resource = |service: &str, items: String| {
        format!(
            r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},{items}}}"#
        )
    };
    let services = ["b", "a", "", "c", "a"].map(|service| {
        let items: Vec<String> = (0..40_u64)
            .map(|i| {
                let time = DAY + i * 7919 % 97;
                match signal {
                    Signal::Logs => format!(
                        r#"{{"timeUnixNano":"{time}","body":{{"stringValue":"{i}"}},
                            "attributes":[{{"key":"i","value":{{"intValue":"{i}"}}}}]}}"#
                    ),
                    Signal::Traces => format!(
                        r#"{{"startTimeUnixNano":"{time}","endTimeUnixNano":"{}","name":"{i}",
                            "traceId":"0102030405060708090a0b0c0d0e0f{i:02x}","spanId":"aabbccddeeff00{i:02x}",
                            "events":[{{"timeUnixNano":"{time}","name":"of {i}"}}]}}"#,
                        time + 1
                    ),
                    Signal::Metrics => format!(
                        r#"{{"name":"m{}","gauge":{{"dataPoints":[{{"timeUnixNano":"{time}","asInt":"{i}"}}]}}}}"#,
                        i % 3
                    ),
                }
            })
            .collect();
        let items = items.join(",");
        resource(
            service,
            match signal {
                Signal::Logs => format!(r#""scopeLogs":[{{"logRecords":[{items}]}}]"#),
                Signal::Traces => format!(r#""scopeSpans":[{{"spans":[{items}]}}]"#),
                _ => format!(r#""scopeMetrics":[{{"metrics":[{items}]}}]"#),
            },
        )
    });
    let field = match signal {
        Signal::Logs => "resourceLogs",
        Signal::Traces => "resourceSpans",
        _ => "resourceMetrics",
    };
    payload(
        signal,
        &format!(r#"{{"{field}":[{}]}}"#, services.join(",")),
    )
}

/// The sort key of a row; a missing text sorts as an empty one.
fn key(batch: &RecordBatch, kind: Kind, row: usize) -> Vec<(String, i64)> {
    let columns = kind.sort_key().iter().map(|name| {
        let column = column(batch, name);
        match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                let text = texts.is_valid(row).then(|| texts.value(row));
                (text.unwrap_or_default().to_owned(), 0)
            }
            _ => {
                let numbers = column.as_primitive::<Int64Type>();
                (String::new(), numbers.value(row))
            }
        }
    });
    columns.collect()
}

fn encoder(kind: Kind) -> Encoder {
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(kind)), "log0");
    append(&mut encoder, &mixed(kind.signal()), 1);
    append(&mut encoder, &mixed(kind.signal()), 2);
    encoder
}

#[test]
fn every_table_is_sorted_by_its_key() {
    for kind in Kind::ALL {
        let batch = one(encoder(kind).take(0).unwrap());
        assert_eq!(batch.num_rows(), 400);
        let keys: Vec<_> = (0..400).map(|row| key(&batch, kind, row)).collect();
        assert!(keys.is_sorted(), "{kind:?}");
        assert_ne!(keys[0], keys[399], "{kind:?}");
    }
}

#[test]
fn a_row_stays_together_when_it_is_sorted() {
    let batch = one(encoder(Kind::Logs).take(0).unwrap());
    for row in 0..400 {
        let body = text(&batch, "body", row).unwrap();
        assert_eq!(map(&batch, "attributes", row), entries(&[("i", &body)]));
        let time = DAY as i64 + body.parse::<i64>().unwrap() * 7919 % 97;
        assert_eq!(long(&batch, "time_unix_nano", row), Some(time));
        assert_eq!(micros(&batch, "time", row), time / 1000);
        let id = text(&batch, "record_id", row).unwrap();
        assert!(id.starts_with(&format!("{time:016x}-log0-")), "{id}");
        let service = text(&batch, "service_name", row);
        let resource = map(&batch, "resource_attributes", row);
        assert_eq!(resource["service.name"], service.or(some("")));
    }
    let batch = one(encoder(Kind::Traces).take(0).unwrap());
    for row in 0..400 {
        let name = text(&batch, "span_name", row).unwrap();
        let number: u8 = name.parse().unwrap();
        let trace = text(&batch, "trace_id", row).unwrap();
        assert_eq!(trace, format!("0102030405060708090a0b0c0d0e0f{number:02x}"));
        let events = column(&batch, "events").as_list::<i32>().value(row);
        let of = events.as_struct().column(1).as_string::<i32>();
        assert_eq!((of.len(), of.value(0)), (1, &*format!("of {number}")));
    }
}

#[test]
fn parts_of_a_row_group_are_the_whole() {
    for kind in Kind::ALL {
        let whole = one(encoder(kind).take(0).unwrap());
        let mut parts = Vec::new();
        let mut encoder = encoder(kind);
        let drained = encoder.drain(0, 150, |group| {
            assert_eq!(group.rows, 400);
            for batch in group.batches {
                parts.push(batch?);
            }
            Ok::<_, EncodeError>(())
        });
        drained.unwrap();
        assert_eq!(encoder.rows(), 0);
        let sizes: Vec<_> = parts.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [150, 150, 100]);
        let mut from = 0;
        for part in &parts {
            assert_eq!(part, &whole.slice(from, part.num_rows()), "{kind:?}");
            from += part.num_rows();
        }
    }
}

#[test]
fn builders_that_were_drained_start_again_empty() {
    let logs = |body: &str| {
        let mut logs = otlp::write::LogsWriter::new();
        logs.resource(|r| r.attribute("service.name", Value::String(body)));
        logs.record(|record| {
            record.time_unix_nano(DAY);
            record.body(Value::String(body));
        });
        logs.finish()
    };
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
    let mut take = |body, sequence| {
        append(&mut encoder, &logs(body), sequence);
        one(encoder.take(0).unwrap())
    };
    let mut fresh = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
    append(&mut fresh, &logs("second"), 2);
    take("first, and longer", 1);
    assert_eq!(take("second", 2), one(fresh.take(0).unwrap()));
}
