use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use lake_layout::{Encoder, Kind, TableSpec};
use otlp::Signal;

use crate::kit::*;

const JSON: &str = r#"{"resourceLogs":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"shop"}},
      {"key":"host.name","value":{"stringValue":"h1"}}]},
    "scopeLogs":[{"logRecords":[
      {"timeUnixNano":"1000","eventName":"pageview","severityText":"INFO","body":{"stringValue":"hello"},
       "traceId":"0102030405060708090a0b0c0d0e0f10",
       "attributes":[
        {"key":"event.duration","value":{"intValue":"1500"}},
        {"key":"event.category","value":{"arrayValue":{"values":[{"stringValue":"web"},{"stringValue":"session"}]}}},
        {"key":"http.response.status_code","value":{"stringValue":"404"}},
        {"key":"url.path","value":{"stringValue":"/a"}},
        {"key":"labels.team","value":{"stringValue":"x"}},
        {"key":"labels.n","value":{"intValue":"1"}},
        {"key":"page.title","value":{"stringValue":"A \"title\""}}]},
      {"timeUnixNano":"2000","attributes":[
        {"key":"event.duration","value":{"stringValue":"long"}},
        {"key":"event.action","value":{"stringValue":"click"}},
        {"key":"event.category","value":{"stringValue":"web"}},
        {"key":"service.name","value":{"stringValue":"of the record"}}]}]}]},
    {"scopeLogs":[{"logRecords":[{"timeUnixNano":"3000","eventName":"bare"}]}]}]}"#;

#[test]
fn ecs_fields_are_flat_columns_and_the_rest_is_json() {
    let batch = one(encode(Kind::EcsEvents, JSON));
    // Sorted by service: the bare one has none.
    assert_eq!(
        texts(&batch, "event_action"),
        [some("bare"), some("click"), some("pageview")]
    );
    assert_eq!(
        texts(&batch, "service_name"),
        [None, some("of the record"), some("shop")]
    );
    let page = 2;
    assert_eq!(micros(&batch, "ts", page), 1);
    assert_eq!(long(&batch, "event_duration", page), Some(1500));
    assert_eq!(int(&batch, "http_response_status_code", page), Some(404));
    assert_eq!(text(&batch, "message", page), some("hello"));
    assert_eq!(text(&batch, "log_level", page), some("INFO"));
    assert_eq!(text(&batch, "url_path", page), some("/a"));
    assert_eq!(
        map(&batch, "labels", page),
        entries(&[("team", "x"), ("n", "1")])
    );
    let categories = column(&batch, "event_category").as_list::<i32>();
    let words: Vec<_> = categories
        .value(page)
        .as_string::<i32>()
        .iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    assert_eq!(words, ["web", "session"]);
    assert_eq!(categories.value(1).len(), 1);
    assert!(categories.is_null(0));
    assert_eq!(
        text(&batch, "extra", page),
        some(
            r#"{"page.title":"A \"title\"","trace.id":"0102030405060708090a0b0c0d0e0f10","resource":{"host.name":"h1"}}"#
        )
    );
    // What does not fit its column is not lost.
    assert_eq!(long(&batch, "event_duration", 1), None);
    assert_eq!(
        text(&batch, "extra", 1),
        some(r#"{"event.duration":"long","resource":{"host.name":"h1"}}"#)
    );
    assert_eq!(text(&batch, "extra", 0), None);
    assert_eq!(map(&batch, "labels", 0), entries(&[]));
}

#[test]
fn names_can_be_mapped_back() {
    fn name(attribute: &str) -> Option<&'static str> {
        (attribute == "client.address").then_some("client.ip")
    }
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","attributes":[
        {"key":"client.address","value":{"stringValue":"192.0.2.1"}}]}]}]}]}"#;
    let mut encoder =
        Encoder::new(Arc::new(TableSpec::new(Kind::EcsEvents)), "log0").with_ecs_names(name);
    append(&mut encoder, &payload(Signal::Logs, json), 1);
    let batch = one(encoder.take(0).unwrap());
    assert_eq!(text(&batch, "client_ip", 0), some("192.0.2.1"));
    assert_eq!(text(&batch, "extra", 0), None);
}
