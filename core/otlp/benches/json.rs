//! OTLP/JSON in and out, and writing from scratch, beside what the usual crates
//! need for the same: nanoseconds for 1000 log records, and throughput of text.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use otlp::write::{LogWriter, LogsWriter, MetricsWriter, ResourceWriter};
use otlp::{NumberValue, Payload, Signal, Value, json};
use prost::Message;

const RECORDS: usize = 1000;

fn resource(resource: &mut ResourceWriter<'_>) {
    resource.attribute("service.name", Value::String("shop"));
    resource.attribute("host.name", Value::String("web-1"));
    resource.attribute("telemetry.sdk.language", Value::String("webjs"));
}

/// The texts that differ from record to record.
struct Texts {
    body: String,
    path: String,
    client: String,
    session: String,
}

fn texts() -> Vec<Texts> {
    let texts = |n: usize| Texts {
        body: format!("GET /api/v1/products/{n} took {} ms in the backend", n % 97),
        path: format!("/api/v1/products/{n}"),
        client: format!("203.0.113.{}", n % 250),
        session: format!("0123456789abcdef{n:08}"),
    };
    (0..RECORDS).map(texts).collect()
}

/// One access record of about 380 bytes.
fn record(log: &mut LogWriter<'_>, n: u64, texts: &Texts) {
    log.time_unix_nano(1_700_000_000_000_000_000 + n);
    log.observed_time_unix_nano(1_700_000_000_100_000_000 + n);
    log.severity_number(9);
    log.severity_text("INFO");
    log.body(Value::String(&texts.body));
    log.attribute("http.method", Value::String("GET"));
    log.attribute("url.path", Value::String(&texts.path));
    log.attribute("http.response.status_code", Value::Int(200));
    log.attribute("client.ip", Value::String(&texts.client));
    let agent = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101";
    log.attribute("user_agent.original", Value::String(agent));
    log.attribute("service.environment", Value::String("production"));
    log.attribute("session.id", Value::String(&texts.session));
    log.trace_id(&[7; 16]);
    log.span_id(&[9; 8]);
}

fn logs(writer: &mut LogsWriter, texts: &[Texts]) -> Payload {
    writer.resource(resource);
    writer.scope(|scope| scope.name("access"));
    for (n, texts) in (0..).zip(texts) {
        writer.record(|log| record(log, n, texts));
    }
    writer.finish()
}

fn metrics() -> Payload {
    let mut writer = MetricsWriter::new();
    writer.resource(resource);
    for n in 0..RECORDS as u64 {
        writer.metric(|metric| {
            metric.name("http.server.request.duration");
            metric.unit("s");
            metric.histogram(2, |h| {
                h.point(|point| {
                    point.attribute("http.route", Value::String("/api/v1/products/{id}"));
                    point.attribute("http.response.status_code", Value::Int(200));
                    point.start_time_unix_nano(1_700_000_000_000_000_000);
                    point.time_unix_nano(1_700_000_010_000_000_000 + n);
                    point.count(n);
                    point.sum(n as f64 * 0.0123);
                    point.bucket_counts([n, n / 2, 3, 0, 0, 1]);
                    point.explicit_bounds([0.005, 0.01, 0.025, 0.05, 0.1]);
                });
            });
        });
        writer.metric(|metric| {
            metric.name("process.cpu.utilization");
            metric.gauge(|g| g.point(|p| p.value(NumberValue::Double(1.0 / (n + 1) as f64))));
        });
    }
    writer.finish()
}

fn text_of(payload: &Payload) -> Vec<u8> {
    let mut text = Vec::new();
    json::write(payload, &mut text);
    text
}

fn reading(c: &mut Criterion) {
    let text = text_of(&logs(&mut LogsWriter::new(), &texts()));
    let mut group = c.benchmark_group("json in, 1000 logs");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("otlp", |b| {
        b.iter(|| json::read(Signal::Logs, black_box(&text)).unwrap());
    });
    group.bench_function("opentelemetry-proto serde and prost", |b| {
        b.iter(|| {
            let request: ExportLogsServiceRequest =
                serde_json::from_slice(black_box(&text)).unwrap();
            Bytes::from(request.encode_to_vec())
        });
    });
    group.bench_function("serde_json tree alone", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&text)).unwrap());
    });
    group.finish();

    let text = text_of(&metrics());
    let mut group = c.benchmark_group("json in, 2000 metrics");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("otlp", |b| {
        b.iter(|| json::read(Signal::Metrics, black_box(&text)).unwrap());
    });
    group.bench_function("opentelemetry-proto serde and prost", |b| {
        b.iter(|| {
            let request: ExportMetricsServiceRequest =
                serde_json::from_slice(black_box(&text)).unwrap();
            Bytes::from(request.encode_to_vec())
        });
    });
    group.finish();
}

fn writing(c: &mut Criterion) {
    let payload = logs(&mut LogsWriter::new(), &texts());
    let text = text_of(&payload);
    let mut group = c.benchmark_group("json out, 1000 logs");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let mut out = Vec::with_capacity(2 * text.len());
    group.bench_function("otlp", |b| {
        b.iter(|| {
            out.clear();
            json::write(black_box(&payload), &mut out);
        });
    });
    let bytes = payload.clone().into_bytes();
    group.bench_function("prost and opentelemetry-proto serde", |b| {
        b.iter(|| {
            let request = ExportLogsServiceRequest::decode(black_box(bytes.clone())).unwrap();
            serde_json::to_vec(&request).unwrap()
        });
    });
    group.finish();

    let payload = metrics();
    let mut group = c.benchmark_group("json out, 2000 metrics");
    group.throughput(Throughput::Bytes(text_of(&payload).len() as u64));
    group.bench_function("otlp", |b| {
        b.iter(|| {
            out.clear();
            json::write(black_box(&payload), &mut out);
        });
    });
    group.finish();

    let texts = texts();
    let mut group = c.benchmark_group("from scratch, 1000 logs");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let mut writer = LogsWriter::new();
    group.bench_function("otlp", |b| b.iter(|| logs(&mut writer, black_box(&texts))));
    let request = ExportLogsServiceRequest::decode(bytes).unwrap();
    group.bench_function("prost, of structs that exist", |b| {
        b.iter(|| Bytes::from(black_box(&request).encode_to_vec()));
    });
    group.finish();
}

criterion_group!(benches, reading, writing);
criterion_main!(benches);
