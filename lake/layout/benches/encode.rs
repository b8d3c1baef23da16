//! Logs to sorted Arrow batches, and batches to Parquet, 48,000 records at a time.

#![allow(missing_docs, reason = "bench program")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lake_layout::{
    EncodeError, Encoder, Entry, Kind, ParquetSettings, TableSpec, parquet_properties, preset,
};
use otlp::write::LogsWriter;
use otlp::{Payload, Value};
use parquet::arrow::ArrowWriter;

const RECORDS: u64 = 1000;
/// As a queue in memory names its log: it is in every record id.
const LOG: &str = "memory-01936b2e-7c1a-7d3e-9f40-5b2c8d1e6a70";
const DAY: u64 = 20_778 * 86_400_000_000_000;

/// Requests of a row group.
const REQUESTS: u64 = 48;

/// One second of one host: records of about 420 bytes with 7 attributes. Hosts share a service
/// and the second, so their records have to be sorted into each other.
fn payload(host: u64) -> Payload {
    let mut logs = LogsWriter::new();
    logs.resource(|r| {
        r.attribute(
            "service.name",
            Value::String(&format!("checkout-{}", host % 12)),
        );
        r.attribute("service.version", Value::String("1.14.2"));
        r.attribute(
            "host.name",
            Value::String(&format!("ip-10-0-3-{host}.eu-west-1")),
        );
        r.attribute("deployment.environment.name", Value::String("production"));
    });
    logs.scope(|s| s.name("com.example.checkout"));
    for i in 0..RECORDS {
        let number = host * RECORDS + i;
        let random = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let order = random >> 44;
        logs.record(|record| {
            let time = DAY + i * 1_000_003 + random % 900_000;
            record.time_unix_nano(time);
            record.observed_time_unix_nano(time + random % 1_000);
            record.severity_number(9);
            record.severity_text("INFO");
            record.body(Value::String(&format!(
                "order {order} accepted for customer {} after {} ms, forwarding to fulfilment {}",
                random >> 20 & 0xF_FFFF,
                random % 250,
                random >> 8 & 0xFFF,
            )));
            record.attribute("http.request.method", Value::String("POST"));
            record.attribute("url.path", Value::String(&format!("/orders/{order}/items")));
            record.attribute("http.response.status_code", Value::Int(200));
            record.attribute("session.id", Value::String(&format!("{random:016x}")));
            let client = format!("203.0.{}.{}", random >> 32 & 255, random >> 40 & 255);
            record.attribute("client.address", Value::String(&client));
            record.attribute(
                "user_agent.original",
                Value::String("Mozilla/5.0 (X11; Linux x86_64)"),
            );
            let duration = i64::try_from(random >> 42).unwrap_or(0);
            record.attribute("event.duration", Value::Int(duration));
            let trace = u128::from(random) << 64 | u128::from(random.rotate_left(17));
            record.trace_id(&trace.to_be_bytes());
            record.span_id(&random.to_be_bytes());
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

/// Appends all payloads; they make one row group.
fn append(encoder: &mut Encoder, payloads: &[Payload]) {
    for (payload, sequence) in payloads.iter().zip(0..) {
        assert!(encoder.append(entry(payload, sequence)).is_ok());
    }
}

/// Takes the rows in the parts that the lake writes.
fn drain(encoder: &mut Encoder) -> usize {
    let mut rows = 0;
    let drained = encoder.drain(0, 8192, |group| {
        for batch in group.batches {
            rows += black_box(batch?).num_rows();
        }
        Ok::<_, EncodeError>(())
    });
    assert!(drained.is_ok());
    rows
}

fn encode(c: &mut Criterion) {
    let payloads: Vec<Payload> = (0..REQUESTS).map(payload).collect();
    let mut group = c.benchmark_group("logs");
    group.throughput(Throughput::Elements(REQUESTS * RECORDS));
    group.sample_size(10);
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
        let mut encoder = Encoder::new(Arc::new(spec), LOG);
        group.bench_function(name, |b| {
            b.iter(|| {
                append(&mut encoder, black_box(&payloads));
                drain(&mut encoder)
            });
        });
    }
    let mut encoder = Encoder::new(Arc::new(plain.clone()), LOG);
    append(&mut encoder, &payloads);
    let batches = encoder.take(0).unwrap_or_default();
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
