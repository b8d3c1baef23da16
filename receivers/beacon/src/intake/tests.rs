//! Whatever strangers send: nothing panics, and what is handed over is valid
//! OTLP whose events are all accounted for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use http::StatusCode;
use otlp::write::LogsWriter;
use otlp::{Payload, Signal, Value};
use pipeline::{Accepted, Clock, Outlet, Refused};
use proptest::prelude::*;
use test_kit::ScriptedConsumer;

use super::{Framing, Intake, Request, Source, Taken, Then};
use crate::answer::Answer;
use crate::config::{Config, WriteKey};
use crate::metrics::Reason;
use crate::wire;

const NOW: u64 = 1_735_689_600_000_000_000;

fn intake(config: &Config) -> Intake {
    intake_before(&ScriptedConsumer::new(), config)
}

fn intake_before(consumer: &ScriptedConsumer, config: &Config) -> Intake {
    let outlet = Outlet::new(consumer.consumer());
    Intake::new("beacon", config, Some(outlet), Clock::fixed(NOW), None)
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
    let (payload, dropped) = match intake.read(&sources, &request()).ok()? {
        Taken::Whole(read) => (read.payload, read.dropped),
        Taken::Gathered(place) => {
            let Then::Close(thread) = place.then else {
                panic!("the only request of its batch has it closed");
            };
            let gathered = intake.gathering.close(thread, &place.verdict);
            (gathered.expect("nobody else closed it").payload, Vec::new())
        }
    };
    let bytes = payload.clone().into_bytes();
    let items = Payload::validate(Signal::Logs, bytes)
        .expect("valid OTLP")
        .items();
    assert_eq!(items, payload.items());
    Some((items, dropped.iter().map(|(_, events)| events).sum()))
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>, text in almost_json()) {
        let intake = intake(&Config::default());
        for body in [Bytes::from(body), Bytes::from(text)] {
            for framing in [
 Framing::Json, Framing::Lines, Framing::Reports, Framing::Cmcd] {
                check(&intake, body.clone(), framing);
            }
            let text = wire::text(&body);
            let _ = wire::urlencoded(&text);
            let _ = wire::query(&text, intake.players(""));
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

/// The answers to requests with one event each that are read before their thread
/// does anything else, each with its key.
async fn together(intake: &Arc<Intake>, events: &[(Option<&str>, String)]) -> Vec<Answer> {
    let requests = events.iter().map(|(key, event)| {
        let intake = Arc::clone(intake);
        let source = Source {
            body: event.clone().into(),
            framing: Framing::Json,
        };
        let mut request = Request {
            key: key.map(str::to_owned),
            ..request()
        };
        async move { intake.take([source].into(), &mut request).await }
    });
    join_all(requests).await
}

fn numbered(events: usize) -> Vec<(Option<&'static str>, String)> {
    let event = |number| (None, format!("{{\"number\":{number}}}"));
    (0..events).map(event).collect()
}

/// The numbers of the events of each batch, with one attribute of their resource.
fn batches(consumer: &ScriptedConsumer) -> Vec<Vec<(Option<String>, i64)>> {
    let mut batches = Vec::new();
    for batch in consumer.taken() {
        let mut found = Vec::new();
        for resource in batch.payload.logs() {
            let mut team = None;
            for attribute in resource.resource().attributes() {
                if let Value::String(text) = attribute.value {
                    team = Some(text.to_owned());
                }
            }
            for record in resource.scopes().flat_map(|scope| scope.records()) {
                let number = record.attributes().find(|a| a.key == "number");
                match number.map(|number| number.value) {
                    Some(Value::Int(number)) => found.push((team.clone(), number)),
                    other => panic!("{other:?}"),
                }
            }
        }
        batches.push(found);
    }
    batches
}

fn without_team(numbers: &[i64]) -> Vec<(Option<String>, i64)> {
    numbers.iter().map(|number| (None, *number)).collect()
}

fn statuses(answers: &[Answer]) -> Vec<Option<u16>> {
    let status = |answer: &Answer| answer.status.map(|status: StatusCode| status.as_u16());
    answers.iter().map(status).collect()
}

#[tokio::test]
async fn events_of_requests_that_are_read_together_are_one_batch() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    for round in 1..=2 {
        let answers = together(&intake, &numbered(3)).await;
        assert_eq!(statuses(&answers), [None; 3]);
        assert!(answers.iter().all(|answer| answer.taken == 1));
        assert_eq!(batches(&consumer).len(), round);
    }
    let three = without_team(&[0, 1, 2]);
    assert_eq!(batches(&consumer), [three.clone(), three]);
}

#[tokio::test]
async fn a_batch_that_is_refused_for_now_is_refused_to_all() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    consumer.refuse(Refused::later("full", None));
    let answers = together(&intake, &numbered(3)).await;
    assert_eq!(statuses(&answers), [Some(503); 3]);
    assert!(answers.iter().all(|answer| answer.retry_after.is_some()));
    assert_eq!(intake.metrics.count(Reason::Refused), 3);
    assert_eq!((consumer.admitted(), consumer.taken().len()), (0, 0));
}

#[tokio::test]
async fn what_was_let_in_is_not_offered_again() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    consumer.answer(Err(Refused::never("one of the destinations refuses it")));
    let answers = together(&intake, &numbered(3)).await;
    assert_eq!(statuses(&answers), [Some(500); 3]);
    assert_eq!(batches(&consumer), [without_team(&[0, 1, 2])]);
    assert_eq!(intake.metrics.count(Reason::Refused), 3);
}

#[tokio::test]
async fn a_panic_ends_the_batch_and_no_other() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    let events = numbered(2);
    let mut before = Box::pin(together(&intake, &events));
    assert!(futures::poll!(&mut before).is_pending());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let half = |writer: &mut LogsWriter| {
            writer.record(|_| panic!("the test asks for a panic within a record"));
            false
        };
        intake.gathering.add(None, half)
    }));
    assert!(panicked.is_err());
    assert_eq!(statuses(&before.await), [Some(503); 2]);
    assert_eq!(intake.metrics.count(Reason::Refused), 2);
    assert_eq!(statuses(&together(&intake, &numbered(1)).await), [None]);
    assert_eq!(batches(&consumer), [without_team(&[0])]);
}

#[tokio::test]
async fn what_there_is_never_room_for_together_goes_on_one_by_one() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    // the batch, then the first event by itself
    for _ in 0..2 {
        consumer.refuse(Refused::never("too large"));
    }
    let answers = together(&intake, &numbered(3)).await;
    assert_eq!(statuses(&answers), [Some(500), None, None]);
    assert_eq!(batches(&consumer), [without_team(&[1]), without_team(&[2])]);
    assert_eq!(intake.metrics.count(Reason::Refused), 1);
}

#[tokio::test]
async fn rejected_events_of_a_batch_are_counted_though_not_known() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    let one = |_| {
        Ok(Accepted {
            rejected: 1,
            why: None,
        })
    };
    for events in [2, 1] {
        consumer.answer(one(()));
        let answers = together(&intake, &numbered(events)).await;
        assert_eq!(statuses(&answers), vec![None; events]);
        // of one event alone it is known
        let dropped = answers.iter().map(|answer| answer.dropped.len());
        assert_eq!(dropped.sum::<usize>(), usize::from(events == 1));
    }
    assert_eq!(intake.metrics.count(Reason::Refused), 2);
}

#[tokio::test]
async fn an_event_whose_client_has_gone_away_goes_on() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    let events = numbered(1);
    let mut request = Box::pin(together(&intake, &events));
    assert!(futures::poll!(&mut request).is_pending());
    drop(request);
    while consumer.taken().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(batches(&consumer), [without_team(&[0])]);
}

#[tokio::test]
async fn each_event_has_the_resource_of_its_site() {
    let key = |name: &str| WriteKey {
        key: name.to_owned(),
        attributes: match name {
            "none" => BTreeMap::new(),
            name => [("team".to_owned(), name.to_owned())].into(),
        },
        ..WriteKey::default()
    };
    let config = Config {
        keys: ["none", "a", "b"].map(key).to_vec(),
        ..Config::default()
    };
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &config));
    let keys = ["none", "a", "a", "b", "none", "a"];
    for _ in 0..2 {
        let mut events = numbered(keys.len());
        for (event, key) in events.iter_mut().zip(keys) {
            event.0 = Some(key);
        }
        let answers = together(&intake, &events).await;
        assert_eq!(statuses(&answers), [None; 6]);
    }
    let teams = keys.map(|key| (key != "none").then(|| key.to_owned()));
    let expected: Vec<_> = teams.into_iter().zip(0..).collect();
    assert_eq!(batches(&consumer), [expected.clone(), expected]);
}

#[tokio::test]
async fn a_batch_that_is_full_goes_on_at_once() {
    let consumer = ScriptedConsumer::new();
    let intake = Arc::new(intake_before(&consumer, &Config::default()));
    let long = "x".repeat(4 << 10);
    let event = |number| (None, format!("{{\"number\":{number},\"long\":\"{long}\"}}"));
    let events: Vec<_> = (0..200).map(event).collect();
    let answers = together(&intake, &events).await;
    assert_eq!(statuses(&answers), vec![None; 200]);
    let batches = batches(&consumer);
    let numbers: Vec<i64> = batches
        .iter()
        .flatten()
        .map(|(_, number)| *number)
        .collect();
    assert_eq!(numbers, Vec::from_iter(0..200));
    let long = |batch: &Vec<_>| batch.len() * (4 << 10) > 256 << 10;
    assert!(batches.len() > 2, "{} batches", batches.len());
    assert!(batches.iter().all(|batch| !long(batch) || batch.len() < 70));
}

#[tokio::test]
async fn what_is_left_out_renamed_or_doubtful_is_counted() {
    let config = Config {
        keys: vec![WriteKey {
            key: "k".to_owned(),
            max_event_names: 1,
            ..WriteKey::default()
        }],
        ..Config::default()
    };
    let intake = Arc::new(intake(&config));
    let bodies = [
        r#"{"event.action":"one","a":1,"client.ip":"192.0.2.1"}"#,
        r#"{"event.action":"two","service.name":"s","host":{"name":"h"}}"#,
        r#"[{"a":1,"a.b":2},{"a":{"b":1},"a.b.c":2}]"#,
        r#"{"resource":{"k8s.pod.name":"p"},"events":[{"c":1}]}"#,
    ];
    for body in bodies {
        let mut request = Request {
            key: Some("k".to_owned()),
            ..request()
        };
        let source = Source {
            body: Bytes::from_static(body.as_bytes()),
            framing: Framing::Json,
        };
        let answer = intake
            .take([source].into_iter().collect(), &mut request)
            .await;
        assert_eq!(answer.status, None, "{body}");
    }
    assert_eq!(intake.metrics.governed(), [4, 1, 2]);
}
