//! `data/cases.jsonl`: one JSON object a line, see the mapping, section 16.

use otlp::Payload;
use otlp::edit::Arena;
use semconv::from_otel::{Fields, from_otel};
use semconv::{Records, ToEcs, ToOtel};
use serde_json::Value as Json;

use crate::event::{Shape, edited, receive};
use crate::{json, normal};

/// The lines of the file, with the text of the events as it was written.
fn cases() -> Vec<(Json, Vec<Result<json::Json, ()>>)> {
    let mut cases = Vec::new();
    for line in include_str!("../../data/cases.jsonl").lines() {
        let case: Json = serde_json::from_str(line).expect("a line is a case");
        let Some(json::Json::Object(members)) = json::parse(line) else {
            panic!("{line}")
        };
        let input = |name: &str| {
            members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let batch = if let Some(json::Json::Text(raw)) = input("input_raw") {
            vec![json::parse(&raw).ok_or(())]
        } else if let Some(json::Json::Array(events)) = input("inputs") {
            events.into_iter().map(Ok).collect()
        } else {
            vec![Ok(input("input").expect("a case has an input"))]
        };
        cases.push((case, batch));
    }
    assert!(cases.len() >= 153, "{}", cases.len());
    cases
}

fn check(shape: Shape, records: Records) {
    let mut failures = Vec::new();
    for (case, batch) in cases() {
        if shape == Shape::Nested && case["name"] == "shape-duplicate-json-key" {
            // Attributes that repeat a key are settled by whoever writes them.
            continue;
        }
        let (payload, rejected) = receive(&batch, shape);
        let mapped = edited(&payload, &[&ToOtel { records }]);
        let (got, want) = (
            normal::of_payload(&mapped),
            normal::of_json(&case["expected"]),
        );
        let reasons: Vec<Json> = rejected
            .iter()
            .map(|(index, reason)| serde_json::json!({"index": index, "reason": reason}))
            .collect();
        let no_reasons = Json::Array(Vec::new());
        let want_reasons = case.get("rejected").unwrap_or(&no_reasons);
        if got != want || *want_reasons != Json::Array(reasons) {
            failures.push(format!("{}\n   got {got}\n  want {want}\n", case["name"]));
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_case_flat_as_receivers_write_it() {
    check(Shape::Flat, Records::Ecs);
}

#[test]
fn every_case_as_nested_attributes() {
    check(Shape::Nested, Records::Ecs);
}

#[test]
fn every_case_as_a_map_body() {
    check(Shape::Body, Records::All);
}

/// The flat ECS events of a payload.
fn flat_events(payload: &Payload) -> Vec<Json> {
    let mut events = Vec::new();
    for resource in payload.logs() {
        for scope in resource.scopes() {
            let name = scope.scope().name();
            for record in scope.records() {
                let mut event = serde_json::Map::new();
                let fields = Fields::of(&record, name);
                let resource = resource.resource().attributes();
                from_otel(&fields, record.attributes(), resource, |path, value| {
                    let arena = Arena::default();
                    let before =
                        event.insert(path.to_owned(), normal::plain(value.to_value(&arena)));
                    assert!(before.is_none(), "{path} twice");
                });
                events.push(Json::Object(event));
            }
        }
    }
    events
}

#[test]
fn every_case_back_to_ecs() {
    let mut failures = Vec::new();
    let mut checked = 0;
    for (case, batch) in cases() {
        let (payload, _) = receive(&batch, Shape::Flat);
        let mapped = edited(&payload, &[&ToOtel::default()]);
        let Some(want) = case.get("reverse") else {
            continue;
        };
        checked += 1;
        let got = Json::Array(flat_events(&mapped));
        if got != *want {
            failures.push(format!("{}\n   got {got}\n  want {want}\n", case["name"]));
        }
        // The same through the pipeline: its attributes are that event.
        let back = edited(&mapped, &[&ToEcs]);
        let records = back
            .logs()
            .flat_map(|r| r.scopes())
            .flat_map(|s| s.records());
        let attributes: Vec<Json> = records
            .map(|r| {
                Json::Object(
                    r.attributes()
                        .map(|a| (a.key.to_owned(), normal::plain(a.value)))
                        .collect(),
                )
            })
            .collect();
        assert_eq!(Json::Array(attributes), got, "{}", case["name"]);
    }
    assert!(
        failures.is_empty(),
        "{} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(checked, 28);
}
