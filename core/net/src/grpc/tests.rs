//! Our client against our server over real sockets; tonic in [`interop`].

mod interop;
mod secure;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;
use crate::budget::testing::Limited;
use crate::budget::{Budget, Unlimited};
use crate::encoding::Encoding;
use crate::listen::{Listener, Transport};
use crate::server::{Protocols, Server, ServerOptions, serve};
use crate::status::{Code, Status};
use crate::tls::{ServerTlsSettings, TlsAcceptor};

pub(super) const ECHO: &str = "/test.Service/Echo";
pub(super) const SIZE: &str = "/test.Service/Size";
pub(super) const FAIL: &str = "/test.Service/Fail";
pub(super) const HANG: &str = "/test.Service/Hang";
const PEER: &str = "/test.Service/Peer";

/// Answers by path.
pub(super) struct Methods {
    budget: Arc<dyn Budget>,
}

impl UnaryService for Methods {
    type Method = &'static str;

    fn route(&self, path: &str) -> Option<&'static str> {
        [ECHO, SIZE, FAIL, HANG, PEER]
            .into_iter()
            .find(|known| *known == path)
    }

    fn budget(&self, _method: &'static str) -> Arc<dyn Budget> {
        self.budget.clone()
    }

    async fn call(&self, method: &'static str, call: Call) -> Result<Bytes, Status> {
        match method {
            ECHO => Ok(call.message),
            SIZE => Ok(format!("{} {}", call.wire_size, call.message.len()).into()),
            FAIL => Err(Status::new(Code::ResourceExhausted, "voll: é%")
                .retry_after(Some(Duration::from_millis(2500)))),
            PEER => {
                let chain = call
                    .peer
                    .tls
                    .as_ref()
                    .map_or(0, |tls| tls.certificates.len());
                let subject = call.identity.and_then(|i| i.subject).unwrap_or_default();
                Ok(format!("{chain} {subject} {:?}", call.headers.get("x-team")).into())
            }
            _ => std::future::pending().await,
        }
    }
}

pub(super) async fn server(options: GrpcOptions) -> (Server, SocketAddr) {
    server_with(options, Arc::new(Unlimited), None).await
}

async fn server_with(
    options: GrpcOptions,
    budget: Arc<dyn Budget>,
    tls: Option<ServerTlsSettings>,
) -> (Server, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0", Transport::Tcp).await.unwrap();
    let tls = tls.map(|s| Arc::new(TlsAcceptor::new(s, &["h2"]).unwrap()));
    let connections = ServerOptions {
        protocols: Protocols::Http2,
        tls,
        ..ServerOptions::default()
    };
    let handler = Arc::new(GrpcServer::new(Methods { budget }, options));
    let server = serve(listener, connections, handler).unwrap();
    let address = server.local_address().ip().unwrap();
    (server, address)
}

pub(super) fn client(address: SocketAddr, options: GrpcClientOptions) -> GrpcClient {
    GrpcClient::new(address.to_string().parse().unwrap(), options).unwrap()
}

/// Compresses well, and is larger than a frame, a window and a read.
pub(super) fn large() -> Vec<Bytes> {
    (0..300_u32)
        .map(|i| Bytes::from(format!("record {i} ").repeat(1000)))
        .collect()
}

#[tokio::test]
async fn ropes_arrive_whole_with_every_compression() {
    let (_server, address) = server(GrpcOptions::default()).await;
    let whole = large().concat();
    for compression in [
        None,
        Some(Encoding::Gzip),
        Some(Encoding::Zstd),
        Some(Encoding::Snappy),
    ] {
        let client = client(
            address,
            GrpcClientOptions {
                compression,
                ..GrpcClientOptions::default()
            },
        );
        let reply = client.call(ECHO, &large(), None).await.unwrap();
        assert!(reply.message == whole, "{compression:?}");
        let sizes = client.call(SIZE, &large(), None).await.unwrap();
        let expected = format!("{} {}", sizes.sent, whole.len());
        assert_eq!(sizes.message, expected);
        assert_eq!(sizes.sent < whole.len() / 5, compression.is_some());
        let empty = client.call(ECHO, &[], None).await.unwrap();
        assert!(empty.message.is_empty());
    }
}

#[tokio::test]
async fn a_status_crosses_with_its_text_and_delay() {
    let (_server, address) = server(GrpcOptions::default()).await;
    let err = client(address, GrpcClientOptions::default())
        .call(FAIL, &[], None)
        .await
        .unwrap_err();
    let expected = Status::new(Code::ResourceExhausted, "voll: é%")
        .retry_after(Some(Duration::from_millis(2500)));
    assert_eq!(err, expected);
    let err = client(address, GrpcClientOptions::default())
        .call("/no.Such/Method", &[], None)
        .await;
    assert_eq!(err.unwrap_err().code, Code::Unimplemented);
}

#[tokio::test]
async fn oversized_messages_are_never_retryable() {
    let options = GrpcOptions {
        max_message: 1000,
        ..GrpcOptions::default()
    };
    let budget = Limited::new(2000);
    let (_server, address) = server_with(options, Arc::new(budget.clone()), None).await;
    let message = [Bytes::from(vec![b'a'; 1001])];
    for compression in [None, Some(Encoding::Gzip)] {
        let client = client(
            address,
            GrpcClientOptions {
                compression,
                ..GrpcClientOptions::default()
            },
        );
        let err = client.call(ECHO, &message, None).await.unwrap_err();
        assert_eq!(
            (err.code, err.retryable()),
            (Code::ResourceExhausted, false),
            "{err}"
        );
        client
            .call(ECHO, &[message[0].slice(1..)], None)
            .await
            .unwrap();
    }
    // the answers are echoes of charged bytes: all given back once they are sent
    while budget.used() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_spent_budget_asks_to_come_back() {
    let (_server, address) =
        server_with(GrpcOptions::default(), Arc::new(Limited::new(10)), None).await;
    let client = client(address, GrpcClientOptions::default());
    let err = client
        .call(ECHO, &[Bytes::from(vec![0; 11])], None)
        .await
        .unwrap_err();
    assert_eq!(
        (err.code, err.retry_after),
        (Code::Unavailable, Some(Duration::from_secs(2)))
    );
}

#[tokio::test]
async fn answers_have_a_limit_too() {
    let (_server, address) = server(GrpcOptions::default()).await;
    let client = client(
        address,
        GrpcClientOptions {
            max_response: 100,
            ..GrpcClientOptions::default()
        },
    );
    let err = client
        .call(ECHO, &[Bytes::from(vec![0; 101])], None)
        .await
        .unwrap_err();
    assert_eq!(err.code, Code::ResourceExhausted);
    assert!(!err.retryable());
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_on_both_sides() {
    let (_server, address) = server(GrpcOptions::default()).await;
    let client = client(address, GrpcClientOptions::default());
    let err = client
        .call(HANG, &[], Some(Duration::from_millis(50)))
        .await
        .unwrap_err();
    assert_eq!(err.code, Code::DeadlineExceeded);
    // the server keeps the deadline by itself
    let answer = raw(
        address,
        HANG,
        &[("grpc-timeout", "20m")],
        Bytes::from_static(&[0; 5]),
    )
    .await;
    assert_eq!(answer.0["grpc-status"], "4");
}

#[tokio::test(start_paused = true)]
async fn a_client_reconnects_after_waiting() {
    let (server, address) = server(GrpcOptions::default()).await;
    let client = client(
        address,
        GrpcClientOptions {
            connections: 1,
            ..GrpcClientOptions::default()
        },
    );
    client.call(ECHO, &[], None).await.unwrap();
    server.stop(Duration::from_secs(1)).await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        let err = client.call(ECHO, &[], None).await.unwrap_err();
        assert_eq!(err.code, Code::Unavailable);
        messages.push(err.message);
    }
    // the closing connection may take the first call with it
    assert!(
        messages[2].contains("cannot connect to 127.0.0.1"),
        "{messages:?}"
    );
    assert!(messages[2].contains("next attempt in"), "{messages:?}");
    let listener = Listener::bind(&address.to_string(), Transport::Tcp)
        .await
        .unwrap();
    let handler = GrpcServer::new(
        Methods {
            budget: Arc::new(Unlimited),
        },
        GrpcOptions::default(),
    );
    let options = ServerOptions {
        protocols: Protocols::Http2,
        ..ServerOptions::default()
    };
    let _again = serve(listener, options, Arc::new(handler)).unwrap();
    assert!(client.call(ECHO, &[], None).await.is_err(), "it must wait");
    tokio::time::advance(Duration::from_secs(2)).await;
    client.call(ECHO, &[], None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_ready_outlasts_an_absent_server() {
    // bound and not listening: connecting is refused, and nobody else gets the port
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let options = GrpcClientOptions {
        wait_for_ready: true,
        ..GrpcClientOptions::default()
    };
    let client = Arc::new(client(address, options));
    let caller = client.clone();
    let call = tokio::spawn(async move { caller.call(ECHO, &[], None).await });
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!call.is_finished());
    socket.listen(16).unwrap();
    let listener = Listener::from_std(socket.into()).unwrap();
    let handler = GrpcServer::new(
        Methods {
            budget: Arc::new(Unlimited),
        },
        GrpcOptions::default(),
    );
    let options = ServerOptions {
        protocols: Protocols::Http2,
        ..ServerOptions::default()
    };
    let _server = serve(listener, options, Arc::new(handler)).unwrap();
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_spread_over_the_connections() {
    let (server, address) = server(GrpcOptions::default()).await;
    let client = client(
        address,
        GrpcClientOptions {
            connections: 3,
            ..GrpcClientOptions::default()
        },
    );
    let calls = (0..9).map(|_| client.call(ECHO, &[], None));
    futures::future::try_join_all(calls).await.unwrap();
    assert_eq!(server.stats().read().accepted, 3);
}

#[tokio::test]
async fn large_messages_inflate_on_the_worker() {
    let work = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let worker = Some(work.handle().clone());
    let options = GrpcOptions {
        worker: worker.clone(),
        ..GrpcOptions::default()
    };
    let (_server, address) = server(options).await;
    let options = GrpcClientOptions {
        compression: Some(Encoding::Zstd),
        worker,
        ..GrpcClientOptions::default()
    };
    // random enough to stay large when compressed
    let message: Bytes = (0..500_000_u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let reply = client(address, options)
        .call(ECHO, std::slice::from_ref(&message), None)
        .await
        .unwrap();
    assert!(reply.message == message && reply.sent > crate::inflate::OFFLOAD_ABOVE);
    work.shutdown_background();
}

/// A request that no client of ours sends: headers (with the trailers) of the answer.
async fn raw(
    address: SocketAddr,
    path: &str,
    headers: &[(&'static str, &'static str)],
    body: Bytes,
) -> (HeaderMap, http::StatusCode) {
    let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::post(format!("http://x{path}"))
        .body(Full::new(body))
        .unwrap();
    request
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let mut all = response.headers().clone();
    let trailers = response
        .into_body()
        .collect()
        .await
        .unwrap()
        .trailers()
        .cloned();
    all.extend(trailers.unwrap_or_default());
    (all, status)
}

#[tokio::test]
async fn strange_requests_are_told_what_is_wrong() {
    let (_server, address) = server(GrpcOptions::default()).await;
    let empty = || Bytes::from_static(&[0; 5]);
    let (answer, _) = raw(address, ECHO, &[("grpc-encoding", "lzma")], empty()).await;
    assert_eq!(answer["grpc-status"], "12");
    assert_eq!(answer["grpc-accept-encoding"], "identity,gzip,zstd,snappy");
    let (answer, _) = raw(
        address,
        ECHO,
        &[],
        Bytes::from_static(b"\x01\x00\x00\x00\x01x"),
    )
    .await;
    assert_eq!(
        answer["grpc-status"], "13",
        "compressed without an encoding"
    );
    let (answer, _) = raw(
        address,
        ECHO,
        &[("grpc-encoding", "gzip")],
        Bytes::from_static(b"\x01\x00\x00\x00\x01x"),
    )
    .await;
    assert_eq!(answer["grpc-status"], "13", "broken gzip");
    let (answer, _) = raw(address, ECHO, &[("grpc-timeout", "soon")], empty()).await;
    assert_eq!(answer["grpc-status"], "13");
    let (answer, status) = raw(
        address,
        ECHO,
        &[("content-type", "application/json")],
        empty(),
    )
    .await;
    assert_eq!(status, 415);
    assert!(!answer.contains_key("grpc-status"));
    let (_, status) = raw(
        address,
        ECHO,
        &[("content-type", "application/grpc+proto")],
        empty(),
    )
    .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_answer_without_grpc_becomes_a_status() {
    let listener = Listener::bind("127.0.0.1:0", Transport::Tcp).await.unwrap();
    let server = serve(
        listener,
        ServerOptions::default(),
        Arc::new(|_request, _peer| async {
            let mut response = http::Response::new(crate::Body::from("try later"));
            *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            response
        }),
    )
    .unwrap();
    let address = server.local_address().ip().unwrap();
    let err = client(address, GrpcClientOptions::default())
        .call(ECHO, &[], None)
        .await
        .unwrap_err();
    assert_eq!(err.code, Code::Unavailable);
    assert!(err.message.contains("502"), "{err}");
}
