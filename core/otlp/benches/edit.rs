//! Edits on the wire beside the same edits on `prost` structs, nanoseconds for
//! 1000 log records: divide by 1000, or read elements a second.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlp::edit::{Edit, Facts, LogDraft, Scratch, Touches, Verdict, run};
use otlp::{Payload, Signal, Value};
use prost::Message;

const RECORDS: usize = 1000;

fn text(value: impl Into<String>) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(any_value::Value::StringValue(value.into())),
    })
}

fn pair(key: &str, value: Option<AnyValue>) -> KeyValue {
    KeyValue {
        key: key.into(),
        value,
        ..KeyValue::default()
    }
}

/// 1000 access records of about 380 bytes, 7 attributes each.
fn request() -> ExportLogsServiceRequest {
    let log_records = (0..RECORDS)
        .map(|n| LogRecord {
            time_unix_nano: 1_700_000_000_000_000_000 + n as u64,
            observed_time_unix_nano: 1_700_000_000_100_000_000 + n as u64,
            severity_number: 9,
            severity_text: "INFO".into(),
            body: text(format!(
                "GET /api/v1/products/{n} took {} ms in the backend",
                n % 97
            )),
            attributes: vec![
                pair("http.method", text("GET")),
                pair("url.path", text(format!("/api/v1/products/{n}"))),
                pair(
                    "http.response.status_code",
                    Some(AnyValue {
                        value: Some(any_value::Value::IntValue(200)),
                    }),
                ),
                pair("client.ip", text(format!("203.0.113.{}", n % 250))),
                pair(
                    "user_agent.original",
                    text("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
                ),
                pair("service.environment", text("production")),
                pair("session.id", text(format!("0123456789abcdef{n:08}"))),
            ],
            trace_id: vec![7; 16],
            span_id: vec![9; 8],
            ..LogRecord::default()
        })
        .collect();
    let resource = Resource {
        attributes: vec![
            pair("service.name", text("shop")),
            pair("host.name", text("web-1")),
            pair("telemetry.sdk.language", text("rust")),
        ],
        ..Resource::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![ScopeLogs {
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

const LOGS: Touches = Touches {
    resource: false,
    scope: false,
    logs: true,
    spans: false,
    metrics: false,
    points: false,
    moves: false,
    ignores_facts: true,
};

/// The first of these renames, in this order.
const RENAMES: [(&str, &str); 6] = [
    ("http.method", "http.request.method"),
    ("client.ip", "client.address"),
    ("service.environment", "deployment.environment.name"),
    ("session.id", "session.identifier"),
    ("url.path", "url.full.path"),
    ("user_agent.original", "user_agent.name"),
];

struct Rename(usize);

impl Edit for Rename {
    fn touches(&self) -> Touches {
        LOGS
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let mut attributes = log.attributes();
        for (from, to) in &RENAMES[..self.0] {
            attributes.rename(from, to);
        }
        Verdict::Keep
    }
}

/// The rename on structs, with the same meaning.
fn rename(attributes: &mut Vec<KeyValue>, from: &str, to: &str) {
    let Some(at) = attributes.iter().position(|kv| kv.key == from) else {
        return;
    };
    attributes[at].key = to.into();
    let mut index = 0;
    attributes.retain(|kv| {
        index += 1;
        index - 1 == at || (kv.key != from && kv.key != to)
    });
}

/// What an ECS mapping does to a record: every key looked up in a table, three
/// hits renamed, two attributes added if they are absent.
struct EcsLike(HashMap<&'static [u8], &'static str, BuildHasherDefault<Quick>>);

/// A hash for a table of our own keys, which nobody can attack.
#[derive(Default)]
struct Quick(u64);

impl Quick {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 29;
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.mix(
            rest.iter()
                .fold(0, |word, &byte| word << 8 | u64::from(byte)),
        );
    }

    fn write_usize(&mut self, len: usize) {
        self.0 ^= len as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl EcsLike {
    fn new() -> Self {
        let keys = [
            ("client.ip", "client.address"),
            ("http.method", "http.request.method"),
            ("service.environment", "deployment.environment.name"),
            ("error.message", "exception.message"),
            ("error.stack_trace", "exception.stacktrace"),
            ("event.id", "log.record.uid"),
            ("event.original", "log.record.original"),
            ("faas.id", "cloud.resource_id"),
            ("host.os.name", "os.name"),
            ("host.os.version", "os.version"),
            ("log.origin.file.line", "code.line.number"),
            ("log.origin.file.name", "code.file.path"),
            ("log.origin.function", "code.function.name"),
            ("process.thread.id", "thread.id"),
            ("process.thread.name", "thread.name"),
            ("server.ip", "server.address"),
            ("service.node.name", "service.instance.id"),
            ("service.target.name", "service.peer.name"),
        ];
        EcsLike(
            keys.map(|(from, to)| (from.as_bytes(), to))
                .into_iter()
                .collect(),
        )
    }
}

impl Edit for EcsLike {
    fn touches(&self) -> Touches {
        LOGS
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let mut attributes = log.attributes();
        for position in 0..attributes.positions() {
            let Some(key) = attributes.key_bytes_at(position) else {
                continue;
            };
            if let Some(to) = self.0.get(key) {
                attributes.rename_at(position, to);
            }
        }
        attributes.insert("event.dataset", Value::String("access"));
        attributes.insert("data_stream.type", Value::String("logs"));
        Verdict::Keep
    }
}

/// The whole mapping: fields set, two attributes moved to the resource.
struct EcsWhole(EcsLike);

impl Edit for EcsWhole {
    fn touches(&self) -> Touches {
        Touches {
            moves: true,
            ..LOGS
        }
    }

    fn log(&self, facts: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let verdict = self.0.log(facts, log);
        log.set_time_unix_nano(1_800_000_000_000_000_000);
        log.set_observed_time_unix_nano(facts.now_unix_nano());
        log.set_severity_number(17);
        log.set_severity_text("error");
        log.set_event_name("access");
        let (mut own, mut resource) = log.attributes_and_resource();
        for (from, to) in [
            ("deployment.environment.name", "deployment.environment.name"),
            ("user_agent.original", "browser.brand"),
        ] {
            if let Some(value) = own.remove(from) {
                resource.set(to, value);
            }
        }
        verdict
    }
}

/// A filter: looks at one field, drops every tenth record.
struct Filter;

impl Edit for Filter {
    fn touches(&self) -> Touches {
        LOGS
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        if log.time_unix_nano().is_multiple_of(10) {
            Verdict::Drop
        } else {
            Verdict::Keep
        }
    }
}

fn wire(bench: &mut Criterion) {
    let encoded = Bytes::from(request().encode_to_vec());
    let payload = Payload::validate(Signal::Logs, encoded.clone()).unwrap();
    let mut group = bench.benchmark_group(format!("wire, {} bytes", encoded.len() / RECORDS));
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("memcpy", |bench| bench.iter(|| black_box(encoded.to_vec())));
    group.bench_function("validate", |bench| {
        bench.iter(|| Payload::validate(Signal::Logs, encoded.clone()).unwrap());
    });
    let ecs = EcsLike::new();
    let whole = EcsWhole(EcsLike::new());
    let cases: [(&str, &[&dyn Edit]); 8] = [
        ("touch nothing", &[&Rename(0)]),
        ("filter", &[&Filter]),
        ("rename 1", &[&Rename(1)]),
        ("rename 3", &[&Rename(3)]),
        ("rename 6", &[&Rename(6)]),
        ("ecs-like", &[&ecs]),
        ("filter, ecs-like, rename 3", &[&Filter, &ecs, &Rename(3)]),
        ("ecs whole, regrouped", &[&whole]),
    ];
    for (name, edits) in cases {
        let mut scratch = Scratch::new();
        group.bench_function(name, |bench| {
            bench.iter(|| run(black_box(&payload), edits, &mut scratch, 1));
        });
    }
    let mut scratch = Scratch::new();
    group.bench_function("validate, rename 3", |bench| {
        bench.iter(|| {
            let payload = Payload::validate(Signal::Logs, encoded.clone()).unwrap();
            run(&payload, &[&Rename(3)], &mut scratch, 1)
        });
    });
    group.finish();
}

fn structs(bench: &mut Criterion) {
    let encoded = Bytes::from(request().encode_to_vec());
    let mut group = bench.benchmark_group("prost");
    group.throughput(Throughput::Elements(RECORDS as u64));
    let mut case = |name: &str, edit: &dyn Fn(&mut LogRecord)| {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut request = ExportLogsServiceRequest::decode(encoded.clone()).unwrap();
                for resource in &mut request.resource_logs {
                    for scope in &mut resource.scope_logs {
                        scope.log_records.iter_mut().for_each(edit);
                    }
                }
                request.encode_to_vec()
            });
        });
    };
    for renames in [1, 3, 6] {
        case(&format!("rename {renames}"), &|record| {
            for (from, to) in &RENAMES[..renames] {
                rename(&mut record.attributes, from, to);
            }
        });
    }
    let table = EcsLike::new().0;
    case("ecs-like", &|record| {
        for kv in &mut record.attributes {
            if let Some(to) = table.get(kv.key.as_bytes()) {
                kv.key = (*to).into();
            }
        }
        for (key, value) in [("event.dataset", "access"), ("data_stream.type", "logs")] {
            if record.attributes.iter().all(|kv| kv.key != key) {
                record.attributes.push(pair(key, text(value)));
            }
        }
    });
    group.finish();
}

criterion_group!(benches, wire, structs);
criterion_main!(benches);
