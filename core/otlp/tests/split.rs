//! Splits keep every item, stay within the limits, and are never empty.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use otlp::limits::{MAX_REPEATED, REPEATED_FREE};
use otlp::{Data, Payload, Signal, Split, SplitLimits};
use proptest::prelude::*;
use prost::Message;

use crate::accept::{delimited, request};

/// Each item with all that is around it, so that a piece with a wrong or lost
/// header is a different list.
fn items(payload: &Payload) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    for resource in payload.logs() {
        let outer = [
            resource.resource().encoded(),
            resource.schema_url().as_bytes(),
        ]
        .concat();
        for scope in resource.scopes() {
            let inner = [
                &outer,
                scope.scope().encoded(),
                scope.schema_url().as_bytes(),
            ]
            .concat();
            items.extend(scope.records().map(|r| [&inner, r.encoded()].concat()));
        }
    }
    for resource in payload.traces() {
        let outer = [
            resource.resource().encoded(),
            resource.schema_url().as_bytes(),
        ]
        .concat();
        for scope in resource.scopes() {
            let inner = [
                &outer,
                scope.scope().encoded(),
                scope.schema_url().as_bytes(),
            ]
            .concat();
            items.extend(scope.spans().map(|s| [&inner, s.encoded()].concat()));
        }
    }
    for resource in payload.metrics() {
        let outer = [
            resource.resource().encoded(),
            resource.schema_url().as_bytes(),
        ]
        .concat();
        for scope in resource.scopes() {
            let inner = [
                &outer,
                scope.scope().encoded(),
                scope.schema_url().as_bytes(),
            ]
            .concat();
            scope
                .metrics()
                .for_each(|metric| points(&inner, metric, &mut items));
        }
    }
    items
}

fn points(outer: &[u8], metric: otlp::Metric<'_>, items: &mut Vec<Vec<u8>>) {
    let header = format!(
        "{}|{}|{}|{:?}|",
        metric.name,
        metric.description,
        metric.unit,
        metric.metadata()
    );
    let mut add = |kind: String, points: Vec<&[u8]>| {
        let points = points.into_iter();
        items.extend(points.map(|p| [outer, header.as_bytes(), kind.as_bytes(), p].concat()));
    };
    match metric.data() {
        Data::None => {}
        Data::Gauge(points) => add("gauge".to_owned(), points.map(|p| p.encoded()).collect()),
        Data::Sum {
            points,
            temporality,
            monotonic,
        } => {
            add(
                format!("sum {temporality} {monotonic}"),
                points.map(|p| p.encoded()).collect(),
            );
        }
        Data::Histogram {
            points,
            temporality,
        } => {
            add(
                format!("histogram {temporality}"),
                points.map(|p| p.encoded()).collect(),
            );
        }
        Data::ExponentialHistogram {
            points,
            temporality,
        } => {
            add(
                format!("exponential {temporality}"),
                points.map(|p| p.encoded()).collect(),
            );
        }
        Data::Summary(points) => add("summary".to_owned(), points.map(|p| p.encoded()).collect()),
    }
}

fn is_valid(payload: &Payload) {
    let again = Payload::validate(payload.signal(), payload.clone().into_bytes()).expect("valid");
    assert_eq!(
        (again.items(), again.size()),
        (payload.items(), payload.size()),
        "the sums"
    );
}

/// Splits and checks everything that must hold of any split.
fn check(payload: Payload, limits: SplitLimits) -> Split {
    let whole = payload.clone();
    let split = payload.split(limits);
    let within = |piece: &Payload| {
        (limits.max_items == 0 || piece.items() <= limits.max_items)
            && (limits.max_bytes == 0 || piece.size() <= limits.max_bytes)
    };
    for piece in &split.pieces {
        assert!(!piece.is_empty(), "an empty piece");
        assert!(
            within(piece),
            "{} items, {} bytes: {limits:?}",
            piece.items(),
            piece.size()
        );
        is_valid(piece);
    }
    for one in &split.oversize {
        assert!(!within(one) && !one.is_empty());
        is_valid(one);
    }
    let pieces = || split.pieces.iter().flat_map(items);
    let mut expected = items(&whole);
    if split.oversize.is_empty() {
        assert!(pieces().eq(expected), "all items in order");
    } else {
        let mut all: Vec<_> = pieces()
            .chain(split.oversize.iter().flat_map(items))
            .collect();
        all.sort();
        expected.sort();
        assert_eq!(all, expected, "every item once");
    }
    split
}

fn validated((signal, bytes): (Signal, Vec<u8>)) -> Payload {
    Payload::validate(signal, bytes.into()).expect("valid")
}

/// Up to four requests of one signal, joined.
fn joined() -> impl Strategy<Value = Payload> {
    (request(), proptest::collection::vec(request(), 0..6)).prop_map(|(first, more)| {
        let mut payload = validated(first);
        for other in more.into_iter().map(validated) {
            if other.signal() == payload.signal() {
                payload.append(other);
            }
        }
        payload
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_payload(payload in joined(), max_items in 0..9usize, max_bytes in 0..1500usize) {
        check(payload, SplitLimits { max_items, max_bytes });
    }

    #[test]
    fn by_items_alone_nothing_is_oversize(payload in joined(), max_items in 1..9usize) {
        let split = check(payload, SplitLimits { max_items, max_bytes: 0 });
        prop_assert!(split.oversize.is_empty());
    }
}

/// `records` log records with this many bytes of text, one resource, one scope.
fn uniform(records: usize, text: usize, resource: usize) -> Payload {
    let resource = delimited(1, &delimited(1, &delimited(1, &vec![b'r'; resource])));
    let record = delimited(2, &delimited(3, &vec![b't'; text]));
    let scope = delimited(2, &record.repeat(records));
    let bytes = delimited(1, &[resource, scope].concat());
    Payload::validate(Signal::Logs, bytes.into()).expect("valid")
}

#[test]
fn what_fits_is_the_same_bytes() {
    let payload = uniform(10, 500, 10);
    let before = payload.segments().next().unwrap().as_ptr();
    let limits = SplitLimits {
        max_items: 10,
        max_bytes: payload.size(),
    };
    let split = check(payload, limits);
    assert_eq!(split.pieces.len(), 1);
    assert_eq!(split.pieces[0].segments().next().unwrap().as_ptr(), before);
}

#[test]
fn pieces_are_filled() {
    let split = check(
        uniform(1000, 100, 10),
        SplitLimits {
            max_items: 300,
            max_bytes: 0,
        },
    );
    assert_eq!(
        split.pieces.iter().map(Payload::items).collect::<Vec<_>>(),
        [300, 300, 300, 100]
    );

    // What is left of one segment and the start of the next share a piece.
    let mut payload = uniform(150, 100, 10);
    payload.append(uniform(150, 100, 20));
    let split = check(
        payload,
        SplitLimits {
            max_items: 100,
            max_bytes: 0,
        },
    );
    assert_eq!(
        split.pieces.iter().map(Payload::items).collect::<Vec<_>>(),
        [100, 100, 100]
    );
}

#[test]
fn whole_segments_and_resources_are_shared() {
    let one = uniform(10, 500, 10).into_bytes();
    let resources: Bytes = one.repeat(3).into();
    let mut payload = Payload::validate(Signal::Logs, resources.clone()).unwrap();
    payload.append(Payload::validate(Signal::Logs, one.clone()).unwrap());
    let split = check(
        payload,
        SplitLimits {
            max_items: 10,
            max_bytes: 0,
        },
    );
    let starts: Vec<_> = split
        .pieces
        .iter()
        .map(|p| p.segments().next().unwrap().as_ptr())
        .collect();
    let resource = |index: usize| resources[index * one.len()..].as_ptr();
    assert_eq!(
        starts,
        [resource(0), resource(1), resource(2), one.as_ptr()]
    );
}

#[test]
fn cuts_are_made_between_segments_first() {
    let mut payload = uniform(60, 100, 10);
    payload.append(uniform(60, 100, 10));
    let split = check(
        payload,
        SplitLimits {
            max_items: 100,
            max_bytes: 0,
        },
    );
    assert_eq!(
        split.pieces.iter().map(Payload::items).collect::<Vec<_>>(),
        [60, 60]
    );
}

#[test]
fn a_record_over_the_limit_is_reported() {
    let mut payload = uniform(2, 100, 10);
    payload.append(uniform(1, 3000, 10));
    payload.append(uniform(2, 100, 10));
    let split = check(
        payload,
        SplitLimits {
            max_items: 0,
            max_bytes: 500,
        },
    );
    assert_eq!(split.pieces.iter().map(Payload::items).sum::<usize>(), 4);
    assert_eq!(split.oversize.len(), 1);
    assert_eq!(split.oversize[0].items(), 1);
}

#[test]
fn nothing_comes_of_nothing() {
    let empty_resource: Bytes = delimited(1, &delimited(1, &[0x0a; 0])).into();
    let payload = Payload::validate(Signal::Logs, empty_resource).unwrap();
    let split = payload.split(SplitLimits {
        max_items: 1,
        max_bytes: 1,
    });
    assert!(split.pieces.is_empty() && split.oversize.is_empty());
}

#[test]
fn repeated_headers_are_capped() {
    // Half of it is one resource: cut into single records it would be 40 times as much.
    let payload = uniform(2000, 20, 40_000);
    let size = payload.size();
    let total = |pieces: &[Payload]| pieces.iter().map(Payload::size).sum::<usize>();
    let by_items = check(
        payload.clone(),
        SplitLimits {
            max_items: 1,
            max_bytes: 0,
        },
    );
    let by_bytes = check(
        payload,
        SplitLimits {
            max_items: 0,
            max_bytes: 40_050,
        },
    );
    for split in [by_items, by_bytes] {
        assert!(total(&split.pieces) <= (MAX_REPEATED + 2) * size + REPEATED_FREE);
        assert_eq!(split.oversize.len(), 1, "the rest as one");
        assert!(split.oversize[0].items() > 1500);
    }
}

#[test]
fn prost_reads_the_pieces_of_interleaved_headers() {
    // The schema URL and unknown fields between the scopes of a resource.
    let scope = |n: u8| delimited(2, &delimited(2, &[0x10, n]).repeat(3));
    let parts = [
        scope(1),
        delimited(3, b"url"),
        scope(2),
        delimited(1, &[]),
        delimited(99, b"?"),
        scope(3),
    ];
    let bytes: Bytes = delimited(1, &parts.concat()).into();
    let payload = Payload::validate(Signal::Logs, bytes).unwrap();
    let split = check(
        payload,
        SplitLimits {
            max_items: 4,
            max_bytes: 0,
        },
    );
    assert_eq!(
        split.pieces.iter().map(Payload::items).collect::<Vec<_>>(),
        [3, 3, 3]
    );
    for piece in split.pieces {
        let request = Logs::decode(piece.into_bytes()).unwrap();
        assert_eq!(request.resource_logs[0].schema_url, "url");
        assert!(request.resource_logs[0].resource.is_some());
    }
}
