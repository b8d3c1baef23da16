//! Texts that are accepted, and how they are written again.

use otlp::Signal;

use super::{read, written};

/// A log record in JSON, read and written again.
fn record(text: &str) -> String {
    let request = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{text}]}}]}}]}}"#);
    let written = written(&read(Signal::Logs, &request));
    let prefix = r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":["#;
    let written = written
        .strip_prefix(prefix)
        .unwrap_or_else(|| panic!("{written}"));
    written.strip_suffix("]}]}]}").unwrap().to_owned()
}

/// A value in JSON, read as a body and written again.
fn value(text: &str) -> String {
    let written = record(&format!(r#"{{"body":{text}}}"#));
    written
        .strip_prefix(r#"{"body":"#)
        .unwrap()
        .strip_suffix('}')
        .unwrap()
        .to_owned()
}

/// A metric in JSON, read and written again.
fn metric(text: &str) -> String {
    let request = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{text}]}}]}}]}}"#);
    let written = written(&read(Signal::Metrics, &request));
    let prefix = r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"scope":{},"metrics":["#;
    written
        .strip_prefix(prefix)
        .unwrap()
        .strip_suffix("]}]}]}")
        .unwrap()
        .to_owned()
}

/// A span in JSON, read and written again.
fn span(text: &str) -> String {
    let request = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{text}]}}]}}]}}"#);
    let written = written(&read(Signal::Traces, &request));
    let prefix = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":["#;
    written
        .strip_prefix(prefix)
        .unwrap()
        .strip_suffix("]}]}]}")
        .unwrap()
        .to_owned()
}

#[track_caller]
fn cases(convert: impl Fn(&str) -> String, table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(convert(text), *expected, "{text}");
    }
}

#[test]
fn ids_are_hex_of_any_case() {
    cases(
        record,
        &[
            (
                r#"{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174"}"#,
                r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#,
            ),
            (r#"{"traceId":"","spanId":""}"#, "{}"),
            (
                r#"{"span_id":"000000000000000\u0061"}"#,
                r#"{"spanId":"000000000000000a"}"#,
            ),
            // Invalid by the specification, but its length is right; who cares may drop it.
            (
                r#"{"spanId":"0000000000000000"}"#,
                r#"{"spanId":"0000000000000000"}"#,
            ),
        ],
    );
}

#[test]
fn integers_come_as_numbers_and_strings() {
    cases(
        record,
        &[
            (
                r#"{"timeUnixNano":"1700000000000000001","observedTimeUnixNano":1700000000000000002}"#,
                r#"{"timeUnixNano":"1700000000000000001","observedTimeUnixNano":"1700000000000000002"}"#,
            ),
            (
                r#"{"timeUnixNano":18446744073709551615}"#,
                r#"{"timeUnixNano":"18446744073709551615"}"#,
            ),
            (
                r#"{"timeUnixNano":17e17}"#,
                r#"{"timeUnixNano":"1700000000000000000"}"#,
            ),
            (r#"{"timeUnixNano":"0","flags":0,"severityNumber":0}"#, "{}"),
            (
                r#"{"flags":"255","droppedAttributesCount":4294967295}"#,
                r#"{"droppedAttributesCount":4294967295,"flags":255}"#,
            ),
        ],
    );
    cases(
        value,
        &[
            (
                r#"{"intValue":"-9223372036854775808"}"#,
                r#"{"intValue":"-9223372036854775808"}"#,
            ),
            (r#"{"intValue":0}"#, r#"{"intValue":"0"}"#),
            (r#"{"intValue":-1.0}"#, r#"{"intValue":"-1"}"#),
        ],
    );
}

#[test]
fn doubles_come_as_numbers_and_strings() {
    cases(
        value,
        &[
            (r#"{"doubleValue":1}"#, r#"{"doubleValue":1}"#),
            (r#"{"doubleValue":-0.0}"#, r#"{"doubleValue":-0}"#),
            (r#"{"doubleValue":1.25e2}"#, r#"{"doubleValue":125}"#),
            (r#"{"doubleValue":"1.5"}"#, r#"{"doubleValue":1.5}"#),
            (r#"{"doubleValue":"NaN"}"#, r#"{"doubleValue":"NaN"}"#),
            (
                r#"{"doubleValue":"Infinity"}"#,
                r#"{"doubleValue":"Infinity"}"#,
            ),
            (
                r#"{"doubleValue":"-Infinity"}"#,
                r#"{"doubleValue":"-Infinity"}"#,
            ),
        ],
    );
}

#[test]
fn bytes_are_base64_of_any_kind() {
    let standard = r#"{"bytesValue":"+/8A"}"#;
    let padded = r#"{"bytesValue":"+/8="}"#;
    cases(
        value,
        &[
            (r#"{"bytesValue":"+/8A"}"#, standard),
            (r#"{"bytesValue":"-_8A"}"#, standard),
            (r#"{"bytesValue":"+\/8A"}"#, standard),
            (r#"{"bytesValue":"+/8="}"#, padded),
            (r#"{"bytesValue":"-_8"}"#, padded),
            (r#"{"bytesValue":""}"#, r#"{"bytesValue":""}"#),
        ],
    );
}

#[test]
fn enumerations_come_as_numbers_and_names() {
    cases(
        record,
        &[
            (
                r#"{"severityNumber":"SEVERITY_NUMBER_INFO"}"#,
                r#"{"severityNumber":9}"#,
            ),
            (
                r#"{"severityNumber":"SEVERITY_NUMBER_FATAL4"}"#,
                r#"{"severityNumber":24}"#,
            ),
            (r#"{"severityNumber":"SEVERITY_NUMBER_UNSPECIFIED"}"#, "{}"),
            (r#"{"severity_number":99}"#, r#"{"severityNumber":99}"#),
            (r#"{"severityNumber":-1}"#, r#"{"severityNumber":-1}"#),
        ],
    );
    cases(
        span,
        &[(
            r#"{"kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR","message":"m"}}"#,
            r#"{"kind":2,"status":{"message":"m","code":2}}"#,
        )],
    );
    cases(
        metric,
        &[(
            r#"{"sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true}}"#,
            r#"{"sum":{"aggregationTemporality":2,"isMonotonic":true}}"#,
        )],
    );
}

#[test]
fn values_of_all_kinds() {
    for text in [
        "{}",
        r#"{"stringValue":""}"#,
        r#"{"boolValue":false}"#,
        r#"{"boolValue":true}"#,
        r#"{"arrayValue":{}}"#,
        r#"{"kvlistValue":{}}"#,
        r#"{"arrayValue":{"values":[{},{"intValue":"1"},{"arrayValue":{"values":[{"stringValue":"x"}]}}]}}"#,
        r#"{"kvlistValue":{"values":[{"key":"a","value":{"boolValue":true}},{"value":{}}]}}"#,
    ] {
        assert_eq!(value(text), text);
    }
    cases(
        value,
        &[
            (
                r#"{"array_value":{"values":[null,{"int_value":1},null]}}"#,
                r#"{"arrayValue":{"values":[{},{"intValue":"1"},{}]}}"#,
            ),
            (
                r#"{"kvlistValue":{"values":[{"value":{"intValue":1},"key":"late"}]}}"#,
                r#"{"kvlistValue":{"values":[{"key":"late","value":{"intValue":"1"}}]}}"#,
            ),
            (r#"{"stringValueStrindex":3}"#, "{}"),
        ],
    );
}

#[test]
fn null_is_as_if_the_key_were_not_there() {
    cases(
        record,
        &[
            (
                r#"{"timeUnixNano":null,"traceId":null,"severityNumber":null,"flags":null}"#,
                "{}",
            ),
            (r#"{"body":null,"attributes":null,"eventName":null}"#, "{}"),
            (r#"{"body":{"stringValue":null}}"#, r#"{"body":{}}"#),
            (
                r#"{"body":{"intValue":1,"stringValue":null}}"#,
                r#"{"body":{"intValue":"1"}}"#,
            ),
            (
                r#"{"attributes":[null,{"key":"k","value":null},null]}"#,
                r#"{"attributes":[{"key":"k","value":{}}]}"#,
            ),
        ],
    );
    assert_eq!(read(Signal::Logs, r#"{"resourceLogs":null}"#).items(), 0);
    let text = r#"{"resourceLogs":[null,{"scopeLogs":[null,{"logRecords":[null,{},null]}]}]}"#;
    assert_eq!(read(Signal::Logs, text).items(), 1);
}

#[test]
fn the_last_of_a_repeated_key_wins_and_lists_are_joined() {
    cases(
        record,
        &[
            (
                r#"{"severityText":"a","severityText":"b"}"#,
                r#"{"severityText":"b"}"#,
            ),
            (r#"{"severityText":"a","severity_text":""}"#, "{}"),
            (
                r#"{"timeUnixNano":5,"flags":1,"timeUnixNano":0}"#,
                r#"{"flags":1}"#,
            ),
            (
                r#"{"body":{"stringValue":"a"},"flags":1,"body":{"intValue":1},"body":{}}"#,
                r#"{"body":{},"flags":1}"#,
            ),
            (
                r#"{"body":{"stringValue":"a","intValue":1}}"#,
                r#"{"body":{"intValue":"1"}}"#,
            ),
            (
                r#"{"body":{"arrayValue":{"values":[{"intValue":1}]},"arrayValue":{"values":[{"intValue":2}]}}}"#,
                r#"{"body":{"arrayValue":{"values":[{"intValue":"2"}]}}}"#,
            ),
            (
                r#"{"attributes":[{"key":"a"}],"severityText":"x","attributes":[{"key":"b"}],"severityText":"y"}"#,
                r#"{"severityText":"y","attributes":[{"key":"a","value":{}},{"key":"b","value":{}}]}"#,
            ),
            // Every field moves up when one before it is taken out.
            (
                r#"{"severityText":"long enough to move","eventName":"e1","traceId":"5b8efff798038103d269b633813fc60c","severityText":"s","eventName":"e2","traceId":"","flags":7}"#,
                r#"{"severityText":"s","flags":7,"eventName":"e2"}"#,
            ),
        ],
    );
    let replaced = metric(
        r#"{"name":"x","gauge":{"dataPoints":[{"asInt":1},{}]},"unit":"u","sum":{"dataPoints":[{"asInt":1,"asDouble":2}]},"name":"y"}"#,
    );
    assert_eq!(
        replaced,
        r#"{"name":"y","unit":"u","sum":{"dataPoints":[{"asDouble":2}]}}"#
    );
}

#[test]
fn strings_with_escapes() {
    cases(
        record,
        &[
            (
                r#"{"eventName":"\"\\\/\b\f\n\r\t"}"#,
                r#"{"eventName":"\"\\/\b\f\n\r\t"}"#,
            ),
            (
                r#"{"eventName":"\u0041\u00e9\u20AC\ud83d\ude00\u0000"}"#,
                r#"{"eventName":"Aé€😀\u0000"}"#,
            ),
            (r#"{"eventName":"\ud83d"}"#, "{\"eventName\":\"\u{fffd}\"}"),
            (
                r#"{"eventName":"\ude00x"}"#,
                "{\"eventName\":\"\u{fffd}x\"}",
            ),
            (
                r#"{"eventName":"\ud83d\ud83d\ude00"}"#,
                "{\"eventName\":\"\u{fffd}😀\"}",
            ),
            (
                r#"{"eventName":"\ud83d\n"}"#,
                "{\"eventName\":\"\u{fffd}\\n\"}",
            ),
            (r#"{"event\u004eame":"k"}"#, r#"{"eventName":"k"}"#),
            (
                r#"{"timeUnixNano":"\u0031\u0032"}"#,
                r#"{"timeUnixNano":"12"}"#,
            ),
        ],
    );
    for length in [1, 126, 127, 128, 129, 16_383, 16_384] {
        let long = format!("{}\\n", "x".repeat(length));
        let text = format!(r#"{{"eventName":"{long}"}}"#);
        assert_eq!(record(&text), text, "{length}");
    }
}

#[test]
fn a_whole_trace() {
    let text = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}],"droppedAttributesCount":1,"entityRefs":[{"schemaUrl":"s","type":"host","idKeys":["a",""],"descriptionKeys":["b"]}]},"scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0","attributes":[{"key":"k","value":{}}],"droppedAttributesCount":2},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","traceState":"a=b","parentSpanId":"eee19b7ec3c1b173","flags":257,"name":"I'm a server span","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}}],"droppedAttributesCount":3,"events":[{"timeUnixNano":"1","name":"e","attributes":[{"key":"k","value":{"boolValue":true}}],"droppedAttributesCount":4}],"droppedEventsCount":5,"links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","traceState":"c=d","attributes":[{"key":"k","value":{"doubleValue":1.5}}],"droppedAttributesCount":6,"flags":1}],"droppedLinksCount":7,"status":{"message":"m","code":2}}],"schemaUrl":"scope"}],"schemaUrl":"resource"}]}"#;
    assert_eq!(written(&read(Signal::Traces, text)), text);
}

#[test]
fn all_kinds_of_metrics() {
    for text in [
        r#"{"name":"g","description":"d","unit":"1","gauge":{"dataPoints":[{"attributes":[{"key":"k","value":{"intValue":"1"}}],"startTimeUnixNano":"1","timeUnixNano":"2","asDouble":0,"exemplars":[{"filteredAttributes":[{"key":"k","value":{}}],"timeUnixNano":"3","asInt":"-4","spanId":"eee19b7ec3c1b174","traceId":"5b8efff798038103d269b633813fc60c"}],"flags":1}]},"metadata":[{"key":"k","value":{}}]}"#,
        r#"{"name":"s","sum":{"dataPoints":[{"asInt":"0"}],"aggregationTemporality":1,"isMonotonic":true}}"#,
        r#"{"name":"h","histogram":{"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"2","count":"3","sum":0,"bucketCounts":["1","2","0"],"explicitBounds":[0.5,1],"flags":1,"min":0,"max":2.5}],"aggregationTemporality":2}}"#,
        r#"{"name":"e","exponentialHistogram":{"dataPoints":[{"count":"3","sum":1.5,"scale":-2,"zeroCount":"1","positive":{"offset":-1,"bucketCounts":["300","2"]},"negative":{},"flags":1,"exemplars":[{"asDouble":1}],"min":-1,"max":1,"zeroThreshold":0.001}],"aggregationTemporality":2}}"#,
        r#"{"name":"u","summary":{"dataPoints":[{"timeUnixNano":"2","count":"3","sum":4.5,"quantileValues":[{"quantile":0.5,"value":1},{"quantile":1}],"flags":1}]}}"#,
        r#"{"name":"none"}"#,
    ] {
        assert_eq!(metric(text), text);
    }
    cases(
        metric,
        &[(
            r#"{"histogram":{"data_points":[{"bucket_counts":[1,"2"],"bucketCounts":[3],"explicitBounds":["NaN"],"bucketCounts":[]}]}}"#,
            r#"{"histogram":{"dataPoints":[{"bucketCounts":["1","2","3"],"explicitBounds":["NaN"]}]}}"#,
        )],
    );
}

#[test]
fn resource_and_scope_may_stand_behind_what_they_describe() {
    let text = r#"{"resourceLogs":[{"schemaUrl":"u","scopeLogs":[{"logRecords":[{"eventName":"e"}],"scope":{"name":"s"}}],"resource":{"attributes":[{"value":{"stringValue":"x"},"key":"k"}]}}]}"#;
    assert_eq!(
        written(&read(Signal::Logs, text)),
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":"x"}}]},"scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"eventName":"e"}]}],"schemaUrl":"u"}]}"#
    );
}

#[test]
fn requests_without_items() {
    for signal in Signal::ALL {
        for text in ["{}", " {\n} ", r#"{"unknown":[{"a":{}}]}"#] {
            let payload = read(signal, text);
            assert_eq!((payload.items(), payload.size()), (0, 0), "{text}");
            assert_eq!(written(&payload), "{}");
        }
    }
}
