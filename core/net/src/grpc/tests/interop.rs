//! tonic against our server and our client against tonic.

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use std::future::{Ready, ready};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;

use super::*;
use crate::answer::Body;
use crate::server::Peer;

/// Hands bytes over as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, item: Bytes, dst: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        dst.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        Ok(Some(src.copy_to_bytes(src.remaining())))
    }
}

async fn tonic_client(address: SocketAddr) -> tonic::client::Grpc<Channel> {
    let channel = Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    tonic::client::Grpc::new(channel).max_decoding_message_size(64 << 20)
}

async fn tonic_calls(
    client: &mut tonic::client::Grpc<Channel>,
    path: &'static str,
    message: Bytes,
) -> Result<Bytes, tonic::Status> {
    client.ready().await.unwrap();
    let request = tonic::Request::new(message);
    let response = client
        .unary(request, PathAndQuery::from_static(path), Raw)
        .await?;
    Ok(response.into_inner())
}

#[tokio::test]
async fn tonic_calls_our_server() {
    let (_server, address) = server(GrpcOptions::default()).await;
    let whole = Bytes::from(large().concat());
    let mut plain = tonic_client(address).await;
    assert!(tonic_calls(&mut plain, ECHO, whole.clone()).await.unwrap() == whole);
    let mut gzip = tonic_client(address)
        .await
        .send_compressed(CompressionEncoding::Gzip);
    assert!(tonic_calls(&mut gzip, ECHO, whole.clone()).await.unwrap() == whole);
    let sizes = tonic_calls(&mut gzip, SIZE, whole).await.unwrap();
    let wire: usize = std::str::from_utf8(&sizes)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wire < 500_000, "gzip was used: {wire}");
}

#[tokio::test]
async fn tonic_reads_our_statuses() {
    let options = GrpcOptions {
        max_message: 100,
        ..GrpcOptions::default()
    };
    let (_server, address) = server(options).await;
    let mut client = tonic_client(address).await;
    let err = tonic_calls(&mut client, FAIL, Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(
        (err.code(), err.message()),
        (tonic::Code::ResourceExhausted, "voll: é%")
    );
    let details = decode_status(err.details()).unwrap();
    assert_eq!(details.retry_after, Some(Duration::from_millis(2500)));
    let err = tonic_calls(&mut client, ECHO, vec![0; 101].into())
        .await
        .unwrap_err();
    assert_eq!(err.code(), tonic::Code::ResourceExhausted);
    assert!(err.details().is_empty(), "without RetryInfo");
    let err = tonic_calls(&mut client, "/no.Such/Method", Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(err.code(), tonic::Code::Unimplemented);
}

/// A service of tonic: echoes, or fails when asked to.
struct TonicEcho;

impl tonic::server::UnaryService<Bytes> for TonicEcho {
    type Response = Bytes;
    type Future = Ready<Result<tonic::Response<Bytes>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let message = request.into_inner();
        ready(if message == "fail" {
            let status =
                Status::new(Code::Unavailable, "ü").retry_after(Some(Duration::from_secs(7)));
            Err(tonic::Status::with_details(
                tonic::Code::Unavailable,
                "später",
                encode_status(&status).into(),
            ))
        } else {
            Ok(tonic::Response::new(message))
        })
    }
}

async fn tonic_server() -> (Server, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0", Transport::Tcp).await.unwrap();
    let answer = |request: http::Request<crate::Incoming>, _peer: Arc<Peer>| async move {
        let mut grpc = tonic::server::Grpc::new(Raw)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        grpc.unary(TonicEcho, request).await.map(Body::stream)
    };
    let server = serve(listener, ServerOptions::default(), Arc::new(answer)).unwrap();
    let address = server.local_address().ip().unwrap();
    (server, address)
}

#[tokio::test]
async fn our_client_calls_tonic() {
    let (_server, address) = tonic_server().await;
    let whole = large().concat();
    for compression in [None, Some(Encoding::Gzip)] {
        let options = GrpcClientOptions {
            compression,
            ..GrpcClientOptions::default()
        };
        // the answer comes compressed either way, since we accept gzip
        let reply = client(address, options)
            .call(ECHO, &large(), None)
            .await
            .unwrap();
        assert!(reply.message == whole, "{compression:?}");
        assert_eq!(reply.headers["grpc-encoding"], "gzip");
    }
}

#[tokio::test]
async fn our_client_reads_tonic_statuses() {
    let (_server, address) = tonic_server().await;
    let plain = client(address, GrpcClientOptions::default());
    let err = plain
        .call(ECHO, &[Bytes::from_static(b"fail")], None)
        .await
        .unwrap_err();
    let expected =
        Status::new(Code::Unavailable, "später").retry_after(Some(Duration::from_secs(7)));
    assert_eq!(err, expected);
    let options = GrpcClientOptions {
        compression: Some(Encoding::Zstd),
        ..GrpcClientOptions::default()
    };
    let err = client(address, options)
        .call(ECHO, &large(), None)
        .await
        .unwrap_err();
    assert_eq!(
        err.code,
        Code::Unimplemented,
        "this tonic has no zstd: {err}"
    );
}
