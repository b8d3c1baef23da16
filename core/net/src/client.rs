//! HTTP requests of exporters and extensions: pooled connections, TLS, proxies,
//! time and size limits.

mod connector;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::answer::Body;
use crate::auth::{ClientCredentials, NoCredentials};
use crate::body::{self, BodyError, Limits};
use crate::budget::Unlimited;
use crate::connect::ConnectError;
use crate::encoding::Encoding;
use crate::inflate::{InflateLimits, inflate};
use crate::tls::TlsConnector;
use connector::Connector;
pub use connector::{MalformedProxy, Proxy};

/// Clients side by side: with HTTP/2 each has one connection to a destination,
/// and one large request must not hold up all others.
const LANES: usize = 2;

/// Settings of an HTTP client. The defaults are upstream's.
#[derive(Clone, Debug)]
pub struct HttpClientOptions {
    /// TLS for `https` URLs; `None` refuses them.
    pub tls: Option<Arc<TlsConnector>>,
    /// Which proxy to use for which URL.
    pub proxy: Proxy,
    /// From connecting to the last byte of the answer; `None` is without limit.
    pub timeout: Option<Duration>,
    /// How long connecting may take, TLS and proxy included.
    pub connect_timeout: Duration,
    /// Idle connections kept for one host.
    pub max_idle_conns: usize,
    /// How long they are kept; `None` for ever.
    pub idle_conn_timeout: Option<Duration>,
    /// Speaks HTTP/2 without asking, also without TLS.
    pub http2_only: bool,
    /// Pings a silent HTTP/2 server that often.
    pub http2_read_idle_timeout: Option<Duration>,
    /// How long such a ping may stay unanswered.
    pub http2_ping_timeout: Duration,
    /// The largest answer, on the wire and inflated.
    pub max_response: usize,
    /// The `User-Agent`.
    pub user_agent: Option<HeaderValue>,
    /// Headers of every request; those of a request itself win.
    pub headers: HeaderMap,
    /// Credentials of every request.
    pub credentials: Option<Arc<dyn ClientCredentials>>,
}

impl Default for HttpClientOptions {
    fn default() -> HttpClientOptions {
        HttpClientOptions {
            tls: None,
            proxy: Proxy::none(),
            timeout: None,
            connect_timeout: Duration::from_secs(30),
            max_idle_conns: 100,
            idle_conn_timeout: Some(Duration::from_secs(90)),
            http2_only: false,
            http2_read_idle_timeout: None,
            http2_ping_timeout: Duration::from_secs(15),
            max_response: 4 << 20,
            user_agent: None,
            headers: HeaderMap::new(),
            credentials: None,
        }
    }
}

/// Why a request has no answer. None of these says whether the server got it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection. Worth another attempt.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Not done in time. Worth another attempt.
    #[error("no answer from {host} within {within:?}")]
    TimedOut {
        /// The host.
        host: String,
        /// The limit.
        within: Duration,
    },
    /// The connection broke. Worth another attempt.
    #[error("the connection to {host} broke: {why}")]
    Broken {
        /// The host.
        host: String,
        /// What failed.
        why: String,
    },
    /// The answer came but cannot be used; the request was processed. Its
    /// status is what counts.
    #[error("the answer of {host} ({status}) cannot be read: {why}")]
    Answer {
        /// The host.
        host: String,
        /// Its status.
        status: StatusCode,
        /// What is wrong with the body.
        why: String,
    },
    /// There are no credentials to send.
    #[error(transparent)]
    Credentials(#[from] NoCredentials),
}

impl HttpError {
    /// Whether the same request may be sent again: all transport errors may,
    /// an answer that cannot be read may not when it says success.
    pub fn retryable(&self) -> bool {
        match self {
            HttpError::Connect(_) | HttpError::TimedOut { .. } | HttpError::Broken { .. } => true,
            HttpError::Answer { status, .. } => crate::status::http_retryable(*status),
            HttpError::Credentials(_) => true,
        }
    }
}

/// Sends HTTP requests.
#[derive(Clone, Debug)]
pub struct HttpClient {
    lanes: [legacy::Client<Connector, Body>; LANES],
    turn: Arc<AtomicUsize>,
    options: Arc<HttpClientOptions>,
}

impl HttpClient {
    /// A client that connects with its first request.
    pub fn new(options: HttpClientOptions) -> HttpClient {
        let options = Arc::new(options);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.idle_conn_timeout)
            .pool_max_idle_per_host(options.max_idle_conns.div_ceil(LANES))
            .http2_only(options.http2_only)
            .http2_initial_stream_window_size(2 << 20)
            .http2_initial_connection_window_size(8 << 20)
            .http2_keep_alive_interval(options.http2_read_idle_timeout)
            .http2_keep_alive_timeout(options.http2_ping_timeout)
            .http2_keep_alive_while_idle(true);
        let lane = |turn| builder.build(Connector::new(options.clone(), turn));
        HttpClient {
            lanes: [lane(0), lane(1)],
            turn: Arc::default(),
            options,
        }
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Errors
    /// See [`HttpError`]. An answer of any status is not an error.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Bytes>, HttpError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.complete(request.headers_mut())?;
        self.options.proxy.authorize(&mut request);
        let lane = &self.lanes[self.turn.fetch_add(1, Ordering::Relaxed) % LANES];
        let work = async {
            let response = lane
                .request(request)
                .await
                .map_err(|e| failure(&host, &e))?;
            self.read(&host, response).await
        };
        match self.options.timeout {
            None => work.await,
            Some(within) => tokio::time::timeout(within, work)
                .await
                .unwrap_or_else(|_| {
                    Err(HttpError::TimedOut {
                        host: host.clone(),
                        within,
                    })
                }),
        }
    }

    /// Adds what every request carries.
    fn complete(&self, headers: &mut HeaderMap) -> Result<(), NoCredentials> {
        for (name, value) in &self.options.headers {
            if !headers.contains_key(name) {
                headers.append(name, value.clone());
            }
        }
        if let Some(agent) = &self.options.user_agent {
            headers
                .entry(header::USER_AGENT)
                .or_insert_with(|| agent.clone());
        }
        match &self.options.credentials {
            Some(credentials) => credentials.apply(headers),
            None => Ok(()),
        }
    }

    async fn read(
        &self,
        host: &str,
        response: Response<hyper::body::Incoming>,
    ) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = response.into_parts();
        let status = head.status;
        let unusable = |why: String| HttpError::Answer {
            host: host.to_owned(),
            status,
            why,
        };
        let max = self.options.max_response;
        let limits = Limits {
            wire: max,
            deadline: None,
        };
        let bytes = match body::collect(body.boxed_unsync(), limits, &Unlimited).await {
            Ok(bytes) => bytes,
            Err(BodyError::Aborted { why, .. }) => {
                return Err(HttpError::Broken {
                    host: host.to_owned(),
                    why,
                });
            }
            Err(e) => return Err(unusable(e.to_string())),
        };
        let encoding = match head
            .headers
            .get(header::CONTENT_ENCODING)
            .map(|v| v.to_str())
        {
            Some(Ok(name)) => Encoding::from_http(name).map_err(|e| unusable(e.to_string()))?,
            _ => None,
        };
        let bytes = match encoding {
            Some(encoding) if !bytes.is_empty() => {
                inflate(encoding, &bytes, InflateLimits::new(max), &Unlimited)
                    .map_err(|e| unusable(e.to_string()))?
            }
            _ => bytes,
        };
        Ok(Response::from_parts(head, bytes))
    }
}

/// Finds our own error in the chain of the client's, or joins the chain.
fn failure(host: &str, error: &legacy::Error) -> HttpError {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(connect) = cause.downcast_ref::<ConnectError>() {
            return HttpError::Connect(connect.clone());
        }
        why.push_str(": ");
        why.push_str(&cause.to_string());
        source = cause.source();
    }
    HttpError::Broken {
        host: host.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests;
