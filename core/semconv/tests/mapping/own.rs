//! Rules that the case file leaves out, by section of the mapping.

use otlp::{Payload, Value};
use semconv::ToOtel;
use serde_json::{Map, Value as Json, json};

use crate::event::{Shape, edited, events, receive};
use crate::normal::{hex, plain};

/// What an event becomes, without what is unset: `resource`, `record` and the fields of the record.
fn mapped(event: &str) -> Json {
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

fn check(table: &[(&str, Json)]) {
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

#[test]
fn section_9_http_and_network() {
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
    ] {
        let event = format!(r#"{{"http.request.method":"{method}","event.kind":"event"}}"#);
        let want = json!({"record": {"http.request.method": method, "event.kind": "event"}});
        assert_eq!(mapped(&event), want);
    }
    check(&[
        (
            r#"{"http.request.method":["PoSt"],"tags":"t"}"#,
            json!({"record": {"http.request.method": "POST", "http.request.method_original": "PoSt", "tags": "t"}}),
        ),
        (
            r#"{"http.request.method":"","tags":"t"}"#,
            json!({"record": {"http.request.method": "_OTHER", "http.request.method_original": "", "tags": "t"}}),
        ),
        (
            r#"{"http.request.method":["GET","PUT"],"tags":"t"}"#,
            json!({"record": {"http.request.method": ["GET", "PUT"], "tags": "t"}}),
        ),
        (
            r#"{"http.version":"HTTP/2.0"}"#,
            json!({"record": {"network.protocol.version": "2", "network.protocol.name": "http"}}),
        ),
        (
            r#"{"http.version":3.0,"network.protocol":"QUIC"}"#,
            json!({"record": {"network.protocol.version": "3", "network.protocol.name": "quic"}}),
        ),
        (
            r#"{"http.version":["1.0","1.1"]}"#,
            json!({"record": {"http.version": ["1.0", "1.1"]}}),
        ),
        (
            r#"{"network.transport":["TCP"],"network.type":["IPv4","IPv6"],"tls.version_protocol":"SSL"}"#,
            json!({"record": {
                "network.transport": "tcp", "network.type": ["IPv4", "IPv6"], "tls.protocol.name": "ssl",
            }}),
        ),
        (
            r#"{"http.request.referrer":["https://a/"]}"#,
            json!({"record": {"http.request.header.referer": ["https://a/"]}}),
        ),
        (
            r#"{"http.request.referrer":["https://a/","https://b/"]}"#,
            json!({"record": {"http.request.referrer": ["https://a/", "https://b/"]}}),
        ),
        // Addresses by rank, whatever the order; the last word for the server has the handshake.
        (
            r#"{"source.ip":"1.2.3.4","source.domain":"d","source.address":"a"}"#,
            json!({"record": {"source.address": "a", "source.domain": "d", "source.ip": "1.2.3.4"}}),
        ),
        (
            r#"{"tls.client.server_name":"www","server.domain":"www","server.ip":"1.2.3.4"}"#,
            json!({"record": {"server.address": "www", "server.ip": "1.2.3.4"}}),
        ),
    ]);
}

#[test]
fn section_9_places() {
    check(&[
        // Two places never mix.
        (
            r#"{"client.geo.name":"dc","source.geo.city_name":"Bonn","source.geo.location":"1,2"}"#,
            json!({"record": {
                "client.geo.name": "dc", "source.geo.city_name": "Bonn", "source.geo.location": "1,2",
            }}),
        ),
        (
            r#"{"client.geo.city_name":"Berlin","source":{"geo":{"city_name":"Bonn","location":{"lat":1,"lon":2}}}}"#,
            json!({"record": {
                "geo.locality.name": "Berlin", "source.geo.city_name": "Bonn",
                "source.geo.location": {"lat": 1, "lon": 2},
            }}),
        ),
        (
            r#"{"client.geo.city_name":"Berlin","source.geo.location.lat":1,"source.geo.location.lon":2}"#,
            json!({"record": {
                "geo.locality.name": "Berlin", "source.geo.location.lat": 1, "source.geo.location.lon": 2,
            }}),
        ),
        // Both numbers or neither.
        (
            r#"{"client.geo.location.lat":"45.5"}"#,
            json!({"record": {"client.geo.location.lat": "45.5"}}),
        ),
        (
            r#"{"client.geo.location":{"lat":45.5}}"#,
            json!({"record": {"client.geo.location": {"lat": 45.5}}}),
        ),
        (
            r#"{"client.geo.location":"45.5,-73.6","geo.location.lat":1.0}"#,
            json!({"record": {"client.geo.location": "45.5,-73.6", "geo.location.lat": 1.0}}),
        ),
        (
            r#"{"source.geo.location.lat":"45.5","source.geo.location.lon":-73}"#,
            json!({"record": {"geo.location.lat": 45.5, "geo.location.lon": -73.0}}),
        ),
        (
            r#"{"source.geo.location":["45.5, -73.6"]}"#,
            json!({"record": {"geo.location.lat": 45.5, "geo.location.lon": -73.6}}),
        ),
        (
            r#"{"source.geo.location":[1,2,3]}"#,
            json!({"record": {"source.geo.location": [1, 2, 3]}}),
        ),
        (
            r#"{"destination.geo.city_name":"Bonn","server.geo.location":{"lat":1,"lon":2}}"#,
            json!({"record": {
                "destination.geo.city_name": "Bonn", "server.geo.location.lat": 1, "server.geo.location.lon": 2,
            }}),
        ),
    ]);
}

#[test]
fn section_9_dns() {
    check(&[
        (
            r#"{"dns.resolved_ip":"192.0.2.1"}"#,
            json!({"record": {"dns.answers": ["192.0.2.1"]}}),
        ),
        // The resolved addresses win over those among the data.
        (
            r#"{"dns":{"resolved_ip":["192.0.2.1"],"answers":[{"data":"192.0.2.2","ttl":"5"},{"data":"x"}]}}"#,
            json!({"record": {
                "dns.answers": ["192.0.2.1"], "dns.answers.data": ["192.0.2.2", "x"], "dns.answers.ttl": [5],
            }}),
        ),
        // One answer as an object is flattened, and still tells its address.
        (
            r#"{"dns.answers":{"data":"2001:db8::1","custom":1},"event.kind":"event"}"#,
            json!({"record": {
                "dns.answers": ["2001:db8::1"], "dns.answers.data": "2001:db8::1", "dns.answers.custom": 1,
                "event.kind": "event",
            }}),
        ),
        // What is no array of objects stays, and keeps the name.
        (
            r#"{"dns.answers":["192.0.2.1",{"data":"x"}],"dns.resolved_ip":"192.0.2.3"}"#,
            json!({"record": {"dns.answers": ["192.0.2.1", {"data": "x"}], "dns.resolved_ip": "192.0.2.3"}}),
        ),
        (
            r#"{"dns.resolved_ip":[{"a":1}]}"#,
            json!({"record": {"dns.resolved_ip": [{"a": 1}]}}),
        ),
    ]);
}

#[test]
fn section_9_host_cloud_process() {
    check(&[
        (
            r#"{"host.os.type":"unix","host.os.platform":"FreeBSD"}"#,
            json!({"resource": {"os.type": "freebsd", "host.os.platform": "FreeBSD"}}),
        ),
        (
            r#"{"host.os.type":"unix","host.os.platform":"zos"}"#,
            json!({"resource": {"host.os.type": "unix", "host.os.platform": "zos"}}),
        ),
        (
            r#"{"host.os.type":"iOS"}"#,
            json!({"resource": {"os.type": "darwin", "os.name": "iOS"}}),
        ),
        (
            r#"{"host.os.type":"windows"}"#,
            json!({"resource": {"os.type": "windows"}}),
        ),
        (
            r#"{"cloud.provider":"Azure","cloud.service.name":"Virtual-Machines"}"#,
            json!({"resource": {"cloud.provider": "Azure", "cloud.platform": "azure.vm"}}),
        ),
        (
            r#"{"cloud.service.name":"lambda"}"#,
            json!({"resource": {"cloud.platform": "lambda"}}),
        ),
        (
            r#"{"cloud.provider":"aws","cloud.service.name":"gke"}"#,
            json!({"resource": {"cloud.provider": "aws", "cloud.platform": "gke"}}),
        ),
        (
            r#"{"process.env_vars":["A=1","B=x=y","C","=z","A=1","A=2"]}"#,
            json!({"record": {
                "process.environment_variable.A": "1", "process.environment_variable.B": "x=y",
                "process.env_vars": ["C", "=z", "A=2"],
            }}),
        ),
        (
            r#"{"process.env_vars":"A=1"}"#,
            json!({"record": {"process.environment_variable.A": "1"}}),
        ),
        (
            r#"{"process.env_vars":"none"}"#,
            json!({"record": {"process.env_vars": "none"}}),
        ),
        (
            r#"{"process":{"pid":1,"exit_code":0,"user":{"id":"x"},"group_leader":{"name":"g"},"start":1563062400000}}"#,
            json!({
                "resource": {"process.pid": 1, "process.creation.time": "2019-07-14T00:00:00.000Z"},
                "record": {"process.exit.code": 0, "process.user.id": "x", "process.group_leader.name": "g"},
            }),
        ),
        (
            r#"{"orchestrator.cluster.name":"c"}"#,
            json!({"resource": {"k8s.cluster.name": "c"}}),
        ),
        (
            r#"{"orchestrator.cluster.id":"u","orchestrator.type":["kubernetes"]}"#,
            json!({"resource": {"k8s.cluster.uid": "u", "orchestrator.type": ["kubernetes"]}}),
        ),
        (
            r#"{"orchestrator.cluster.id":"u","orchestrator.type":"swarm","orchestrator.api_version":"v1"}"#,
            json!({
                "resource": {"orchestrator.cluster.id": "u", "orchestrator.type": "swarm"},
                "record": {"orchestrator.api_version": "v1"},
            }),
        ),
    ]);
}

#[test]
fn section_10_labels_and_custom_fields() {
    check(&[
        (
            r#"{"labels":{"list":["a",1],"objects":[{"a":1}],"host.name":"x"}}"#,
            json!({"record": {
                "labels.list": ["a", "1"], "labels.objects": [{"a": 1}], "labels.host.name": "x",
            }}),
        ),
        (r#"{"labels":5}"#, json!({"record": {"labels": 5}})),
        (
            r#"{"container.labels":{"a":["x"],"b":["x","y"],"c":true}}"#,
            json!({"resource": {
                "container.label.a": "x", "container.labels.b": ["x", "y"], "container.label.c": "true",
            }}),
        ),
        (
            r#"{"container.labels":["a","b"]}"#,
            json!({"resource": {"container.labels": ["a", "b"]}}),
        ),
        (
            r#"{"container.labels.a":"x","container.label.a":"y"}"#,
            json!({"resource": {"container.label.a": "y", "container.labels.a": "x"}}),
        ),
        (
            r#"{"ecs.version":8.11,"related.ip":"1.2.3.4","data_stream.type":"logs"}"#,
            json!({"record": {"ecs.version": "8.11", "related.ip": "1.2.3.4", "data_stream.type": "logs"}}),
        ),
        // A literal semconv name owns what the Beats field wants.
        (
            r#"{"kubernetes.pod.name":"beats","k8s.pod.name":"otel","kubernetes.labels.app":"x"}"#,
            json!({
                "resource": {"k8s.pod.name": "otel", "kubernetes.pod.name": "beats"},
                "record": {"kubernetes.labels.app": "x"},
            }),
        ),
        (
            r#"{"observer.geo.location":{"lat":1,"lon":2},"host.geo.location":"1,2"}"#,
            json!({"resource": {
                "observer.geo.location.lat": 1, "observer.geo.location.lon": 2, "host.geo.location": "1,2",
            }}),
        ),
        // Custom, though it looks like ECS or like an old entity attribute.
        (
            r#"{"host.custom":"x","k8s.pod.labels.app":"x","agent.foo":1,"tags":"t"}"#,
            json!({"record": {"host.custom": "x", "k8s.pod.labels.app": "x", "agent.foo": 1, "tags": "t"}}),
        ),
    ]);
}

#[test]
fn sections_11_and_12_resource_and_old_names() {
    check(&[
        (
            r#"{"user_agent.original":"curl","browser.language":"de","tags":"t"}"#,
            json!({
                "resource": {"browser.language": "de"}, "record": {"user_agent.original": "curl", "tags": "t"},
            }),
        ),
        (
            r#"{"service":{"state":"up","origin":{"id":"o"},"target":{"id":"t"},"node":{"role":"r"}}}"#,
            json!({
                "resource": {"service.node.role": "r"},
                "record": {"service.state": "up", "service.origin.id": "o", "service.target.id": "t"},
            }),
        ),
        (
            r#"{"container":{"cpu":{"usage":0.5},"runtime":["a","b"],"id":"c"},"host.entity.id":"e"}"#,
            json!({
                "resource": {"container.runtime": ["a", "b"], "container.id": "c"},
                "record": {"container.cpu.usage": 0.5, "host.entity.id": "e"},
            }),
        ),
        (
            r#"{"faas.id":"arn","rule.ruleset":"R","service.target.name":"pay","rule.version":2}"#,
            json!({
                "resource": {"cloud.resource_id": "arn"},
                "record": {
                    "security_rule.ruleset.name": "R", "service.peer.name": "pay", "security_rule.version": "2",
                },
            }),
        ),
    ]);
}

/// A record that already has fields of its own, under a resource and a scope.
fn given(record: impl FnOnce(&mut otlp::write::LogWriter<'_>)) -> Payload {
    let mut writer = otlp::write::LogsWriter::new();
    writer.resource(|r| {
        r.attribute("service.name", Value::String("shop"));
        r.attribute("host.name", Value::String("web-1"));
        r.attribute("user_agent.original", Value::String("curl"));
    });
    writer.scope(|s| s.name("logger"));
    writer.record(|r| {
        r.observed_time_unix_nano(crate::event::RECEIVED);
        record(r);
    });
    writer.finish()
}

fn put_all(r: &mut otlp::write::LogWriter<'_>, attributes: &[(&str, &str)]) {
    for (key, value) in attributes {
        r.attribute(key, Value::String(value));
    }
}

#[test]
fn what_the_record_has_in_a_field_stays_there() {
    let payload = given(|r| {
        r.time_unix_nano(7);
        r.severity_number(9);
        r.severity_text("INFO");
        r.body(Value::String("otlp"));
        r.event_name("otlp");
        r.trace_id(&[1; 16]);
        r.span_id(&[2; 8]);
        put_all(
            r,
            &[
                ("@timestamp", "2019-07-14"),
                ("log.level", "error"),
                ("message", "ecs"),
                ("event.action", "ecs"),
                ("trace.id", "03030303030303030303030303030303"),
                ("span.id", "0404040404040404"),
                ("transaction.id", "0505050505050505"),
                ("log.logger", "ecs"),
                ("log.syslog.severity.name", "Error"),
            ],
        );
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(
        got["record"],
        json!({
            "@timestamp": "2019-07-14", "log.level": "error", "message": "ecs", "event.action": "ecs",
            "trace.id": "03030303030303030303030303030303", "span.id": "0404040404040404",
            "transaction.id": "0505050505050505", "log.logger": "ecs", "log.syslog.severity.name": "Error",
        }),
    );
    assert_eq!(got["time"], 7);
    assert_eq!(got["number"], 9);
    assert_eq!(got["text"], "INFO");
    assert_eq!(got["body"], "otlp");
    assert_eq!(got["name"], "otlp");
    assert_eq!(got["scope"], "logger");
    assert_eq!(got["trace"], "01".repeat(16));
    assert_eq!(got["span"], "02".repeat(8));
}

#[test]
fn equal_to_a_field_of_the_record_is_dropped() {
    let payload = given(|r| {
        r.time_unix_nano(1_563_062_400_000_000_000);
        r.severity_text("error");
        r.body(Value::String("same"));
        put_all(
            r,
            &[
                ("@timestamp", "2019-07-14"),
                ("log.level", "error"),
                ("message", "same"),
                ("log.logger", "logger"),
            ],
        );
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(got.get("record"), None);
    // The text was there without its number.
    assert_eq!(got["number"], 17);
}

#[test]
fn what_the_resource_has_stays_there() {
    let payload = given(|r| {
        put_all(
            r,
            &[
                ("event.kind", "event"),
                ("service.name", "other"),
                ("host.hostname", "web-2"),
                ("agent.type", "filebeat"),
                ("user_agent.original", "curl"),
                ("k8s.pod.name", "pod"),
            ],
        );
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(
        got["resource"],
        json!({
            "service.name": "shop", "host.name": "web-1", "user_agent.original": "curl", "agent.type": "filebeat",
            "host.hostname": "web-2", "k8s.pod.name": "pod",
        }),
    );
    // The name is taken on the resource, so it stays; and the client of one request stays on the record.
    assert_eq!(
        got["record"],
        json!({"event.kind": "event", "service.name": "other", "user_agent.original": "curl"}),
    );
}

#[test]
fn an_ordinary_record_passes_byte_by_byte() {
    let payload = given(|r| {
        r.time_unix_nano(7);
        r.body_with(|v| v.map(|m| m.attribute("message", Value::String("structured"))));
        r.attribute_with("http", |v| v.map(|m| m.attribute("nested", Value::Int(1))));
        put_all(
            r,
            &[
                ("host.name", "x"),
                ("http.request.method", "get"),
                ("exception.message", "m"),
            ],
        );
        r.attribute("process.pid", Value::String("7"));
    });
    let same = edited(&payload, &[&ToOtel::default()]);
    assert_eq!(same.into_bytes(), payload.into_bytes());
}

#[test]
fn a_nested_ecs_name_makes_an_event_and_attributes_win_against_the_body() {
    let payload = given(|r| {
        r.time_unix_nano(7);
        r.attribute_with("event", |v| {
            v.map(|m| m.attribute("action", Value::String("a")))
        });
    });
    assert_eq!(
        summary(&edited(&payload, &[&ToOtel::default()]))["name"],
        "a"
    );
    let payload = given(|r| {
        r.body_with(|v| {
            v.map(|m| {
                m.attribute("@timestamp", Value::String("2019-07-14"));
                m.attribute("client.ip", Value::String("10.9.9.9"));
                m.attribute("message", Value::String("hello"));
            });
        });
        put_all(r, &[("client.ip", "203.0.113.7")]);
    });
    let got = summary(&edited(&payload, &[&ToOtel::default()]));
    assert_eq!(got["record"], json!({"client.address": "203.0.113.7"}));
    assert_eq!(got["body"], "hello");
}

#[test]
fn a_schema_of_the_producer_stands() {
    let mut writer = otlp::write::LogsWriter::new();
    writer.resource(|r| r.schema_url("https://example.com/1"));
    writer.scope(|_| {});
    writer.record(|r| r.attribute("event.action", Value::String("a")));
    let mapped = edited(&writer.finish(), &[&ToOtel::default()]);
    let resource = mapped.logs().next().expect("one resource");
    assert_eq!(resource.schema_url(), "https://example.com/1");
    let scope = resource.scopes().next().expect("one scope");
    assert_eq!(scope.schema_url(), semconv::SCHEMA_URL);
}
