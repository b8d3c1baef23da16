//! TLS and credentials.

use std::any::Any;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::{HeaderMap, HeaderValue};
use net::grpc::GrpcOptions;
use net::tls::ServerTlsSettings;
use net::{Authenticator, ClientCredentials, Identity, NoCredentials, Unauthenticated};
use otlp::Signal;
use pipeline::Host;
use pipeline::extension::Offers;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::rig::{Script, build, export, grpc, grpc_server, http, http_server, outcome};

/// An authority, and a server certificate for 127.0.0.1.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        let directory = tempfile::tempdir().expect("a directory");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
        let ca = ca.expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("params");
        let leaf = params.signed_by(&key, &ca).expect("a certificate");
        let files = Files(directory);
        std::fs::write(files.path("ca.pem"), ca.pem()).expect("written");
        std::fs::write(files.path("leaf.pem"), leaf.pem()).expect("written");
        std::fs::write(files.path("leaf.key"), key.serialize_pem()).expect("written");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn server(&self, mutual: bool) -> ServerTlsSettings {
        ServerTlsSettings {
            cert_file: Some(self.path("leaf.pem")),
            key_file: Some(self.path("leaf.key")),
            client_ca_file: mutual.then(|| self.path("ca.pem")),
            ..ServerTlsSettings::default()
        }
    }

    /// The `tls` block of a client.
    fn client(&self, mutual: bool) -> String {
        let show = |name| self.path(name).display().to_string();
        let own = format!(
            ", cert_file: {}, key_file: {}",
            show("leaf.pem"),
            show("leaf.key")
        );
        format!(
            "tls: {{ca_file: {}{}}}",
            show("ca.pem"),
            if mutual { &own } else { "" }
        )
    }
}

#[tokio::test]
async fn grpc_has_tls_unless_told_otherwise() {
    let files = Files::new();
    for mutual in [false, true] {
        let script = Script::new([]);
        let (_server, address) =
            grpc_server(&script, GrpcOptions::default(), Some(files.server(mutual))).await;
        let exporter = grpc(&format!("endpoint: {address}\n{}", files.client(mutual)));
        assert_eq!(export(&exporter, test_kit::logs(["a"])).await.sent, 1);
        let others = Files::new();
        let stranger = grpc(&format!("endpoint: {address}\n{}", others.client(false)));
        let again = export(&stranger, test_kit::logs(["a"]))
            .await
            .again
            .expect("again");
        assert!(
            again.why.contains("TLS with 127.0.0.1 failed"),
            "{}",
            again.why
        );
        let plain = grpc(&format!("endpoint: {address}\ntls: {{insecure: true}}"));
        assert!(export(&plain, test_kit::logs(["a"])).await.again.is_some());
    }
}

#[tokio::test]
async fn https_speaks_http2_with_client_certificates() {
    let files = Files::new();
    let script = Script::new([]);
    let (_server, address) = http_server(&script, Some(files.server(true))).await;
    let exporter = http(&format!(
        "endpoint: https://{address}\n{}",
        files.client(true)
    ));
    assert_eq!(export(&exporter, test_kit::logs(["a"])).await.sent, 1);
    let seen = script.seen().pop().expect("a request");
    assert_eq!(seen.version, ::http::Version::HTTP_2);
    let nameless = http(&format!(
        "endpoint: https://{address}\n{}",
        files.client(false)
    ));
    let (sent, again, _) = outcome(export(&nameless, test_kit::logs(["a"])).await);
    assert_eq!((sent, again), (0, 1));
}

/// Has a token once somebody writes it.
#[derive(Debug, Default)]
struct Token(AtomicBool);

impl ClientCredentials for Token {
    fn apply(&self, headers: &mut HeaderMap) -> Result<(), NoCredentials> {
        if !self.0.load(Ordering::SeqCst) {
            let why = "the token file is empty".to_owned();
            return Err(NoCredentials { why });
        }
        headers.insert("authorization", HeaderValue::from_static("Bearer good"));
        Ok(())
    }
}

#[derive(Debug)]
struct Guard;

impl Authenticator for Guard {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated> {
        match headers.get("authorization").map(HeaderValue::as_bytes) {
            Some(b"Bearer good") => Ok(Identity::default()),
            _ => Err(Unauthenticated {
                why: "who are you".into(),
                challenge: Some("Bearer"),
            }),
        }
    }
}

fn host_with(token: &Arc<Token>) -> Host {
    let credentials: Arc<dyn ClientCredentials> = token.clone();
    let offer: Arc<dyn Any + Send + Sync> = Arc::new(credentials);
    let offers = HashMap::from([("bearertokenauth/out".to_owned(), vec![offer])]);
    Host {
        offers: Offers::new(offers),
        ..Host::new(1 << 20)
    }
}

#[tokio::test]
async fn grpc_credentials_come_from_the_extension() {
    let script = Script::new([]);
    let options = GrpcOptions {
        authenticator: Some(Arc::new(Guard)),
        ..GrpcOptions::default()
    };
    let (_server, address) = grpc_server(&script, options, None).await;
    let token = Arc::new(Token::default());
    let yaml = format!("endpoint: http://{address}\nauth: {{authenticator: bearertokenauth/out}}");
    let factory = exporter_otlp::grpc_factory();
    let exporter = build(&factory, &yaml, Signal::Logs, &host_with(&token)).expect("builds");
    let again = export(&exporter, test_kit::logs(["a"]))
        .await
        .again
        .expect("again");
    assert!(
        again.why.contains("the token file is empty"),
        "{}",
        again.why
    );
    token.0.store(true, Ordering::SeqCst);
    assert_eq!(export(&exporter, test_kit::logs(["a"])).await.sent, 1);
    let nobody = grpc(&format!("endpoint: http://{address}"));
    let (.., refused) = outcome(export(&nobody, test_kit::logs(["a"])).await);
    assert_eq!(refused, ["UNAUTHENTICATED: who are you"]);
}

#[tokio::test]
async fn http_credentials_come_from_the_extension() {
    let script = Script::new([]);
    let (_server, address) = http_server(&script, None).await;
    let token = Arc::new(Token::default());
    let yaml = format!("endpoint: http://{address}\nauth: {{authenticator: bearertokenauth/out}}");
    let factory = exporter_otlp::http_factory();
    let exporter = build(&factory, &yaml, Signal::Logs, &host_with(&token)).expect("builds");
    let again = export(&exporter, test_kit::logs(["a"]))
        .await
        .again
        .expect("again");
    assert!(
        again.why.contains("the token file is empty"),
        "{}",
        again.why
    );
    token.0.store(true, Ordering::SeqCst);
    assert_eq!(export(&exporter, test_kit::logs(["a"])).await.sent, 1);
    let seen = script.seen().pop().expect("a request");
    assert_eq!(seen.headers["authorization"], "Bearer good");
}
