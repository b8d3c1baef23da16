//! Whatever strangers send: nothing panics, and what is handed over is valid
//! OTLP whose events are all accounted for.

use bytes::Bytes;
use otlp::{Payload, Signal};
use pipeline::{Clock, Outlet};
use proptest::prelude::*;
use test_kit::ScriptedConsumer;

use super::{Framing, Intake, Request, Source};
use crate::config::Config;
use crate::metrics::Reason;
use crate::wire;

const NOW: u64 = 1_735_689_600_000_000_000;

fn intake(config: &Config) -> Intake {
    let outlet = Outlet::new(ScriptedConsumer::new().consumer());
    Intake::new("beacon", config, Some(outlet), Clock::fixed(NOW))
}

fn request() -> Request {
    Request {
        received: NOW,
        ..Request::default()
    }
}

/// Texts that look like JSON more often than random bytes do.
fn almost_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("\n".to_owned()),
        Just("null".to_owned()),
        Just("-1.5e3".to_owned()),
        Just("\"events\"".to_owned()),
        Just("\"sent_at\"".to_owned()),
        Just("\"@timestamp\"".to_owned()),
        Just("\"message\"".to_owned()),
        Just("\"isBase64Encoded\":true".to_owned()),
        Just("\"\\ud83d\\u0000\"".to_owned()),
        "\"[a-zé.]{0,6}\"",
        "\"[a-z]{1,3}\":[0-9]{1,3}",
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn event() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        ".{0,12}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    let value = leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[a-z.]{1,4}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[a-z@.]{1,8}", value, 0..6)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

fn check(intake: &Intake, body: Bytes, framing: Framing) -> Option<(usize, usize)> {
    let sources = [Source { body, framing }];
    let read = intake.read(&sources, &request()).ok()?;
    let bytes = read.payload.clone().into_bytes();
    let items = Payload::validate(Signal::Logs, bytes)
        .expect("valid OTLP")
        .items();
    assert_eq!(items, read.payload.items());
    Some((items, read.dropped.iter().map(|(_, events)| events).sum()))
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>, text in almost_json()) {
        let intake = intake(&Config::default());
        for body in [Bytes::from(body), Bytes::from(text)] {
            for framing in [Framing::Json, Framing::Lines, Framing::Reports] {
                check(&intake, body.clone(), framing);
            }
            let text = wire::text(&body);
            let _ = wire::urlencoded(&text);
            let _ = wire::multipart(&body, "B");
            let _ = wire::enclosed(text.as_bytes());
            let _ = wire::plain_or_base64(&text, true);
        }
    }

    #[test]
    fn every_event_is_taken_or_counted(events in proptest::collection::vec(event(), 1..6)) {
        let intake = intake(&Config::default());
        let array = serde_json::Value::from(events.clone()).to_string();
        let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
        let batch = format!("{{\"sent_at\":\"2025-01-01T00:00:00Z\",\"events\":{array}}}");
        for (text, framing) in [
            (array, Framing::Json),
            (lines.join("\n"), Framing::Lines),
            (batch, Framing::Json),
        ] {
            let counts = check(&intake, text.clone().into(), framing);
            let (taken, dropped) = counts.expect("readable");
            prop_assert_eq!(taken + dropped, events.len(), "{}", text);
        }
    }
}

#[test]
fn drops_are_counted_by_reason() {
    let intake = intake(&Config::default());
    let deep = format!("{}1{}", "{\"a\":".repeat(9), "}".repeat(9));
    let body = format!("[{{\"a\":1}},7,{{}},{deep}]");
    assert_eq!(check(&intake, body.into(), Framing::Json), Some((1, 3)));
    let metrics = &intake.metrics;
    assert_eq!(
        (metrics.count(Reason::Parse), metrics.count(Reason::Depth)),
        (2, 1)
    );
}

#[test]
fn what_a_refused_request_wrote_is_not_in_the_next_one() {
    let intake = intake(&Config {
        max_events: 2,
        ..Config::default()
    });
    let one = |text: &'static str| Source {
        body: Bytes::from_static(text.as_bytes()),
        framing: Framing::Json,
    };
    let refused = intake.read(&[one("[{\"a\":1}]"), one("[{},{}]")], &request());
    assert!(refused.is_err());
    assert_eq!(
        check(&intake, "{\"a\":1}".into(), Framing::Json),
        Some((1, 0))
    );
}
