//! Payloads and OTLP/JSON in one comparable form.

use otlp::{Attributes, Payload, Value};
use serde_json::{Map, Value as Json, json};

/// Resources, scopes and records of a payload; attributes as objects, so that their order does not matter.
pub(crate) fn of_payload(payload: &Payload) -> Json {
    let mut resources = Vec::new();
    for resource in payload.logs() {
        let mut scopes = Vec::new();
        for scope in resource.scopes() {
            let records: Vec<Json> = scope
                .records()
                .map(|r| {
                    json!({
                        "time": r.time_unix_nano,
                        "observed": r.observed_time_unix_nano,
                        "number": r.severity_number,
                        "text": r.severity_text,
                        "body": r.body.map(value),
                        "trace": hex(r.trace_id),
                        "span": hex(r.span_id),
                        "name": r.event_name,
                        "attributes": attributes(r.attributes()),
                    })
                })
                .collect();
            let name = scope.scope().name();
            scopes.push(json!({"scope": name, "schema": scope.schema_url(), "records": records}));
        }
        let attributes = attributes(resource.resource().attributes());
        resources.push(
            json!({"attributes": attributes, "schema": resource.schema_url(), "scopes": scopes}),
        );
    }
    Json::Array(resources)
}

pub(crate) fn attributes(attributes: Attributes<'_>) -> Json {
    let mut map = Map::new();
    for attribute in attributes {
        let before = map.insert(attribute.key.to_owned(), value(attribute.value));
        assert!(before.is_none(), "{} twice", attribute.key);
    }
    Json::Object(map)
}

pub(crate) fn value(value_: Value<'_>) -> Json {
    match value_ {
        Value::Empty => json!({}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Int(number) => json!({"intValue": number}),
        Value::Double(number) => json!({"doubleValue": number}),
        Value::Bytes(bytes) => json!({"bytesValue": hex(bytes)}),
        Value::Array(values) => json!({"arrayValue": values.map(value).collect::<Vec<_>>()}),
        Value::Map(map) => {
            let pairs: Vec<Json> = map.map(|kv| json!([kv.key, value(kv.value)])).collect();
            json!({"kvlistValue": pairs})
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The same of an export request in OTLP/JSON.
pub(crate) fn of_json(request: &Json) -> Json {
    let resources = list(&request["resourceLogs"]).map(|resource| {
        let scopes: Vec<Json> = list(&resource["scopeLogs"])
            .map(|scope| {
                let records: Vec<Json> = list(&scope["logRecords"]).map(record).collect();
                json!({"scope": text(&scope["scope"]["name"]), "schema": text(&scope["schemaUrl"]), "records": records})
            })
            .collect();
        let attributes = object(&resource["resource"]["attributes"]);
        json!({"attributes": attributes, "schema": text(&resource["schemaUrl"]), "scopes": scopes})
    });
    Json::Array(resources.collect())
}

fn record(r: &Json) -> Json {
    json!({
        "time": number(&r["timeUnixNano"]),
        "observed": number(&r["observedTimeUnixNano"]),
        "number": number(&r["severityNumber"]),
        "text": text(&r["severityText"]),
        "body": r.get("body").map(any_value),
        "trace": text(&r["traceId"]),
        "span": text(&r["spanId"]),
        "name": text(&r["eventName"]),
        "attributes": object(&r["attributes"]),
    })
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Json) -> u64 {
    match value {
        Json::String(digits) => digits.parse().expect("digits"),
        value => value.as_u64().unwrap_or_default(),
    }
}

fn object(attributes: &Json) -> Json {
    Json::Object(
        list(attributes)
            .map(|a| (text(&a["key"]).to_owned(), any_value(&a["value"])))
            .collect(),
    )
}

fn any_value(value: &Json) -> Json {
    let (kind, content) = value
        .as_object()
        .and_then(|o| o.iter().next())
        .expect("one member");
    match kind.as_str() {
        "intValue" => match content {
            Json::String(digits) => json!({kind: digits.parse::<i64>().expect("digits")}),
            number => json!({kind: number}),
        },
        "arrayValue" => json!({kind: list(&content["values"]).map(any_value).collect::<Vec<_>>()}),
        "kvlistValue" => {
            let pairs = list(&content["values"]).map(|p| json!([p["key"], any_value(&p["value"])]));
            json!({kind: pairs.collect::<Vec<_>>()})
        }
        _ => json!({kind: content}),
    }
}

/// A value as the plain JSON that it came from.
pub(crate) fn plain(value: Value<'_>) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::String(text) => json!(text),
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Bytes(bytes) => json!(hex(bytes)),
        Value::Array(values) => values.map(plain).collect(),
        Value::Map(map) => {
            Json::Object(map.map(|kv| (kv.key.to_owned(), plain(kv.value))).collect())
        }
    }
}
