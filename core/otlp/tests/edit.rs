//! Edits on the wire give what the same edits give on `prost` structs.

mod metrics;
mod model;
mod ops;
mod requests;

use otlp::edit::{Edit, Scratch, run};
use otlp::{Payload, Signal};
use prost::Message;
use proptest::collection::vec;
use proptest::prelude::*;

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
    assert_eq!(M::from_neutral(ours).encode_to_vec(), M::from_neutral(theirs).encode_to_vec());
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
    #![proptest_config(ProptestConfig::with_cases(512))]

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
