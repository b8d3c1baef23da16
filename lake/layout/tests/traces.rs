use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use lake_layout::Kind;

use crate::kit::*;

#[test]
fn every_field_of_a_span_is_in_its_column() {
    let json = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeSpans":[{{"spans":[
        {{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"aabbccddeeff0011","parentSpanId":"aabbccddeeff0012",
          "traceState":"v=1","name":"GET /","kind":2,"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}",
          "attributes":[{{"key":"k","value":{{"stringValue":"v"}}}}],
          "status":{{"code":2,"message":"broken"}},"flags":257,
          "droppedAttributesCount":1,"droppedEventsCount":2,"droppedLinksCount":3,
          "events":[{{"timeUnixNano":"{start}","name":"first","attributes":[{{"key":"e","value":{{"intValue":"1"}}}}]}},{{"name":"second"}}],
          "links":[{{"traceId":"ff02030405060708090a0b0c0d0e0f10","spanId":"ffbbccddeeff0011","traceState":"l","attributes":[{{"key":"l","value":{{"boolValue":true}}}}]}}]}},
        {{"name":"bare","startTimeUnixNano":"{end}"}}
        ]}}]}}]}}"#,
        start = DAY + 10,
        end = DAY + 35
    );
    let batch = one(encode(Kind::Traces, &json));
    let expect = [
        ("trace_id", "0102030405060708090a0b0c0d0e0f10"),
        ("span_id", "aabbccddeeff0011"),
        ("parent_span_id", "aabbccddeeff0012"),
        ("trace_state", "v=1"),
        ("span_name", "GET /"),
        ("span_kind", "server"),
        ("status_code", "error"),
        ("status_message", "broken"),
    ];
    for (name, value) in expect {
        assert_eq!(text(&batch, name, 0), some(value), "{name}");
    }
    assert_eq!(long(&batch, "end_time_unix_nano", 0), Some(DAY as i64 + 35));
    assert_eq!(long(&batch, "duration_nano", 0), Some(25));
    assert_eq!(int(&batch, "flags", 0), Some(257));
    assert_eq!(int(&batch, "dropped_attributes_count", 0), Some(1));
    assert_eq!(int(&batch, "dropped_events_count", 0), Some(2));
    assert_eq!(int(&batch, "dropped_links_count", 0), Some(3));
    assert_eq!(map(&batch, "attributes", 0), entries(&[("k", "v")]));

    let events = column(&batch, "events").as_list::<i32>();
    let of_first = events.value(0);
    let of_first = of_first.as_struct();
    assert_eq!(of_first.len(), 2);
    assert_eq!(
        of_first.column(0).as_primitive::<Int64Type>().value(0),
        DAY as i64 + 10
    );
    assert_eq!(of_first.column(1).as_string::<i32>().value(1), "second");
    assert_eq!(map_of(of_first.column(2), 0), entries(&[("e", "1")]));
    assert_eq!(events.value(1).len(), 0);

    let links = column(&batch, "links").as_list::<i32>().value(0);
    let links = links.as_struct();
    assert_eq!(
        links.column(0).as_string::<i32>().value(0),
        "ff02030405060708090a0b0c0d0e0f10"
    );
    assert_eq!(links.column(2).as_string::<i32>().value(0), "l");
    assert_eq!(map_of(links.column(3), 0), entries(&[("l", "true")]));

    assert_eq!(long(&batch, "duration_nano", 1), None);
    assert_eq!(text(&batch, "span_kind", 1), some("unspecified"));
    assert_eq!(text(&batch, "status_code", 1), some("unset"));
    assert_eq!(text(&batch, "parent_span_id", 1), None);
}
