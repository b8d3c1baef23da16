//! Section 15: log records to flat ECS, by rule.

use otlp::edit::Arena;
use otlp::write::ValueWriter;
use otlp::{Attributes, KeyValue, Value};
use semconv::from_otel::{Fields, from_otel};
use serde_json::{Map, Value as Json, json};

use crate::normal::plain;

/// The flat event of a record with these attributes, on the record and on its resource.
fn back(fields: &Fields<'_>, record: &Json, resource: &Json) -> Json {
    let arena = Arena::default();
    let attributes = |of: &Json| -> Attributes<'_> {
        match arena.build(|v| put(v, of)) {
            Value::Map(map) => map,
            other => panic!("{other:?}"),
        }
    };
    let mut event = Map::new();
    from_otel(
        fields,
        attributes(record),
        attributes(resource),
        |path, value| {
            let value = plain(value.to_value(&arena));
            assert!(
                event.insert(path.to_owned(), value).is_none(),
                "{path} twice"
            );
        },
    );
    Json::Object(event)
}

fn put(writer: &mut ValueWriter<'_>, value: &Json) {
    match value {
        Json::Null => {}
        Json::Bool(flag) => writer.set(Value::Bool(*flag)),
        Json::Number(n) if n.is_i64() => writer.set(Value::Int(n.as_i64().unwrap_or_default())),
        Json::Number(n) => writer.set(Value::Double(n.as_f64().unwrap_or_default())),
        Json::String(text) => writer.set(Value::String(text)),
        Json::Array(members) => {
            writer.array(|a| members.iter().for_each(|m| a.push_with(|v| put(v, m))));
        }
        Json::Object(members) => {
            writer.map(|m| {
                members
                    .iter()
                    .for_each(|(k, member)| m.attribute_with(k, |v| put(v, member)))
            });
        }
    }
}

fn check(table: &[(Json, Json)]) {
    for (record, want) in table {
        assert_eq!(
            back(&Fields::default(), record, &json!({})),
            *want,
            "{record}"
        );
        // From the resource it is the same event.
        assert_eq!(
            back(&Fields::default(), &json!({}), record),
            *want,
            "{record} on the resource"
        );
    }
}

#[test]
fn fields_of_the_record() {
    let nothing = json!({});
    let of = |fields: Fields<'_>| back(&fields, &nothing, &nothing);
    assert_eq!(of(Fields::default()), json!({}));
    assert_eq!(
        of(Fields {
            observed_time_unix_nano: 1_000,
            ..Fields::default()
        }),
        json!({"@timestamp": "1970-01-01T00:00:00.000001Z", "event.created": "1970-01-01T00:00:00.000001Z"}),
    );
    assert_eq!(
        of(Fields {
            time_unix_nano: 1,
            ..Fields::default()
        }),
        json!({"@timestamp": "1970-01-01T00:00:00.000000001Z"}),
    );
    for (number, name) in [
        (1, "trace"),
        (8, "debug"),
        (10, "info"),
        (16, "warn"),
        (18, "error"),
        (24, "fatal"),
    ] {
        assert_eq!(
            of(Fields {
                severity_number: number,
                ..Fields::default()
            }),
            json!({"log.level": name})
        );
    }
    assert_eq!(
        of(Fields {
            severity_number: 99,
            ..Fields::default()
        }),
        json!({})
    );
    let text = Fields {
        severity_number: 9,
        severity_text: "Notice",
        ..Fields::default()
    };
    assert_eq!(of(text), json!({"log.level": "Notice"}));
    for (body, message) in [
        (Value::Int(5), "5"),
        (Value::Bool(true), "true"),
        (Value::Double(2.0), "2.0"),
        (Value::String(""), ""),
    ] {
        assert_eq!(
            of(Fields {
                body: Some(body),
                ..Fields::default()
            }),
            json!({"message": message})
        );
    }
    assert_eq!(
        of(Fields {
            body: Some(Value::Empty),
            ..Fields::default()
        }),
        json!({})
    );
    let names = Fields {
        event_name: "e",
        scope_name: "s",
        ..Fields::default()
    };
    assert_eq!(of(names), json!({"event.action": "e", "log.logger": "s"}));
}

#[test]
fn ids() {
    let span = [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
    let fields = Fields {
        span_id: &span,
        trace_id: &[1; 16],
        ..Fields::default()
    };
    assert_eq!(
        back(
            &fields,
            &json!({"transaction.id": "00F067AA0BA902B7"}),
            &json!({})
        ),
        json!({"trace.id": "01".repeat(16), "transaction.id": "00F067AA0BA902B7"}),
    );
    assert_eq!(
        back(&fields, &json!({"transaction.id": "other"}), &json!({})),
        json!({"trace.id": "01".repeat(16), "span.id": "00f067aa0ba902b7", "transaction.id": "other"}),
    );
}

#[test]
fn record_and_resource_merge_record_first() {
    let event = back(
        &Fields::default(),
        &json!({"host.name": "record", "acme.a": 1, "http.request.header.referer": ["r"]}),
        &json!({"host.name": "resource", "acme.a": 2, "acme.b": 3, "service.instance.id": "i"}),
    );
    assert_eq!(
        event,
        json!({
            "host.name": "record", "acme.a": 1, "acme.b": 3, "http.request.referrer": "r",
            "service.node.name": "i",
        }),
    );
}

#[test]
fn http_and_network() {
    check(&[
        (
            json!({"http.request.method": "_OTHER", "http.request.method_original": "purge"}),
            json!({"http.request.method": "purge"}),
        ),
        (
            json!({"http.request.method_original": "purge"}),
            json!({"http.request.method": "purge"}),
        ),
        (
            json!({"http.request.method": "GET"}),
            json!({"http.request.method": "GET"}),
        ),
        (
            json!({"http.request.header.referer": ["a", "b"]}),
            json!({"http.request.header.referer": ["a", "b"]}),
        ),
        (
            json!({"http.request.header.referer": "a"}),
            json!({"http.request.referrer": "a"}),
        ),
        (
            json!({"network.protocol.version": "2"}),
            json!({"http.version": "2"}),
        ),
        (
            json!({"network.protocol.version": "3", "network.protocol.name": "amqp"}),
            json!({"network.protocol.version": "3", "network.protocol": "amqp"}),
        ),
        (
            json!({"client.address": "2001:db8::1", "source.address": "web", "server.address": ["a"]}),
            json!({
                "client.address": "2001:db8::1", "client.ip": "2001:db8::1", "source.address": "web",
                "source.domain": "web", "server.address": ["a"],
            }),
        ),
        // What the event said itself stands.
        (
            json!({"destination.address": "192.0.2.1", "destination.ip": "192.0.2.2"}),
            json!({"destination.address": "192.0.2.1", "destination.ip": "192.0.2.2"}),
        ),
    ]);
}

#[test]
fn errors_and_places() {
    check(&[
        (json!({"exception.type": "X"}), json!({"error.type": "X"})),
        (
            json!({"exception.type": "E", "error.type": "E"}),
            json!({"error.type": "E"}),
        ),
        (
            json!({"exception.type": "X", "error.type": "E"}),
            json!({"exception.type": "X", "error.type": "E"}),
        ),
        (
            json!({"exception.message": "otel", "error.message": "ecs"}),
            json!({"exception.message": "otel", "error.message": "ecs"}),
        ),
        (
            json!({"exception.message": "same", "error.message": "same"}),
            json!({"error.message": "same"}),
        ),
        (
            json!({"geo.location.lat": 1.5}),
            json!({"geo.location.lat": 1.5}),
        ),
        (
            json!({"geo.location.lon": 1.5}),
            json!({"geo.location.lon": 1.5}),
        ),
        (
            json!({"geo.location.lat": 1.5, "geo.location.lon": 2, "geo.locality.name": "Bonn"}),
            json!({"client.geo.location": {"lat": 1.5, "lon": 2}, "client.geo.city_name": "Bonn"}),
        ),
        (
            json!({"geo.location.lat": 1.5, "geo.location.lon": 2.5, "client.geo.location": "f25ej"}),
            json!({"geo.location.lat": 1.5, "geo.location.lon": 2.5, "client.geo.location": "f25ej"}),
        ),
        (
            json!({"dns.answers": ["192.0.2.1"]}),
            json!({"dns.resolved_ip": ["192.0.2.1"]}),
        ),
        (
            json!({"dns.answers": [{"data": "x"}]}),
            json!({"dns.answers": [{"data": "x"}]}),
        ),
    ]);
}

#[test]
fn emitters() {
    check(&[
        (
            json!({"host.arch": "arm64", "os.type": "linux"}),
            json!({"host.architecture": "aarch64", "host.os.type": "linux"}),
        ),
        (
            json!({"host.arch": "riscv64"}),
            json!({"host.architecture": "riscv64"}),
        ),
        (
            json!({"os.type": "darwin", "os.name": "iOS"}),
            json!({"host.os.type": "ios", "host.os.name": "iOS"}),
        ),
        (
            json!({"os.type": "aix"}),
            json!({"host.os.type": "unix", "host.os.platform": "aix"}),
        ),
        (
            json!({"os.type": "freebsd", "host.os.platform": "FreeBSD"}),
            json!({"host.os.type": "unix", "host.os.platform": "FreeBSD"}),
        ),
        (
            json!({"cloud.platform": "azure.vm"}),
            json!({"cloud.service.name": "vm"}),
        ),
        (
            json!({"cloud.platform": "moon_base"}),
            json!({"cloud.service.name": "moon_base"}),
        ),
        (
            json!({"cloud.resource_id": "arn"}),
            json!({"cloud.resource_id": "arn"}),
        ),
        (
            json!({"cloud.resource_id": "arn", "faas.name": "f"}),
            json!({"faas.id": "arn", "faas.name": "f"}),
        ),
        (
            json!({"deployment.environment": "qa"}),
            json!({"service.environment": "qa"}),
        ),
        (
            json!({"deployment.environment": "qa", "deployment.environment.name": "prod"}),
            json!({"deployment.environment": "qa", "service.environment": "prod"}),
        ),
        (
            json!({"container.label.a": "x", "container.labels.b": ["y", "z"]}),
            json!({"container.labels.a": "x", "container.labels.b": ["y", "z"]}),
        ),
        (
            json!({"process.environment_variable.A": "1", "process.environment_variable.B": "x=y"}),
            json!({"process.env_vars": ["A=1", "B=x=y"]}),
        ),
        (
            json!({"process.environment_variable.A": "1", "process.env_vars": ["C"]}),
            json!({"process.env_vars": ["A=1", "C"]}),
        ),
        (
            json!({"http.route": "/x", "k8s.pod.label.app": "a", "labels.x": "y"}),
            json!({"http.route": "/x", "k8s.pod.label.app": "a", "labels.x": "y"}),
        ),
    ]);
}

#[test]
fn a_value_of_an_attribute_may_be_anything() {
    let empty = KeyValue {
        key: "acme.none",
        value: Value::Empty,
    };
    let mut paths = 0;
    from_otel(
        &Fields::default(),
        std::iter::once(empty),
        std::iter::empty(),
        |_, _| paths += 1,
    );
    assert_eq!(paths, 0);
}
