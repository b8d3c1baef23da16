use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::*;
use crate::body::{Limits, collect};
use crate::budget::Unlimited;
use crate::listen::Transport;

const SECOND: Duration = Duration::from_secs(1);

async fn start<H: Handler>(options: ServerOptions, handler: H) -> (Server, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0", Transport::Tcp).await.unwrap();
    let server = serve(listener, options, Arc::new(handler)).unwrap();
    let address = server.local_address().ip().unwrap();
    (server, address)
}

/// Answers with the body and the version of the request.
async fn echo(request: Request<Incoming>, _peer: Arc<Peer>) -> Response<Body> {
    let version = format!("{:?}", request.version());
    let limits = Limits {
        wire: 64 << 20,
        deadline: None,
    };
    let body = collect(request.into_body(), limits, &Unlimited)
        .await
        .unwrap();
    Response::builder()
        .header("x-version", version)
        .body(Body::from(body))
        .unwrap()
}

async fn http1(address: SocketAddr, body: Bytes) -> Response<Bytes> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("/")
        .header("host", "x")
        .body(Full::new(body))
        .unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

type H2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn http2(address: SocketAddr) -> H2 {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask(sender: &mut H2, body: Bytes) -> hyper::Result<Response<Bytes>> {
    let request = Request::post("http://x/").body(Full::new(body)).unwrap();
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

/// Reads until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut out = Vec::new();
    let _ = stream.read_to_end(&mut out).await;
    String::from_utf8_lossy(&out).into_owned()
}

#[tokio::test]
async fn both_protocols_are_told_apart_on_one_port() {
    let (server, address) = start(ServerOptions::default(), echo).await;
    // several times the read-ahead, so that every way through the socket is taken
    let body: Bytes = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let one = http1(address, body.clone()).await;
    assert_eq!(
        (one.headers()["x-version"].to_str().unwrap(), one.body()),
        ("HTTP/1.1", &body)
    );
    let two = ask(&mut http2(address).await, body.clone()).await.unwrap();
    assert_eq!(
        (two.headers()["x-version"].to_str().unwrap(), two.body()),
        ("HTTP/2.0", &body)
    );
    assert_eq!(server.stats().read().accepted, 2);
}

#[tokio::test]
async fn a_preface_in_drips_is_still_http2_and_a_head_in_drips_http1() {
    let (_server, address) = start(ServerOptions::default(), echo).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"P" {
        stream.write_all(&[*byte]).await.unwrap();
    }
    tokio::task::yield_now().await;
    stream
        .write_all(b"OST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi")
        .await
        .unwrap();
    let answer = rest(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"),
        "{answer}"
    );
}

#[tokio::test]
async fn stopping_answers_a_client_that_has_just_connected() {
    let (server, address) = start(ServerOptions::default(), echo).await;
    let mut early = TcpStream::connect(address).await.unwrap();
    while server.stats().open() == 0 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(server.stop(10 * SECOND));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi";
    early.write_all(request).await.unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"),
        "{answer}"
    );
    assert_eq!(stopping.await.unwrap(), Stopped { cut: 0 });
}

#[tokio::test]
async fn stopping_finishes_requests_in_flight_and_refuses_new_connections() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (begun.clone(), go.clone());
    let (server, address) = start(ServerOptions::default(), move |_request, _peer| {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            tell.notify_one();
            wait.notified().await;
            Response::new(Body::from("done"))
        }
    })
    .await;
    let mut sender = http2(address).await;
    let asked = tokio::spawn(async move { ask(&mut sender, Bytes::new()).await });
    begun.notified().await;
    let stopping = tokio::spawn(server.stop(Duration::from_secs(60)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    assert_eq!(asked.await.unwrap().unwrap().body(), "done");
    assert_eq!(stopping.await.unwrap(), Stopped { cut: 0 });
}

#[tokio::test]
async fn what_is_not_done_at_the_deadline_is_cut() {
    let begun = Arc::new(Notify::new());
    let tell = begun.clone();
    let (server, address) = start(ServerOptions::default(), move |_request, _peer| {
        tell.notify_one();
        std::future::pending::<Response<Body>>()
    })
    .await;
    let mut sender = http2(address).await;
    let asked = tokio::spawn(async move { ask(&mut sender, Bytes::new()).await });
    begun.notified().await;
    assert_eq!(
        server.stop(Duration::from_millis(10)).await,
        Stopped { cut: 1 }
    );
    assert!(asked.await.unwrap().is_err());
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_handler() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, gone) = (begun.clone(), dropped.clone());
    let (_server, address) = start(ServerOptions::default(), move |_request, _peer| {
        tell.notify_one();
        let guard = Dropped(gone.clone());
        async move {
            let _guard = guard;
            std::future::pending::<Response<Body>>().await
        }
    })
    .await;
    let mut sender = http2(address).await;
    let asked = tokio::spawn(async move { ask(&mut sender, Bytes::new()).await });
    begun.notified().await;
    asked.abort();
    dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_cut_off() {
    let options = ServerOptions {
        header_timeout: Some(5 * SECOND),
        ..ServerOptions::default()
    };
    let (server, address) = start(options, echo).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"POST / HTTP/1.1\r\nhost: ").await.unwrap();
    assert_eq!(rest(&mut slow).await, "");
    assert_eq!(server.stats().read().slow_head, 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_lives_longer_than_a_head_may_take_but_not_for_ever() {
    let options = ServerOptions {
        header_timeout: Some(5 * SECOND),
        idle_timeout: Some(30 * SECOND),
        ..ServerOptions::default()
    };
    let (server, address) = start(options, echo).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        stream
            .write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hi") {
            assert_ne!(
                stream.read_buf(&mut answer).await.unwrap(),
                0,
                "closed too early"
            );
        }
        tokio::time::sleep(20 * SECOND).await;
    }
    let since = tokio::time::Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(since.elapsed() >= 9 * SECOND, "{:?}", since.elapsed());
    assert_eq!(
        (server.stats().read().idle, server.stats().read().slow_head),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn old_connections_are_told_to_leave() {
    let options = ServerOptions {
        max_connection_age: Some(60 * SECOND),
        ..ServerOptions::default()
    };
    let (server, address) = start(options, echo).await;
    let mut sender = http2(address).await;
    ask(&mut sender, Bytes::new()).await.unwrap();
    tokio::time::sleep(50 * SECOND).await;
    ask(&mut sender, Bytes::new()).await.unwrap();
    tokio::time::sleep(20 * SECOND).await;
    assert!(ask(&mut sender, Bytes::new()).await.is_err());
    assert_eq!(server.stats().read().aged, 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (counter, highest) = (running.clone(), most.clone());
    let options = ServerOptions {
        max_connections: Some(2),
        ..ServerOptions::default()
    };
    let (_server, address) = start(options, move |_request, _peer| {
        let (counter, highest) = (counter.clone(), highest.clone());
        async move {
            highest.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            counter.fetch_sub(1, Ordering::SeqCst);
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    })
    .await;
    let all = (0..10).map(|_| tokio::spawn(http1(address, Bytes::new())));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.unwrap().status(), 204);
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let options = ServerOptions {
        max_connections_per_address: Some(1),
        ..ServerOptions::default()
    };
    let (server, address) = start(options, echo).await;
    let mut kept = http2(address).await;
    ask(&mut kept, Bytes::new()).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut second).await, "");
    assert_eq!(server.stats().read().refused_address, 1);
    drop(kept);
    while server.stats().read().open > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(http1(address, Bytes::from_static(b"x")).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_answer_is_cut_off() {
    let options = ServerOptions {
        write_timeout: Some(30 * SECOND),
        ..ServerOptions::default()
    };
    let (server, address) = start(options, |_request, _peer| async {
        Response::new(Body::from(vec![7_u8; 64 << 20]))
    })
    .await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    while server.stats().read().broken == 0 {
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(server.stats().read().open, 0);
}

#[tokio::test]
async fn unix_sockets_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.sock");
    let listener = Listener::bind(path.to_str().unwrap(), Transport::Unix)
        .await
        .unwrap();
    let server = serve(listener, ServerOptions::default(), Arc::new(echo)).unwrap();
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    stream
        .write_all(
            b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        )
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hi"), "{answer}");
    server.stop(SECOND).await;
    assert!(!path.exists());
}

/// Answers without a look at the body.
async fn refuse(_: Request<Incoming>, _: Arc<Peer>) -> Response<Body> {
    Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .body(Body::default())
        .unwrap()
}

const HEAD_OF_MUCH: &[u8] = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8388608\r\n\r\n";

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let (server, address) = start(ServerOptions::default(), refuse).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HEAD_OF_MUCH).await.unwrap();
    // the answer is here, unread, before the body is sent
    stream.readable().await.unwrap();
    for _ in 0..128 {
        stream.write_all(&[7; 64 << 10]).await.unwrap();
    }
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    drop(stream);
    assert_eq!(server.stop(SECOND).await, Stopped { cut: 0 });
}

#[tokio::test]
async fn behind_a_small_body_that_nobody_read_the_connection_goes_on() {
    let (server, address) = start(ServerOptions::default(), refuse).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream.write_all(&[7; 100_000]).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 503").count(), 2, "{answers}");
    assert_eq!(server.stats().read().accepted, 1);
}

#[tokio::test]
async fn a_client_that_goes_silent_within_its_body_is_not_kept() {
    let (server, address) = start(ServerOptions::default(), refuse).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HEAD_OF_MUCH).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    while server.stats().open() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.stop(SECOND).await, Stopped { cut: 0 });
}

/// Answers with the address of the peer.
async fn who(_request: Request<Incoming>, peer: Arc<Peer>) -> Response<Body> {
    let address = peer.address.map(|address| address.ip().to_string());
    Response::new(Body::from(address.unwrap_or_default()))
}

/// What a client behind a proxy gets that writes `header` first, in these pieces.
async fn behind_proxy(address: SocketAddr, header: &[u8], piece: usize) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for piece in [header, request].concat().chunks(piece) {
        let _ = stream.write_all(piece).await;
        tokio::task::yield_now().await;
    }
    let answer = rest(&mut stream).await;
    answer
        .split("\r\n\r\n")
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

fn version2(source: &str) -> Vec<u8> {
    let address = proxy_header::ProxiedAddress::stream(
        source.parse().unwrap(),
        if source.starts_with('[') {
            "[2001:db8::9]:1"
        } else {
            "192.0.2.9:1"
        }
        .parse()
        .unwrap(),
    );
    let mut header = Vec::new();
    proxy_header::ProxyHeader::with_address(address)
        .encode_v2(&mut header)
        .unwrap();
    header
}

#[tokio::test]
async fn a_proxy_says_whose_connection_it_is() {
    let options = ServerOptions {
        proxy_protocol: true,
        ..ServerOptions::default()
    };
    let (server, address) = start(options, who).await;
    // of the specification: LOCAL, as health checks of a proxy send it
    let local = [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x20, 0, 0, 0]].concat();
    let table: [(&[u8], &str); 7] = [
        (b"PROXY TCP4 192.0.2.1 192.0.2.9 5678 443\r\n", "192.0.2.1"),
        (
            b"PROXY TCP6 2001:db8::1 2001:db8::9 5678 443\r\n",
            "2001:db8::1",
        ),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (&local, "127.0.0.1"),
        (&version2("192.0.2.7:1"), "192.0.2.7"),
        (&version2("[2001:db8::7]:1"), "2001:db8::7"),
        (b"", ""),
    ];
    for (header, expected) in table {
        for piece in [1, 7, 1000] {
            let answer = behind_proxy(address, header, piece).await;
            assert_eq!(answer, expected, "{}", header.escape_ascii());
        }
    }
    assert_eq!(server.stats().read().broken, 3, "without a header");
    drop(TcpStream::connect(address).await.unwrap());
    while server.stats().read().open > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        server.stats().read().broken,
        3,
        "only looked whether somebody listens"
    );
    let endless = [
        b"\r\n\r\n\0\r\nQUIT\n".as_slice(),
        &[0x21, 0x11, 0xff, 0xff],
        &[0; 60_000],
    ]
    .concat();
    assert_eq!(behind_proxy(address, &endless, 1000).await, "");
}

#[tokio::test]
async fn one_address_behind_a_proxy_cannot_take_all_connections() {
    let options = ServerOptions {
        proxy_protocol: true,
        max_connections_per_address: Some(1),
        ..ServerOptions::default()
    };
    let (server, address) = start(options, who).await;
    let header = version2("192.0.2.7:1");
    let mut kept = TcpStream::connect(address).await.unwrap();
    let request = [&header, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice()].concat();
    kept.write_all(&request).await.unwrap();
    kept.readable().await.unwrap();
    assert_eq!(behind_proxy(address, &header, 1000).await, "");
    assert_eq!(server.stats().read().refused_address, 1);
    let other = version2("192.0.2.8:1");
    assert_eq!(behind_proxy(address, &other, 1000).await, "192.0.2.8");
    drop(kept);
    while server.stats().read().open > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(behind_proxy(address, &header, 1000).await, "192.0.2.7");
}
