//! Settings: upstream's keys and defaults, and what is wrong in a line each.

use std::time::Duration;

use exporter_otlp::{GrpcConfig, HttpConfig, grpc_factory, http_factory};
use otlp::Signal;
use pipeline::Host;
use pipeline::registry::{ExporterConfig, Factory};
use pipeline::tail::settings::{RetryOnFailure, SendingQueue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use settings::{Problems, Validate};

use crate::rig::{build, node, read};

/// What `print-config` shows.
fn printed<T: DeserializeOwned + Serialize + Validate>(yaml: &str) -> serde_json::Value {
    let mut problems = Problems::new();
    let config = settings::decode_valid::<T>(&node(yaml), "exporters::x", &mut problems);
    let config = config.unwrap_or_else(|| panic!("{problems}"));
    serde_json::to_value(config).expect("is a tree")
}

fn errors(factory: &Factory<dyn ExporterConfig>, yaml: &str) -> String {
    let (config, problems) = read(factory, yaml);
    assert!(config.is_none(), "accepted: {yaml}");
    problems.to_string()
}

#[test]
fn names_are_upstreams() {
    let (grpc, http) = (grpc_factory(), http_factory());
    assert!(grpc.is_called("otlp_grpc") && grpc.is_called("otlp"));
    assert!(http.is_called("otlp_http") && http.is_called("otlphttp"));
    assert_eq!((grpc.signals.len(), http.signals.len()), (3, 3));
}

#[test]
fn defaults_are_upstreams() {
    settings::check_defaults::<GrpcConfig>().expect("reads back");
    settings::check_defaults::<HttpConfig>().expect("reads back");
    let grpc = printed::<GrpcConfig>("endpoint: a:4317");
    for (key, value) in [
        ("timeout", "\"5s\""),
        ("compression", "\"gzip\""),
        ("balancer_name", "\"round_robin\""),
        ("wait_for_ready", "false"),
        ("keepalive", "null"),
        ("auth", "null"),
    ] {
        assert_eq!(grpc[key].to_string(), value, "{key}");
    }
    assert_eq!(grpc["tls"]["insecure"], false);
    let http = printed::<HttpConfig>("endpoint: http://a:4318");
    for (key, value) in [
        ("timeout", "\"30s\""),
        ("compression", "\"gzip\""),
        ("encoding", "\"proto\""),
        ("max_idle_conns", "100"),
        ("idle_conn_timeout", "\"1m30s\""),
        ("proxy_url", "null"),
    ] {
        assert_eq!(http[key].to_string(), value, "{key}");
    }
}

#[test]
fn tails_have_upstreams_defaults() {
    for (factory, endpoint) in [(grpc_factory(), "a:1"), (http_factory(), "http://a:1")] {
        let tail = |yaml: &str| {
            let (config, problems) = read(&factory, &format!("endpoint: {endpoint}\n{yaml}"));
            config.unwrap_or_else(|| panic!("{problems}")).tail()
        };
        let defaults = tail("");
        assert_eq!(defaults.queue, Some(SendingQueue::default()));
        assert_eq!(defaults.retry, Some(RetryOnFailure::default()));
        assert_eq!(defaults.batch, None);
        let off = tail("sending_queue: {enabled: false}\nretry_on_failure: {enabled: false}");
        assert_eq!((off.queue, off.retry), (None, None));
        let some = tail("sending_queue: {num_consumers: 3, batch: {min_size: 10}}");
        assert_eq!(some.queue.expect("a queue").num_consumers, 3);
        let batch = some.batch.expect("batching");
        assert_eq!(
            (batch.min_size, batch.timeout),
            (10, Duration::from_millis(200))
        );
    }
}

#[test]
fn upstreams_keys_are_read() {
    let grpc = "
endpoint: dns:///collector.example.com:4317
compression: none
tls: {insecure: true, ca_file: /a.pem, server_name_override: b}
keepalive: {time: 30s, timeout: 5s, permit_without_stream: true}
wait_for_ready: true
balancer_name: pick_first
headers: {x-team: web}
authority: tenant.example.com
user_agent: mine/1
auth: {authenticator: bearertokenauth/out}
timeout: 0
read_buffer_size: 1
write_buffer_size: 2
";
    let config = printed::<GrpcConfig>(grpc);
    assert_eq!(config["headers"]["x-team"], settings::REDACTED);
    assert_eq!(config["timeout"], "0s");
    let http = "
traces_endpoint: https://a/t
metrics_endpoint: https://a/m
logs_endpoint: https://a/l
encoding: json
compression: zstd
compression_params: {level: 9}
timeout: 10s
proxy_url: http://proxy:3128
max_idle_conns: 5
max_idle_conns_per_host: 2
max_conns_per_host: 3
idle_conn_timeout: 1s
disable_keep_alives: true
http2_read_idle_timeout: 10s
http2_ping_timeout: 1s
force_attempt_http2: true
write_buffer_size: 524288
headers: [{name: a, value: b}]
";
    let config = printed::<HttpConfig>(http);
    assert_eq!(config["encoding"], "json");
}

#[test]
fn mistakes_are_named_with_their_place() {
    let grpc = grpc_factory();
    for (yaml, expected) in [
        ("{}", "exporters::x::endpoint: is required"),
        ("endpoint: collector", "the port is missing"),
        ("endpont: a:1", "did you mean \"endpoint\"?"),
        (
            "{endpoint: 'a:1', compression: lz4}",
            "use gzip, snappy, zstd or none",
        ),
        (
            "{endpoint: 'a:1', balancer_name: least}",
            "expected round_robin",
        ),
        (
            "{endpoint: 'a:1', auth: {request_params: []}}",
            "auth::authenticator: is required",
        ),
        ("{endpoint: 'a:1', timeout: 5}", "t.yaml:1:"),
        (
            "{endpoint: 'a:1', sending_queue: {num_consumers: 0}}",
            "sending_queue::num_consumers",
        ),
        (
            "{endpoint: 'a:1', retry_on_failure: {randomization_factor: 2}}",
            "between 0 and 1",
        ),
        (
            "{endpoint: 'a:1', traces_endpoint: 'http://b'}",
            "unknown key \"traces_endpoint\"",
        ),
    ] {
        let errors = errors(&grpc, yaml);
        assert!(errors.contains(expected), "{yaml}: {errors}");
    }
    let http = http_factory();
    for (yaml, expected) in [
        ("{}", "exporters::x::endpoint: is required"),
        ("endpoint: a:4318", "is no URL: expected a URL"),
        ("{logs_endpoint: 'ftp://a'}", "exporters::x::logs_endpoint"),
        ("{endpoint: 'http://a', encoding: xml}", "encoding"),
        (
            "{endpoint: 'http://a', compression_params: {level: 12}}",
            "expected -1 to 9",
        ),
        ("{endpoint: 'http://a', balancer_name: x}", "unknown key"),
    ] {
        let errors = errors(&http, yaml);
        assert!(errors.contains(expected), "{yaml}: {errors}");
    }
}

#[test]
fn a_build_says_what_is_missing() {
    let host = Host::new(1 << 20);
    let only_traces = "traces_endpoint: http://a/t";
    let error = build(&http_factory(), only_traces, Signal::Logs, &host)
        .err()
        .expect("fails");
    assert!(
        error.to_string().contains("set endpoint or logs_endpoint"),
        "{error}"
    );
    let auth = "{endpoint: 'http://a', auth: {authenticator: nobody}}";
    let error = build(&http_factory(), auth, Signal::Logs, &host)
        .err()
        .expect("fails");
    assert!(
        error
            .to_string()
            .contains("extension \"nobody\" is not started"),
        "{error}"
    );
}
