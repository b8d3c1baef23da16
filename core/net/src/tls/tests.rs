use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::testing::Authority;
use super::*;

/// One handshake over a pipe and a byte each way: what both sides say.
async fn shake(
    server: &TlsAcceptor,
    client: &TlsConnector,
    host: &str,
) -> Result<(TlsPeer, Option<Vec<u8>>), String> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let accept = async {
        let mut stream = server
            .accept(far)
            .await
            .map_err(|e| format!("server: {e}"))?;
        stream
            .write_all(b"!")
            .await
            .map_err(|e| format!("server: {e}"))?;
        stream.flush().await.map_err(|e| format!("server: {e}"))?;
        Ok::<_, String>(TlsPeer::of(stream.get_ref().1))
    };
    let connect = async {
        let mut stream: tokio_rustls::client::TlsStream<DuplexStream> = client
            .connect(host, near)
            .await
            .map_err(|e| format!("client: {e}"))?;
        // in TLS 1.3 a refused client certificate shows with the first byte
        stream.read_u8().await.map_err(|e| format!("client: {e}"))?;
        Ok::<_, String>(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    };
    let (peer, alpn) = tokio::join!(accept, connect);
    match (peer, alpn) {
        (Ok(peer), Ok(alpn)) => Ok((peer, alpn)),
        (Err(s), Err(c)) => Err(format!("{c}; {s}")),
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

fn both(server: ServerTlsSettings, client: ClientTlsSettings) -> (TlsAcceptor, TlsConnector) {
    let server = TlsAcceptor::new(server, &["h2", "http/1.1"]).unwrap();
    (
        server,
        TlsConnector::new(client, &["h2", "http/1.1"]).unwrap(),
    )
}

#[tokio::test]
async fn a_trusted_name_connects_with_http2() {
    let ca = Authority::new();
    let (server, client) = both(ca.server("localhost"), ca.client());
    let (peer, alpn) = shake(&server, &client, "localhost").await.unwrap();
    assert_eq!(alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!(peer.server_name.as_deref(), Some("localhost"));
    assert!(peer.certificates.is_empty());
}

#[tokio::test]
async fn other_names_and_authorities_are_refused_unless_told_otherwise() {
    let (ca, stranger) = (Authority::new(), Authority::new());
    let (server, client) = both(ca.server("localhost"), ca.client());
    let err = shake(&server, &client, "example.com").await.unwrap_err();
    assert!(err.contains("not valid for name"), "{err}");
    let renamed = ClientTlsSettings {
        server_name_override: "localhost".into(),
        ..ca.client()
    };
    let (server, client) = both(ca.server("localhost"), renamed);
    shake(&server, &client, "example.com").await.unwrap();
    let (server, client) = both(ca.server("localhost"), stranger.client());
    let err = shake(&server, &client, "localhost").await.unwrap_err();
    assert!(err.contains("invalid peer certificate"), "{err}");
    let blind = ClientTlsSettings {
        insecure_skip_verify: true,
        ..stranger.client()
    };
    let (server, client) = both(ca.server("localhost"), blind);
    shake(&server, &client, "example.com").await.unwrap();
}

#[tokio::test]
async fn a_client_ca_asks_for_certificates() {
    let (ca, clients) = (Authority::new(), Authority::new());
    let mutual = ServerTlsSettings {
        client_ca_file: Some(clients.path("ca.pem")),
        ..ca.server("localhost")
    };
    let (server, client) = both(mutual.clone(), ca.client());
    let err = shake(&server, &client, "localhost").await.unwrap_err();
    assert!(
        err.contains("CertificateRequired") || err.contains("no certificates"),
        "{err}"
    );
    clients.issue("client", "sender");
    let with_certificate = ClientTlsSettings {
        cert_file: Some(clients.path("client.pem")),
        key_file: Some(clients.path("client.key")),
        ..ca.client()
    };
    let (server, client) = both(mutual, with_certificate);
    let (peer, _) = shake(&server, &client, "localhost").await.unwrap();
    assert_eq!(peer.certificates.len(), 1);
}

#[tokio::test]
async fn versions_and_suites_are_kept_to() {
    let ca = Authority::new();
    let old = ServerTlsSettings {
        max_version: Some(TlsVersion::Tls12),
        ..ca.server("localhost")
    };
    let new = ClientTlsSettings {
        min_version: Some(TlsVersion::Tls13),
        ..ca.client()
    };
    let (server, client) = both(old.clone(), new);
    assert!(shake(&server, &client, "localhost").await.is_err());
    let suite = |name: &str| ServerTlsSettings {
        cipher_suites: vec![name.to_owned()],
        ..old.clone()
    };
    // the test certificate is ECDSA
    let (server, client) = both(
        suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ca.client(),
    );
    shake(&server, &client, "localhost").await.unwrap();
    let (server, client) = both(suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), ca.client());
    assert!(shake(&server, &client, "localhost").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn new_certificates_are_used_without_a_restart_and_bad_ones_are_not() {
    let ca = Authority::new();
    let settings = ServerTlsSettings {
        reload_interval: ::settings::Duration::from_secs(60),
        ..ca.server("before.example")
    };
    let (server, client) = both(settings, ca.client());
    shake(&server, &client, "before.example").await.unwrap();

    std::fs::write(ca.path("server.pem"), "no certificate").unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    shake(&server, &client, "before.example").await.unwrap();

    ca.issue("server", "after.a-longer-name.example");
    shake(&server, &client, "before.example").await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    shake(&server, &client, "after.a-longer-name.example")
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn clients_reload_authorities() {
    let (old, new) = (Authority::new(), Authority::new());
    let settings = ClientTlsSettings {
        reload_interval: ::settings::Duration::from_secs(60),
        ..old.client()
    };
    let (server, client) = both(new.server("localhost"), settings);
    assert!(shake(&server, &client, "localhost").await.is_err());
    let mut bundle = std::fs::read(new.path("ca.pem")).unwrap();
    bundle.extend(std::fs::read(old.path("ca.pem")).unwrap());
    std::fs::write(old.path("ca.pem"), bundle).unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    shake(&server, &client, "localhost").await.unwrap();
}

#[test]
fn errors_name_the_key_and_the_file() {
    let ca = Authority::new();
    let good = ca.server("localhost");
    let load = |settings| TlsAcceptor::new(settings, &[]).unwrap_err().to_string();
    let err = load(ServerTlsSettings {
        cert_file: Some("/no/such.pem".into()),
        ..good.clone()
    });
    assert!(
        err.starts_with("tls::cert_file /no/such.pem: No such file"),
        "{err}"
    );
    let key = good.key_file.clone();
    let err = load(ServerTlsSettings {
        cert_file: key,
        ..good.clone()
    });
    assert!(
        err.contains("tls::cert_file") && err.contains("no certificate in it"),
        "{err}"
    );
    let err = load(ServerTlsSettings {
        key_file: good.cert_file.clone(),
        ..good.clone()
    });
    assert!(
        err.contains("tls::key_file") && err.contains("no private key"),
        "{err}"
    );
    ca.issue("other", "localhost");
    let err = load(ServerTlsSettings {
        key_file: Some(ca.path("other.key")),
        ..good
    });
    assert!(err.contains("do not belong together"), "{err}");
}

#[test]
fn certificates_may_stand_in_the_settings() {
    let ca = Authority::new();
    let files = ca.server("localhost");
    let read = |path: &Option<std::path::PathBuf>| {
        Some(::settings::Secret::new(
            std::fs::read_to_string(path.as_ref().unwrap()).unwrap(),
        ))
    };
    let inline = ServerTlsSettings {
        cert_pem: read(&files.cert_file),
        key_pem: read(&files.key_file),
        ..ServerTlsSettings::default()
    };
    TlsAcceptor::new(inline, &[]).unwrap();
    let client = ClientTlsSettings {
        ca_pem: read(&Some(ca.path("ca.pem"))),
        ..ClientTlsSettings::default()
    };
    Arc::new(TlsConnector::new(client, &[]).unwrap());
}
