use std::collections::HashSet;
use std::sync::Arc;

use lake_layout::{Encoder, Kind, TableSpec, date_text};
use otlp::Signal;

use crate::kit::*;

/// A record with every field, and one with hardly any.
fn full() -> String {
    format!(
        r#"{{"resourceLogs":[{{
        "resource":{{"attributes":[
            {{"key":"service.name","value":{{"stringValue":"shop"}}}},
            {{"key":"host.cpus","value":{{"intValue":"8"}}}}]}},
        "schemaUrl":"https://schema/1",
        "scopeLogs":[{{
            "scope":{{"name":"lib","version":"1.2","attributes":[{{"key":"s","value":{{"boolValue":true}}}}]}},
            "logRecords":[
            {{"timeUnixNano":"{time}","observedTimeUnixNano":"{observed}","severityNumber":17,
              "severityText":"ERROR","eventName":"order.failed","flags":1,"droppedAttributesCount":3,
              "traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"aabbccddeeff0011",
              "body":{{"kvlistValue":{{"values":[
                  {{"key":"a","value":{{"arrayValue":{{"values":[{{"intValue":"1"}},{{"doubleValue":1.5}},{{"stringValue":"q\"uote"}}]}}}}}},
                  {{"key":"b","value":{{}}}}]}}}},
              "attributes":[
                {{"key":"text","value":{{"stringValue":"as it is \"quoted\""}}}},
                {{"key":"int","value":{{"intValue":"-9223372036854775808"}}}},
                {{"key":"double","value":{{"doubleValue":2}}}},
                {{"key":"nan","value":{{"doubleValue":"NaN"}}}},
                {{"key":"bool","value":{{"boolValue":false}}}},
                {{"key":"bytes","value":{{"bytesValue":"AAEC/w=="}}}},
                {{"key":"list","value":{{"arrayValue":{{"values":[{{"boolValue":true}},{{"bytesValue":"/w=="}},{{}}]}}}}}},
                {{"key":"none","value":{{}}}}]}},
            {{"timeUnixNano":"{later}","body":{{"stringValue":"plain"}}}}
            ]}}]}}]}}"#,
        time = DAY + 1_234_567_891,
        observed = DAY + 2,
        later = DAY + 2_000_000_000,
    )
}

#[test]
fn every_field_of_a_record_is_in_its_column() {
    let batch = one(encode(Kind::Logs, &full()));
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(
        micros(&batch, "time", 0),
        (DAY as i64 + 1_234_567_891) / 1000
    );
    assert_eq!(
        long(&batch, "time_unix_nano", 0),
        Some(DAY as i64 + 1_234_567_891)
    );
    assert_eq!(
        long(&batch, "observed_time_unix_nano", 0),
        Some(DAY as i64 + 2)
    );
    assert_eq!(micros(&batch, "_ingest_time", 0), INGEST as i64 / 1000);
    assert_eq!(text(&batch, "service_name", 0), some("shop"));
    assert_eq!(
        map(&batch, "resource_attributes", 0),
        entries(&[("service.name", "shop"), ("host.cpus", "8")])
    );
    assert_eq!(
        text(&batch, "resource_schema_url", 0),
        some("https://schema/1")
    );
    assert_eq!(text(&batch, "scope_name", 0), some("lib"));
    assert_eq!(text(&batch, "scope_version", 0), some("1.2"));
    assert_eq!(
        map(&batch, "scope_attributes", 0),
        entries(&[("s", "true")])
    );
    assert_eq!(int(&batch, "severity_number", 0), Some(17));
    assert_eq!(text(&batch, "severity_text", 0), some("ERROR"));
    assert_eq!(text(&batch, "event_name", 0), some("order.failed"));
    assert_eq!(
        text(&batch, "body", 0),
        some(r#"{"a":[1,1.5,"q\"uote"],"b":null}"#)
    );
    assert_eq!(text(&batch, "body_type", 0), some("map"));
    assert_eq!(
        text(&batch, "trace_id", 0),
        some("0102030405060708090a0b0c0d0e0f10")
    );
    assert_eq!(text(&batch, "span_id", 0), some("aabbccddeeff0011"));
    assert_eq!(int(&batch, "flags", 0), Some(1));
    assert_eq!(int(&batch, "dropped_attributes_count", 0), Some(3));
    let mut expected = entries(&[
        ("text", "as it is \"quoted\""),
        ("int", "-9223372036854775808"),
        ("double", "2.0"),
        ("nan", "NaN"),
        ("bool", "false"),
        ("bytes", "AAEC/w=="),
        ("list", r#"[true,"/w==",null]"#),
    ]);
    expected.insert("none".to_owned(), None);
    assert_eq!(map(&batch, "attributes", 0), expected);
}

#[test]
fn what_a_record_does_not_say_is_missing() {
    let batch = one(encode(Kind::Logs, &full()));
    assert_eq!(text(&batch, "body", 1), some("plain"));
    assert_eq!(text(&batch, "body_type", 1), some("string"));
    for name in ["severity_text", "event_name", "trace_id", "span_id"] {
        assert_eq!(text(&batch, name, 1), None, "{name}");
    }
    assert_eq!(long(&batch, "observed_time_unix_nano", 1), None);
    assert_eq!(map(&batch, "attributes", 1), entries(&[]));
    assert_eq!(text(&batch, "service_name", 1), some("shop"));
}

#[test]
fn ids_are_unique_and_come_again_when_an_entry_is_encoded_again() {
    let payload = payload(Signal::Logs, &full());
    let ids = |sequences: &[u64]| {
        let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
        for &sequence in sequences {
            append(&mut encoder, &payload, sequence);
        }
        texts(&one(encoder.take(0).unwrap()), "record_id")
            .into_iter()
            .map(Option::unwrap)
            .collect::<Vec<_>>()
    };
    let first = ids(&[1, 2, 3]);
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), 6);
    assert_eq!(first, ids(&[1, 2, 3]));
    let time = DAY + 1_234_567_891;
    assert_eq!(ids(&[31])[0], format!("{time:016x}-log0-1f-0"));
}

fn record(time: u64, body: &str) -> String {
    format!(r#"{{"timeUnixNano":"{time}","body":{{"stringValue":"{body}"}}}}"#)
}

fn resource(service: &str, records: &[String]) -> String {
    format!(
        r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},
        "scopeLogs":[{{"scope":{{"name":"of-{service}"}},"logRecords":[{}]}}]}}"#,
        records.join(",")
    )
}

#[test]
fn days_are_apart_and_rows_sorted_by_service_and_time() {
    let json = format!(
        r#"{{"resourceLogs":[{},{}]}}"#,
        resource(
            "b",
            &[
                record(DAY + 9, "b9"),
                record(DAY - 1, "yesterday"),
                record(DAY + 1, "b1")
            ]
        ),
        resource(
            "a",
            &[
                record(DAY + 5, "a5"),
                record(DAY + 4, "a4"),
                record(DAY + 5, "a5 again")
            ]
        ),
    );
    let mut days = encode(Kind::Logs, &json);
    days.sort_by_key(|day| day.day);
    assert_eq!(date_text(days[0].day), "2026-11-20");
    assert_eq!(date_text(days[1].day), "2026-11-21");
    assert_eq!(texts(&days[0].batch, "body"), [some("yesterday")]);
    assert_eq!(texts(&days[0].batch, "scope_name"), [some("of-b")]);
    let today = &days[1].batch;
    assert_eq!(
        texts(today, "body"),
        [
            some("a4"),
            some("a5"),
            some("a5 again"),
            some("b1"),
            some("b9")
        ]
    );
    // What belongs to the resource and scope went along.
    assert_eq!(
        texts(today, "scope_name"),
        [
            some("of-a"),
            some("of-a"),
            some("of-a"),
            some("of-b"),
            some("of-b")
        ]
    );
    assert_eq!(
        map(today, "resource_attributes", 4),
        entries(&[("service.name", "b")])
    );
}

#[test]
fn a_record_without_time_has_that_of_its_observation_or_of_the_entry() {
    let json = format!(
        r#"{{"resourceLogs":[{}]}}"#,
        resource(
            "a",
            &[
                format!(r#"{{"observedTimeUnixNano":"{}"}}"#, DAY + 77),
                r#"{"body":{"stringValue":"no time at all"}}"#.to_owned(),
            ]
        )
    );
    let batch = one(encode(Kind::Logs, &json));
    assert_eq!(long(&batch, "time_unix_nano", 0), Some(DAY as i64 + 77));
    assert_eq!(long(&batch, "time_unix_nano", 1), Some(INGEST as i64));
}

#[test]
fn of_a_repeated_key_the_first_value_is_kept_and_the_others_are_counted() {
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[
        {"key":"k","value":{"stringValue":"first"}},
        {"key":"other","value":{"stringValue":"x"}},
        {"key":"k","value":{"stringValue":"second"}}]}]}]}]}"#;
    let payload = payload(Signal::Logs, json);
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
    assert_eq!(append(&mut encoder, &payload, 1).duplicate_keys, 1);
    let batch = one(encoder.take(0).unwrap());
    assert_eq!(
        map(&batch, "attributes", 0),
        entries(&[("k", "first"), ("other", "x")])
    );
}

#[test]
fn only_days_that_are_large_enough_are_taken() {
    let many: Vec<_> = (0..200).map(|i| record(DAY + i, "today")).collect();
    let json = format!(
        r#"{{"resourceLogs":[{},{}]}}"#,
        resource("a", &many),
        resource("a", &[record(DAY - 1, "yesterday")]),
    );
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
    append(&mut encoder, &payload(Signal::Logs, &json), 1);
    let taken = encoder.take(4096).unwrap();
    assert_eq!(one(taken).num_rows(), 200);
    assert_eq!(encoder.rows(), 1);
    assert_eq!(
        texts(&one(encoder.take(0).unwrap()), "body"),
        [some("yesterday")]
    );
}
