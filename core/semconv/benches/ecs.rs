//! What the mapping costs a record, and a lookup a name.
//!
//! `cargo bench -p semconv`. Divide by 1,000 for a record; the payloads have
//! one resource and a thousand records.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use otlp::edit::{Edit, Facts, LogDraft, Scratch, Touches, Verdict, run};
use otlp::write::{LogWriter, LogsWriter};
use otlp::{Payload, Value};
use semconv::from_otel::{Fields, from_otel};
use semconv::{ToOtel, table, to_otel};
use std::hint::black_box;

const RECORDS: usize = 1_000;
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0";

fn payload(record: impl Fn(&mut LogWriter<'_>)) -> Payload {
    payload_of(RECORDS, record)
}

fn payload_of(records: usize, record: impl Fn(&mut LogWriter<'_>)) -> Payload {
    let mut writer = LogsWriter::new();
    writer.resource(|_| {});
    writer.scope(|_| {});
    for _ in 0..records {
        writer.record(|r| {
            r.observed_time_unix_nano(1_735_689_600_000_000_000);
            record(r);
        });
    }
    writer.finish()
}

/// A page view as the beacon receiver writes it: ten fields.
fn beacon(r: &mut LogWriter<'_>) {
    r.attribute("@timestamp", Value::String("2019-07-14T09:30:00.250Z"));
    r.attribute("event.action", Value::String("pageview"));
    r.attribute("event.kind", Value::String("event"));
    r.attribute("event.duration", Value::Int(42_000_000_000));
    r.attribute(
        "http.request.referrer",
        Value::String("https://news.example.org/item?id=1"),
    );
    r.attribute("client.ip", Value::String("203.0.113.7"));
    r.attribute(
        "url.full",
        Value::String("https://blog.example.com/posts/serverless-telemetry/"),
    );
    r.attribute("user_agent.original", Value::String(AGENT));
    r.attribute("session.id", Value::String("0123456789abcdef"));
    r.attribute("page.title", Value::String("Serverless telemetry"));
}

/// The same with what Beats add: it moves to the resource.
fn beats(r: &mut LogWriter<'_>) {
    beacon(r);
    for (key, value) in [
        ("service.name", "shop"),
        ("service.environment", "production"),
        ("host.name", "web-1"),
        ("host.architecture", "x86_64"),
        ("host.os.type", "linux"),
        ("agent.type", "filebeat"),
        ("log.level", "info"),
        ("message", "GET /posts/serverless-telemetry/ 200"),
    ] {
        r.attribute(key, Value::String(value));
    }
}

/// An ordinary record of an OpenTelemetry SDK.
fn ordinary(r: &mut LogWriter<'_>) {
    r.time_unix_nano(1_735_689_600_000_000_000);
    r.severity_number(9);
    r.severity_text("INFO");
    r.body(Value::String("GET /posts/serverless-telemetry/ 200"));
    r.attribute("http.request.method", Value::String("GET"));
    r.attribute("http.route", Value::String("/posts/{slug}"));
    r.attribute("http.response.status_code", Value::Int(200));
    r.attribute("url.path", Value::String("/posts/serverless-telemetry/"));
    r.attribute("client.address", Value::String("203.0.113.7"));
    r.attribute("user_agent.original", Value::String(AGENT));
    r.attribute("shop.cart", Value::Int(3));
}

/// What the walk costs without a mapper: every attribute looked at, or every record stamped.
struct Only {
    stamp: bool,
}

impl Edit for Only {
    fn touches(&self) -> Touches {
        to_otel::TOUCHES
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        if self.stamp {
            log.resource().set_schema_url(to_otel::SCHEMA_URL);
            log.scope().set_schema_url(to_otel::SCHEMA_URL);
        }
        let empty = log
            .attributes()
            .iter()
            .any(|attribute| attribute.value.is_empty());
        if empty { Verdict::Drop } else { Verdict::Keep }
    }
}

fn mapping(c: &mut Criterion) {
    let mut group = c.benchmark_group("to_otel");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let mapper = ToOtel::default();
    let edits: [&dyn Edit; 1] = [&mapper];
    let mut scratch = Scratch::default();
    let events = payload(beacon);
    for (name, stamp) in [
        ("beacon_only_looked_at", false),
        ("beacon_only_stamped", true),
    ] {
        let only = Only { stamp };
        group.bench_function(name, |b| {
            b.iter(|| run(black_box(&events), &[&only], &mut scratch, 0));
        });
    }
    for (name, payload) in [
        ("beacon", payload(beacon)),
        ("beats_18", payload(beats)),
        ("ordinary", payload(ordinary)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| run(black_box(&payload), &edits, &mut scratch, 0))
        });
    }
    group.finish();
    // as beacons come: what a walk costs beside its records
    let one = payload_of(1, beacon);
    c.bench_function("to_otel/one_beacon", |b| {
        b.iter(|| run(black_box(&one), &edits, &mut scratch, 0))
    });
}

fn reverse(c: &mut Criterion) {
    let mapped = run(
        &payload(beats),
        &[&ToOtel::default()],
        &mut Scratch::default(),
        0,
    );
    let mut group = c.benchmark_group("from_otel");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("beats_18", |b| {
        b.iter(|| {
            let mut fields = 0;
            for block in mapped.logs() {
                let resource = block.resource().attributes();
                for scope in block.scopes() {
                    let name = scope.scope().name();
                    for record in scope.records() {
                        let of = Fields::of(&record, name);
                        from_otel(&of, record.attributes(), resource, |path, _| {
                            fields += path.len()
                        });
                    }
                }
            }
            fields
        });
    });
    group.finish();
}

fn lookups(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup");
    let hits = [
        "@timestamp",
        "event.action",
        "http.request.referrer",
        "client.ip",
        "user_agent.original",
    ];
    let misses = [
        "session.id2",
        "page.title",
        "acme.order.state",
        "beacon.sample_rate",
        "media.position",
    ];
    for (name, names) in [("5_hits", hits), ("5_misses", misses)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                names
                    .iter()
                    .filter(|name| table::lookup(black_box(name)).is_some())
                    .count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, mapping, reverse, lookups);
criterion_main!(benches);
