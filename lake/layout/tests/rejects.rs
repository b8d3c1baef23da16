use std::sync::Arc;

use lake_layout::{Encoder, Kind, Reason, TableSpec};
use otlp::{Signal, Value};

use crate::kit::*;

fn logs(records: &[String]) -> otlp::Payload {
    let json = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"s"}}}}]}},
        "scopeLogs":[{{"scope":{{"name":"lib"}},"logRecords":[{}]}}]}}]}}"#,
        records.join(",")
    );
    payload(Signal::Logs, &json)
}

fn record(time: u64, body: &str) -> String {
    format!(r#"{{"timeUnixNano":"{time}","body":{{"stringValue":"{body}"}}}}"#)
}

fn bodies(payload: &otlp::Payload) -> Vec<String> {
    let records = payload
        .logs()
        .flat_map(|r| r.scopes())
        .flat_map(|s| s.records());
    records
        .map(|r| match r.body {
            Some(Value::String(text)) => text.to_owned(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_record_with_an_impossible_time_comes_back_alone_with_its_resource() {
    let records: Vec<_> = (0..1000)
        .map(|i| match i {
            17 | 500 => record(u64::MAX, &format!("bad{i}")),
            _ => record(DAY + i, &format!("good{i}")),
        })
        .collect();
    let payload = logs(&records);
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
    let appended = append(&mut encoder, &payload, 1);
    assert_eq!(appended.rows, 998);
    assert_eq!(encoder.rows(), 998);
    let found: Vec<_> = appended
        .rejected
        .iter()
        .map(|r| (r.index, bodies(&r.payload)))
        .collect();
    assert_eq!(
        found,
        [
            (17, vec!["bad17".to_owned()]),
            (500, vec!["bad500".to_owned()])
        ]
    );
    let rejected = &appended.rejected[0];
    assert!(matches!(
        rejected.reason,
        Reason::TimeOutOfRange {
            field: "time_unix_nano",
            nanos: u64::MAX
        }
    ));
    let resource = rejected.payload.logs().next().unwrap().resource();
    assert_eq!(
        resource
            .attributes()
            .get("service.name")
            .and_then(|v| v.as_str()),
        Some("s")
    );
    let batch = one(encoder.take(0).unwrap());
    assert!(
        texts(&batch, "body")
            .iter()
            .all(|b| b.as_ref().unwrap().starts_with("good"))
    );
}

#[test]
fn a_payload_of_nothing_but_bad_records_comes_back_whole() {
    let records: Vec<_> = (0..50)
        .map(|i| record(u64::MAX, &format!("bad{i}")))
        .collect();
    let payload = logs(&records);
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Logs)), "log0");
    let appended = append(&mut encoder, &payload, 1);
    assert_eq!(appended.rows, 0);
    assert_eq!(appended.rejected.len(), 1);
    assert_eq!(appended.rejected[0].payload.items(), 50);
    assert!(encoder.take(0).unwrap().is_empty());
}

#[test]
fn a_value_that_nests_too_deep_leaves_no_trace_in_the_table() {
    let deep = r#"{"arrayValue":{"values":[{"arrayValue":{"values":[{"intValue":"1"}]}}]}}"#;
    let records = [
        record(DAY + 1, "before"),
        format!(
            r#"{{"timeUnixNano":"{DAY}","body":{{"stringValue":"deep attribute"}},"attributes":[{{"key":"fine","value":{{"intValue":"1"}}}},{{"key":"deep","value":{deep}}}]}}"#
        ),
        format!(
            r#"{{"timeUnixNano":"{DAY}","attributes":[{{"key":"k","value":{{"intValue":"2"}}}}],"body":{deep}}}"#
        ),
        format!(
            r#"{{"timeUnixNano":"{}","attributes":[{{"key":"k","value":{{"intValue":"3"}}}}],"body":{{"stringValue":"after"}}}}"#,
            DAY + 2
        ),
    ];
    let payload = logs(&records);
    let spec = Arc::new(TableSpec::new(Kind::Logs));
    let mut encoder = Encoder::new(spec.clone(), "log0").with_max_depth(2);
    let appended = append(&mut encoder, &payload, 1);
    let reasons: Vec<_> = appended
        .rejected
        .iter()
        .map(|r| (r.index, r.payload.items(), r.reason.clone()))
        .collect();
    // Neighbours of one reason are together.
    assert_eq!(reasons.iter().map(|r| r.1).sum::<usize>(), 2);
    assert!(matches!(
        reasons[0].2,
        Reason::TooDeep {
            field: "an attribute",
            limit: 2
        }
    ));
    let batch = one(encoder.take(0).unwrap());
    assert_eq!(texts(&batch, "body"), [some("before"), some("after")]);
    assert_eq!(map(&batch, "attributes", 0), entries(&[]));
    assert_eq!(map(&batch, "attributes", 1), entries(&[("k", "3")]));
    // With the limit of validation all of it fits.
    let mut encoder = Encoder::new(spec, "log0");
    assert_eq!(append(&mut encoder, &payload, 1).rows, 4);
}

#[test]
fn spans_and_points_that_do_not_fit_are_refused_whole() {
    let spans = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[
        {{"name":"good","startTimeUnixNano":"{DAY}"}},
        {{"name":"bad event","startTimeUnixNano":"{DAY}","attributes":[{{"key":"k","value":{{"intValue":"1"}}}}],
          "events":[{{"name":"e","timeUnixNano":"{DAY}"}},{{"name":"e","timeUnixNano":"{max}"}}]}},
        {{"name":"also good","startTimeUnixNano":"{DAY}","events":[{{"name":"kept"}}]}}]}}]}}]}}"#,
        max = u64::MAX
    );
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Traces)), "log0");
    let appended = append(&mut encoder, &payload(Signal::Traces, &spans), 1);
    assert_eq!((appended.rows, appended.rejected.len()), (2, 1));
    assert_eq!(appended.rejected[0].index, 1);
    let batch = one(encoder.take(0).unwrap());
    assert_eq!(
        texts(&batch, "span_name"),
        [some("good"), some("also good")]
    );

    let points = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"h","histogram":{{"aggregationTemporality":1,"dataPoints":[
        {{"timeUnixNano":"{DAY}","count":"1","bucketCounts":["{max}"],"attributes":[{{"key":"k","value":{{"intValue":"1"}}}}]}},
        {{"timeUnixNano":"{DAY}","count":"2","bucketCounts":["2"],"explicitBounds":[]}}]}}}}]}}]}}]}}"#,
        max = u64::MAX
    );
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Metrics)), "log0");
    let appended = append(&mut encoder, &payload(Signal::Metrics, &points), 1);
    assert_eq!(appended.rows, 1);
    assert_eq!(appended.rejected[0].reason.name(), "number_too_large");
    let batch = one(encoder.take(0).unwrap());
    assert_eq!(long(&batch, "count", 0), Some(2));
}

#[test]
fn another_signal_is_an_error() {
    let mut encoder = Encoder::new(Arc::new(TableSpec::new(Kind::Traces)), "log0");
    let payload = logs(&[record(DAY, "x")]);
    let error = encoder
        .append(lake_layout::Entry {
            payload: &payload,
            sequence: 1,
            ingest_time_unix_nano: INGEST,
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `otel_traces` takes traces, not logs"
    );
}
