//! Listening sockets: bound by name or handed in by a host that owns them.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Connections that wait for `accept`. The kernel caps it at `somaxconn`.
const BACKLOG: i32 = 1024;

/// Which kind of socket an endpoint names.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// IPv4 or IPv6, whatever the host resolves to first.
    #[default]
    Tcp,
    /// IPv4 only.
    Tcp4,
    /// IPv6 only.
    Tcp6,
    /// A Unix socket; the endpoint is its path.
    Unix,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// The IP address, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Address::Ip(address) => Some(*address),
            Address::Unix(_) => None,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else holds the port.
    #[error("listen on {endpoint}: address already in use (another process holds the port)")]
    AddressInUse {
        /// The endpoint as configured.
        endpoint: String,
    },
    /// Another component of this process holds the port.
    #[error("listen on {endpoint}: address already in use by {holder} of this collector")]
    Held {
        /// The endpoint as configured.
        endpoint: String,
        /// Who holds it.
        holder: String,
    },
    /// Ports below 1024, or a directory without write permission.
    #[error("listen on {endpoint}: permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)")]
    PermissionDenied {
        /// The endpoint as configured.
        endpoint: String,
    },
    /// The address belongs to another machine.
    #[error(
        "listen on {endpoint}: no interface of this machine has this address; use 0.0.0.0 for all of them"
    )]
    NotLocal {
        /// The endpoint as configured.
        endpoint: String,
    },
    /// The host name resolves to nothing.
    #[error("listen on {endpoint}: cannot resolve the host name: {why}")]
    Unresolvable {
        /// The endpoint as configured.
        endpoint: String,
        /// What the resolver says.
        why: String,
    },
    /// Not host:port.
    #[error(
        "listen on {endpoint:?}: expected host:port, for example localhost:4317, 0.0.0.0:4317 or [::1]:4317"
    )]
    Malformed {
        /// The endpoint as configured.
        endpoint: String,
    },
    /// Anything else.
    #[error("listen on {endpoint}: {source}")]
    Other {
        /// The endpoint as configured.
        endpoint: String,
        /// What the system says.
        source: io::Error,
    },
}

/// A socket that accepts connections. Clones accept on the same socket; it is
/// closed with the last of them.
#[derive(Clone, Debug)]
pub struct Listener(Arc<Kind>);

/// A listener that does not keep its socket open.
#[derive(Clone, Debug)]
pub struct WeakListener(Weak<Kind>);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, removed with its listener.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Listener {
    /// Binds `host:port` or the path of a Unix socket. Port 0 takes any free
    /// port. An empty host is every address, IPv4 and IPv6. Of a host name with
    /// several addresses the first IPv4 address is taken, as Go does.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub async fn bind(endpoint: &str, transport: Transport) -> Result<Listener, ListenError> {
        Listener::bind_beside(endpoint, transport, &[]).await
    }

    /// Like [`Listener::bind`], but the ports of `leaving`, listeners of this
    /// process that will be closed soon, do not count as taken: all addresses
    /// may follow one of them, and one may follow all.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub async fn bind_beside(
        endpoint: &str,
        transport: Transport,
        leaving: &[Listener],
    ) -> Result<Listener, ListenError> {
        let addresses = candidates(endpoint, transport).await?;
        let both_families = addresses.len() > 1;
        let mut taken = None;
        for address in &addresses {
            let bound = match address {
                Address::Unix(path) => bind_unix(path)
                    .await
                    .map(|listener| Kind::Unix(listener, SocketFile(path.clone()))),
                Address::Ip(ip) => {
                    bind_tcp(*ip, both_families && ip.is_ipv6(), leaving).map(Kind::Tcp)
                }
            };
            match bound {
                Ok(kind) => return Ok(Listener(Arc::new(kind))),
                Err(error) => taken = Some(error),
            }
        }
        let error = taken.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
        Err(failure(endpoint, error))
    }

    /// Takes over a socket that is bound already.
    ///
    /// # Errors
    /// When the socket cannot be made non-blocking or no runtime runs.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Listener> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Listener(Arc::new(Kind::Tcp(listener))))
    }

    /// The same listener, without keeping the socket open.
    pub fn downgrade(&self) -> WeakListener {
        WeakListener(Arc::downgrade(&self.0))
    }

    /// Where it listens; the real port when 0 was asked for.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_address(&self) -> io::Result<Address> {
        match &*self.0 {
            Kind::Tcp(listener) => listener.local_addr().map(Address::Ip),
            Kind::Unix(_, file) => Ok(Address::Unix(file.0.clone())),
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match &*self.0 {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // an answer must not wait for the acknowledgement of the last one
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            Kind::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), None))
            }
        }
    }
}

impl WeakListener {
    /// The listener, while somebody keeps its socket open.
    pub fn upgrade(&self) -> Option<Listener> {
        self.0.upgrade().map(Listener)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Stream::Tcp(stream) => stream.local_addr().ok(),
            Stream::Unix(_) => None,
        }
    }
}

/// Splits `host:port`, `[v6]:port` and `:port`.
pub(crate) fn split_host_port(endpoint: &str) -> Option<(&str, u16)> {
    let (host, port) = endpoint.rsplit_once(':')?;
    let port = port.parse().ok()?;
    match host.strip_prefix('[') {
        Some(v6) => Some((v6.strip_suffix(']')?, port)),
        None if host.contains(':') => None,
        None => Some((host, port)),
    }
}

/// The addresses to bind for an endpoint, the first that can be bound counts.
///
/// # Errors
/// When the endpoint is malformed or its host cannot be resolved.
pub async fn candidates(endpoint: &str, transport: Transport) -> Result<Vec<Address>, ListenError> {
    if transport == Transport::Unix {
        return Ok(vec![Address::Unix(PathBuf::from(endpoint))]);
    }
    let (host, port) = split_host_port(endpoint).ok_or_else(|| ListenError::Malformed {
        endpoint: endpoint.to_owned(),
    })?;
    if host.is_empty() && transport == Transport::Tcp {
        // the second where this machine has no IPv6
        let everywhere = [
            SocketAddr::from(([0_u16; 8], port)),
            SocketAddr::from(([0_u8; 4], port)),
        ];
        return Ok(everywhere.map(Address::Ip).to_vec());
    }
    let address = resolve(endpoint, host, port, transport).await?;
    Ok(vec![Address::Ip(address)])
}

async fn resolve(
    endpoint: &str,
    host: &str,
    port: u16,
    transport: Transport,
) -> Result<SocketAddr, ListenError> {
    let unresolvable = |why: String| ListenError::Unresolvable {
        endpoint: endpoint.to_owned(),
        why,
    };
    let host = match (host, transport) {
        ("", Transport::Tcp6) => "::",
        ("", _) => "0.0.0.0",
        (host, _) => host,
    };
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|e| unresolvable(e.to_string()))?;
    let mut found: Vec<SocketAddr> = found
        .filter(|a| match transport {
            Transport::Tcp4 => a.is_ipv4(),
            Transport::Tcp6 => a.is_ipv6(),
            _ => true,
        })
        .collect();
    // stable: the resolver's order stays within a family
    found.sort_by_key(SocketAddr::is_ipv6);
    found
        .first()
        .copied()
        .ok_or_else(|| unresolvable("it has no address of this kind".into()))
}

fn bind_tcp(
    address: SocketAddr,
    both_families: bool,
    leaving: &[Listener],
) -> io::Result<TcpListener> {
    let socket = RawSocket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if both_families {
        socket.set_only_v6(false)?;
    }
    // without it a restart fails while old connections are in TIME_WAIT
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    match bind_and_listen(&socket, address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            bind_shared(&socket, address, leaving)?;
        }
        bound => bound?,
    }
    TcpListener::from_std(socket.into())
}

fn bind_and_listen(socket: &RawSocket, address: SocketAddr) -> io::Result<()> {
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)
}

/// Binds while the listeners that leave share their port for this moment: 0.0.0.0
/// can follow 127.0.0.1 on one port without a time in which nobody listens.
fn bind_shared(socket: &RawSocket, address: SocketAddr, leaving: &[Listener]) -> io::Result<()> {
    let holders: Vec<SockRef<'_>> = leaving
        .iter()
        .filter_map(|listener| match &*listener.0 {
            Kind::Tcp(listener) => {
                let port = listener.local_addr().ok()?.port();
                (port == address.port()).then(|| SockRef::from(listener))
            }
            Kind::Unix(..) => None,
        })
        .collect();
    if holders.is_empty() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let share = |shared: bool| -> io::Result<()> {
        holders
            .iter()
            .try_for_each(|holder| holder.set_reuse_port(shared))?;
        socket.set_reuse_port(shared)
    };
    let bound = share(true).and_then(|()| bind_and_listen(socket, address));
    share(false)?;
    bound
}

/// Binds a Unix socket. A file that nobody listens on is left over from a
/// process that was killed; it is removed.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
            match UnixStream::connect(path).await {
                Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {}
                _ => return Err(e),
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }
}

fn failure(endpoint: &str, source: io::Error) -> ListenError {
    let endpoint = endpoint.to_owned();
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::AddressInUse { endpoint },
        io::ErrorKind::PermissionDenied => ListenError::PermissionDenied { endpoint },
        io::ErrorKind::AddrNotAvailable => ListenError::NotLocal { endpoint },
        _ => ListenError::Other { endpoint, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bind(endpoint: &str) -> Result<Listener, ListenError> {
        Listener::bind(endpoint, Transport::Tcp).await
    }

    #[tokio::test]
    async fn localhost_is_its_first_ipv4_address() {
        let address = bind("localhost:0")
            .await
            .unwrap()
            .local_address()
            .unwrap()
            .ip()
            .unwrap();
        assert!(address.ip().is_loopback() && address.is_ipv4(), "{address}");
        assert_ne!(address.port(), 0);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_says_so() {
        let first = bind("127.0.0.1:0").await.unwrap();
        let endpoint = first.local_address().unwrap().to_string();
        let err = bind(&endpoint).await.unwrap_err();
        assert_eq!(
            err.to_string(),
            format!(
                "listen on {endpoint}: address already in use (another process holds the port)"
            )
        );
    }

    #[tokio::test]
    async fn errors_say_what_to_do() {
        for (endpoint, says) in [
            ("localhost", "expected host:port"),
            ("::1:80", "expected host:port"),
            ("localhost:99999", "expected host:port"),
            ("192.0.2.1:0", "no interface of this machine"),
            ("no-such-host.invalid:0", "cannot resolve"),
        ] {
            let err = bind(endpoint).await.unwrap_err().to_string();
            assert!(err.contains(says) && err.contains(endpoint), "{err}");
        }
    }

    #[tokio::test]
    async fn a_socket_is_open_until_its_last_listener_goes() {
        let first = bind("127.0.0.1:0").await.unwrap();
        let address = first.local_address().unwrap().ip().unwrap();
        let weak = first.downgrade();
        let successor = weak.upgrade().unwrap();
        drop(first);
        let client = TcpStream::connect(address);
        let (accepted, _) = tokio::join!(successor.accept(), client);
        accepted.unwrap();
        drop(successor);
        assert!(weak.upgrade().is_none());
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn every_address_may_follow_one_that_leaves_on_its_port() {
        let leaving = bind("127.0.0.1:0").await.unwrap();
        let port = leaving.local_address().unwrap().ip().unwrap().port();
        let endpoint = format!("0.0.0.0:{port}");
        assert!(bind(&endpoint).await.is_err());
        let strangers = [bind("127.0.0.1:0").await.unwrap()];
        let beside = Listener::bind_beside(&endpoint, Transport::Tcp, &strangers);
        assert!(beside.await.is_err());
        let leaving = [leaving];
        let beside = Listener::bind_beside(&endpoint, Transport::Tcp, &leaving);
        let follower = beside.await.unwrap();
        drop(leaving);
        let client = TcpStream::connect(("127.0.0.1", port));
        let (accepted, _) = tokio::join!(follower.accept(), client);
        accepted.unwrap();
    }

    #[tokio::test]
    async fn a_unix_socket_left_over_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("otlp.sock");
        let endpoint = path.to_str().unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = Listener::bind(endpoint, Transport::Unix).await.unwrap();
        let err = Listener::bind(endpoint, Transport::Unix).await.unwrap_err();
        assert!(matches!(err, ListenError::AddressInUse { .. }), "{err}");
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn host_and_port_split() {
        assert_eq!(split_host_port(":80"), Some(("", 80)));
        assert_eq!(split_host_port("[::1]:80"), Some(("::1", 80)));
        assert_eq!(split_host_port("a.b:80"), Some(("a.b", 80)));
        assert_eq!(split_host_port("[::1]"), None);
        assert_eq!(split_host_port("a:b:80"), None);
    }
}
