use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize as Counter;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::Incoming;
use crate::compress::compress;
use crate::listen::{Listener, Transport};
use crate::server::{Handler, Peer, Server, ServerOptions, serve};
use crate::tls::TlsAcceptor;
use crate::tls::testing::Authority;

async fn start(handler: impl Handler, tls: Option<TlsAcceptor>) -> (Server, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0", Transport::Tcp).await.unwrap();
    let options = ServerOptions {
        tls: tls.map(Arc::new),
        ..ServerOptions::default()
    };
    let server = serve(listener, options, Arc::new(handler)).unwrap();
    let address = server.local_address().ip().unwrap();
    (server, address)
}

/// Answers with what it saw of the request.
async fn mirror(request: Request<Incoming>, _peer: Arc<Peer>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| {
        head.headers
            .get(name)
            .map_or("-", |v| v.to_str().unwrap())
            .to_owned()
    };
    let seen = format!(
        "{:?} {} {} {} {}",
        head.version,
        head.uri.path(),
        header("user-agent"),
        header("x-team"),
        body.len()
    );
    Response::new(Body::from(seen))
}

fn post(url: String, pieces: Vec<Bytes>) -> Request<Body> {
    Request::post(url).body(Body::rope(pieces)).unwrap()
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[tokio::test]
async fn requests_carry_what_is_configured() {
    let (server, address) = start(mirror, None).await;
    let headers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-team"),
        HeaderValue::from_static("web"),
    )]);
    let client = HttpClient::new(HttpClientOptions {
        user_agent: Some(HeaderValue::from_static("pharos/test")),
        headers,
        ..HttpClientOptions::default()
    });
    for _ in 0..6 {
        let pieces = vec![
            Bytes::from(vec![1; 100_000]),
            Bytes::new(),
            Bytes::from(vec![2; 5]),
        ];
        let answer = client
            .send(post(format!("http://{address}/v1/logs"), pieces))
            .await
            .unwrap();
        assert_eq!(text(&answer), "HTTP/1.1 /v1/logs pharos/test web 100005");
    }
    assert!(server.stats().read().accepted <= 2, "connections are kept");
}

#[tokio::test]
async fn tls_speaks_http2_on_two_connections() {
    let ca = Authority::new();
    let acceptor = TlsAcceptor::new(ca.server("127.0.0.1"), &["h2", "http/1.1"]).unwrap();
    let (server, address) = start(mirror, Some(acceptor)).await;
    let connector = TlsConnector::new(ca.client(), &["h2", "http/1.1"]).unwrap();
    let client = HttpClient::new(HttpClientOptions {
        tls: Some(Arc::new(connector)),
        ..HttpClientOptions::default()
    });
    for _ in 0..6 {
        let answer = client
            .send(post(format!("https://{address}/x"), vec![]))
            .await
            .unwrap();
        assert_eq!(text(&answer), "HTTP/2.0 /x - - 0");
    }
    assert_eq!(server.stats().read().accepted, 2);
    let plain = HttpClient::new(HttpClientOptions::default());
    let err = plain
        .send(post(format!("https://{address}/x"), vec![]))
        .await
        .unwrap_err();
    assert!(
        matches!(&err, HttpError::Connect(ConnectError::Tls { .. })),
        "{err}"
    );
}

#[tokio::test]
async fn failures_say_what_happened_and_may_be_repeated() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let client = HttpClient::new(HttpClientOptions::default());
    let err = client
        .send(post(format!("http://{nobody}/"), vec![]))
        .await
        .unwrap_err();
    assert!(
        err.to_string()
            .starts_with(&format!("cannot connect to {nobody}")),
        "{err}"
    );
    assert!(err.retryable());

    let (_server, address) = start(
        |_request, _peer| std::future::pending::<Response<Body>>(),
        None,
    )
    .await;
    let client = HttpClient::new(HttpClientOptions {
        timeout: Some(Duration::from_millis(50)),
        ..HttpClientOptions::default()
    });
    let err = client
        .send(post(format!("http://{address}/"), vec![]))
        .await
        .unwrap_err();
    assert!(
        matches!(err, HttpError::TimedOut { .. }) && err.retryable(),
        "{err}"
    );
}

#[tokio::test]
async fn answers_are_inflated_and_limited() {
    let (_server, address) = start(
        |request: Request<Incoming>, _peer| async move {
            let body = Bytes::from(vec![b'x'; 5000]);
            let packed = compress(Encoding::Gzip, None, &[body]).unwrap();
            let status = if request.uri().path() == "/busy" {
                503
            } else {
                200
            };
            Response::builder()
                .status(status)
                .header("content-encoding", "gzip")
                .body(Body::from(packed))
                .unwrap()
        },
        None,
    )
    .await;
    let client = |max_response| {
        HttpClient::new(HttpClientOptions {
            max_response,
            ..HttpClientOptions::default()
        })
    };
    let answer = client(5000)
        .send(post(format!("http://{address}/"), vec![]))
        .await
        .unwrap();
    assert_eq!(answer.body().len(), 5000);
    let err = client(4999)
        .send(post(format!("http://{address}/"), vec![]))
        .await
        .unwrap_err();
    assert!(
        matches!(err, HttpError::Answer { .. }) && !err.retryable(),
        "{err}"
    );
    let err = client(4999)
        .send(post(format!("http://{address}/busy"), vec![]))
        .await
        .unwrap_err();
    assert!(err.retryable(), "a 503 is one, readable or not: {err}");
}

/// A proxy that tunnels CONNECT and answers plain requests itself; counts tunnels.
async fn proxy(tunnels: Arc<Counter>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let tunnels = tunnels.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let authorized = head
                    .to_lowercase()
                    .contains("proxy-authorization: basic dxnlcjpwyxnz");
                let line = head.lines().next().unwrap();
                if !authorized {
                    stream
                        .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                        .await
                        .unwrap();
                } else if let Some(rest) = line.strip_prefix("CONNECT ") {
                    tunnels.fetch_add(1, Ordering::SeqCst);
                    let mut to = TcpStream::connect(rest.split(' ').next().unwrap())
                        .await
                        .unwrap();
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut to).await;
                } else {
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{line}",
                        line.len()
                    );
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn proxies_tunnel_tls_and_forward_the_rest() {
    let ca = Authority::new();
    let acceptor = TlsAcceptor::new(ca.server("127.0.0.1"), &["h2", "http/1.1"]).unwrap();
    let (_server, address) = start(mirror, Some(acceptor)).await;
    let tunnels = Arc::new(Counter::new(0));
    let through = proxy(tunnels.clone()).await;
    let client = |user: &str, no_proxy: &str| {
        let connector = TlsConnector::new(ca.client(), &["h2", "http/1.1"]).unwrap();
        HttpClient::new(HttpClientOptions {
            tls: Some(Arc::new(connector)),
            proxy: Proxy::new(&format!("http://{user}@{through}"), no_proxy).unwrap(),
            ..HttpClientOptions::default()
        })
    };
    let known = client("user:pass", "");
    let answer = known
        .send(post(format!("https://{address}/x"), vec![]))
        .await
        .unwrap();
    assert_eq!(text(&answer), "HTTP/2.0 /x - - 0");
    assert_eq!(tunnels.load(Ordering::SeqCst), 1);
    let answer = known
        .send(post("http://no-such-host.invalid/y".into(), vec![]))
        .await
        .unwrap();
    assert_eq!(text(&answer), "POST http://no-such-host.invalid/y HTTP/1.1");

    let err = client("user:wrong", "")
        .send(post(format!("https://{address}/x"), vec![]))
        .await
        .unwrap_err();
    assert!(
        err.to_string()
            .contains("407 Proxy Authentication Required"),
        "{err}"
    );
    let direct = client("user:wrong", "127.0.0.1");
    direct
        .send(post(format!("https://{address}/x"), vec![]))
        .await
        .unwrap();
    assert_eq!(tunnels.load(Ordering::SeqCst), 1);
}

#[test]
fn a_proxy_is_a_plain_url() {
    for (url, why) in [
        ("https://proxy:3128", "http://"),
        ("socks5://proxy", "http://"),
        ("proxy:3128", "http://"),
        ("http://", "no URL"),
    ] {
        let err = Proxy::new(url, "").unwrap_err().to_string();
        assert!(err.contains(why), "{url}: {err}");
    }
}
