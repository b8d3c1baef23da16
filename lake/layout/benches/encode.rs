//! Logs to Arrow, and Arrow to Parquet: nanoseconds a record are the time divided by 1000.

#![allow(missing_docs, reason = "bench program")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lake_layout::{Encoder, Entry, Kind, ParquetSettings, TableSpec, parquet_properties, preset};
use otlp::write::LogsWriter;
use otlp::{Payload, Value};
use parquet::arrow::ArrowWriter;

const RECORDS: u64 = 1000;
const DAY: u64 = 20_778 * 86_400_000_000_000;

/// Records of about 400 bytes with 7 attributes, 1000 to a request, one resource.
fn payload() -> Payload {
    let mut logs = LogsWriter::new();
    logs.resource(|r| {
        r.attribute("service.name", Value::String("checkout"));
        r.attribute("service.version", Value::String("1.14.2"));
        r.attribute("host.name", Value::String("ip-10-0-3-17.eu-west-1"));
        r.attribute("deployment.environment.name", Value::String("production"));
    });
    logs.scope(|s| s.name("com.example.checkout"));
    for i in 0..RECORDS {
        logs.record(|record| {
            record.time_unix_nano(DAY + i * 1_000_003);
            record.observed_time_unix_nano(DAY + i * 1_000_003 + 250);
            record.severity_number(9);
            record.severity_text("INFO");
            record.body(Value::String(&format!(
                "order {i} accepted for customer {} after {} ms, forwarding to fulfilment",
                i * 7919 % 10_007,
                i % 250
            )));
            record.attribute("http.request.method", Value::String("POST"));
            record.attribute("url.path", Value::String(&format!("/orders/{i}")));
            record.attribute("http.response.status_code", Value::Int(200));
            record.attribute("session.id", Value::String(&format!("{:032x}", i / 10)));
            record.attribute("client.address", Value::String("203.0.113.9"));
            record.attribute(
                "user_agent.original",
                Value::String("Mozilla/5.0 (X11; Linux x86_64)"),
            );
            record.attribute(
                "event.duration",
                Value::Int(1_500_000 + i64::try_from(i).unwrap_or(0)),
            );
            record.trace_id(&(u128::from(i) * 0x9E37_79B9_7F4A_7C15_F39C).to_be_bytes());
            record.span_id(&(i * 0x9E37_79B9).to_be_bytes());
        });
    }
    logs.finish()
}

fn entry(payload: &Payload, sequence: u64) -> Entry<'_> {
    Entry {
        payload,
        sequence,
        ingest_time_unix_nano: DAY,
    }
}

fn encode(c: &mut Criterion) {
    let payload = payload();
    let mut group = c.benchmark_group("logs");
    group.throughput(Throughput::Elements(RECORDS));
    let plain = TableSpec::new(Kind::Logs);
    let promoted = plain
        .clone()
        .promoting(preset("web_analytics").unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}"));
    for (name, spec) in [
        ("to_arrow", plain.clone()),
        ("to_arrow_with_promoted_columns", promoted),
        ("to_ecs_events", TableSpec::new(Kind::EcsEvents)),
    ] {
        let mut encoder = Encoder::new(Arc::new(spec), "0badcafe");
        group.bench_function(name, |b| {
            b.iter(|| {
                let appended = encoder.append(entry(black_box(&payload), 1));
                assert!(appended.is_ok());
                black_box(encoder.take(0).map(|days| days.len()).unwrap_or(0))
            });
        });
    }
    let mut encoder = Encoder::new(Arc::new(plain.clone()), "0badcafe");
    for sequence in 0..50 {
        assert!(encoder.append(entry(&payload, sequence)).is_ok());
    }
    let batches = encoder.take(0).unwrap_or_default();
    group.throughput(Throughput::Elements(50 * RECORDS));
    group.sample_size(10);
    for level in [1, 3] {
        let settings = ParquetSettings {
            zstd_level: level,
            ..ParquetSettings::default()
        };
        group.bench_function(format!("arrow_to_parquet_zstd_{level}"), |b| {
            b.iter(|| {
                let properties = parquet_properties(&plain, settings);
                let mut file = Vec::new();
                let mut writer =
                    ArrowWriter::try_new(&mut file, plain.file_schema().clone(), Some(properties))
                        .unwrap_or_else(|error| panic!("{error}"));
                for day in &batches {
                    assert!(writer.write(&day.batch).is_ok());
                }
                assert!(writer.close().is_ok());
                black_box(file.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
