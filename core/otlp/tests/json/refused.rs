//! Texts that are refused, and what the sender reads.

use otlp::limits::MAX_VALUE_DEPTH;
use otlp::{Signal, json};

#[track_caller]
fn refused(signal: Signal, text: &str, expected: &str) {
    match json::read(signal, text.as_bytes()) {
        Ok(payload) => panic!("accepted {} items: {text}", payload.items()),
        Err(error) => assert_eq!(error.to_string(), expected, "{text}"),
    }
}

/// A record with one member, and what is wrong with it at the start of line 2.
#[track_caller]
fn member(key: &str, text: &str, expected: &str, found: &str) {
    let request = format!(
        "{{\"resourceLogs\":[{{}},{{\"scopeLogs\":[{{\"logRecords\":[{{\"{key}\":\n{text}}}]}}]}}]}}"
    );
    let place = format!("resourceLogs[1].scopeLogs[0].logRecords[0].{key}");
    let message = format!("{place}: line 2, column 1: expected {expected}, found {found}");
    refused(Signal::Logs, &request, &message);
}

#[test]
fn ids_of_the_wrong_length_or_alphabet() {
    let expected = "32 hex digits or an empty string";
    member("traceId", r#""5b8e""#, expected, r#""5b8e""#);
    let long = "0".repeat(33);
    member(
        "traceId",
        &format!("\"{long}\""),
        expected,
        &format!("\"{long}\""),
    );
    member(
        "traceId",
        r#""5b8efff798038103d269b633813fc60g""#,
        expected,
        r#""5b8efff798038103d269b633813fc60g""#,
    );
    member("traceId", "12", expected, "12");
    // Base64, as standard protobuf JSON would have it.
    member(
        "spanId",
        r#""7uGbfsPBsXQ=""#,
        "16 hex digits or an empty string",
        r#""7uGbfsPBsXQ=""#,
    );
    member(
        "spanId",
        "{}",
        "16 hex digits or an empty string",
        "an object",
    );
}

#[test]
fn numbers_that_are_none_or_do_not_fit() {
    let unsigned = "an unsigned 64-bit integer";
    member("timeUnixNano", "-1", unsigned, "-1");
    member("timeUnixNano", "1.5", unsigned, "1.5");
    member(
        "timeUnixNano",
        "18446744073709551616",
        unsigned,
        "18446744073709551616",
    );
    member("timeUnixNano", r#""""#, unsigned, r#""""#);
    member("timeUnixNano", r#"" 1""#, unsigned, r#"" 1""#);
    member("timeUnixNano", r#""12x""#, unsigned, r#""12x""#);
    member("timeUnixNano", "01", unsigned, "01");
    member("timeUnixNano", "true", unsigned, "true");
    member("timeUnixNano", "[1]", unsigned, "an array");
    member(
        "flags",
        "4294967296",
        "an unsigned 32-bit integer",
        "4294967296",
    );
    member(
        "droppedAttributesCount",
        "-1",
        "an unsigned 32-bit integer",
        "-1",
    );
    let severity = "an integer, or a name such as \"SEVERITY_NUMBER_INFO\"";
    member("severityNumber", r#""INFO""#, severity, r#""INFO""#);
    member("severityNumber", "2147483648", severity, "2147483648");
    member("severityNumber", "1.5", severity, "1.5");
}

#[test]
fn values_of_the_wrong_type() {
    member("severityText", "7", "a string", "7");
    member("severityText", "{\"a\":1}", "a string", "an object");
    member(
        "body",
        r#""text""#,
        "a value: an object such as {\"stringValue\": ...}",
        r#""text""#,
    );
    member("attributes", r#"{"k":"v"}"#, "an array", "an object");
}

#[test]
fn places_deep_inside() {
    let text = r#"{"resourceLogs":[{"scopeLogs":[{},{"log_records":[{},{"attributes":[
  {"key":"é","value":{"arrayValue":{"values":[{"intValue":"x"}]}}}]}]}]}]}"#;
    refused(
        Signal::Logs,
        text,
        "resourceLogs[0].scopeLogs[1].logRecords[1].attributes[0].value.arrayValue.values[0].intValue: \
         line 2, column 59: expected a 64-bit integer, found \"x\"",
    );
    refused(
        Signal::Metrics,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":[1,2,-3]}]}}]}]}]}"#,
        "resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[0].bucketCounts[2]: \
         line 1, column 99: expected an unsigned 64-bit integer, found -3",
    );
    refused(
        Signal::Traces,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"status":{"code":"OK"}}]}]}]}"#,
        "resourceSpans[0].scopeSpans[0].spans[0].status.code: line 1, column 62: \
         expected an integer, or a name such as \"STATUS_CODE_OK\", found \"OK\"",
    );
}

#[test]
fn doubles_booleans_and_bytes() {
    let double = "a number that fits a double, \"NaN\", \"Infinity\" or \"-Infinity\"";
    for (key, text, expected, found) in [
        ("doubleValue", "1e999", double, "1e999"),
        ("doubleValue", "NaN", double, "NaN"),
        ("doubleValue", r#""inf""#, double, r#""inf""#),
        ("doubleValue", ".5", double, "."),
        ("boolValue", r#""true""#, "true or false", r#""true""#),
        ("boolValue", "1", "true or false", "1"),
        ("boolValue", "truex", "true or false", "truex"),
        ("bytesValue", r#""%%""#, "a string of base64", r#""%%""#),
        ("bytesValue", "[1,2]", "a string of base64", "an array"),
        (
            "arrayValue",
            "[1,2]",
            "an object with \"values\"",
            "an array",
        ),
        ("kvlistValue", "7", "an object with \"values\"", "7"),
        ("intValue", "1.5", "a 64-bit integer", "1.5"),
    ] {
        let request = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"{key}":{text}}}}}]}}]}}]}}"#
        );
        let column = 59 + key.len();
        refused(
            Signal::Logs,
            &request,
            &format!(
                "resourceLogs[0].scopeLogs[0].logRecords[0].body.{key}: line 1, column {column}: \
                 expected {expected}, found {found}"
            ),
        );
    }
}

#[test]
fn text_that_is_no_json() {
    for (text, expected) in [
        (
            "",
            r#"line 1, column 1: expected an object with "resourceLogs", found the end of the text"#,
        ),
        (
            "[]",
            r#"line 1, column 1: expected an object with "resourceLogs", found an array"#,
        ),
        (
            "null",
            r#"line 1, column 1: expected an object with "resourceLogs", found null"#,
        ),
        (
            "\u{feff}{}",
            "line 1, column 1: expected an object with \"resourceLogs\", found \u{feff}{",
        ),
        (
            "{} x",
            "line 1, column 4: expected the end of the text, found x",
        ),
        (
            "{}\u{0}",
            "line 1, column 3: expected the end of the text, found control character 0x00",
        ),
        (
            "{",
            "line 1, column 2: expected a key in quotes, found the end of the text",
        ),
        (
            "{resourceLogs:1}",
            "line 1, column 2: expected a key in quotes, found resourceLogs",
        ),
        (
            "{'a':1}",
            "line 1, column 2: expected a key in quotes, found '",
        ),
        (
            r#"{"a"}"#,
            "line 1, column 5: expected ':' after the key, found }",
        ),
        (
            r#"{"a":1,}"#,
            "line 1, column 8: expected a key in quotes, found }",
        ),
        (
            r#"{"a":1 "b":2}"#,
            r#"line 1, column 8: expected ',' or '}', found "b""#,
        ),
        (
            r#"{"a":[1,]}"#,
            "line 1, column 9: expected a JSON value, found ]",
        ),
        (
            r#"{"a":[1}"#,
            "line 1, column 8: expected ',' or ']', found }",
        ),
        (
            r#"{"a":{"b":1]}"#,
            "line 1, column 12: expected ',' or '}', found ]",
        ),
        (
            r#"{"a":tru}"#,
            "line 1, column 6: expected a JSON value, found tru",
        ),
        (
            r#"{"a":"b"#,
            "line 1, column 8: expected the closing quote of a string, found the end of the text",
        ),
        (
            r#"{"a":"\x"}"#,
            r#"line 1, column 7: expected an escape of JSON: \" \\ \/ \b \f \n \r \t or \u, found \"#,
        ),
        (
            r#"{"a":"\u12g4"}"#,
            r#"line 1, column 7: expected four hex digits after \u, found \"#,
        ),
        (
            "{\"a\":\"x\ny\"}",
            "line 1, column 8: expected control characters in a string written as escapes, found control character 0x0a",
        ),
        (
            "{\n \"a\": // c\n1}",
            "line 2, column 7: expected a JSON value, found /",
        ),
        (
            r#"{"resourceLogs":[{}"#,
            "resourceLogs: line 1, column 20: expected ',' or ']', found the end of the text",
        ),
        (
            r#"{"resourceLogs":[{},]}"#,
            "resourceLogs[1]: line 1, column 21: expected an object with \"scopeLogs\", found ]",
        ),
    ] {
        refused(Signal::Logs, text, expected);
    }
    let error = json::read(Signal::Logs, b"{\"a\":\"x\xff\"}").unwrap_err();
    assert_eq!((error.offset, error.expected), (7, "UTF-8"));
}

#[test]
fn what_was_found_is_shortened() {
    let text = format!("{{\"resourceLogs\":\"{}\"}}", "é".repeat(100));
    let error = json::read(Signal::Logs, text.as_bytes()).unwrap_err();
    assert_eq!(error.found, format!("\"{}... (202 bytes)", "é".repeat(19)));
    assert_eq!(error.path, "resourceLogs");
    assert_eq!((error.line, error.column, error.offset), (1, 17, 16));
}

fn nested(depth: usize) -> String {
    let mut value = r#"{"intValue":1}"#.to_owned();
    for level in 1..depth {
        value = if level.is_multiple_of(2) {
            format!(r#"{{"arrayValue":{{"values":[{value}]}}}}"#)
        } else {
            format!(r#"{{"kvlistValue":{{"values":[{{"key":"k","value":{value}}}]}}}}"#)
        };
    }
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}"#)
}

#[test]
fn values_nested_too_deep() {
    let deepest = json::read(Signal::Logs, nested(MAX_VALUE_DEPTH).as_bytes()).unwrap();
    assert_eq!(deepest.items(), 1);
    let error = json::read(Signal::Logs, nested(MAX_VALUE_DEPTH + 1).as_bytes()).unwrap_err();
    assert_eq!(
        error.expected,
        format!("values nested at most {MAX_VALUE_DEPTH} deep")
    );
    assert_eq!(error.found, "an object");
}
