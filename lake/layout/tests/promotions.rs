use lake_layout::{Kind, PromotedType, Promotion, TableSpec, preset};

use crate::kit::*;

const JSON: &str = r#"{"resourceLogs":[{"resource":{"attributes":[
      {"key":"user_agent.original","value":{"stringValue":"of the resource"}},
      {"key":"browser.mobile","value":{"boolValue":true}}]},
    "scopeLogs":[{"logRecords":[
      {"timeUnixNano":"1","attributes":[
        {"key":"url.path","value":{"stringValue":"/a"}},
        {"key":"event.duration","value":{"stringValue":"1500"}},
        {"key":"http.request.header.referer","value":{"arrayValue":{"values":[{"stringValue":"https://x/"}]}}},
        {"key":"user_agent.original","value":{"stringValue":"of the record"}}]},
      {"timeUnixNano":"2","attributes":[
        {"key":"event.duration","value":{"stringValue":"long"}}]}]}]}]}"#;

#[test]
fn promoted_attributes_are_typed_columns_and_stay_in_the_map() {
    let spec = TableSpec::new(Kind::Logs)
        .promoting(preset("web_analytics").unwrap())
        .unwrap();
    let batch = one(encode_with(spec, JSON));
    assert_eq!(texts(&batch, "url_path"), [some("/a"), None]);
    assert_eq!(long(&batch, "event_duration", 0), Some(1500));
    assert_eq!(
        text(&batch, "http_request_header_referer", 0),
        some("https://x/")
    );
    assert_eq!(
        map(&batch, "attributes", 0).get("url.path"),
        Some(&some("/a"))
    );
    // What cannot be converted is empty, and still in the map.
    assert_eq!(long(&batch, "event_duration", 1), None);
    assert_eq!(
        map(&batch, "attributes", 1),
        entries(&[("event.duration", "long")])
    );
    // The record's own value counts, else the resource's.
    assert_eq!(
        texts(&batch, "user_agent_original"),
        [some("of the record"), some("of the resource")]
    );
    assert_eq!(boolean(&batch, "browser_mobile", 1), Some(true));
}

#[test]
fn spans_and_points_can_have_promoted_attributes_as_well() {
    let traces = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"1","name":"n",
        "attributes":[{"key":"http.response.status_code","value":{"intValue":"404"}}]}]}]}]}"#;
    let status =
        || Promotion::new("http.response.status_code", PromotedType::Long).into_column("status");
    let spec = TableSpec::new(Kind::Traces)
        .promoting(vec![status()])
        .unwrap();
    assert_eq!(
        long(&one(encode_with(spec, traces)), "status", 0),
        Some(404)
    );
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[
        {"timeUnixNano":"1","asInt":"1","attributes":[{"key":"http.response.status_code","value":{"intValue":"200"}}]}]}}]}]}]}"#;
    let spec = TableSpec::new(Kind::Metrics)
        .promoting(vec![status()])
        .unwrap();
    assert_eq!(
        long(&one(encode_with(spec, metrics)), "status", 0),
        Some(200)
    );
}
