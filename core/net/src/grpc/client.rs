//! The client's side of unary gRPC: a few connections, one call at a time each
//! way, statuses with RetryInfo.

mod pool;
mod target;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::frame::Reading;
use super::{DEFAULT_MAX_MESSAGE, frame, metadata};
use crate::answer::Body;
use crate::auth::ClientCredentials;
use crate::budget::Unlimited;
use crate::compress::compress;
use crate::encoding::{Encoding, GRPC_ACCEPT_ENCODING};
use crate::inflate::{InflateLimits, inflate};
use crate::status::{Code, Status};
use crate::tls::TlsConnector;
use pool::Pool;
pub use target::{GrpcTarget, MalformedTarget};

/// Settings of a gRPC client.
#[derive(Clone, Debug)]
pub struct GrpcClientOptions {
    /// TLS; `None` is plain text.
    pub tls: Option<Arc<TlsConnector>>,
    /// Connections to the destination, at least 1. Two keep a large request
    /// from holding up all others.
    pub connections: usize,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long to wait after a failed attempt.
    pub backoff: Backoff,
    /// Pings, to notice a peer that vanished; `None` sends none.
    pub keepalive: Option<Keepalive>,
    /// Waits for a connection until the deadline of the call instead of failing
    /// at once while the peer is away.
    pub wait_for_ready: bool,
    /// Compression of requests.
    pub compression: Option<Encoding>,
    /// Its level; `None` is the default.
    pub compression_level: Option<i32>,
    /// The largest answer in bytes.
    pub max_response: usize,
    /// The `:authority` of requests, instead of the destination's.
    pub authority: Option<String>,
    /// The `User-Agent`.
    pub user_agent: Option<HeaderValue>,
    /// Headers of every call.
    pub headers: HeaderMap,
    /// Credentials of every call.
    pub credentials: Option<Arc<dyn ClientCredentials>>,
    /// The runtime that compresses large requests; `None` does it in place.
    pub worker: Option<tokio::runtime::Handle>,
}

/// Waiting times after failed attempts to connect: gRPC's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

/// When a client pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// After so much silence.
    pub time: Duration,
    /// How long the answer may take.
    pub timeout: Duration,
    /// Also while no call runs.
    pub permit_without_stream: bool,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(120),
        }
    }
}

impl Default for GrpcClientOptions {
    fn default() -> GrpcClientOptions {
        GrpcClientOptions {
            tls: None,
            connections: 2,
            connect_timeout: Duration::from_secs(20),
            backoff: Backoff::default(),
            keepalive: None,
            wait_for_ready: false,
            compression: None,
            compression_level: None,
            max_response: DEFAULT_MAX_MESSAGE,
            authority: None,
            user_agent: None,
            headers: HeaderMap::new(),
            credentials: None,
            worker: None,
        }
    }
}

/// Calls unary methods of one destination.
#[derive(Debug)]
pub struct GrpcClient {
    options: GrpcClientOptions,
    scheme: Scheme,
    authority: Authority,
    pool: Pool,
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The message, inflated.
    pub message: Bytes,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// How many bytes the request had on the wire, after compression.
    pub sent: usize,
}

impl GrpcClient {
    /// A client that connects with its first call.
    ///
    /// # Errors
    /// [`MalformedTarget`] when the authority cannot stand in a request.
    pub fn new(
        target: GrpcTarget,
        options: GrpcClientOptions,
    ) -> Result<GrpcClient, MalformedTarget> {
        let authority = options
            .authority
            .clone()
            .unwrap_or_else(|| target.authority());
        let authority = authority.parse().map_err(|_| MalformedTarget {
            target: authority,
            why: "not an authority",
        })?;
        let scheme = if options.tls.is_some() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let pool = Pool::new(target.destination, &options);
        Ok(GrpcClient {
            options,
            scheme,
            authority,
            pool,
        })
    }

    /// Calls the method at `path` (`/package.Service/Method`) with a message in
    /// pieces. `timeout` covers everything, from connecting to the trailers.
    ///
    /// # Errors
    /// The status of the server, or what the way to it failed with:
    /// UNAVAILABLE, DEADLINE_EXCEEDED, or RESOURCE_EXHAUSTED for an answer that
    /// is too large.
    pub async fn call(
        &self,
        path: &'static str,
        message: &[Bytes],
        timeout: Option<Duration>,
    ) -> Result<Reply, Status> {
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        let work = async {
            let (pieces, sent) = self.framed(message).await?;
            let response = self.send(path, &pieces, deadline).await?;
            self.read(response, sent).await
        };
        match deadline {
            None => work.await,
            Some(at) => tokio::time::timeout_at(at, work).await.unwrap_or_else(|_| {
                let within = timeout.unwrap_or_default();
                let text = format!("no answer from {} within {within:?}", self.authority);
                Err(Status::new(Code::DeadlineExceeded, text))
            }),
        }
    }

    /// The frame of a message, compressed as configured.
    async fn framed(&self, message: &[Bytes]) -> Result<(Vec<Bytes>, usize), Status> {
        let mut pieces = Vec::with_capacity(message.len() + 1);
        let compressed = match self.options.compression {
            None => {
                pieces.push(Bytes::new());
                pieces.extend_from_slice(message);
                false
            }
            Some(encoding) => {
                let packed = self.compressed(encoding, message).await?;
                pieces.extend([Bytes::new(), packed]);
                true
            }
        };
        let len = pieces.iter().map(Bytes::len).sum();
        pieces[0] = frame::prefix(compressed, len)?;
        Ok((pieces, len))
    }

    async fn compressed(&self, encoding: Encoding, message: &[Bytes]) -> Result<Bytes, Status> {
        // gRPC's snappy is the framed one
        let format = match encoding {
            Encoding::Snappy => Encoding::SnappyFramed,
            other => other,
        };
        let level = self.options.compression_level;
        let total: usize = message.iter().map(Bytes::len).sum();
        let outcome = match &self.options.worker {
            Some(worker) if total > crate::compress::OFFLOAD_ABOVE => {
                let message = message.to_vec();
                let packed = worker.spawn(async move { compress(format, level, &message) });
                packed
                    .await
                    .map_err(|e| Status::new(Code::Unavailable, e.to_string()))?
            }
            _ => compress(format, level, message),
        };
        outcome.map_err(|e| Status::new(Code::Internal, e.to_string()))
    }

    async fn send(
        &self,
        path: &'static str,
        pieces: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<Response<Incoming>, Status> {
        let mut request = self.request(path, pieces, deadline)?;
        // once more when the connection closed before anything was sent
        for last in [false, true] {
            let mut connection = self.pool.get().await?;
            match connection.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(mut e) => match e.take_message() {
                    Some(unsent) if !last => request = unsent,
                    _ => return Err(self.broken(&e.into_error())),
                },
            }
        }
        Err(Status::new(
            Code::Unavailable,
            format!("{} keeps closing connections", self.authority),
        ))
    }

    fn request(
        &self,
        path: &'static str,
        pieces: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<Request<Body>, Status> {
        let mut request = Request::new(Body::rope(pieces.to_vec()));
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.scheme.clone());
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(PathAndQuery::from_static(path));
        *request.uri_mut() =
            Uri::from_parts(uri).map_err(|e| Status::new(Code::Internal, e.to_string()))?;
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        let headers = request.headers_mut();
        *headers = self.options.headers.clone();
        if let Some(agent) = &self.options.user_agent {
            headers.insert(header::USER_AGENT, agent.clone());
        }
        if let Some(credentials) = &self.options.credentials {
            credentials
                .apply(headers)
                .map_err(|e| Status::new(Code::Unauthenticated, e.to_string()))?;
        }
        headers.insert(header::CONTENT_TYPE, metadata::APPLICATION_GRPC);
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(
            metadata::GRPC_ACCEPT,
            HeaderValue::from_static(GRPC_ACCEPT_ENCODING),
        );
        if let Some(encoding) = self.options.compression {
            headers.insert(
                metadata::GRPC_ENCODING,
                HeaderValue::from_static(encoding.name()),
            );
        }
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            headers.insert(metadata::GRPC_TIMEOUT, metadata::write_timeout(left));
        }
        Ok(request)
    }

    async fn read(&self, response: Response<Incoming>, sent: usize) -> Result<Reply, Status> {
        let (head, mut body) = response.into_parts();
        // an answer without a message has its status in the headers
        if let Some(status) = metadata::read_status(&head.headers)
            && status.code != Code::Ok
        {
            return Err(status);
        }
        if head.status != StatusCode::OK {
            return Err(not_grpc(head.status));
        }
        let mut reading = Reading::default();
        let mut trailers = HeaderMap::new();
        while let Some(piece) = body.frame().await {
            match piece.map_err(|e| self.broken(&e))?.into_data() {
                Ok(chunk) => reading.take(chunk, self.options.max_response, &Unlimited)?,
                Err(piece) => trailers = piece.into_trailers().unwrap_or_default(),
            }
        }
        match metadata::read_status(&trailers) {
            Some(status) if status.code == Code::Ok => {}
            Some(status) => return Err(status),
            None => {
                let text = format!("the answer of {} has no gRPC status", self.authority);
                return Err(Status::new(Code::Internal, text));
            }
        }
        let message = reading.finish()?;
        let message = match message.compressed {
            false => message.bytes,
            true => self.inflated(&head.headers, &message.bytes)?,
        };
        Ok(Reply {
            message,
            headers: head.headers,
            sent,
        })
    }

    fn inflated(&self, headers: &HeaderMap, message: &Bytes) -> Result<Bytes, Status> {
        let name = headers
            .get(metadata::GRPC_ENCODING)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("");
        let encoding = Encoding::from_grpc(name).ok().flatten().ok_or_else(|| {
            Status::new(
                Code::Internal,
                format!("the answer is compressed with {name:?}, which nobody asked for"),
            )
        })?;
        inflate(
            encoding,
            message,
            InflateLimits::new(self.options.max_response),
            &Unlimited,
        )
        .map_err(|e| {
            Status::new(
                Code::Internal,
                format!("the answer cannot be inflated: {e}"),
            )
        })
    }

    fn broken(&self, error: &hyper::Error) -> Status {
        let mut text = format!("the connection to {} broke: {error}", self.authority);
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Status::new(Code::Unavailable, text)
    }
}

/// An HTTP answer from something that does not speak gRPC: a proxy, or a wrong port.
fn not_grpc(status: StatusCode) -> Status {
    Status::new(
        Code::from_http(status),
        format!("HTTP {status} instead of a gRPC answer: is this a gRPC port?"),
    )
}
