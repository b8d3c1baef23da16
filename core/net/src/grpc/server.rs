//! The server's side of unary gRPC.

use std::sync::Arc;
use std::time::Duration;

use crate::server::Incoming;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::time::Instant;

use super::{DEFAULT_MAX_MESSAGE, frame, metadata};
use crate::answer::Body;
use crate::auth::{Authenticator, Identity};
use crate::budget::Budget;
use crate::encoding::{Encoding, GRPC_ACCEPT_ENCODING};
use crate::inflate::{InflateError, InflateLimits, OFFLOAD_ABOVE, inflate};
use crate::server::{Handler, Peer};
use crate::status::{Code, Status};

/// Unary methods behind one port.
pub trait UnaryService: Send + Sync + 'static {
    /// A method of this service.
    type Method: Copy + Send + Sync;

    /// The method of a path such as `/package.Service/Method`; `None` is
    /// answered with UNIMPLEMENTED, before the body is read.
    fn route(&self, path: &str) -> Option<Self::Method>;

    /// The budget that pays for the messages of this method.
    fn budget(&self, method: Self::Method) -> Arc<dyn Budget>;

    /// Answers one call with the bytes of a message. The future is dropped when
    /// the client goes away or its deadline passes.
    fn call(
        &self,
        method: Self::Method,
        call: Call,
    ) -> impl Future<Output = Result<Bytes, Status>> + Send;
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// The message, inflated. Holds its charge.
    pub message: Bytes,
    /// The size of the message on the wire, before it was inflated.
    pub wire_size: usize,
    /// Headers, which are the metadata.
    pub headers: HeaderMap,
    /// The other end.
    pub peer: Arc<Peer>,
    /// Who the authenticator says it is.
    pub identity: Option<Identity>,
    /// When the client stops waiting.
    pub deadline: Option<Instant>,
}

/// Settings of a gRPC server.
#[derive(Clone, Debug)]
pub struct GrpcOptions {
    /// The largest message in bytes, on the wire and inflated.
    pub max_message: usize,
    /// How long the body of a call may take to arrive; `None` waits for ever.
    pub body_deadline: Option<Duration>,
    /// Checks every call before its body is read.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// The runtime that inflates large messages; `None` does it in place.
    pub worker: Option<tokio::runtime::Handle>,
}

impl Default for GrpcOptions {
    fn default() -> GrpcOptions {
        GrpcOptions {
            max_message: DEFAULT_MAX_MESSAGE,
            body_deadline: None,
            authenticator: None,
            worker: None,
        }
    }
}

/// A [`Handler`] that speaks gRPC for a [`UnaryService`]. Serve it with
/// [`crate::server::Protocols::Http2`].
#[derive(Debug)]
pub struct GrpcServer<S> {
    service: S,
    options: GrpcOptions,
}

impl<S: UnaryService> GrpcServer<S> {
    /// Wraps a service.
    pub fn new(service: S, options: GrpcOptions) -> GrpcServer<S> {
        GrpcServer { service, options }
    }

    /// Whether a request is gRPC, for a port that also serves plain HTTP.
    pub fn is_grpc(headers: &HeaderMap) -> bool {
        headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("application/grpc"))
            .is_some_and(|rest| matches!(rest.as_bytes().first(), None | Some(b'+' | b';')))
    }

    async fn answer(&self, request: Request<Incoming>, peer: Arc<Peer>) -> Result<Bytes, Status> {
        let (head, mut body) = request.into_parts();
        let method = self.service.route(head.uri.path()).ok_or_else(|| {
            Status::new(
                Code::Unimplemented,
                format!("unknown method {}", head.uri.path()),
            )
        })?;
        let identity = match &self.options.authenticator {
            Some(authenticator) => Some(
                authenticator
                    .authenticate(&head.headers)
                    .map_err(|e| Status::new(Code::Unauthenticated, e.why))?,
            ),
            None => None,
        };
        let encoding = request_encoding(&head.headers)?;
        let deadline =
            metadata::read_timeout(&head.headers)?.and_then(|t| Instant::now().checked_add(t));
        let budget = self.service.budget(method);
        let work = async {
            let read = frame::read_one(&mut body, self.options.max_message, budget.as_ref());
            let message = match self.options.body_deadline {
                Some(limit) => tokio::time::timeout(limit, read).await.map_err(|_| {
                    Status::new(
                        Code::Cancelled,
                        format!("the message did not arrive within {limit:?}"),
                    )
                })??,
                None => read.await?,
            };
            let wire_size = message.bytes.len();
            let message = self.inflated(message, encoding, budget.clone()).await?;
            let headers = head.headers;
            let call = Call {
                message,
                wire_size,
                headers,
                peer,
                identity,
                deadline,
            };
            self.service.call(method, call).await
        };
        match deadline {
            None => work.await,
            Some(deadline) => tokio::time::timeout_at(deadline, work)
                .await
                .unwrap_or_else(|_| {
                    Err(Status::new(
                        Code::DeadlineExceeded,
                        "the deadline of the call has passed",
                    ))
                }),
        }
    }

    async fn inflated(
        &self,
        message: frame::Message,
        encoding: Option<Encoding>,
        budget: Arc<dyn Budget>,
    ) -> Result<Bytes, Status> {
        if !message.compressed {
            return Ok(message.bytes);
        }
        let Some(encoding) = encoding else {
            return Err(Status::new(
                Code::Internal,
                "the message is flagged as compressed, but grpc-encoding is identity",
            ));
        };
        let limits = InflateLimits::new(self.options.max_message);
        let bytes = message.bytes;
        let outcome = match &self.options.worker {
            Some(worker) if bytes.len() > OFFLOAD_ABOVE => worker
                .spawn(async move { inflate(encoding, &bytes, limits, budget.as_ref()) })
                .await
                .map_err(|e| {
                    Status::new(Code::Unavailable, format!("the collector is stopping: {e}"))
                })?,
            _ => inflate(encoding, &bytes, limits, budget.as_ref()),
        };
        outcome.map_err(|e| match e {
            InflateError::TooLarge { .. } | InflateError::Bomb { .. } => {
                Status::new(Code::ResourceExhausted, e.to_string())
            }
            InflateError::Broken { .. } => Status::new(Code::Internal, e.to_string()),
            InflateError::Refused(refused) => refused.into(),
        })
    }
}

impl<S: UnaryService> Handler for GrpcServer<S> {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> Response<Body> {
        if request.method() != Method::POST {
            return plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "gRPC calls are POST requests",
            );
        }
        if !Self::is_grpc(request.headers()) {
            return plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this port speaks gRPC (content-type application/grpc); OTLP over HTTP is usually on port 4318",
            );
        }
        match self.answer(request, peer).await.and_then(success) {
            Ok(response) => response,
            Err(status) => failure(&status),
        }
    }
}

fn request_encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Status> {
    let Some(value) = headers.get(metadata::GRPC_ENCODING) else {
        return Ok(None);
    };
    let name = value.to_str().unwrap_or("?");
    Encoding::from_grpc(name).map_err(|e| {
        let name = e.name;
        Status::new(
            Code::Unimplemented,
            format!("grpc-encoding {name:?} is not supported: use {GRPC_ACCEPT_ENCODING}"),
        )
    })
}

fn success(message: Bytes) -> Result<Response<Body>, Status> {
    let prefix = frame::prefix(false, message.len())?;
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(metadata::GRPC_STATUS, HeaderValue::from_static("0"));
    let mut response = Response::new(Body::pieces(prefix, message, Some(trailers)));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, metadata::APPLICATION_GRPC);
    Ok(response)
}

/// An answer without a message: the status stands in the headers.
fn failure(status: &Status) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, metadata::APPLICATION_GRPC);
    if status.code == Code::Unimplemented {
        headers.insert(
            metadata::GRPC_ACCEPT,
            HeaderValue::from_static(GRPC_ACCEPT_ENCODING),
        );
    }
    metadata::write_status(status, headers);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}
