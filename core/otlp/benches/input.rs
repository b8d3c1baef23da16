//! What the benches feed: log requests as a fleet of web servers sends them.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// A log request: one resource, one scope, `records` records of 370 to 470 bytes
/// with 7 attributes. Other seeds are other texts, numbers and lengths.
pub(crate) fn logs(seed: u64, records: usize) -> ExportLogsServiceRequest {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let resource = Resource {
        attributes: vec![
            text("service.name", format!("checkout-{}", random.below(20))),
            text("service.version", "1.14.2".to_owned()),
            text(
                "host.name",
                format!("ip-10-0-{}-{}", random.below(256), random.below(256)),
            ),
            text("cloud.region", "eu-central-1".to_owned()),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "io.opentelemetry.nginx".to_owned(),
        version: "0.9.1".to_owned(),
        ..InstrumentationScope::default()
    };
    let log_records = (0..records).map(|_| record(&mut random)).collect();
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope),
                log_records,
                schema_url: "https://opentelemetry.io/schemas/1.30.0".to_owned(),
            }],
            schema_url: String::new(),
        }],
    }
}

fn record(random: &mut Random) -> LogRecord {
    let time = 1_700_000_000_000_000_000 + random.below(1 << 40);
    let method = *random.of(&["GET", "POST", "PUT", "DELETE"]);
    let status = *random.of(&[200, 200, 200, 201, 204, 301, 404, 500, 503]);
    let (severity_number, severity_text) = if status < 400 {
        (9, "INFO")
    } else {
        (17, "ERROR")
    };
    let path = format!("/api/v2/orders/{}/{}", random.below(1 << 20), random.word());
    let body = format!(
        "{method} {path} finished with {status} after {}",
        random.words(12)
    );
    let agent = format!("Mozilla/5.0 (X11; Linux x86_64) {}", random.words(2));
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time + random.below(1 << 20),
        severity_number,
        severity_text: severity_text.to_owned(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(body)),
        }),
        attributes: vec![
            text("http.request.method", method.to_owned()),
            int("http.response.status_code", status),
            text("url.path", path),
            text(
                "client.address",
                format!("192.168.{}.{}", random.below(256), random.below(256)),
            ),
            text("user_agent.original", agent),
            int(
                "http.server.request.duration_us",
                random.below(1 << 22) as i64,
            ),
            text("session.id", format!("{:016x}", random.next())),
        ],
        trace_id: [random.next().to_le_bytes(), random.next().to_le_bytes()].concat(),
        span_id: random.next().to_le_bytes().to_vec(),
        flags: 1,
        ..LogRecord::default()
    }
}

fn text(key: &str, value: String) -> KeyValue {
    attribute(key, Value::StringValue(value))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
}

/// Xorshift: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }

    fn word(&mut self) -> &'static str {
        const WORDS: [&str; 8] = [
            "alpha", "retry", "cart", "upstream", "ms", "cache", "of", "at",
        ];
        self.of::<&'static str>(&WORDS)
    }

    fn words(&mut self, most: u64) -> String {
        let count = 1 + self.below(most);
        (0..count)
            .map(|_| self.word())
            .collect::<Vec<_>>()
            .join(" ")
    }
}
