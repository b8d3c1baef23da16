//! Rules that the case file leaves out, sections 9 to 12 of the mapping.

use serde_json::json;

use crate::own::{check, mapped};

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
            r#"{"source.geo.location":[[-73.6,45.5]]}"#,
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
