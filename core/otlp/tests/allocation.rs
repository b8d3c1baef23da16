//! Validation and reading allocate nothing; what is refused allocates its
//! message; splitting and reading JSON allocate a small multiple of their
//! input; writing allocates its output.

#![allow(missing_docs, unreachable_pub)]

#[allow(dead_code)]
mod generate;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use otlp::limits::{MAX_REPEATED, REPEATED_FREE};
use otlp::{Payload, Signal, SplitLimits, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

/// Counts the bytes that this thread asks for.
struct Counting;

#[allow(unsafe_code)]
// SAFETY: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get() + layout.size()));
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many bytes `job` allocates, those freed again included.
fn allocated<T>(job: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATED.get();
    let result = job();
    (ALLOCATED.get() - before, result)
}

fn depth(value: Value<'_>) -> usize {
    match value {
        Value::Array(values) => 1 + values.map(depth).max().unwrap_or(0),
        Value::Map(pairs) => 1 + pairs.map(|kv| depth(kv.value)).max().unwrap_or(0),
        _ => 1,
    }
}

/// Reads everything there is in logs and spans.
fn read(payload: &Payload) -> usize {
    let records = payload
        .logs()
        .flat_map(|r| r.scopes())
        .flat_map(|s| s.records());
    let logs = records.map(|r| r.attributes().map(|kv| depth(kv.value)).sum::<usize>());
    let spans = payload
        .traces()
        .flat_map(|r| r.scopes())
        .flat_map(|s| s.spans());
    let spans = spans.map(|s| s.events().count() + s.links().count() + s.attributes().count());
    logs.sum::<usize>() + spans.sum::<usize>()
}

proptest! {
    #[test]
    fn nothing_for_valid_logs(request in generate::logs()) {
        let bytes = Bytes::from(request.encode_to_vec());
        let (count, payload) = allocated(|| Payload::validate(Signal::Logs, bytes));
        prop_assert_eq!(count, 0);
        let payload = payload.expect("valid");
        prop_assert_eq!(allocated(|| read(&payload)).0, 0);
    }

    #[test]
    fn nothing_for_valid_spans(request in generate::traces()) {
        let bytes = Bytes::from(request.encode_to_vec());
        let (count, payload) = allocated(|| Payload::validate(Signal::Traces, bytes));
        prop_assert_eq!(count, 0);
        let payload = payload.expect("valid");
        prop_assert_eq!(allocated(|| read(&payload)).0, 0);
    }

    #[test]
    fn a_message_for_arbitrary_bytes(bytes in vec(any::<u8>(), 0..4000)) {
        let bytes = Bytes::from(bytes);
        for signal in Signal::ALL {
            let input = bytes.clone();
            let (count, _) = allocated(|| Payload::validate(signal, input));
            prop_assert!(count <= 4096, "{}", count);
        }
    }

    #[test]
    fn a_small_multiple_for_splits(
        request in generate::metrics(),
        max_items in 1..5usize,
        max_bytes in 0..2000usize,
    ) {
        let bytes = Bytes::from(request.encode_to_vec());
        let size = bytes.len();
        let payload = Payload::validate(Signal::Metrics, bytes).expect("valid");
        let limits = SplitLimits { max_items, max_bytes };
        let (count, _) = allocated(|| payload.split(limits));
        prop_assert!(count <= 4 * (MAX_REPEATED * size + REPEATED_FREE), "{} of {}", count, size);
    }
}

/// A refusal names a path whose length does not grow with the input.
#[test]
fn a_message_for_deep_nesting() {
    let nested = (0..5000).fold(vec![0x10, 1], |inner, _| {
        [5, 1].iter().fold(inner, |content, &number| {
            let mut out = vec![number << 3 | 2];
            prost::encoding::encode_varint(content.len() as u64, &mut out);
            [out, content].concat()
        })
    });
    let request = [1u8, 2, 2, 5].iter().rfold(nested, |content, &number| {
        let mut out = vec![number << 3 | 2];
        prost::encoding::encode_varint(content.len() as u64, &mut out);
        [out, content].concat()
    });
    let bytes = Bytes::from(request);
    let (count, refused) = allocated(|| Payload::validate(Signal::Logs, bytes));
    assert!(refused.is_err());
    assert!(count <= 16 << 10, "{count}");
}

/// Reading JSON allocates the output, which grows by doubling, and little else.
#[test]
fn a_small_multiple_for_json() {
    let value = r#"{"arrayValue":{"values":[{"stringValue":"\u0041"},{},{"bytesValue":"AAAA"}]}},"#;
    for element in [
        r#"{"scopeLogs":[]},"#.to_owned(),
        format!(
            r#"{{"scopeLogs":[{{"logRecords":[{{}},{{"body":{}}}]}}]}},"#,
            value.trim_end_matches(',')
        ),
        r#"{"unknown":[[[[[["\n"]]]]]]},"#.to_owned(),
    ] {
        let list = element.repeat(2000);
        let text = format!(r#"{{"resourceLogs":[{}]}}"#, list.trim_end_matches(','));
        let (count, read) = allocated(|| otlp::json::read(Signal::Logs, text.as_bytes()));
        assert!(read.is_ok());
        assert!(
            count <= 2 * text.len() + 4096,
            "{count} for {} of {element}",
            text.len()
        );
    }
    // What grows most: one digit becomes eight bytes.
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[{{"bucketCounts":[{}1]}}]}}}}]}}]}}]}}"#,
        "1,".repeat(100_000)
    );
    let (count, read) = allocated(|| otlp::json::read(Signal::Metrics, text.as_bytes()));
    assert_eq!(read.map(|payload| payload.items()), Ok(1));
    assert!(count <= 16 * text.len(), "{count} for {}", text.len());
}

/// A writer that was used before allocates the buffer of the payload, nothing for a record.
#[test]
fn one_buffer_for_a_payload_that_is_written() {
    let mut writer = otlp::write::LogsWriter::new();
    let mut write = || {
        writer.resource(|r| r.attribute("service.name", Value::String("shop")));
        for n in 0..500 {
            writer.record(|log| {
                log.body(Value::String("something happened"));
                log.attribute_with("list", |v| v.array(|a| a.push(Value::Int(n))));
            });
        }
        writer.finish()
    };
    let first = write();
    let (count, second) = allocated(write);
    assert_eq!(first.size(), second.size());
    assert!(
        count <= second.size() * 5 / 4,
        "{count} for {}",
        second.size()
    );
}
