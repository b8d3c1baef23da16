//! Joins are concatenation, and small slices never pin large buffers.

use bytes::Bytes;
use otlp::{Payload, Signal};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::accept::{delimited, request};
use crate::structs;

const SMALL: usize = 4 << 10;

/// One log record of about `size` bytes.
fn record(size: usize) -> Bytes {
    let text = delimited(3, &vec![b't'; size]);
    delimited(1, &delimited(2, &delimited(2, &text))).into()
}

fn payload(bytes: Bytes) -> Payload {
    Payload::validate(Signal::Logs, bytes).expect("valid")
}

proptest! {
    #[test]
    fn a_join_is_one_request_with_the_parts_of_all(requests in vec(request(), 1..12)) {
        for signal in Signal::ALL {
            let mut joined = Payload::empty(signal);
            let mut bytes = Vec::new();
            let mut items = 0;
            for (_, part) in requests.iter().filter(|(s, _)| *s == signal) {
                let part = Payload::validate(signal, part.clone().into()).expect("valid");
                bytes.extend_from_slice(&part.clone().into_bytes());
                items += part.items();
                joined.append(part);
            }
            prop_assert_eq!(joined.items(), items);
            prop_assert_eq!(joined.size(), bytes.len());
            let apart = structs::encode(&joined);
            prop_assert_eq!(joined.segments().map(Bytes::len).sum::<usize>(), bytes.len());
            let whole = joined.into_bytes();
            prop_assert_eq!(&whole, &bytes);
            let again = Payload::validate(signal, whole).expect("a join is valid");
            prop_assert_eq!(again.items(), items);
            prop_assert_eq!(structs::encode(&again), apart);
        }
    }
}

#[test]
fn large_segments_are_shared() {
    let (a, b) = (record(SMALL), record(SMALL * 2));
    let mut joined = payload(a.clone());
    joined.append(payload(b.clone()));
    let starts: Vec<_> = joined.segments().map(|s| s.as_ptr()).collect();
    assert_eq!(starts, [a.as_ptr(), b.as_ptr()]);
}

#[test]
fn a_small_slice_lets_go_of_its_buffer() {
    let large = payload(record(SMALL));
    let buffer: Bytes = record(10).repeat(1000).into();
    let len = record(10).len();
    let mut joined = large;
    joined.append(payload(buffer.slice(..len)));
    assert!(buffer.is_unique(), "copied, not shared");
    assert_eq!(joined.items(), 2);
}

#[test]
fn small_segments_are_gathered() {
    let mut joined = Payload::empty(Signal::Logs);
    for _ in 0..10_000 {
        joined.append(payload(record(100)));
    }
    let bytes = record(100).len() * 10_000;
    assert_eq!((joined.items(), joined.size()), (10_000, bytes));
    let largest = joined.segments().map(Bytes::len).max().unwrap_or_default();
    assert!(largest <= 64 << 10, "{largest}");
    assert!(
        joined.segments().len() <= bytes / (60 << 10) + 1,
        "{}",
        joined.segments().len()
    );
}

#[test]
fn a_clone_is_not_changed_by_what_is_appended() {
    let mut joined = payload(record(100));
    joined.append(payload(record(200)));
    let before = joined.clone();
    let bytes = before.clone().into_bytes();
    joined.append(payload(record(300)));
    assert_eq!((before.items(), joined.items()), (2, 3));
    assert_eq!(before.into_bytes(), bytes);
    assert!(joined.into_bytes().starts_with(&bytes));
}

#[test]
fn an_owner_lives_as_long_as_the_last_slice_of_what_it_was_tied_to() {
    use std::sync::Arc;
    let owner = Arc::new(());
    let mut kept = payload(record(3 * SMALL));
    kept.append(payload(record(2 * SMALL)));
    let before = kept.clone().into_bytes();
    let kept = kept.keep(Arc::clone(&owner));
    assert_eq!((kept.items(), kept.clone().into_bytes()), (2, before));
    let mut joined = payload(record(SMALL));
    joined.append(kept);
    let mut pieces = joined
        .split(otlp::SplitLimits {
            max_items: 1,
            max_bytes: 0,
        })
        .pieces;
    assert_eq!(pieces.len(), 3);
    pieces.remove(0);
    assert_eq!(Arc::strong_count(&owner), 2, "two pieces, one owner");
    pieces.remove(0);
    assert_eq!(Arc::strong_count(&owner), 2);
    drop(pieces);
    assert_eq!(Arc::strong_count(&owner), 1);
}

#[test]
fn bytes_of_small_segments_are_known() {
    let mut joined = payload(record(2 * SMALL));
    assert_eq!(joined.size_of_small_segments(), 0);
    let small = payload(record(10));
    let size = small.size();
    joined.append(small);
    assert_eq!(joined.size_of_small_segments(), size);
}
