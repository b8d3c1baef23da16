//! Edits on the wire give what the same edits give on `prost` structs.

mod metrics;
mod model;
mod ops;
mod requests;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use opentelemetry_proto::tonic::common::v1::any_value::Value::{ArrayValue, StringValue};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlp::edit::{Edit, Facts, LogDraft, Scratch, Touches, Verdict, run, walks};
use otlp::{Payload, Signal, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use crate::generate;
use ops::Random;
use requests::Neutral;

fn payload(signal: Signal, request: &impl Message) -> Payload {
    Payload::validate(signal, request.encode_to_vec().into()).expect("generated requests are valid")
}

/// The request in a payload, checked to be valid and to count its items.
fn request<M: Message + Default>(payload: Payload) -> M {
    let (signal, items) = (payload.signal(), payload.items());
    let bytes = payload.into_bytes();
    let again = Payload::validate(signal, bytes.clone()).expect("edited payloads are valid");
    assert_eq!(again.items(), items, "items are counted");
    M::decode(bytes).expect("prost reads it, too")
}

/// Edits in one call and the same edits on structs.
fn edits_equal<M: Neutral + Clone>(signal: Signal, message: M, edits: &[Random]) {
    let before = payload(signal, &message);
    let list: Vec<&dyn Edit> = edits.iter().map(|edit| edit as _).collect();
    let mut scratch = Scratch::new();
    let edited = run(&before, &list, &mut scratch, 7);
    let regrouped = edits.iter().any(Random::moves);
    let mut ours = request::<M>(edited).into_neutral();
    let mut theirs = message.into_neutral();
    for edit in edits {
        theirs = model::edit(edit, theirs);
    }
    if regrouped {
        ours.settle();
        theirs.settle();
    }
    assert_eq!(
        M::from_neutral(ours).encode_to_vec(),
        M::from_neutral(theirs).encode_to_vec()
    );
}

/// Edits in one call, and the same edits in one call each.
fn chains_equal<M: Neutral>(signal: Signal, message: &M, edits: &[Random]) {
    let mut scratch = Scratch::new();
    let list: Vec<&dyn Edit> = edits.iter().map(|edit| edit as _).collect();
    let before = payload(signal, message);
    let together = run(&before, &list, &mut scratch, 7);
    let mut one_by_one = before;
    for edit in list {
        one_by_one = run(&one_by_one, &[edit], &mut scratch, 7);
    }
    assert_eq!(together.items(), one_by_one.items());
    let movers = edits.iter().filter(|edit| edit.moves()).count();
    if movers == 0 {
        let encoded = |payload| request::<M>(payload).encode_to_vec();
        assert_eq!(encoded(together), encoded(one_by_one));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn one_edit_of_logs(request in generate::logs(), edit in ops::random()) {
        edits_equal(Signal::Logs, request, &[edit]);
    }

    #[test]
    fn one_edit_of_traces(request in generate::traces(), edit in ops::random()) {
        edits_equal(Signal::Traces, request, &[edit]);
    }

    #[test]
    fn one_edit_of_metrics(request in generate::metrics(), edit in ops::random()) {
        edits_equal(Signal::Metrics, request, &[edit]);
    }

    #[test]
    fn chains_on_logs(request in generate::logs(), edits in vec(ops::random(), 2..5)) {
        chains_equal(Signal::Logs, &request, &edits);
        edits_equal(Signal::Logs, request, &edits);
    }

    #[test]
    fn chains_on_traces(request in generate::traces(), edits in vec(ops::random(), 2..4)) {
        chains_equal(Signal::Traces, &request, &edits);
        edits_equal(Signal::Traces, request, &edits);
    }

    #[test]
    fn chains_on_metrics(request in generate::metrics(), edits in vec(ops::random(), 2..4)) {
        chains_equal(Signal::Metrics, &request, &edits);
        edits_equal(Signal::Metrics, request, &edits);
    }
}

/// An edit made of closures.
struct Closures<L> {
    touches: Touches,
    log: L,
}

impl<L> Edit for Closures<L>
where
    L: Fn(&Facts<'_>, &mut LogDraft<'_, '_>) -> Verdict + Send + Sync,
{
    fn touches(&self) -> Touches {
        self.touches
    }

    fn log(&self, facts: &Facts<'_>, draft: &mut LogDraft<'_, '_>) -> Verdict {
        (self.log)(facts, draft)
    }
}

fn on_logs<L>(log: L) -> Closures<L>
where
    L: Fn(&Facts<'_>, &mut LogDraft<'_, '_>) -> Verdict + Send + Sync,
{
    let touches = Touches {
        logs: true,
        ignores_facts: true,
        ..Touches::default()
    };
    Closures { touches, log }
}

fn texts(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let value = |text: &str| {
        Some(AnyValue {
            value: Some(StringValue(text.to_owned())),
        })
    };
    let pair = |&(key, text): &(&str, &str)| KeyValue {
        key: key.to_owned(),
        value: value(text),
        ..KeyValue::default()
    };
    pairs.iter().map(pair).collect()
}

/// One resource and scope with records of these attributes.
fn records(records: &[&[(&str, &str)]]) -> Logs {
    let record = |pairs: &&[(&str, &str)]| LogRecord {
        attributes: texts(pairs),
        ..LogRecord::default()
    };
    let scope = ScopeLogs {
        log_records: records.iter().map(record).collect(),
        ..Default::default()
    };
    let resource = Resource {
        attributes: texts(&[("service.name", "shop")]),
        ..Default::default()
    };
    let block = ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![scope],
        ..ResourceLogs::default()
    };
    Logs {
        resource_logs: vec![block],
    }
}

#[test]
fn a_payload_that_nobody_changed_shares_its_memory() {
    let mut before = payload(Signal::Logs, &records(&[&[("a", "1")], &[("b", "2")]]));
    before.append(before.clone());
    let looks = on_logs(|_, log| {
        assert!(!log.attributes().is_empty());
        assert!(!log.attributes().rename("none", "other"));
        assert_eq!(log.attributes().remove("none"), None);
        assert_eq!(log.severity_number(), 0);
        assert_eq!(
            log.resource_attributes().get("service.name"),
            Some(Value::String("shop"))
        );
        Verdict::Keep
    });
    let after = run(&before, &[&looks], &mut Scratch::new(), 1);
    let places = |payload: &Payload| {
        payload
            .segments()
            .map(|segment| (segment.as_ptr(), segment.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(places(&before), places(&after));
    let nothing = run(&before, &[], &mut Scratch::new(), 1);
    assert_eq!(places(&before), places(&nothing));
}

#[test]
fn segments_without_a_change_are_shared() {
    let large = "x".repeat(8 << 10);
    let mut before = payload(Signal::Logs, &records(&[&[("keep", &large)]]));
    before.append(payload(Signal::Logs, &records(&[&[("change", &large)]])));
    let edit = on_logs(|_, log| {
        log.attributes().rename("change", "changed");
        Verdict::Keep
    });
    let after = run(&before, &[&edit], &mut Scratch::new(), 1);
    let pointers = |payload: &Payload| payload.segments().map(|s| s.as_ptr()).collect::<Vec<_>>();
    let (before, after) = (pointers(&before), pointers(&after));
    assert_eq!((before.len(), after.len()), (2, 2));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
}

#[test]
fn when_all_is_dropped_nothing_is_left() {
    let before = payload(Signal::Logs, &records(&[&[("a", "1")], &[]]));
    let drops = on_logs(|_, _| Verdict::Drop);
    let after = run(&before, &[&drops], &mut Scratch::new(), 1);
    assert_eq!((after.items(), after.size()), (0, 0));
    // A later edit has nothing to look at.
    let panics = on_logs(|_, _| panic!("dropped records are not shown"));
    let after = run(&before, &[&drops, &panics], &mut Scratch::new(), 1);
    assert_eq!((after.items(), after.size()), (0, 0));
}

#[test]
fn later_edits_see_what_earlier_ones_did() {
    let before = payload(Signal::Logs, &records(&[&[("a", "1")]]));
    let first = on_logs(|_, log| {
        log.attributes().rename("a", "b");
        log.set_body(Value::Int(1));
        Verdict::Keep
    });
    let second = on_logs(|_, log| {
        assert_eq!(log.attributes().get("a"), None);
        assert_eq!(log.attributes().get("b"), Some(Value::String("1")));
        assert_eq!(log.take_body(), Some(Value::Int(1)));
        assert_eq!(log.take_body(), None);
        log.set_body_with(|v| v.array(|a| a.push(Value::Bool(true))));
        Verdict::Keep
    });
    assert_eq!(walks(&[&first, &second], Signal::Logs), 1);
    assert_eq!(walks(&[&first, &second], Signal::Traces), 0);
    let after = run(&before, &[&first, &second], &mut Scratch::new(), 1);
    let record = &request::<Logs>(after).resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(record.attributes, texts(&[("b", "1")]));
    let body = record.body.clone().and_then(|body| body.value);
    assert!(matches!(body, Some(ArrayValue(array)) if array.values.len() == 1));
}

#[test]
fn records_that_move_are_grouped_in_order_of_first_appearance() {
    let before = payload(
        Signal::Logs,
        &records(&[
            &[("n", "1"), ("host.name", "a")],
            &[("n", "2"), ("host.name", "b")],
            &[("n", "3")],
            &[("n", "4"), ("host.name", "a")],
        ]),
    );
    // Declared or not: nothing that moves may get lost.
    for moves in [true, false] {
        let mut mover = on_logs(|_, log| {
            let (mut own, mut resource) = log.attributes_and_resource();
            if let Some(host) = own.remove("host.name") {
                resource.set("host.name", host);
            }
            log.scope().set_name("access");
            Verdict::Keep
        });
        mover.touches.moves = moves;
        let after = request::<Logs>(run(&before, &[&mover], &mut Scratch::new(), 1));
        let groups: Vec<_> = after
            .resource_logs
            .iter()
            .map(|block| {
                let scope = &block.scope_logs[0];
                assert_eq!(scope.scope.as_ref().expect("named").name, "access");
                let records = scope
                    .log_records
                    .iter()
                    .map(|r| r.attributes.clone())
                    .collect();
                (block.resource.clone().expect("moved").attributes, records)
            })
            .collect();
        let shop = ("service.name", "shop");
        let expected: [(_, Vec<_>); 3] = [
            (
                texts(&[shop, ("host.name", "a")]),
                vec![texts(&[("n", "1")]), texts(&[("n", "4")])],
            ),
            (
                texts(&[shop, ("host.name", "b")]),
                vec![texts(&[("n", "2")])],
            ),
            (texts(&[shop]), vec![texts(&[("n", "3")])]),
        ];
        assert_eq!(groups, expected);
    }
}

#[test]
fn a_mover_is_followed_by_a_new_walk_for_those_who_would_see_it() {
    let plain = on_logs(|_, _| Verdict::Keep);
    let mut reader = on_logs(|_, _| Verdict::Keep);
    reader.touches.ignores_facts = false;
    let mut mover = on_logs(|_, _| Verdict::Keep);
    mover.touches.moves = true;
    let mut outer = on_logs(|_, _| Verdict::Keep);
    outer.touches = Touches {
        resource: true,
        ..Touches::default()
    };
    let walks = |edits: &[&dyn Edit]| walks(edits, Signal::Logs);
    assert_eq!(walks(&[&plain, &outer, &reader, &mover, &plain]), 1);
    assert_eq!(walks(&[&mover, &reader]), 2);
    assert_eq!(walks(&[&mover, &outer]), 2);
    assert_eq!(walks(&[&mover, &mover]), 2);
    assert_eq!(walks(&[&reader, &outer]), 2);
}

#[test]
fn unusual_but_legal_forms_are_edited_too() {
    // The value before the key, then a padded length; the scope behind its
    // records, the resource behind its scopes, an unknown field in the record.
    let mut record = b"\x32\x08\x12\x03\x0a\x01x\x0a\x01a".to_vec();
    record.extend_from_slice(b"\x32\x8a\x00\x0a\x01b\x12\x84\x00\x0a\x02yy");
    record.extend_from_slice(b"\xaa\x06\x02ok");
    let field =
        |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8], content].concat();
    let scope = [field(2, &record), field(1, &field(1, b"lib"))].concat();
    let resource = field(
        1,
        &field(1, &[&b"\x0a\x01r\x12\x03"[..], &field(1, b"1")].concat()),
    );
    let block = [field(2, &scope), resource].concat();
    let before = Payload::validate(Signal::Logs, field(1, &block).into()).expect("legal");
    let edit = Closures {
        touches: Touches {
            logs: true,
            ..Touches::default()
        },
        log: |facts: &Facts<'_>, log: &mut LogDraft<'_, '_>| {
            assert_eq!(facts.scope().name(), "lib");
            assert_eq!(
                facts.resource().attributes().get("r"),
                Some(Value::String("1"))
            );
            let mut attributes = log.attributes();
            assert_eq!(attributes.get("b"), Some(Value::String("yy")));
            attributes.rename("a", "c");
            Verdict::Keep
        },
    };
    let after = run(&before, &[&edit], &mut Scratch::new(), 1).into_bytes();
    assert!(
        after.windows(5).any(|window| window == b"\xaa\x06\x02ok"),
        "unknown fields are kept"
    );
    let after = Logs::decode(after).expect("valid");
    let block = &after.resource_logs[0];
    assert_eq!(
        block.resource.as_ref().expect("kept").attributes,
        texts(&[("r", "1")])
    );
    assert_eq!(
        block.scope_logs[0].scope.as_ref().expect("kept").name,
        "lib"
    );
    let record = &block.scope_logs[0].log_records[0];
    assert_eq!(record.attributes, texts(&[("c", "x"), ("b", "yy")]));
}
