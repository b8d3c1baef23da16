//! OTLP/JSON against `prost`, against the serde of crate `opentelemetry-proto`,
//! and against tables of cases.

#![allow(clippy::unwrap_used)]

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use otlp::{Payload, Signal, json};
use proptest::prelude::*;
use prost::Message;

use crate::generate;
use crate::structs::Explicit;

mod accepted;
mod hostile;
mod refused;

fn written(payload: &Payload) -> String {
    let mut out = Vec::new();
    json::write(payload, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Text to payload, which is checked once more from its bytes.
fn read(signal: Signal, text: &str) -> Payload {
    let payload = json::read(signal, text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let bytes = payload.clone().into_bytes();
    let validated = Payload::validate(signal, bytes).expect("valid by construction");
    assert_eq!(validated.items(), payload.items());
    payload
}

/// The message survives being written as JSON and read again.
fn survives<M: Message + Default + Explicit>(signal: Signal, message: M) {
    let payload = Payload::validate(signal, message.encode_to_vec().into()).unwrap();
    let text = written(&payload);
    let _: serde_json::Value = serde_json::from_str(&text).expect("others can parse it");
    let back = read(signal, &text);
    assert_eq!(back.items(), payload.items());
    let decoded = M::decode(back.into_bytes()).unwrap();
    assert_eq!(
        decoded.encode_to_vec(),
        message.explicit().encode_to_vec(),
        "{text}"
    );
}

/// What the serde implementation of `opentelemetry-proto` writes is read as what it meant.
fn agrees_with_serde<M: Message + Default + Explicit + serde::Serialize>(
    signal: Signal,
    message: M,
) {
    let text = serde_json::to_string_pretty(&message).unwrap();
    let decoded = M::decode(read(signal, &text).into_bytes()).unwrap();
    let ours = decoded.explicit().encode_to_vec();
    assert_eq!(ours, message.explicit().encode_to_vec(), "{text}");
}

/// serde writes NaN and infinities as `null`, which is something else.
fn is_finite(message: &impl std::fmt::Debug) -> bool {
    let text = format!("{message:?}");
    !text.contains("NaN") && !text.contains("inf")
}

proptest! {
    #[test]
    fn logs_survive(request in generate::logs()) {
        survives(Signal::Logs, request);
    }

    #[test]
    fn traces_survive(request in generate::traces()) {
        survives(Signal::Traces, request);
    }

    #[test]
    fn metrics_survive(request in generate::metrics()) {
        survives(Signal::Metrics, request);
    }

    #[test]
    fn logs_agree_with_serde(request in generate::logs()) {
        prop_assume!(is_finite(&request));
        agrees_with_serde(Signal::Logs, request);
    }

    #[test]
    fn traces_agree_with_serde(request in generate::traces()) {
        prop_assume!(is_finite(&request));
        agrees_with_serde(Signal::Traces, request);
    }

    #[test]
    fn metrics_agree_with_serde(request in generate::metrics()) {
        prop_assume!(is_finite(&request));
        agrees_with_serde(Signal::Metrics, request);
    }

    /// The order of members says nothing, and unknown ones are stepped over.
    #[test]
    fn order_and_unknown_members_do_not_matter(request in generate::logs(), seed in any::<u64>()) {
        let payload = Payload::validate(Signal::Logs, request.encode_to_vec().into()).unwrap();
        let mut tree: serde_json::Value = serde_json::from_str(&written(&payload)).unwrap();
        // serde_json may have read a double as its neighbour.
        let expected = written(&read(Signal::Logs, &tree.to_string()));
        let mut text = String::new();
        shuffle(&mut tree, &mut text, &mut { seed });
        prop_assert_eq!(written(&read(Signal::Logs, &text)), expected);
    }

    #[test]
    fn strings_survive(text in any::<String>()) {
        let quoted = serde_json::to_string(&text).unwrap();
        let body = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":{quoted}}}}}]}}]}}]}}"#
        );
        let payload = read(Signal::Logs, &body);
        let request = Logs::decode(payload.into_bytes()).unwrap();
        let record = &request.resource_logs[0].scope_logs[0].log_records[0];
        let value = record.body.clone().unwrap().value;
        prop_assert_eq!(value, Some(Any::StringValue(text)));
    }
}

/// Writes a tree with the members of each object in an order made of `seed`, in any of the two
/// spellings, and something unknown among them.
fn shuffle(tree: &mut serde_json::Value, out: &mut String, seed: &mut u64) {
    use serde_json::Value;
    let mut next = |below: usize| {
        *seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (*seed >> 33) as usize % below
    };
    match tree {
        Value::Object(members) => {
            let mut members: Vec<_> = std::mem::take(members).into_iter().collect();
            let unknown = r#"{"a":[1,{"b":"]}\""},[]],"c":{},"d":[[null,true]]}"#;
            out.push_str("{ ");
            let at = next(members.len() + 1);
            let turn = next(members.len().max(1));
            members.rotate_left(turn);
            for (index, (key, mut value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(" ,\n\t");
                }
                if index == at {
                    out.push_str(&format!("\"unknown\" : {unknown}, "));
                }
                let snake: String = key
                    .chars()
                    .flat_map(|c| {
                        let underscore = c.is_ascii_uppercase().then_some('_');
                        underscore.into_iter().chain([c.to_ascii_lowercase()])
                    })
                    .collect();
                let key = if seed.is_multiple_of(3) { snake } else { key };
                out.push_str(&format!("{key:?} : "));
                shuffle(&mut value, out, seed);
            }
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter_mut().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                shuffle(element, out, seed);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}
