//! All worked cases of the mapping, through this receiver and then the mapper.

use otlp::edit::{Scratch, run};
use semconv::ToOtel;
use serde_json::Value;

use crate::normal;
use crate::rig::{NOW, Rig};

/// As a server would forward events: nothing is added, nothing is corrected.
const FORWARDED: &str = "timestamps: keep\nsanitize: false\nclient_ip: drop\nbots: keep\ntrust_client_fields: [\"*\"]\n\
    rate_limit: {enabled: false}\nlimits: {depth: 24}";

/// The body of a case, with the numbers as they are written in the file.
fn body(line: &str, case: &Value) -> String {
    if let Some(raw) = case["input_raw"].as_str() {
        return raw.to_owned();
    }
    let name = if case.get("inputs").is_some() {
        "\"inputs\": "
    } else {
        "\"input\": "
    };
    let start = line.find(name).unwrap() + name.len();
    let rest = &line[start..];
    let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
    stream.next().unwrap().unwrap();
    rest[..stream.byte_offset()].to_owned()
}

#[tokio::test]
async fn every_case_through_the_receiver_and_the_mapper() {
    let lines = include_str!("../../../../core/semconv/data/cases.jsonl").lines();
    let mut failures = Vec::new();
    let mut checked = 0;
    for line in lines {
        let case: Value = serde_json::from_str(line).unwrap();
        let rig = Rig::start(FORWARDED).await;
        let headers = [("content-type", "application/json"), ("user-agent", "")];
        rig.send("POST /b", &headers, body(line, &case)).await;
        let taken = rig.consumer.taken();
        let got = match taken.first() {
            Some(batch) => normal::of_payload(&run(
                &batch.payload,
                &[&ToOtel::default()],
                &mut Scratch::default(),
                NOW,
            )),
            None => Value::Array(Vec::new()),
        };
        let want = normal::of_json(&case["expected"]);
        checked += 1;
        if got != want {
            failures.push(format!("{}\n   got {got}\n  want {want}\n", case["name"]));
        }
    }
    assert!(checked >= 153, "{checked}");
    assert!(
        failures.is_empty(),
        "{} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
