//! What telemetry in flight costs, beside the same job with `prost`.
//!
//! Each iteration takes another of 32 requests of 1000 log records, so that
//! neither caches nor branch predictors know the input by heart. Divide the
//! times by 1000 for a record.

#![allow(missing_docs)]

mod input;

use std::hint::black_box;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use otlp::{Payload, Signal, SplitLimits, Value, count_items};
use prost::Message;

const RECORDS: usize = 1000;

fn requests() -> Vec<Bytes> {
    (0..32)
        .map(|seed| input::logs(seed, RECORDS).encode_to_vec().into())
        .collect()
}

/// Runs `job` over the inputs in turn.
fn bench<I, T>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    inputs: &[I],
    mut job: impl FnMut(&I) -> T,
) {
    let mut turn = inputs.iter().cycle();
    group.bench_function(name, |b| {
        b.iter(|| turn.next().map(|input| black_box(job(input))))
    });
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(RECORDS as u64));
    group
}

fn decode(bytes: &Bytes) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(bytes.as_ref()).expect("valid")
}

fn validate(bytes: &Bytes) -> Payload {
    Payload::validate(Signal::Logs, bytes.clone()).expect("valid")
}

fn entry(c: &mut Criterion) {
    let requests = requests();
    let mut copy = Vec::new();
    let mut entry = group(c, "entry");
    bench(&mut entry, "copy", &requests, |bytes| {
        copy.clear();
        copy.extend_from_slice(bytes);
        copy.len()
    });
    bench(&mut entry, "count", &requests, |bytes| {
        count_items(Signal::Logs, bytes)
    });
    bench(&mut entry, "validate", &requests, validate);
    bench(&mut entry, "prost decode", &requests, decode);
}

fn read(c: &mut Criterion) {
    let payloads: Vec<_> = requests().iter().map(validate).collect();
    let mut read = group(c, "read all attributes");
    bench(&mut read, "ours", &payloads, |payload| {
        let mut bytes = 0;
        for resource in payload.logs() {
            for scope in resource.scopes() {
                for record in scope.records() {
                    for kv in record.attributes() {
                        bytes += kv.key.len();
                        bytes += match kv.value {
                            Value::String(text) => text.len(),
                            Value::Int(int) => int as usize & 7,
                            _ => 0,
                        };
                    }
                }
            }
        }
        bytes
    });
    bench(&mut read, "ours, one by key", &payloads, |payload| {
        let records = payload
            .logs()
            .flat_map(|r| r.scopes())
            .flat_map(|s| s.records());
        records
            .filter(|r| r.attributes().get("client.address").is_some())
            .count()
    });
    let requests = requests();
    bench(&mut read, "prost, with decoding", &requests, |bytes| {
        let mut sum = 0;
        let request = decode(bytes);
        let scopes = request.resource_logs.iter().flat_map(|r| &r.scope_logs);
        for kv in scopes
            .flat_map(|s| &s.log_records)
            .flat_map(|r| &r.attributes)
        {
            sum += kv.key.len();
            sum += match kv.value.as_ref().and_then(|v| v.value.as_ref()) {
                Some(any_value::Value::StringValue(text)) => text.len(),
                Some(any_value::Value::IntValue(int)) => *int as usize & 7,
                _ => 0,
            };
        }
        sum
    });
}

fn split(c: &mut Criterion) {
    let payloads: Vec<_> = requests().iter().map(validate).collect();
    let limits = SplitLimits {
        max_items: 300,
        max_bytes: 100 << 10,
    };
    let mut split = group(c, "split");
    bench(&mut split, "ours", &payloads, |payload| {
        payload.clone().split(limits).pieces.len()
    });
    let requests = requests();
    bench(&mut split, "prost, by items only", &requests, |bytes| {
        let mut request = decode(bytes);
        let resource = &mut request.resource_logs[0];
        let records = std::mem::take(&mut resource.scope_logs[0].log_records);
        let pieces = records.chunks(300).map(|records| {
            let mut piece = resource.clone();
            piece.scope_logs[0].log_records = records.to_vec();
            ExportLogsServiceRequest {
                resource_logs: vec![piece],
            }
            .encode_to_vec()
        });
        pieces.collect::<Vec<_>>()
    });
}

criterion_group!(benches, entry, read, split);
criterion_main!(benches);
