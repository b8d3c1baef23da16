//! How the HTTP client opens connections: directly or through a proxy.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::Scheme;
use http::{Request, Uri, header};
use hyper_util::client::legacy::connect::{Connected, Connection as Describe};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;

use super::HttpClientOptions;
use crate::answer::Body;
use crate::connect::{self, ConnectError, Connection, Destination};

/// Which proxy requests go through.
#[derive(Clone, Debug)]
pub struct Proxy(Option<Arc<Matcher>>);

/// The URL of a proxy is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proxy_url: expected http://host:port, got one that {why}")]
pub struct MalformedProxy {
    /// What is wrong; the URL may hold a password and is not shown.
    pub why: &'static str,
}

impl Proxy {
    /// No proxy.
    pub fn none() -> Proxy {
        Proxy(None)
    }

    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as upstream's clients do
    /// when no `proxy_url` is set.
    pub fn from_environment() -> Proxy {
        Proxy(Some(Arc::new(Matcher::from_env())))
    }

    /// One proxy for all URLs but those of the hosts in `no_proxy` (names with
    /// their subdomains, addresses, networks; separated by commas).
    ///
    /// # Errors
    /// [`MalformedProxy`] for anything but `http://[user:password@]host[:port]`.
    pub fn new(url: &str, no_proxy: &str) -> Result<Proxy, MalformedProxy> {
        let uri: Uri = url
            .parse()
            .map_err(|_| MalformedProxy { why: "is no URL" })?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(MalformedProxy {
                why: "does not begin with http://",
            });
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err(MalformedProxy { why: "has no host" });
        }
        Ok(Proxy(Some(Arc::new(
            Matcher::builder().all(url).no(no_proxy).build(),
        ))))
    }

    fn intercept(&self, to: &Uri) -> Option<Intercept> {
        self.0
            .as_ref()?
            .intercept(to)
            .filter(|i| i.uri().scheme() != Some(&Scheme::HTTPS))
    }

    /// Requests to a plain `http` URL carry the proxy's credentials themselves;
    /// for `https` only the tunnel's opening does.
    pub(super) fn authorize(&self, request: &mut Request<Body>) {
        if request.uri().scheme() != Some(&Scheme::HTTP) {
            return;
        }
        if let Some(proxy) = self.intercept(request.uri())
            && let Some(value) = proxy.basic_auth()
        {
            request
                .headers_mut()
                .insert(header::PROXY_AUTHORIZATION, value.clone());
        }
    }
}

/// Opens one connection for the pool.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    options: Arc<HttpClientOptions>,
    turn: usize,
}

impl Connector {
    pub(super) fn new(options: Arc<HttpClientOptions>, turn: usize) -> Connector {
        Connector { options, turn }
    }

    async fn connect(self, to: Uri) -> Result<Pooled, ConnectError> {
        let destination = destination(&to);
        let open = async {
            let secure = to.scheme() == Some(&Scheme::HTTPS);
            let proxy = self.options.proxy.intercept(&to);
            let mut socket = match &proxy {
                None => connect::dial(&destination, self.turn).await?,
                Some(proxy) => connect::dial(&self::destination(proxy.uri()), self.turn).await?,
            };
            if !secure {
                return Ok(Pooled {
                    io: Connection::Plain(socket),
                    proxied: proxy.is_some(),
                });
            }
            if let Some(proxy) = &proxy {
                let at = self::destination(proxy.uri());
                connect::tunnel(&mut socket, &at, &destination, proxy.basic_auth()).await?;
            }
            let host = to.host().unwrap_or_default();
            let tls = self.options.tls.as_ref().ok_or_else(|| ConnectError::Tls {
                host: host.to_owned(),
                why: "this client has no TLS".into(),
            })?;
            // a tunnel is a connection of its own: nothing of the proxy is seen
            Ok(Pooled {
                io: connect::secure(socket, tls, host).await?,
                proxied: false,
            })
        };
        connect::within(self.options.connect_timeout, &destination, open).await
    }
}

fn destination(uri: &Uri) -> Destination {
    let default = if uri.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    let host = uri.host().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    Destination::Host {
        host: host.to_owned(),
        port: uri.port_u16().unwrap_or(default),
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Pooled>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connector = self.clone();
        // once a connection, not once a request
        Box::pin(async move { connector.connect(to).await.map(TokioIo::new) })
    }
}

/// A connection as the pool sees it.
pub(super) struct Pooled {
    io: Connection,
    proxied: bool,
}

impl Describe for Pooled {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied);
        if self.io.is_http2() {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl tokio::io::AsyncRead for Pooled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl tokio::io::AsyncWrite for Pooled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
