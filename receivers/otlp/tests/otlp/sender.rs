//! Senders: HTTP with everything that can be wrong in it, and tonic.

use std::net::SocketAddr;

use bytes::{Buf, BufMut, Bytes};
use net::http::uri::PathAndQuery;
use net::http::{Method, Request, Response};
use net::{Body, HttpClient, HttpClientOptions};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;

pub(crate) const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// One HTTP request.
pub(crate) struct Post {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Vec<u8>,
}

impl Post {
    /// Protobuf to the path of logs.
    pub(crate) fn logs(body: impl Into<Vec<u8>>) -> Post {
        Post::to("/v1/logs", PROTOBUF, body)
    }

    pub(crate) fn to(
        path: &'static str,
        content_type: (&'static str, &'static str),
        body: impl Into<Vec<u8>>,
    ) -> Post {
        Post {
            method: Method::POST,
            path,
            headers: vec![content_type],
            body: body.into(),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Post {
        self.headers.push((name, value));
        self
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Response<Bytes> {
        let client = HttpClient::new(HttpClientOptions::default());
        self.send_with(&client, &format!("http://{address}")).await
    }

    pub(crate) async fn send_with(self, client: &HttpClient, base: &str) -> Response<Bytes> {
        client.send(self.request(base)).await.unwrap()
    }

    pub(crate) fn request(self, base: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{base}{}", self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body)).unwrap()
    }
}

/// A header of an answer as text; empty when it is absent.
pub(crate) fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// Calls a method with tonic, as SDKs do.
pub(crate) async fn call(
    address: SocketAddr,
    path: &'static str,
    message: impl Into<Bytes>,
    compression: Option<CompressionEncoding>,
) -> Result<Bytes, tonic::Status> {
    call_with(address, path, message, compression, &[]).await
}

pub(crate) async fn call_with(
    address: SocketAddr,
    path: &'static str,
    message: impl Into<Bytes>,
    compression: Option<CompressionEncoding>,
    metadata: &[(&'static str, &'static str)],
) -> Result<Bytes, tonic::Status> {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    if let Some(encoding) = compression {
        client = client.send_compressed(encoding);
    }
    client.ready().await.unwrap();
    let mut request = tonic::Request::new(message.into());
    for (key, value) in metadata {
        let value = tonic::metadata::MetadataValue::from_static(value);
        request.metadata_mut().append(*key, value);
    }
    let path = PathAndQuery::from_static(path);
    Ok(client.unary(request, path, Raw).await?.into_inner())
}

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
