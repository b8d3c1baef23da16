//! Opening connections: names to addresses, TCP or Unix sockets, a proxy, TLS.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use crate::listen::Stream;
use crate::socket::Socket;
use crate::tls::TlsConnector;

/// A peer that vanished is noticed after some of these.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// The head of a proxy's answer to CONNECT.
const MAX_PROXY_HEAD: usize = 8 << 10;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The host name resolves to nothing.
    #[error("cannot resolve {host}: {why}")]
    Resolve {
        /// The host name.
        host: String,
        /// What the resolver says.
        why: String,
    },
    /// Nobody answers there.
    #[error("cannot connect to {to}: {why}")]
    Refused {
        /// Host and port, or a path.
        to: String,
        /// What the system says.
        why: String,
    },
    /// TLS failed: a certificate that is not trusted, or no TLS at all.
    #[error("TLS with {host} failed: {why}")]
    Tls {
        /// The host name.
        host: String,
        /// What failed.
        why: String,
    },
    /// The proxy does not connect.
    #[error("the proxy {proxy} does not connect to {to}: {why}")]
    Proxy {
        /// The proxy's host and port.
        proxy: String,
        /// The destination.
        to: String,
        /// What the proxy says.
        why: String,
    },
    /// It took too long.
    #[error("no connection to {to} within {within:?}")]
    TimedOut {
        /// The destination.
        to: String,
        /// How long was tried.
        within: Duration,
    },
}

/// An open connection of a client.
pub(crate) enum Connection {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Connection {
    /// Whether HTTP/2 was agreed on.
    pub(crate) fn is_http2(&self) -> bool {
        match self {
            Connection::Plain(_) => false,
            Connection::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Destination {
    Host { host: String, port: u16 },
    Unix(PathBuf),
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::Host { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Destination::Host { host, port } => write!(f, "{host}:{port}"),
            Destination::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Connects without TLS. `turn` picks the address that is tried first, so that
/// several connections spread over all addresses of a name.
pub(crate) async fn dial(to: &Destination, turn: usize) -> Result<Socket, ConnectError> {
    match to {
        Destination::Unix(path) => dial_unix(path).await,
        Destination::Host { host, port } => dial_tcp(to, host, *port, turn).await,
    }
    .map(Socket::new)
}

async fn dial_unix(path: &Path) -> Result<Stream, ConnectError> {
    UnixStream::connect(path)
        .await
        .map(Stream::Unix)
        .map_err(|e| ConnectError::Refused {
            to: path.display().to_string(),
            why: e.to_string(),
        })
}

async fn dial_tcp(
    to: &Destination,
    host: &str,
    port: u16,
    turn: usize,
) -> Result<Stream, ConnectError> {
    let unresolved = |why: String| ConnectError::Resolve {
        host: host.to_owned(),
        why,
    };
    let mut addresses: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|e| unresolved(e.to_string()))?
        .collect();
    if addresses.is_empty() {
        return Err(unresolved("the name has no address".into()));
    }
    // the resolver returns an address once for every kind of socket
    addresses.dedup();
    let len = addresses.len();
    addresses.rotate_left(turn % len);
    let mut why = String::new();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                tune(&stream);
                return Ok(Stream::Tcp(stream));
            }
            Err(e) => why = format!("{e} ({address})"),
        }
    }
    Err(ConnectError::Refused {
        to: to.to_string(),
        why,
    })
}

/// Best effort: a connection works without these.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(TCP_KEEPALIVE)
        .with_interval(TCP_KEEPALIVE);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Puts TLS over an open connection.
pub(crate) async fn secure(
    socket: Socket,
    tls: &TlsConnector,
    host: &str,
) -> Result<Connection, ConnectError> {
    match tls.connect(host, socket).await {
        Ok(stream) => Ok(Connection::Tls(Box::new(stream))),
        Err(e) => Err(ConnectError::Tls {
            host: host.to_owned(),
            why: e.to_string(),
        }),
    }
}

/// Gives `work` at most `within`.
pub(crate) async fn within<T>(
    within: Duration,
    to: &Destination,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    tokio::time::timeout(within, work)
        .await
        .unwrap_or_else(|_| {
            Err(ConnectError::TimedOut {
                to: to.to_string(),
                within,
            })
        })
}

/// Asks the proxy at the other end for a tunnel (RFC 9110, 9.3.6).
pub(crate) async fn tunnel(
    socket: &mut Socket,
    proxy: &Destination,
    to: &Destination,
    authorization: Option<&http::HeaderValue>,
) -> Result<(), ConnectError> {
    let failed = |why: String| ConnectError::Proxy {
        proxy: proxy.to_string(),
        to: to.to_string(),
        why,
    };
    let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(value) = authorization {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    socket
        .write_all(&head)
        .await
        .map_err(|e| failed(e.to_string()))?;
    let answer = read_head(socket).await.map_err(|e| failed(e.to_string()))?;
    let status = answer.split(|b| *b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(status);
    match line.split(' ').nth(1) {
        Some(code) if code.len() == 3 && code.starts_with('2') => Ok(()),
        _ => Err(failed(line.chars().take(200).collect())),
    }
}

/// Reads byte by byte, so that nothing of the tunnel is swallowed; the proxy
/// sends a hundred bytes, once for a connection.
async fn read_head(socket: &mut Socket) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_PROXY_HEAD {
            return Err(io::Error::other("the proxy's answer does not end"));
        }
        head.push(socket.read_u8().await?);
    }
    Ok(head)
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_read(cx, into),
            Connection::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_write(cx, data),
            Connection::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, data),
            Connection::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, data),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Connection::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Connection::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
