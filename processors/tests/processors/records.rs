//! Records as JSON objects, and a way through processors.

use std::sync::Arc;

use ::settings::{Node, Problems, SourceKind, SourceName, parse};
use pipeline::consumer::hand_over;
use pipeline::registry::{Factory, ProcessorConfig};
use pipeline::telemetry::ProcessorMetrics;
use pipeline::transform::Chain;
use pipeline::{Ack, Batch, Client, Clock, Payload, Processor, Signal, Transform};
use serde_json::{Map, Value as Json, json};
use test_kit::ScriptedConsumer;

pub(crate) fn factory(kind: &str) -> Factory<dyn ProcessorConfig> {
    match kind {
        "attributes" => processors::attributes::factory(),
        "resource" => processors::resource::factory(),
        "batch" => processors::batch::factory(),
        "memory_limiter" => processors::memory_limiter::factory(),
        other => panic!("no {other} here"),
    }
}

pub(crate) fn node(yaml: &str) -> Node {
    let kind = SourceKind::File("test.yaml".to_owned());
    let source = Arc::new(SourceName { order: 0, kind });
    let mut problems = Problems::new();
    parse(yaml, &source, &mut problems).unwrap_or_else(|| panic!("{problems}"))
}

/// The settings, or all errors; beside them the warnings.
pub(crate) fn decode(kind: &str, yaml: &str) -> (Result<Box<dyn ProcessorConfig>, String>, String) {
    let mut problems = Problems::new();
    let config = (factory(kind).decode)(&node(yaml), kind, &mut problems);
    let warnings: String = problems
        .warnings()
        .iter()
        .map(|p| format!("{p}\n"))
        .collect();
    (config.ok_or(problems.to_string()), warnings)
}

pub(crate) fn build(kind: &str, yaml: &str, signal: Signal) -> Processor {
    let config = decode(kind, yaml).0.unwrap_or_else(|e| panic!("{e}"));
    config.build(&kind.parse().unwrap(), signal).unwrap()
}

fn transform(kind: &str, yaml: &str, signal: Signal) -> Box<dyn Transform> {
    match build(kind, yaml, signal) {
        Processor::Transform(transform) => transform,
        _ => panic!("{kind} changes no records"),
    }
}

/// Sends a batch through one chain of processors (kind and YAML).
pub(crate) fn through(steps: &[(&str, &str)], batch: Batch) -> Payload {
    let signal = batch.signal();
    let steps = steps
        .iter()
        .map(|(kind, yaml)| transform(kind, yaml, signal));
    let end = ScriptedConsumer::new();
    let metrics = ProcessorMetrics::new("test", signal);
    let chain = Chain::new(steps, end.consumer(), Clock::fixed(0), metrics);
    let Ack::Ready(Ok(_)) = hand_over(&chain, batch) else {
        panic!("not taken");
    };
    end.taken().remove(0).payload
}

fn any_value(value: &Json) -> Json {
    match value {
        Json::String(text) => json!({"stringValue": text}),
        Json::Bool(value) => json!({"boolValue": value}),
        Json::Number(number) if number.is_i64() => json!({"intValue": number}),
        Json::Number(number) => json!({"doubleValue": number}),
        Json::Array(list) => {
            json!({"arrayValue": {"values": list.iter().map(any_value).collect::<Vec<_>>()}})
        }
        Json::Object(map) => json!({"kvlistValue": {"values": key_values(map)}}),
        Json::Null => json!({}),
    }
}

fn key_values(map: &Map<String, Json>) -> Vec<Json> {
    map.iter()
        .map(|(key, value)| json!({"key": key, "value": any_value(value)}))
        .collect()
}

fn attributes(object: &Json) -> Json {
    json!(key_values(object.as_object().unwrap()))
}

/// A log record of a resource and a scope, with the fields in `record`.
pub(crate) fn log_of(resource: &Json, object: &Json, record: &Json) -> Payload {
    let mut record = record.clone();
    record["attributes"] = attributes(object);
    read(
        Signal::Logs,
        &json!({"resourceLogs": [{
            "resource": {"attributes": attributes(resource)},
            "scopeLogs": [{"scope": {"name": "shop.cart", "version": "1.4"}, "logRecords": [record]}],
        }]}),
    )
}

pub(crate) fn log(object: &Json) -> Payload {
    log_of(&json!({"service.name": "shop"}), object, &json!({}))
}

pub(crate) fn span(name: &str, kind: i32, object: &Json) -> Payload {
    read(
        Signal::Traces,
        &json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
            "name": name, "kind": kind, "attributes": attributes(object),
        }]}]}]}),
    )
}

pub(crate) fn point(metric: &str, object: &Json) -> Payload {
    read(
        Signal::Metrics,
        &json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{
            "name": metric, "gauge": {"dataPoints": [{"asInt": "1", "attributes": attributes(object)}]},
        }]}]}]}),
    )
}

fn read(signal: Signal, request: &Json) -> Payload {
    otlp::json::read(signal, request.to_string().as_bytes()).unwrap()
}

pub(crate) fn written(payload: &Payload) -> Json {
    let mut text = Vec::new();
    otlp::json::write(payload, &mut text);
    serde_json::from_slice(&text).unwrap()
}

fn plain(any: &Json) -> Json {
    let Some((kind, value)) = any.as_object().and_then(|any| any.iter().next()) else {
        return Json::Null;
    };
    match kind.as_str() {
        "intValue" => json!(value.as_str().unwrap().parse::<i64>().unwrap()),
        // a double without a fraction is written without one
        "doubleValue" => json!(value.as_f64()),
        "arrayValue" => value["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(plain)
            .collect(),
        "kvlistValue" => object(&value["values"]),
        _ => value.clone(),
    }
}

fn object(list: &Json) -> Json {
    let empty = Vec::new();
    let list = list.as_array().unwrap_or(&empty);
    list.iter()
        .map(|entry| {
            (
                entry["key"].as_str().unwrap().to_owned(),
                plain(&entry["value"]),
            )
        })
        .collect::<Map<_, _>>()
        .into()
}

/// The attributes of the one record in a payload of any signal.
pub(crate) fn attributes_of(payload: &Payload) -> Json {
    let request = written(payload);
    let list = match payload.signal() {
        Signal::Logs => &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0],
        Signal::Traces => &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0],
        Signal::Metrics => {
            &request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
                [0]
        }
    };
    object(&list["attributes"])
}

pub(crate) fn resource_of(payload: &Payload) -> Json {
    object(&written(payload)["resourceLogs"][0]["resource"]["attributes"])
}

/// A log record with these attributes, after `actions` (a YAML list).
pub(crate) fn acted(actions: &str, before: &Json) -> Json {
    let yaml = format!("{{actions: {actions}}}");
    attributes_of(&through(&[("attributes", &yaml)], Batch::new(log(before))))
}

/// Likewise, for a request of a known sender.
pub(crate) fn acted_for(client: &Client, actions: &str, before: &Json) -> Json {
    let yaml = format!("{{actions: {actions}}}");
    let batch = Batch {
        client: Some(Arc::new(client.clone())),
        ..Batch::new(log(before))
    };
    attributes_of(&through(&[("attributes", &yaml)], batch))
}
