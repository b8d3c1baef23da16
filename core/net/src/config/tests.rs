use std::sync::Arc;
use std::time::Duration;

use ::settings::{Beside, Problems, SourceKind, SourceName, Validate, decode_valid, parse};
use serde::de::DeserializeOwned;

use super::*;
use crate::encoding::Encoding;
use crate::grpc::DEFAULT_MAX_MESSAGE;
use crate::server::ServerOptions;

/// Decodes and checks; both lists of problems are texts.
fn read<T: DeserializeOwned + Serialize + Validate>(
    text: &str,
) -> (Option<T>, String, Vec<String>) {
    let kind = SourceKind::File("t.yaml".to_owned());
    let source = Arc::new(SourceName { order: 0, kind });
    let mut problems = Problems::new();
    let node = parse(text, &source, &mut problems).unwrap();
    let decoded = decode_valid(&node, "x", &mut problems);
    let warnings = problems
        .warnings()
        .iter()
        .map(|w| format!("{}: {}", w.path, w.message))
        .collect();
    (decoded, problems.to_string(), warnings)
}

fn good<T: DeserializeOwned + Serialize + Validate>(text: &str) -> T {
    let (decoded, errors, _) = read(text);
    decoded.unwrap_or_else(|| panic!("{errors}"))
}

fn errors<T: DeserializeOwned + Serialize + Validate>(text: &str) -> String {
    read::<T>(text).1
}

#[test]
fn upstreams_http_server_keys_are_read() {
    let settings: HttpServerSettings = good(
        "
endpoint: 0.0.0.0:4318
transport: tcp
cors: {allowed_origins: ['https://*.example.com'], allowed_headers: [x-mine], exposed_headers: [x-y], max_age: 7200}
auth: {authenticator: bearertokenauth/web, request_params: [token]}
max_request_body_size: 1048576
include_metadata: true
response_headers: {x-a: b}
compression_algorithms: ['', gzip]
read_timeout: 10s
read_header_timeout: 5s
write_timeout: 0
idle_timeout: 1m
keep_alives_enabled: false
middlewares: [{id: x}]
",
    );
    assert_eq!(settings.max_body(), 1 << 20);
    let defaults = ServerOptions {
        write_timeout: Some(Duration::from_secs(30)),
        ..ServerOptions::default()
    };
    let options = settings.options(defaults).unwrap();
    assert_eq!(options.header_timeout, Some(Duration::from_secs(5)));
    assert_eq!(options.idle_timeout, Some(Duration::from_secs(60)));
    assert_eq!(
        options.write_timeout, None,
        "0 is without limit, whatever the default"
    );
    assert!(!options.keep_alives);
    assert_eq!(settings.body_deadline(None), Some(Duration::from_secs(10)));
    let auth = settings.auth.as_option().unwrap();
    assert_eq!(
        auth.authenticator.as_ref().unwrap().to_string(),
        "bearertokenauth/web"
    );
}

#[test]
fn http_server_defaults_are_upstreams() {
    let settings: HttpServerSettings = good("{}");
    assert_eq!(settings, HttpServerSettings::default());
    assert_eq!(settings.max_body(), 20 << 20);
    assert!(settings.keep_alives_enabled);
    let names = |text: &str| {
        let encodings = good::<HttpServerSettings>(text).encodings();
        let of = |name: &'static str| {
            let value = http::HeaderValue::from_static(name);
            encodings.of(&HeaderMap::from_iter([(
                http::header::CONTENT_ENCODING,
                value,
            )]))
        };
        [of("gzip"), of("zstd"), of("br"), of("")].map(|r| r.map_err(|_| ()))
    };
    let (gzip, zstd) = (Some(Encoding::Gzip), Some(Encoding::Zstd));
    assert_eq!(names("{}"), [Ok(gzip), Ok(zstd), Err(()), Ok(None)]);
    assert_eq!(
        names("compression_algorithms: [gzip]"),
        [Ok(gzip), Err(()), Err(()), Ok(None)]
    );
    assert_eq!(
        names("compression_algorithms: []"),
        [Ok(None); 4],
        "never inflated"
    );
}

#[test]
fn upstreams_grpc_server_keys_are_read() {
    let text = "
endpoint: localhost:4317
max_recv_msg_size_mib: 16
max_concurrent_streams: 7
read_buffer_size: 524288
write_buffer_size: 32KiB
include_metadata: true
keepalive:
  server_parameters:
    max_connection_idle: 11s
    max_connection_age: 12s
    max_connection_age_grace: 13s
    time: 30s
    timeout: 5s
  enforcement_policy: {min_time: 10s, permit_without_stream: true}
";
    let (settings, _, warnings) = read::<GrpcServerSettings>(text);
    let settings = settings.unwrap();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings[0].starts_with("x::read_buffer_size: has no effect here"),
        "{warnings:?}"
    );
    assert_eq!(settings.grpc_options().max_message, 16 << 20);
    let options = settings.options(ServerOptions::default()).unwrap();
    assert_eq!(options.max_concurrent_streams, Some(7));
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!(options.idle_timeout, seconds(11));
    assert_eq!(options.max_connection_age, seconds(12));
    assert_eq!(options.max_connection_age_grace, seconds(13));
    assert_eq!(options.keepalive_time, seconds(30));
    assert_eq!(options.keepalive_timeout, Duration::from_secs(5));

    let plain: GrpcServerSettings = good("{}");
    assert_eq!(plain.grpc_options().max_message, DEFAULT_MAX_MESSAGE);
    let options = plain.options(ServerOptions::default()).unwrap();
    assert_eq!(
        (options.keepalive_time, options.max_connection_age),
        (seconds(7200), None)
    );
}

#[test]
fn tls_settings_are_checked_before_a_file_is_read() {
    for (tls, says) in [
        (
            "{cert_file: /a}",
            "x::tls::cert_file: a certificate needs its key",
        ),
        (
            "{key_pem: abc}",
            "x::tls::key_pem: a key needs its certificate",
        ),
        (
            "{min_version: '1.3', max_version: '1.2', cert_file: /a, key_file: /b}",
            "max_version: is lower",
        ),
        (
            "{max_version: '1.1', cert_file: /a, key_file: /b}",
            "use 1.2 or 1.3",
        ),
        (
            "{cert_file: /a, key_file: /b, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}",
            "there are TLS_AES",
        ),
        (
            "{cert_file: /a, key_file: /b, curve_preferences: [P521]}",
            "use X25519",
        ),
        (
            "{client_ca_file: /a}",
            "a server needs cert_file and key_file",
        ),
        (
            "{min_version: 1.2, cert_file: /a, key_file: /b}",
            "put it in quotes",
        ),
        (
            "{min_version: '2', cert_file: /a, key_file: /b}",
            "expected a TLS version, 1.2 or 1.3",
        ),
        ("{cert_fiel: /a}", "cert_file"),
    ] {
        let err = errors::<HttpServerSettings>(&format!("tls: {tls}"));
        assert!(
            err.contains(says) && err.contains("t.yaml:1"),
            "{tls}: {err}"
        );
    }
    let missing: GrpcServerSettings =
        good("tls: {cert_file: /no/such, key_file: /b, min_version: '1.2'}");
    let err = missing
        .options(ServerOptions::default())
        .unwrap_err()
        .to_string();
    assert!(err.starts_with("tls::cert_file /no/such:"), "{err}");
}

#[test]
fn cors_settings_are_checked() {
    for (cors, says) in [
        (
            "{allowed_origins: ['https://*.*']}",
            "allowed_origins::0: \"https://*.*\" has more than one *",
        ),
        (
            "{allowed_origins: ['https://a/']}",
            "must not end with a slash",
        ),
        (
            "{allowed_origins: ['*'], allowed_headers: ['a b']}",
            "is not a header name",
        ),
    ] {
        let err = errors::<HttpServerSettings>(&format!("cors: {cors}"));
        assert!(err.contains(says), "{cors}: {err}");
    }
    let (_, _, warnings) = read::<HttpServerSettings>("cors: {allowed_headers: [a]}");
    assert!(
        warnings[0].contains("no effect without allowed_origins"),
        "{warnings:?}"
    );
}

#[test]
fn grpc_clients_use_tls_unless_told_otherwise() {
    for (text, tls) in [
        ("endpoint: a:1", true),
        ("{endpoint: 'a:1', tls: {insecure: true}}", false),
        ("{endpoint: 'https://a:1', tls: {insecure: true}}", true),
        ("endpoint: 'http://a:1'", false),
        (
            "{endpoint: 'http://a:1', tls: {insecure_skip_verify: true}}",
            true,
        ),
    ] {
        // machines without authorities are no concern of this test
        let mut settings: GrpcClientSettings = good(text);
        if tls {
            settings.tls.insecure_skip_verify = true;
        }
        let (_, options) = settings.options("pharos/test", None).unwrap();
        assert_eq!(options.tls.is_some(), tls, "{text}");
    }
}

#[test]
fn grpc_client_keys_become_options() {
    let settings: GrpcClientSettings = good(
        "
endpoint: dns:///a.example:4317
compression: none
tls: {insecure: true}
keepalive: {time: 1s, timeout: 3s, permit_without_stream: true}
wait_for_ready: true
headers: {x-team: web}
balancer_name: pick_first
authority: b.example
",
    );
    let (target, options) = settings
        .options("pharos/test", Some(Encoding::Gzip))
        .unwrap();
    assert_eq!(target.authority(), "a.example:4317");
    assert_eq!(
        options.compression, None,
        "none is none, whatever the default"
    );
    let keepalive = options.keepalive.unwrap();
    assert_eq!(keepalive.time, Duration::from_secs(10), "as gRPC raises it");
    assert_eq!(options.authority.as_deref(), Some("b.example"));
    assert!(options.headers["x-team"].is_sensitive());
    assert_eq!(options.user_agent.unwrap(), "pharos/test");
    for (text, says) in [
        ("{}", "endpoint: is required"),
        ("endpoint: a", "the port is missing"),
        (
            "{endpoint: 'a:1', compression: lz4}",
            "use gzip, snappy, zstd or none",
        ),
        ("{endpoint: 'a:1', compression: brotli}", "compression"),
        (
            "{endpoint: 'a:1', balancer_name: ring}",
            "round_robin or pick_first",
        ),
        (
            "{endpoint: 'a:1', headers: {x: \"a\\nb\"}}",
            "no header can carry",
        ),
    ] {
        let err = errors::<GrpcClientSettings>(text);
        assert!(err.contains(says), "{text}: {err}");
    }
}

#[test]
fn http_client_keys_become_options() {
    let settings: HttpClientSettings = good(
        "
endpoint: http://a.example:4318
timeout: 0
compression: zstd
compression_params: {level: 3}
max_idle_conns_per_host: 5
idle_conn_timeout: 0
http2_read_idle_timeout: 10s
proxy_url: http://user:secret@proxy:3128
headers: {x-team: web}
",
    );
    let options = settings
        .options("pharos/test", Some(Duration::from_secs(30)))
        .unwrap();
    assert_eq!((options.timeout, options.idle_conn_timeout), (None, None));
    assert_eq!(options.max_idle_conns, 5);
    assert_eq!(settings.encoding(None), Some(Encoding::Zstd));
    assert_eq!(settings.compression_params.level(), Some(3));

    let plain: HttpClientSettings = good("endpoint: http://a");
    let options = plain
        .options("pharos/test", Some(Duration::from_secs(30)))
        .unwrap();
    assert_eq!(options.timeout, Some(Duration::from_secs(30)));
    assert_eq!(options.max_idle_conns, 100);
    assert_eq!(options.idle_conn_timeout, Some(Duration::from_secs(90)));
    assert_eq!(plain.encoding(Some(Encoding::Gzip)), Some(Encoding::Gzip));

    let err = errors::<HttpClientSettings>("proxy_url: https://user:secret@proxy");
    assert!(
        err.contains("http://host:port") && !err.contains("secret"),
        "{err}"
    );
    let err = errors::<HttpClientSettings>("{compression: gzip, compression_params: {level: 10}}");
    assert!(
        err.contains("compression_params::level: expected -1 to 9, got 10"),
        "{err}"
    );
}

#[test]
fn a_components_own_settings_stand_beside() {
    #[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields)]
    struct Own {
        logs_url_path: String,
    }
    impl Validate for Own {
        fn validate(&self, _at: &mut At<'_>) {}
    }
    let both: Beside<Own, HttpServerSettings> = good("{endpoint: 'a:1', logs_url_path: /v1/logs}");
    assert_eq!(both.own.logs_url_path, "/v1/logs");
    assert_eq!(both.shared.endpoint.as_deref(), Some("a:1"));
}

#[test]
fn settings_print_and_read_back() {
    let text = serde_json::to_string(&HttpServerSettings::default()).unwrap();
    assert_eq!(
        good::<HttpServerSettings>(&text),
        HttpServerSettings::default()
    );
    let text = serde_json::to_string(&HttpClientSettings::default()).unwrap();
    assert_eq!(
        good::<HttpClientSettings>(&text),
        HttpClientSettings::default()
    );
}
