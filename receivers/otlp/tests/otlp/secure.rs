//! Who may send: authenticators, TLS, client certificates.

use std::path::PathBuf;
use std::sync::Arc;

use net::grpc::{GrpcClient, GrpcClientOptions};
use net::http::StatusCode;
use net::tls::{ClientTlsSettings, TlsConnector};
use net::{Code, HttpClient, HttpClientOptions};
use pipeline::{Host, Signal, StartError};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tempfile::TempDir;
use test_kit::ScriptedConsumer;

use crate::sender::{JSON, Post, call, call_with, header};
use crate::stage::{Stage, guarded_host, outputs, start};
use crate::telemetry::{EXPORT_LOGS, logs, status_in};

const GUARDED: &str = "protocols: {\
    grpc: {endpoint: '127.0.0.1:0', auth: {authenticator: bearertokenauth/team}}, \
    http: {endpoint: '127.0.0.1:0', auth: {authenticator: bearertokenauth/team, request_params: [token]}}}";

#[tokio::test]
async fn without_a_token_nobody_gets_in() {
    let stage = Stage::with_host(GUARDED, guarded_host()).await;
    let answer = Post::logs(logs(&["one"])).send(stage.http()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&answer, "www-authenticate"), "Bearer");
    let status = status_in(answer.body());
    assert_eq!(
        (status.code, &*status.message),
        (Code::Unauthenticated, "no valid token")
    );
    let answer = Post::to("/v1/logs", JSON, "{}").send(stage.http()).await;
    assert_eq!(answer.body(), r#"{"code":16,"message":"no valid token"}"#);
    let answer = Post::to("/anywhere", ("content-type", "text/html"), "")
        .send(stage.http())
        .await;
    assert_eq!(
        answer.status(),
        StatusCode::UNAUTHORIZED,
        "paths are no secret to probe"
    );
    let wrong = [("authorization", "Bearer wrong")];
    let error = call_with(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None, &wrong)
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unauthenticated);
    assert_eq!(error.message(), "no valid token");
    assert!(stage.pipeline.taken().is_empty());
}

#[tokio::test]
async fn who_it_is_travels_with_the_data() {
    let stage = Stage::with_host(GUARDED, guarded_host()).await;
    let good = ("authorization", "Bearer good one");
    let answers = [
        Post::logs(logs(&["a"])).header(good.0, good.1),
        // a query parameter stands for a header, decoded
        Post::to(
            "/v1/logs?x=1&token=Bearer%20good+one",
            ("content-type", "application/x-protobuf"),
            logs(&["b"]),
        ),
    ];
    for post in answers {
        let answer = post.send(stage.http()).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    call_with(stage.grpc(), EXPORT_LOGS, logs(&["c"]), None, &[good])
        .await
        .unwrap();
    for batch in stage.pipeline.taken() {
        let client = batch.client.unwrap();
        assert_eq!(client.auth["subject"], "team-a");
        assert_eq!(client.auth["tier"], "gold");
        assert!(
            client.metadata.is_empty(),
            "tokens do not travel by themselves"
        );
    }
    assert_eq!(stage.pipeline.bodies(), ["a", "b", "c"]);
}

async fn refused_start(yaml: &str) -> StartError {
    let outputs = outputs(&Signal::ALL, &ScriptedConsumer::new().consumer());
    start(yaml, outputs, &Host::new(usize::MAX))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_authenticator_that_is_not_there_is_one_line_at_start() {
    let error = refused_start(GUARDED).await.to_string();
    assert!(
        error.contains("protocols::grpc")
            && error.contains("\"bearertokenauth/team\" is not started"),
        "{error}"
    );
}

#[tokio::test]
async fn a_taken_port_is_one_line_at_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = refused_start(&format!(
        "protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}"
    ))
    .await
    .to_string();
    for part in ["protocols::http", &port.to_string(), "already in use"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains('\n'), "{error}");
}

#[tokio::test]
async fn headers_travel_with_the_data_when_asked_for() {
    let on = "protocols: {http: {endpoint: '127.0.0.1:0', include_metadata: true}}";
    let off = "protocols: {http: {endpoint: '127.0.0.1:0'}}";
    for (yaml, http2_only, asked_for) in [(on, false, true), (on, true, true), (off, false, false)]
    {
        let stage = Stage::start(yaml).await;
        let client = HttpClient::new(HttpClientOptions {
            http2_only,
            ..HttpClientOptions::default()
        });
        let base = format!("http://{}", stage.http());
        Post::logs(logs(&["one"]))
            .header("X-Tenant", "a")
            .header("x-tenant", "b")
            .send_with(&client, &base)
            .await;
        let client = stage.pipeline.taken()[0].client.clone().unwrap();
        assert_eq!(client.address.unwrap().to_string(), "127.0.0.1");
        assert_eq!(client.metadata.is_empty(), !asked_for);
        if asked_for {
            assert_eq!(client.metadata["x-tenant"], ["a", "b"]);
            assert_eq!(client.metadata["host"], [stage.http().to_string()]);
        }
    }
}

/// An authority with its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, files }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Writes `NAME.pem` and `NAME.key`.
    fn issue(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn connector(&self, with_certificate: bool, alpn: &[&str]) -> Option<Arc<TlsConnector>> {
        let mine = |name: &str| with_certificate.then(|| self.path(name));
        let settings = ClientTlsSettings {
            ca_file: Some(self.path("ca.pem")),
            cert_file: mine("client.pem"),
            key_file: mine("client.key"),
            ..ClientTlsSettings::default()
        };
        Some(Arc::new(TlsConnector::new(settings, alpn).unwrap()))
    }

    fn http_client(&self, with_certificate: bool) -> HttpClient {
        HttpClient::new(HttpClientOptions {
            tls: self.connector(with_certificate, &["h2", "http/1.1"]),
            ..HttpClientOptions::default()
        })
    }

    fn grpc_client(&self, with_certificate: bool, stage: &Stage) -> GrpcClient {
        let options = GrpcClientOptions {
            tls: self.connector(with_certificate, &["h2"]),
            ..GrpcClientOptions::default()
        };
        GrpcClient::new(stage.grpc().to_string().parse().unwrap(), options).unwrap()
    }

    /// Both protocols with TLS and `more` settings of it.
    async fn stage(&self, more: &str) -> Stage {
        let (cert, key) = (self.path("server.pem"), self.path("server.key"));
        let tls = format!(
            "{{cert_file: '{}', key_file: '{}'{more}}}",
            cert.display(),
            key.display()
        );
        let server = format!("{{endpoint: '127.0.0.1:0', tls: {tls}}}");
        Stage::start(&format!("protocols: {{grpc: {server}, http: {server}}}")).await
    }
}

#[tokio::test]
async fn tls_serves_both_protocols_and_no_plain_text() {
    let ca = Authority::new();
    ca.issue("server");
    let stage = ca.stage("").await;
    let base = format!("https://{}", stage.http());
    let answer = Post::logs(logs(&["a"]))
        .send_with(&ca.http_client(false), &base)
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let message = [logs(&["b"]).into()];
    ca.grpc_client(false, &stage)
        .call(EXPORT_LOGS, &message, None)
        .await
        .unwrap();
    assert_eq!(stage.pipeline.bodies(), ["a", "b"]);
    let plain = HttpClient::new(HttpClientOptions::default());
    let request = Post::logs(logs(&["c"])).request(&format!("http://{}", stage.http()));
    plain.send(request).await.unwrap_err();
    assert_eq!(stage.items(), 2);
}

#[tokio::test]
async fn with_an_authority_for_clients_a_certificate_is_required() {
    let ca = Authority::new();
    ca.issue("server");
    ca.issue("client");
    let authority = format!(", client_ca_file: '{}'", ca.path("ca.pem").display());
    let stage = ca.stage(&authority).await;
    let base = format!("https://{}", stage.http());
    let message = [logs(&["b"]).into()];

    let nobody = ca.http_client(false);
    nobody
        .send(Post::logs(logs(&["x"])).request(&base))
        .await
        .unwrap_err();
    let nobody = ca.grpc_client(false, &stage);
    let error = nobody.call(EXPORT_LOGS, &message, None).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert!(stage.pipeline.taken().is_empty());

    let answer = Post::logs(logs(&["a"]))
        .send_with(&ca.http_client(true), &base)
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let somebody = ca.grpc_client(true, &stage);
    somebody.call(EXPORT_LOGS, &message, None).await.unwrap();
    assert_eq!(stage.pipeline.bodies(), ["a", "b"]);
}

#[tokio::test]
async fn without_tls_grpc_is_plain_http2() {
    let stage = Stage::start("protocols: {grpc: {endpoint: '127.0.0.1:0'}}").await;
    call(stage.grpc(), EXPORT_LOGS, logs(&["one"]), None)
        .await
        .unwrap();
    let answer = Post::logs(logs(&["one"]));
    let client = HttpClient::new(HttpClientOptions {
        http2_only: true,
        ..HttpClientOptions::default()
    });
    let answer = answer
        .send_with(&client, &format!("http://{}", stage.grpc()))
        .await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let text = String::from_utf8_lossy(answer.body());
    assert!(text.contains("4318"), "says where HTTP is: {text}");
}
