//! Credentials and TLS.

use super::*;
use crate::auth::{Authenticator, ClientCredentials, Identity, NoCredentials, Unauthenticated};
use crate::tls::testing::Authority;
use crate::tls::{ClientTlsSettings, TlsConnector};

#[derive(Debug)]
struct Team;

impl Authenticator for Team {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated> {
        match headers.get("authorization").map(HeaderValue::as_bytes) {
            Some(b"Bearer good") => Ok(Identity {
                subject: Some("team".into()),
                ..Identity::default()
            }),
            _ => Err(Unauthenticated {
                why: "no valid token".into(),
                challenge: Some("Bearer"),
            }),
        }
    }
}

impl ClientCredentials for Team {
    fn apply(&self, headers: &mut HeaderMap) -> Result<(), NoCredentials> {
        headers.insert("authorization", HeaderValue::from_static("Bearer good"));
        Ok(())
    }
}

#[tokio::test]
async fn credentials_are_checked_and_carried_over_mutual_tls() {
    let ca = Authority::new();
    ca.issue("client", "sender");
    let mutual = ServerTlsSettings {
        client_ca_file: Some(ca.path("ca.pem")),
        ..ca.server("127.0.0.1")
    };
    let options = GrpcOptions {
        authenticator: Some(Arc::new(Team)),
        ..GrpcOptions::default()
    };
    let (_server, address) = server_with(options, Arc::new(Unlimited), Some(mutual)).await;
    let settings = ClientTlsSettings {
        cert_file: Some(ca.path("client.pem")),
        key_file: Some(ca.path("client.key")),
        ..ca.client()
    };
    let tls = Some(Arc::new(TlsConnector::new(settings, &["h2"]).unwrap()));
    let headers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-team"),
        HeaderValue::from_static("web"),
    )]);
    let nobody = GrpcClientOptions {
        tls,
        headers,
        ..GrpcClientOptions::default()
    };
    let somebody = GrpcClientOptions {
        credentials: Some(Arc::new(Team)),
        ..nobody.clone()
    };
    let reply = client(address, somebody)
        .call(PEER, &[], None)
        .await
        .unwrap();
    assert_eq!(reply.message, "1 team Some(\"web\")");
    let err = client(address, nobody)
        .call(PEER, &[], None)
        .await
        .unwrap_err();
    assert_eq!(err, Status::new(Code::Unauthenticated, "no valid token"));
}

#[tokio::test]
async fn an_untrusted_server_is_unavailable_and_says_why() {
    let (ca, stranger) = (Authority::new(), Authority::new());
    let (_server, address) = server_with(
        GrpcOptions::default(),
        Arc::new(Unlimited),
        Some(ca.server("127.0.0.1")),
    )
    .await;
    let tls = Some(Arc::new(
        TlsConnector::new(stranger.client(), &["h2"]).unwrap(),
    ));
    let client = client(
        address,
        GrpcClientOptions {
            tls,
            ..GrpcClientOptions::default()
        },
    );
    let err = client.call(ECHO, &[], None).await.unwrap_err();
    assert_eq!(err.code, Code::Unavailable);
    assert!(
        err.message
            .contains("TLS with 127.0.0.1 failed: invalid peer certificate"),
        "{err}"
    );
}
