//! `data/cases.jsonl`: one JSON object a line, see the mapping, section 16.

use semconv::{Records, ToOtel};
use serde_json::Value as Json;

use crate::event::{Shape, edited, receive};
use crate::{json, normal};

/// The lines of the file, with the text of the events as it was written.
fn cases() -> Vec<(Json, Vec<Result<json::Json, ()>>)> {
    let mut cases = Vec::new();
    for line in include_str!("../../data/cases.jsonl").lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let Some(json::Json::Object(members)) = json::parse(line) else { panic!("{line}") };
        let input = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let batch = if let Some(json::Json::Text(raw)) = input("input_raw") {
            vec![json::parse(&raw).ok_or(())]
        } else if let Some(json::Json::Array(events)) = input("inputs") {
            events.into_iter().map(Ok).collect()
        } else {
            vec![Ok(input("input").unwrap())]
        };
        cases.push((case, batch));
    }
    assert_eq!(cases.len(), 153);
    cases
}

fn check(shape: Shape) {
    let mut failures = Vec::new();
    for (case, batch) in cases() {
        if shape == Shape::Nested && case["name"] == "shape-duplicate-json-key" {
            // Attributes that repeat a key are settled by whoever writes them.
            continue;
        }
        let (payload, rejected) = receive(&batch, shape);
        let mapped = edited(&payload, &[&ToOtel::new(Records::Ecs)]);
        let (got, want) = (normal::of_payload(&mapped), normal::of_json(&case["expected"]));
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
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_case_flat_as_receivers_write_it() {
    check(Shape::Flat);
}

#[test]
fn every_case_as_nested_attributes() {
    check(Shape::Nested);
}

#[test]
fn every_case_as_a_map_body() {
    check(Shape::Body);
}
