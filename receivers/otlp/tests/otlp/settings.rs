//! Settings: names, defaults, and what is said about mistakes.

use ::settings::{Problems, check_defaults, decode_valid};
use receiver_otlp::Config;

use crate::stage::node;

/// The settings, or all errors; the second is errors and warnings.
fn read(yaml: &str) -> (Result<Config, String>, String) {
    let mut problems = Problems::new();
    let config = decode_valid::<Config>(&node(yaml), "receivers::otlp", &mut problems);
    let warnings = problems.warnings().into_iter().map(|p| format!("\n{p}"));
    let text = problems.to_string() + &warnings.collect::<String>();
    (config.ok_or(problems.to_string()), text)
}

#[test]
fn defaults_read_back() {
    check_defaults::<Config>().unwrap();
}

#[test]
fn the_defaults_are_upstreams() {
    let (config, problems) = read("protocols: {grpc: , http: }");
    let config = config.unwrap();
    assert_eq!(problems, "");
    let grpc = &config.protocols.grpc.as_option().unwrap().0;
    assert_eq!(grpc.endpoint.as_deref(), Some("localhost:4317"));
    assert_eq!(grpc.grpc_options().max_message, 4 << 20);
    assert_eq!(grpc.read_buffer_size.as_usize(), 512 << 10);
    assert!(!grpc.include_metadata);
    let http = &config.protocols.http.as_option().unwrap().0;
    assert_eq!(http.shared.endpoint.as_deref(), Some("localhost:4318"));
    assert_eq!(http.shared.max_body(), 20 << 20);
    assert_eq!(http.own.traces_url_path, "/v1/traces");
    assert_eq!(http.own.metrics_url_path, "/v1/metrics");
    assert_eq!(http.own.logs_url_path, "/v1/logs");
    for timeout in [
        http.shared.read_timeout,
        http.shared.read_header_timeout,
        http.shared.write_timeout,
        http.shared.idle_timeout,
    ] {
        assert!(timeout.unwrap().is_zero());
    }
    assert!(http.shared.keep_alives_enabled);
    let names = http.shared.compression_algorithms.as_ref().unwrap();
    let expected = [
        "",
        "gzip",
        "zstd",
        "zlib",
        "snappy",
        "deflate",
        "lz4",
        "x-snappy-framed",
    ];
    assert_eq!(*names, expected);
}

#[test]
fn naming_some_settings_keeps_the_defaults_of_the_rest() {
    let (config, _) = read("protocols: {http: {include_metadata: true}, grpc: {endpoint: 'a:1'}}");
    let protocols = config.unwrap().protocols;
    let http = &protocols.http.as_option().unwrap().0;
    assert_eq!(http.shared.endpoint.as_deref(), Some("localhost:4318"));
    assert_eq!(http.shared.max_body(), 20 << 20);
    assert!(http.shared.idle_timeout.unwrap().is_zero());
    let grpc = &protocols.grpc.as_option().unwrap().0;
    assert_eq!(grpc.endpoint.as_deref(), Some("a:1"));
    let (config, _) = read("protocols: {http: , grpc: {enabled: false}}");
    assert!(!config.unwrap().protocols.grpc.is_on());
}

#[test]
fn every_key_of_upstream_is_known() {
    let (config, _) = read(
        "
protocols:
  grpc:
    endpoint: 0.0.0.0:4317
    transport: tcp
    tls: {cert_file: a, key_file: b, client_ca_file: c, min_version: '1.3', reload_interval: 1h}
    max_recv_msg_size_mib: 16
    max_concurrent_streams: 10
    read_buffer_size: 1024
    write_buffer_size: 1024
    keepalive:
      server_parameters: {max_connection_idle: 1m, max_connection_age: 1h, max_connection_age_grace: 1m, time: 1m, timeout: 5s}
      enforcement_policy: {min_time: 10s, permit_without_stream: true}
    auth: {authenticator: oidc}
    include_metadata: true
    middlewares: [{id: memory_limiter}]
  http:
    endpoint: 0.0.0.0:4318
    transport: tcp
    traces_url_path: /t
    metrics_url_path: /m
    logs_url_path: /l
    tls: {cert_file: a, key_file: b}
    cors: {allowed_origins: ['*'], allowed_headers: [x], exposed_headers: [y], max_age: 10}
    auth: {authenticator: oidc, request_params: [token]}
    max_request_body_size: 1000
    include_metadata: true
    response_headers: {x: y}
    compression_algorithms: ['', gzip]
    read_timeout: 1s
    read_header_timeout: 1s
    write_timeout: 1s
    idle_timeout: 1s
    keep_alives_enabled: false
    middlewares: [{id: memory_limiter}]
",
    );
    let config = config.unwrap();
    let grpc = &config.protocols.grpc.as_option().unwrap().0;
    assert_eq!(grpc.grpc_options().max_message, 16 << 20);
    let options = grpc.options(net::ServerOptions::default());
    // the files are not there: that is found when the receiver starts
    assert!(options.unwrap_err().to_string().contains('a'));
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (yaml, message) in [
        (
            "{}",
            "receivers::otlp::protocols: must name at least one protocol",
        ),
        ("protocols: {}", "must name at least one protocol"),
        (
            "protocols: {http: {endpont: 'a:1'}}",
            "receivers::otlp::protocols::http: unknown key \"endpont\"; did you mean \"endpoint\"?",
        ),
        (
            "protocols: {https: }",
            "unknown key \"https\"; did you mean \"http\"?",
        ),
        (
            "protocols: {grpc: {endpoint: localhost}}",
            "protocols::grpc::endpoint: ",
        ),
        (
            "protocols: {grpc: {endpoint: 'http://localhost:1'}}",
            "without a scheme",
        ),
        (
            "protocols: {http: {endpoint: ''}}",
            "protocols::http::endpoint: ",
        ),
        (
            "protocols: {http: {endpoint: 'unix:/run/x'}}",
            "transport: unix",
        ),
        (
            "protocols: {http: {logs_url_path: v1/traces}}",
            "must differ",
        ),
        (
            "protocols: {http: {compression_algorithms: [rar]}}",
            "compression_algorithms::0: ",
        ),
        (
            "protocols: {http: {auth: {request_params: [a]}}}",
            "auth::authenticator: is required",
        ),
        (
            "protocols: {http: {auth: {authenticator: a, request_params: ['a b']}}}",
            "auth::request_params: \"a b\" cannot stand for a header",
        ),
        (
            "protocols: {grpc: {auth: {authenticator: a, request_params: [b]}}}",
            "auth::request_params: is for http",
        ),
        (
            "protocols: {http: {tls: {cert_file: a}}}",
            "protocols::http::tls",
        ),
        (
            "protocols: {http: {response_headers: {'a b': c}}}",
            "response_headers: ",
        ),
    ] {
        let (config, problems) = read(yaml);
        assert!(config.is_err(), "{yaml}");
        assert!(problems.contains(message), "{yaml}: {problems}");
        assert!(problems.contains("test.yaml:1:"), "{problems}");
    }
}

#[test]
fn settings_without_meaning_are_accepted_with_a_warning() {
    let (config, problems) =
        read("protocols: {grpc: {read_buffer_size: 1MiB, middlewares: [{id: a}]}}");
    config.unwrap();
    for key in ["read_buffer_size", "middlewares"] {
        assert!(
            problems.contains(&format!("protocols::grpc::{key}: has no effect")),
            "{problems}"
        );
    }
}
