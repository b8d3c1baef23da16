//! Texts that nobody means well with: never a panic, never much memory or time.

use otlp::{Payload, Signal, json};
use proptest::prelude::*;
use prost::Message;

use super::written;
use crate::generate;

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for signal in Signal::ALL {
            if let Err(error) = json::read(signal, &bytes) {
                prop_assert!(error.offset <= bytes.len() && error.to_string().len() < 300);
            }
        }
    }

    /// Tokens of the right kind in the wrong places come further than noise.
    #[test]
    fn any_tokens(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let text = tokens.concat();
        for signal in Signal::ALL {
            if let Ok(payload) = json::read(signal, text.as_bytes()) {
                prop_assert!(payload.size() <= text.len() * 8);
                sound(&payload);
            }
        }
    }

    #[test]
    fn every_cut_is_refused(request in generate::metrics(), at in any::<prop::sample::Index>()) {
        let payload =
            Payload::validate(Signal::Metrics, request.encode_to_vec().into()).unwrap();
        let text = written(&payload);
        let cut = &text.as_bytes()[..at.index(text.len())];
        prop_assert!(json::read(Signal::Metrics, cut).is_err());
    }

    #[test]
    fn one_changed_byte(request in generate::logs(), at in any::<prop::sample::Index>(), byte: u8) {
        let payload = Payload::validate(Signal::Logs, request.encode_to_vec().into()).unwrap();
        let mut text = written(&payload).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(payload) = json::read(Signal::Logs, &text) {
            sound(&payload);
        }
    }
}

/// The payload is valid, and comes back the same when it is written and read.
fn sound(payload: &Payload) {
    let bytes = payload.clone().into_bytes();
    let valid = Payload::validate(payload.signal(), bytes).expect("valid by construction");
    assert_eq!(valid.items(), payload.items());
    let text = written(payload);
    let back = json::read(payload.signal(), text.as_bytes()).expect("what we write, we read");
    assert_eq!((back.items(), written(&back)), (payload.items(), text));
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "1e3",
    "\"\"",
    "\"\\ud800\"",
    "{\"",
    "\"resourceLogs\":[",
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{",
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{",
    "}]}]}]}",
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{",
    "\"gauge\":{\"dataPoints\":[",
    "\"sum\":{},",
    "\"summary\":{\"dataPoints\":[{}]},",
    "\"body\":",
    "{\"stringValue\":\"x\"}",
    "\"body\":{},",
    "\"attributes\":[",
    "{\"key\":\"k\",\"value\":",
    "\"name\":\"n\",",
    "\"name\":\"\",",
    "\"traceId\":\"00000000000000000000000000000000\",",
    "\"flags\":1,",
    "\"status\":{\"code\":1},",
    "\"asInt\":1,",
    "\"asDouble\":2,",
    "{\"arrayValue\":{\"values\":[",
    "{\"kvlistValue\":{\"values\":[",
    "}}",
    "]}}",
    "{},",
    "{}",
];

#[test]
fn deep_brackets_in_what_is_skipped_take_no_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = 1_000_000;
        let text = format!("{{\"x\":{}1{}}}", open.repeat(depth), close.repeat(depth));
        assert_eq!(
            json::read(Signal::Logs, text.as_bytes()).unwrap().items(),
            0
        );
        let cut = &text[..text.len() / 2];
        assert!(json::read(Signal::Logs, cut.as_bytes()).is_err());
    }
}

/// Each repetition takes the earlier field out again. If that moved everything
/// each time, this would take minutes.
#[test]
fn repeated_keys_around_large_lists_are_cheap() {
    let record = r#"{"eventName":"e"},"#.repeat(2_000);
    let list = format!(r#""logRecords":[{}]"#, record.trim_end_matches(','));
    let mut text = r#"{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"a"}"#.to_owned();
    for round in 0..100 {
        text.push_str(&format!(
            ",\"schemaUrl\":\"{round}\",{list},\"scope\":{{\"name\":\"n\"}}"
        ));
        text.push_str(&format!(
            ",{}",
            r#""schemaUrl":"x","#.repeat(2_000).trim_end_matches(',')
        ));
    }
    text.push_str("}]}]}");
    let payload = json::read(Signal::Logs, text.as_bytes()).unwrap();
    assert_eq!(payload.items(), 200_000);
    let scope = payload.logs().next().unwrap().scopes().next().unwrap();
    assert_eq!((scope.scope().name(), scope.schema_url()), ("n", "x"));
}

#[test]
fn long_texts_with_escapes_keep_their_memory() {
    let text = format!(r#"{{"x":"{}"}}"#, r"\u0041".repeat(100_000));
    assert_eq!(json::read(Signal::Logs, text.as_bytes()).unwrap().size(), 0);
}
