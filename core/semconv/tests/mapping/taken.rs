//! Records that are more than the attributes a receiver wrote: fields, bodies,
//! resources and scopes that are there already (mapping, section 18).

use otlp::write::{LogWriter, LogsWriter};
use otlp::{Payload, Value};
use semconv::ToOtel;
use serde_json::json;

use crate::event::edited;
use crate::own::summary;

/// A record that already has fields of its own, under a resource and a scope.
fn given(record: impl FnOnce(&mut LogWriter<'_>)) -> Payload {
    let mut writer = LogsWriter::new();
    writer.resource(|r| {
        r.attribute("service.name", Value::String("shop"));
        r.attribute("host.name", Value::String("web-1"));
        r.attribute("user_agent.original", Value::String("curl"));
    });
    writer.scope(|s| s.name("logger"));
    writer.record(|r| {
        r.observed_time_unix_nano(crate::event::RECEIVED);
        record(r);
    });
    writer.finish()
}

fn put_all(r: &mut LogWriter<'_>, attributes: &[(&str, &str)]) {
    for (key, value) in attributes {
        r.attribute(key, Value::String(value));
    }
}

#[test]
fn what_the_record_has_in_a_field_stays_there() {
    let payload = given(|r| {
        r.time_unix_nano(7);
        r.severity_number(9);
        r.severity_text("INFO");
        r.body(Value::String("otlp"));
        r.event_name("otlp");
        r.trace_id(&[1; 16]);
        r.span_id(&[2; 8]);
        put_all(
            r,
            &[
                ("@timestamp", "2019-07-14"),
                ("log.level", "error"),
                ("message", "ecs"),
                ("event.action", "ecs"),
                ("trace.id", "03030303030303030303030303030303"),
                ("span.id", "0404040404040404"),
                ("transaction.id", "0505050505050505"),
                ("log.logger", "ecs"),
                ("log.syslog.severity.name", "Error"),
            ],
        );
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(
        got["record"],
        json!({
            "@timestamp": "2019-07-14", "log.level": "error", "message": "ecs", "event.action": "ecs",
            "trace.id": "03030303030303030303030303030303", "span.id": "0404040404040404",
            "transaction.id": "0505050505050505", "log.logger": "ecs", "log.syslog.severity.name": "Error",
        }),
    );
    assert_eq!(got["time"], 7);
    assert_eq!(got["number"], 9);
    assert_eq!(got["text"], "INFO");
    assert_eq!(got["body"], "otlp");
    assert_eq!(got["name"], "otlp");
    assert_eq!(got["scope"], "logger");
    assert_eq!(got["trace"], "01".repeat(16));
    assert_eq!(got["span"], "02".repeat(8));
}

#[test]
fn equal_to_a_field_of_the_record_is_dropped() {
    let payload = given(|r| {
        r.time_unix_nano(1_563_062_400_000_000_000);
        r.severity_text("error");
        r.body(Value::String("same"));
        put_all(
            r,
            &[
                ("@timestamp", "2019-07-14"),
                ("log.level", "error"),
                ("message", "same"),
                ("log.logger", "logger"),
            ],
        );
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(got.get("record"), None);
    // The text was there without its number.
    assert_eq!(got["number"], 17);
}

#[test]
fn what_the_resource_has_stays_there() {
    let payload = given(|r| {
        put_all(
            r,
            &[
                ("event.kind", "event"),
                ("service.name", "other"),
                ("host.hostname", "web-2"),
                ("agent.type", "filebeat"),
                ("user_agent.original", "curl"),
                ("k8s.pod.name", "pod"),
            ],
        );
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(
        got["resource"],
        json!({
            "service.name": "shop", "host.name": "web-1", "user_agent.original": "curl", "agent.type": "filebeat",
            "host.hostname": "web-2", "k8s.pod.name": "pod",
        }),
    );
    // The name is taken on the resource, so it stays; and the client of one request stays on the record.
    assert_eq!(
        got["record"],
        json!({"event.kind": "event", "service.name": "other", "user_agent.original": "curl"}),
    );
}

#[test]
fn an_ordinary_record_passes_byte_by_byte() {
    let payload = given(|r| {
        r.time_unix_nano(7);
        r.body_with(|v| v.map(|m| m.attribute("message", Value::String("structured"))));
        r.attribute_with("http", |v| v.map(|m| m.attribute("nested", Value::Int(1))));
        put_all(
            r,
            &[
                ("host.name", "x"),
                ("http.request.method", "get"),
                ("exception.message", "m"),
            ],
        );
        r.attribute("process.pid", Value::String("7"));
    });
    let same = edited(&payload, &[&ToOtel::default()]);
    assert_eq!(same.into_bytes(), payload.into_bytes());
}

#[test]
fn a_nested_ecs_name_makes_an_event_and_attributes_win_against_the_body() {
    let payload = given(|r| {
        r.time_unix_nano(7);
        r.attribute_with("event", |v| {
            v.map(|m| m.attribute("action", Value::String("a")))
        });
    });
    assert_eq!(
        summary(&edited(&payload, &[&ToOtel::default()]))["name"],
        "a"
    );
    let payload = given(|r| {
        r.body_with(|v| {
            v.map(|m| {
                m.attribute("@timestamp", Value::String("2019-07-14"));
                m.attribute("client.ip", Value::String("10.9.9.9"));
                m.attribute("message", Value::String("hello"));
            });
        });
        put_all(r, &[("client.ip", "203.0.113.7")]);
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(got["record"], json!({"client.address": "203.0.113.7"}));
    assert_eq!(got["body"], "hello");
}

#[test]
fn a_schema_of_the_producer_stands() {
    let mut writer = LogsWriter::new();
    writer.resource(|r| r.schema_url("https://example.com/1"));
    writer.scope(|_| {});
    writer.record(|r| r.attribute("event.action", Value::String("a")));
    let mapped = edited(&writer.finish(), &[&ToOtel::default()]);
    let resource = mapped.logs().next().expect("one resource");
    assert_eq!(resource.schema_url(), "https://example.com/1");
    let scope = resource.scopes().next().expect("one scope");
    assert_eq!(scope.schema_url(), semconv::SCHEMA_URL);
}
