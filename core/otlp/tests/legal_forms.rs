//! Legal encodings that `prost` does not make, and the stated refusals.

use bytes::Bytes;
use otlp::limits::MAX_VALUE_DEPTH;
use otlp::{Data, Invalid, Payload, Problem, Signal, Value};

use crate::accept::{delimited, key};
use crate::agree::agrees_with_prost;

/// `content` at this path of field numbers, from the request on.
fn at(path: &[u32], content: &[u8]) -> Vec<u8> {
    path.iter().rfold(content.to_vec(), |content, &number| {
        delimited(number, &content)
    })
}

fn record(content: &[u8]) -> Vec<u8> {
    at(&[1, 2, 2], content)
}

fn accepted(signal: Signal, bytes: Vec<u8>) -> Payload {
    agrees_with_prost(signal, &bytes);
    Payload::validate(signal, bytes.into()).expect("accepted")
}

fn refused(signal: Signal, bytes: Vec<u8>) -> Invalid {
    agrees_with_prost(signal, &bytes);
    Payload::validate(signal, bytes.into()).expect_err("refused")
}

#[test]
fn padded_varints() {
    // Body "ab": length 2 as 82 80 00, severity 9 as 89 80 80 00.
    let value = [0x0a, 0x82, 0x80, 0x00, b'a', b'b'];
    let fields = [delimited(5, &value), vec![0x10, 0x89, 0x80, 0x80, 0x00]].concat();
    let payload = accepted(Signal::Logs, record(&fields));
    let record = payload
        .logs()
        .next()
        .unwrap()
        .scopes()
        .next()
        .unwrap()
        .records()
        .next()
        .unwrap();
    assert_eq!(record.body, Some(Value::String("ab")));
    assert_eq!(record.severity_number, 9);
}

#[test]
fn packed_and_unpacked_numbers_mix() {
    let packed = delimited(6, &[1u64.to_le_bytes(), 2u64.to_le_bytes()].concat());
    let unpacked = [key(6, 1), 3u64.to_le_bytes().to_vec()].concat();
    let point = [packed.clone(), unpacked, delimited(6, &[]), packed].concat();
    let payload = accepted(Signal::Metrics, at(&[1, 2, 2, 9, 1], &point));
    assert_eq!(payload.items(), 1);
    let scope = payload.metrics().next().unwrap().scopes().next().unwrap();
    let Data::Histogram { mut points, .. } = scope.metrics().next().unwrap().data() else {
        panic!("a histogram");
    };
    let counts: Vec<u64> = points.next().unwrap().bucket_counts().collect();
    assert_eq!(counts, [1, 2, 3, 1, 2]);

    let odd = refused(Signal::Metrics, at(&[1, 2, 2, 9, 1, 6], &[0; 12]));
    assert_eq!(odd.problem, Problem::Value);
    assert!(
        odd.path.ends_with("histogram.dataPoints[0].bucketCounts"),
        "{odd}"
    );
}

#[test]
fn the_last_of_repeated_scalars_wins() {
    let fields = [0x10, 1, 0x10, 2, 0x1a, 1, b'a', 0x1a, 1, b'b'];
    let payload = accepted(Signal::Logs, record(&fields));
    let record = payload
        .logs()
        .next()
        .unwrap()
        .scopes()
        .next()
        .unwrap()
        .records()
        .next()
        .unwrap();
    assert_eq!((record.severity_number, record.severity_text), (2, "b"));
}

#[test]
fn unknown_fields_of_any_kind_are_kept() {
    let group = [0xf3, 0x07, 0x08, 0x01, 0xf4, 0x07]; // 126: group { 1: 1 }
    let unknown = [
        vec![0xf8, 0x07, 5],
        delimited(1000, b"\xff\xfe"),
        group.to_vec(),
    ]
    .concat();
    for level in 0..=3 {
        let bytes = at(
            &[1, 2, 2][..level],
            &[unknown.clone(), unknown.clone()].concat(),
        );
        let payload = accepted(Signal::Logs, bytes.clone());
        assert_eq!(payload.into_bytes(), bytes);
    }
    let inside_a_value = at(&[1, 2, 2, 6, 2], &unknown);
    accepted(Signal::Logs, inside_a_value);
}

#[test]
fn references_to_the_strings_of_profiles_read_as_empty() {
    let payload = accepted(Signal::Logs, at(&[1, 2, 2, 5], &[0x40, 7]));
    let record = payload
        .logs()
        .next()
        .unwrap()
        .scopes()
        .next()
        .unwrap()
        .records()
        .next()
        .unwrap();
    assert_eq!(record.body, Some(Value::Empty));
}

#[test]
fn ids_have_their_length_or_none() {
    for (len, ok) in [(0, true), (15, false), (16, true), (17, false), (8, false)] {
        let bytes = record(&delimited(9, &vec![1; len]));
        assert_eq!(
            Payload::validate(Signal::Logs, bytes.into()).is_ok(),
            ok,
            "trace id of {len}"
        );
    }
    for (len, ok) in [(0, true), (7, false), (8, true), (16, false)] {
        let bytes = at(&[1, 2, 2, 4], &vec![1; len]);
        assert_eq!(
            Payload::validate(Signal::Traces, bytes.into()).is_ok(),
            ok,
            "parent of {len}"
        );
    }
    let link = refused(Signal::Traces, at(&[1, 2, 2, 13, 1], &[1; 4]));
    assert_eq!(
        link.problem,
        Problem::IdLength {
            expected: 16,
            found: 4
        }
    );
    let exemplar = refused(Signal::Metrics, at(&[1, 2, 2, 7, 1, 5, 4], &[1; 4]));
    assert_eq!(
        exemplar.problem,
        Problem::IdLength {
            expected: 8,
            found: 4
        }
    );
}

#[test]
fn what_a_message_has_one_of_comes_once() {
    let twice = |number| [delimited(number, &[]), delimited(number, &[])].concat();
    let cases = [
        (Signal::Logs, vec![1], 1, "resourceLogs[0].resource"),
        (
            Signal::Logs,
            vec![1, 2],
            1,
            "resourceLogs[0].scopeLogs[0].scope",
        ),
        (Signal::Logs, vec![1, 2, 2], 5, "logRecords[0].body"),
        (Signal::Logs, vec![1, 2, 2, 6], 2, "attributes[0].value"),
        (Signal::Logs, vec![1, 2, 2, 5], 1, "body.stringValue"),
        (Signal::Logs, vec![1, 2, 2, 5], 6, "body.kvlistValue"),
        (Signal::Traces, vec![1, 2, 2], 15, "spans[0].status"),
        (Signal::Metrics, vec![1, 2, 2], 7, "metrics[0].sum"),
        (
            Signal::Metrics,
            vec![1, 2, 2, 10, 1],
            9,
            "dataPoints[0].negative",
        ),
    ];
    for (signal, path, number, name) in cases {
        let bytes = at(&path, &twice(number));
        let invalid = refused(signal, bytes);
        assert_eq!(invalid.problem, Problem::Twice);
        assert!(invalid.path.ends_with(name), "{invalid}");
    }
    let other_member = [delimited(5, &[]), delimited(7, &[])].concat();
    assert_eq!(
        refused(Signal::Metrics, at(&[1, 2, 2], &other_member)).problem,
        Problem::Twice
    );
    let both_sides = [delimited(8, &[]), delimited(9, &[])].concat();
    accepted(Signal::Metrics, at(&[1, 2, 2, 10, 1], &both_sides));
}

/// A value this deep, of arrays or maps.
fn deep(depth: usize, map: bool) -> Vec<u8> {
    (1..depth).fold(vec![0x10, 1], |value, _| {
        if map {
            at(&[6, 1, 2], &value)
        } else {
            at(&[5, 1], &value)
        }
    })
}

#[test]
fn values_nest_as_deep_as_everyone_can_read() {
    let places = [
        (Signal::Logs, &[1, 2, 2, 5][..]),
        (Signal::Logs, &[1, 1, 1, 2]),
        (Signal::Traces, &[1, 2, 2, 11, 3, 2]),
        (Signal::Metrics, &[1, 2, 2, 12, 2]),
        (Signal::Metrics, &[1, 2, 2, 7, 1, 5, 7, 2]),
    ];
    for (signal, path) in places {
        for map in [false, true] {
            accepted(signal, at(path, &deep(MAX_VALUE_DEPTH, map)));
            let invalid = refused(signal, at(path, &deep(MAX_VALUE_DEPTH + 1, map)));
            assert_eq!(invalid.problem, Problem::Depth);
        }
    }
    // No stack overflow however deep.
    let invalid = refused(Signal::Logs, at(&[1, 2, 2, 5], &deep(20_000, false)));
    assert_eq!(invalid.problem, Problem::Depth);
}

#[test]
fn groups_nest_eight_deep() {
    let group = |depth| [vec![0x4b; depth], vec![0x4c; depth]].concat();
    let place = [1, 2, 2, 7, 1, 5, 7, 2];
    let deepest = |groups: &[u8]| {
        let innermost = [vec![0x10, 1], groups.to_vec()].concat();
        let value = (1..MAX_VALUE_DEPTH).fold(innermost, |value, _| at(&[6, 1, 2], &value));
        at(&place, &value)
    };
    accepted(Signal::Metrics, deepest(&group(8)));
    assert_eq!(
        refused(Signal::Metrics, deepest(&group(9))).problem,
        Problem::GroupDepth
    );
    let unclosed = refused(Signal::Logs, vec![0x4b]);
    assert_eq!(unclosed.problem, Problem::Value);
    assert_eq!(refused(Signal::Logs, vec![0x4c]).problem, Problem::Value);
}

#[test]
fn errors_say_what_and_where() {
    let good = delimited(6, &[delimited(1, b"k"), at(&[2, 1], b"v")].concat());
    let bad = delimited(6, &[delimited(1, b"k"), at(&[2, 1], b"v\xff!")].concat());
    let records = [
        delimited(2, &good),
        delimited(2, &[good.clone(), good, bad].concat()),
    ]
    .concat();
    let bytes = [at(&[1, 2, 2], b""), at(&[1, 2], &records)].concat();
    let offset = bytes.iter().position(|&byte| byte == 0xff).unwrap();
    let invalid = refused(Signal::Logs, bytes);
    assert_eq!(
        invalid.to_string(),
        format!(
            "resourceLogs[1].scopeLogs[0].logRecords[1].attributes[2].value.stringValue, \
             byte {offset}: expected UTF-8 text"
        )
    );

    let invalid = refused(Signal::Traces, at(&[1, 2, 2], &[0x0d, 1, 2, 3, 4]));
    assert_eq!(
        invalid.to_string(),
        "resourceSpans[0].scopeSpans[0].spans[0].traceId, byte 6: expected a length and bytes, \
         found 4 bytes; is this an OTLP request of another signal?"
    );

    let invalid = refused(Signal::Logs, b"{\"resourceLogs\":[]}".to_vec());
    assert_eq!(invalid.problem, Problem::Json);

    let invalid = refused(Signal::Logs, vec![0x1f, 0x8b, 0x08]);
    assert_eq!(
        (invalid.offset, invalid.path.as_str()),
        (0, "the logs request")
    );
    assert_eq!(invalid.problem, Problem::Key);

    let mut cut = record(&delimited(3, b"INFO"));
    cut.pop();
    let invalid = refused(Signal::Logs, cut);
    assert_eq!(
        (invalid.offset, invalid.path.as_str()),
        (0, "resourceLogs[0]")
    );
    assert_eq!(invalid.problem, Problem::Value);
}

#[test]
fn nothing_is_a_request_without_items() {
    let payload = accepted(Signal::Logs, Vec::new());
    assert!(payload.is_empty());
    assert_eq!(payload.segments().len(), 0);
    assert_eq!(payload.into_bytes(), Bytes::new());
}
