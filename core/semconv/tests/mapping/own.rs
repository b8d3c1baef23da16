//! Rules that the case file leaves out, by section of the mapping.

use otlp::Payload;
use semconv::ToOtel;
use serde_json::{Map, Value as Json, json};

use crate::event::{Shape, edited, events, receive};
use crate::normal::{hex, plain};

/// What an event becomes, without what is unset: `resource`, `record` and the fields of the record.
pub(crate) fn mapped(event: &str) -> Json {
    let batch = events(&[event]);
    assert!(batch.iter().all(Result::is_ok), "not JSON: {event}");
    let (payload, rejected) = receive(&batch, Shape::Flat);
    assert!(rejected.is_empty(), "{event}");
    summary(&edited(&payload, &[&ToOtel::default()]))
}

pub(crate) fn summary(payload: &Payload) -> Json {
    let resource = payload.logs().next().expect("one resource");
    let scope = resource.scopes().next().expect("one scope");
    let r = scope.records().next().expect("one record");
    let attributes = |attributes: otlp::Attributes<'_>| -> Json {
        Json::Object(
            attributes
                .map(|a| (a.key.to_owned(), plain(a.value)))
                .collect(),
        )
    };
    let mut out = Map::new();
    let mut put = |name: &str, value: Json| {
        let unset = [json!({}), json!(""), json!(0), Json::Null].contains(&value);
        if !unset {
            out.insert(name.to_owned(), value);
        }
    };
    put("resource", attributes(resource.resource().attributes()));
    put("record", attributes(r.attributes()));
    put("time", json!(r.time_unix_nano));
    if r.observed_time_unix_nano != crate::event::RECEIVED {
        put("observed", json!(r.observed_time_unix_nano));
    }
    put("number", json!(r.severity_number));
    put("text", json!(r.severity_text));
    put("trace", json!(hex(r.trace_id)));
    put("span", json!(hex(r.span_id)));
    put("name", json!(r.event_name));
    put("scope", json!(scope.scope().name()));
    if let Some(body) = r.body {
        // An empty body is a body.
        out.insert("body".to_owned(), plain(body));
    }
    Json::Object(out)
}

pub(crate) fn check(table: &[(&str, Json)]) {
    let mut wrong = Vec::new();
    for (event, want) in table {
        let got = mapped(event);
        if got != *want {
            wrong.push(format!("{event}\n   got {got}\n  want {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn section_2_who_owns_a_target() {
    check(&[
        // A custom field whose name is literally a target owns it, wherever it stands in the event.
        (
            r#"{"client.geo.city_name":"Berlin","geo.locality.name":"Bonn"}"#,
            json!({"record": {"client.geo.city_name": "Berlin", "geo.locality.name": "Bonn"}}),
        ),
        (
            r#"{"host.architecture":"x86_64","host.arch":"amd64"}"#,
            json!({"resource": {"host.arch": "amd64"}}),
        ),
        (
            r#"{"host.arch":"arm64","host.architecture":"x86_64"}"#,
            json!({"resource": {"host.arch": "arm64", "host.architecture": "x86_64"}}),
        ),
        // The equal value is dropped only after conversion to the target's type.
        (
            r#"{"thread.id":7,"process.thread.id":"7"}"#,
            json!({"record": {"thread.id": 7}}),
        ),
        (
            r#"{"thread.id":"7","process.thread.id":"7"}"#,
            json!({"record": {"thread.id": "7", "process.thread.id": 7}}),
        ),
        // A failed conversion of the best rank leaves its name taken; the next one keeps its own.
        (
            r#"{"server.address":["a","b"],"server.ip":"192.0.2.1"}"#,
            json!({"record": {"server.address": ["a", "b"], "server.ip": "192.0.2.1"}}),
        ),
        // A failed conversion of another name leaves the target to the next rank.
        (
            r#"{"server.domain":["a","b"],"server.ip":"192.0.2.1"}"#,
            json!({"record": {"server.domain": ["a", "b"], "server.address": "192.0.2.1"}}),
        ),
        (
            r#"{"host.name":["a","b"],"host.hostname":"c"}"#,
            json!({"resource": {"host.name": ["a", "b"], "host.hostname": "c"}}),
        ),
        // Secondary targets are written only when they are free.
        (
            r#"{"http.request.method":"get","http.request.method_original":"GeT"}"#,
            json!({"record": {"http.request.method": "GET", "http.request.method_original": "GeT"}}),
        ),
        (
            r#"{"error.type":"E","error.message":"m","exception.type":"X"}"#,
            json!({"record": {"error.type": "E", "exception.message": "m", "exception.type": "X"}}),
        ),
        (
            r#"{"http.version":"1.1","network.protocol.name":"h","tags":"x"}"#,
            json!({"record": {"network.protocol.version": "1.1", "network.protocol.name": "h", "tags": "x"}}),
        ),
        (
            r#"{"host.os.type":"android","os.name":"LineageOS"}"#,
            json!({"resource": {"os.type": "linux", "os.name": "LineageOS"}}),
        ),
    ]);
}

#[test]
fn section_3_input_shapes() {
    check(&[
        // An object under a scalar field: custom leaves, and no value for the field.
        (
            r#"{"host":{"name":{"short":"a","long":"b"}},"tags":"t"}"#,
            json!({"record": {"host.name.short": "a", "host.name.long": "b", "tags": "t"}}),
        ),
        (
            r#"{"log.level":{"value":"error"}}"#,
            json!({"record": {"log.level.value": "error"}}),
        ),
        (
            r#"{"error":"boom","host":5,"event.kind":"event"}"#,
            json!({"record": {"error": "boom", "host": 5, "event.kind": "event"}}),
        ),
        // Nulls inside arrays and structured values are removed; an array of nulls is no value.
        (
            r#"{"tags":["a",null,"b"],"acme":[[null],{"x":null,"y":1}],"related.ip":[null]}"#,
            json!({"record": {"tags": ["a", "b"], "acme": [[], {"y": 1}]}}),
        ),
        (
            r#"{"message":{"a":null,"b":[null,1]},"event.kind":null}"#,
            json!({"body": {"b": [1]}}),
        ),
        // Empty texts are values, except where they mean unset.
        (
            r#"{"log.level":[""],"event.action":"","log.logger":"","error.code":"","message":""}"#,
            json!({"body": "", "record": {"error.code": ""}}),
        ),
        // Keys of objects inside arrays are neither mapped nor split.
        (
            r#"{"event.kind":"event","acme":[{"client.ip":"1.2.3.4","a":{"b":1}}]}"#,
            json!({"record": {"event.kind": "event", "acme": [{"client.ip": "1.2.3.4", "a": {"b": 1}}]}}),
        ),
        (
            r#"{"email.attachments":[{"file.size":"10"}]}"#,
            json!({"record": {"email.attachments": [{"file.size": "10"}]}}),
        ),
    ]);
}

#[test]
fn section_4_types() {
    check(&[
        // A field that keeps its name keeps its shape; its members are converted one by one or not at all.
        (
            r#"{"tags":["a",1,true,0.5]}"#,
            json!({"record": {"tags": ["a", "1", "true", "0.5"]}}),
        ),
        (
            r#"{"tags":["a",{"b":1}],"event.category":[["a"],2]}"#,
            json!({"record": {"tags": ["a", {"b": 1}], "event.category": [["a"], 2]}}),
        ),
        (
            r#"{"client.bytes":["1","2"],"server.bytes":["1","x"]}"#,
            json!({"record": {"client.bytes": [1, 2], "server.bytes": ["1", "x"]}}),
        ),
        (
            r#"{"event.start":[1563062400000,"2019"],"event.end":true}"#,
            json!({"record": {"event.start": ["2019-07-14T00:00:00.000Z", "2019"], "event.end": true}}),
        ),
        (
            r#"{"event.risk_score":"high","event.severity":"7","event.sequence":false}"#,
            json!({"record": {"event.risk_score": "high", "event.severity": 7, "event.sequence": false}}),
        ),
        // Scalar target: one element is unwrapped, several fail, an array inside an array fails.
        (
            r#"{"url.full":["https://a/"],"client.port":["443"],"file.size":[1,2],"error.message":[["x"]]}"#,
            json!({"record": {
                "url.full": "https://a/", "client.port": 443, "file.size": [1, 2], "error.message": [["x"]],
            }}),
        ),
        (
            r#"{"http.response.status_code":"OK","http.request.bytes":"200.5","http.response.bytes":true,"tags":"t"}"#,
            json!({"record": {
                "http.response.status_code": "OK", "http.request.bytes": "200.5", "http.response.bytes": true,
                "tags": "t",
            }}),
        ),
        (
            r#"{"http.response.status_code":1e30,"http.response.bytes":2.9,"tags":"t"}"#,
            json!({"record": {"http.response.status_code": 1e30, "http.response.size": 2, "tags": "t"}}),
        ),
        // A list target takes scalars, not objects.
        (
            r#"{"user.roles":["a",1],"file.attributes":[{"a":1}],"event.kind":"event"}"#,
            json!({"record": {"user.roles": ["a", "1"], "file.attributes": [{"a": 1}], "event.kind": "event"}}),
        ),
        // Whole values: anything.
        (
            r#"{"http.request.body.content":[1,{"a":[]}],"gen_ai.tool.call.result":5,"event.kind":"event"}"#,
            json!({"record": {
                "http.request.body.content": [1, {"a": []}], "gen_ai.tool.call.result": 5, "event.kind": "event",
            }}),
        ),
        (
            r#"{"file.mtime":1563062400000.5,"file.ctime":false,"file.created":"yesterday"}"#,
            json!({"record": {
                "file.modified": "2019-07-14T00:00:00.000500Z", "file.ctime": false, "file.created": "yesterday",
            }}),
        ),
        // An integer beyond 64 bits is still a number.
        (
            r#"{"event.risk_score":18446744073709551616}"#,
            json!({"record": {"event.risk_score": 18446744073709551616.0}}),
        ),
    ]);
}

#[test]
fn section_5_time() {
    const DAY: u64 = 1_563_062_400_000_000_000;
    check(&[
        (r#"{"@timestamp":"1563062400000"}"#, json!({"time": DAY})),
        (
            r#"{"@timestamp":"2019-07-14T00:00:00,5+00"}"#,
            json!({"time": DAY + 500_000_000}),
        ),
        (
            r#"{"@timestamp":["2019-07-14","2019-07-15"]}"#,
            json!({"record": {"@timestamp": ["2019-07-14", "2019-07-15"]}}),
        ),
        (
            r#"{"@timestamp":true}"#,
            json!({"record": {"@timestamp": true}}),
        ),
        (
            r#"{"@timestamp":-1}"#,
            json!({"record": {"@timestamp": -1}}),
        ),
        (
            r#"{"@timestamp":"2019-02-29"}"#,
            json!({"record": {"@timestamp": "2019-02-29"}}),
        ),
        (
            r#"{"@timestamp":"2600-01-01"}"#,
            json!({"record": {"@timestamp": "2600-01-01"}}),
        ),
        (
            r#"{"event.created":"soon"}"#,
            json!({"record": {"event.created": "soon"}}),
        ),
        (
            r#"{"event.created":1563062400000}"#,
            json!({"observed": DAY}),
        ),
    ]);
}

#[test]
fn section_6_severity() {
    check(&[
        // An unknown level keeps its text; the syslog code gives the number.
        (
            r#"{"log.level":"audit","log.syslog.severity.code":"3"}"#,
            json!({"number": 17, "text": "audit", "record": {"log.syslog.severity.code": 3}}),
        ),
        // The name gives text and number when nothing else does.
        (
            r#"{"log.syslog.severity.name":"Warning"}"#,
            json!({"number": 13, "text": "Warning", "record": {"log.syslog.severity.name": "Warning"}}),
        ),
        (
            r#"{"log.level":"","log.syslog.severity.name":["notice"]}"#,
            json!({"number": 10, "text": "notice", "record": {"log.syslog.severity.name": ["notice"]}}),
        ),
        (
            r#"{"log.level":"30","log.syslog.severity.name":"Error","log.syslog.severity.code":9}"#,
            json!({"number": 17, "text": "30", "record": {
                "log.syslog.severity.name": "Error", "log.syslog.severity.code": 9,
            }}),
        ),
        // Several levels are kept; only the number comes from elsewhere.
        (
            r#"{"log.level":["a","b"],"log.syslog.severity.code":0,"log.syslog.severity.name":"Emergency"}"#,
            json!({"number": 21, "record": {
                "log.level": ["a", "b"], "log.syslog.severity.code": 0, "log.syslog.severity.name": "Emergency",
            }}),
        ),
        (
            r#"{"event.severity":"3","error.message":"m"}"#,
            json!({"record": {"event.severity": 3, "exception.message": "m"}}),
        ),
    ]);
}

#[test]
fn section_7_body_name_ids_scope() {
    check(&[
        (r#"{"event.action":["one"]}"#, json!({"name": "one"})),
        (
            r#"{"event.action":["one","two"],"message":["a","b"]}"#,
            json!({
                "body": ["a", "b"], "record": {"event.action": ["one", "two"]},
            }),
        ),
        (
            r#"{"log.logger":["a","b"]}"#,
            json!({"record": {"log.logger": ["a", "b"]}}),
        ),
        (
            r#"{"log.logger":["a"],"message":0.5}"#,
            json!({"scope": "a", "body": "0.5"}),
        ),
        (
            r#"{"trace.id":"0af76519-16cd-43dd-8448-eb211c80319c","span.id":"xyz"}"#,
            json!({"record": {"trace.id": "0af76519-16cd-43dd-8448-eb211c80319c", "span.id": "xyz"}}),
        ),
        (
            r#"{"trace.id":"00000000000000000000000000000000","span.id":"0000000000000000"}"#,
            json!({"record": {"trace.id": "00000000000000000000000000000000", "span.id": "0000000000000000"}}),
        ),
        // A span id that is none leaves the place to the transaction, in lower case; the attribute stays as it is.
        (
            r#"{"span.id":"no","transaction.id":"00F067AA0BA902B7"}"#,
            json!({"span": "00f067aa0ba902b7", "record": {"span.id": "no", "transaction.id": "00F067AA0BA902B7"}}),
        ),
        (
            r#"{"transaction.id":"tx-1"}"#,
            json!({"record": {"transaction.id": "tx-1"}}),
        ),
        (
            r#"{"log.origin.file.line":"x","log.file.path":"/var/log/a"}"#,
            json!({"record": {"log.origin.file.line": "x", "log.file.path": "/var/log/a"}}),
        ),
    ]);
}

#[test]
fn section_8_errors() {
    check(&[
        (
            r#"{"error.type":"E","error.stack_trace":"at x"}"#,
            json!({"record": {"error.type": "E", "exception.type": "E", "exception.stacktrace": "at x"}}),
        ),
        (
            r#"{"error.type":["E","F"],"error.message":"m"}"#,
            json!({"record": {"error.type": ["E", "F"], "exception.message": "m"}}),
        ),
        (
            r#"{"error.type":"E","error.code":"7","error.id":5}"#,
            json!({"record": {"error.type": "E", "error.code": "7", "error.id": "5"}}),
        ),
        (
            r#"{"error.type":["E"],"error.message":["a","b"]}"#,
            json!({"record": {"error.type": "E", "exception.type": "E", "error.message": ["a", "b"]}}),
        ),
    ]);
}
