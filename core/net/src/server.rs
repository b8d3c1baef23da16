//! HTTP/1.1 and HTTP/2 on one listening socket, for every receiver.
//!
//! A server knows no telemetry: it hands requests to a [`Handler`] and looks
//! after connections: limits, deadlines, age, and an orderly end.

pub(crate) mod activity;
mod bell;
mod connection;
mod incoming;
mod stats;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::Body;
use crate::listen::{Address, Listener, Stream};
use crate::tls::{TlsAcceptor, TlsPeer};
pub use incoming::Incoming;
pub use stats::ServerStats;

/// Answers requests. Closures `Fn(Request<Incoming>, Arc<Peer>) -> Future` are
/// handlers; a type of one's own needs no boxed future either.
///
/// When the client goes away the future is dropped, so it must not own work
/// that has to be finished.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

impl<F, Fut> Handler for F
where
    F: Fn(Request<Incoming>, Arc<Peer>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send,
{
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> impl Future<Output = Response<Body>> + Send {
        self(request, peer)
    }
}

/// The other end of a connection.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Where it connects from; `None` over a Unix socket. Behind a proxy see
    /// [`crate::client_address`].
    pub address: Option<SocketAddr>,
    /// The address it connected to.
    pub local: Option<SocketAddr>,
    /// What TLS knows about it; `None` without TLS.
    pub tls: Option<TlsPeer>,
}

/// Which protocols a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/1.1 and HTTP/2: told apart by ALPN, or by the first bytes without TLS.
    #[default]
    Http,
    /// HTTP/2 only, as gRPC needs.
    Http2,
}

/// How a server treats its connections. `None` is without limit.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Which protocols it speaks.
    pub protocols: Protocols,
    /// TLS; `None` is plain text.
    pub tls: Option<Arc<TlsAcceptor>>,
    /// Each connection begins with a header of the PROXY protocol (version 1 or
    /// 2), whose source address takes the place of the peer's. Others are
    /// closed. Whoever can connect can then claim any address.
    pub proxy_protocol: bool,
    /// Connections at a time; more wait in the backlog of the kernel.
    pub max_connections: Option<usize>,
    /// Connections of one address at a time; more are closed at once.
    pub max_connections_per_address: Option<usize>,
    /// From the first byte of a request (or from the connection, for the first
    /// request, TLS included) to the end of its head. HTTP/1.1 only, since
    /// HTTP/2 has no half-read heads worth a limit beyond `idle_timeout`.
    pub header_timeout: Option<Duration>,
    /// How long a connection may stay without a request.
    pub idle_timeout: Option<Duration>,
    /// How long a write may make no progress.
    pub write_timeout: Option<Duration>,
    /// Whether HTTP/1.1 connections serve more than one request.
    pub keep_alives: bool,
    /// Requests of one HTTP/2 connection at a time.
    pub max_concurrent_streams: Option<u32>,
    /// Closes connections of that age (more or less a tenth, so that they do
    /// not all come back at once), to let load balancers spread them anew.
    pub max_connection_age: Option<Duration>,
    /// How long requests of a connection that is too old may still take.
    pub max_connection_age_grace: Option<Duration>,
    /// Pings a silent HTTP/2 peer that often.
    pub keepalive_time: Option<Duration>,
    /// How long a ping may stay unanswered.
    pub keepalive_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            protocols: Protocols::Http,
            tls: None,
            proxy_protocol: false,
            max_connections: None,
            max_connections_per_address: None,
            header_timeout: None,
            idle_timeout: None,
            write_timeout: None,
            keep_alives: true,
            max_concurrent_streams: None,
            max_connection_age: None,
            max_connection_age_grace: None,
            keepalive_time: Some(Duration::from_secs(2 * 60 * 60)),
            keepalive_timeout: Duration::from_secs(20),
        }
    }
}

/// A running server. Dropping it closes everything at once; [`Server::stop`] is
/// the orderly way.
#[derive(Debug)]
pub struct Server {
    address: Address,
    closing: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
    stats: Arc<ServerStats>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still busy at the deadline and were cut.
    pub cut: usize,
}

/// Serves `listener` until the server is stopped.
///
/// # Errors
/// When the system does not say where the listener listens.
pub fn serve<H: Handler>(
    listener: Listener,
    options: ServerOptions,
    handler: Arc<H>,
) -> std::io::Result<Server> {
    let address = listener.local_address()?;
    let closing = CancellationToken::new();
    let cut = CancellationToken::new();
    let tasks = TaskTracker::new();
    let stats = Arc::new(ServerStats::default());
    let room = options.max_connections.map(|n| Arc::new(Semaphore::new(n)));
    let shared = Arc::new(Shared {
        options,
        handler,
        closing: closing.clone(),
        cut: cut.clone(),
        stats: stats.clone(),
        by_address: Mutex::default(),
    });
    tasks.spawn(accept(listener, shared, room, tasks.clone()));
    Ok(Server {
        address,
        closing,
        cut,
        tasks,
        stats,
    })
}

impl Server {
    /// Where it listens.
    pub fn local_address(&self) -> &Address {
        &self.address
    }

    /// Counters of its connections.
    pub fn stats(&self) -> &Arc<ServerStats> {
        &self.stats
    }

    /// Stops accepting (the listening socket is closed on return), tells
    /// HTTP/2 peers to go elsewhere, lets requests in flight finish, and cuts
    /// what is not done after `deadline`.
    pub async fn stop(self, deadline: Duration) -> Stopped {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait())
            .await
            .is_ok()
        {
            return Stopped { cut: 0 };
        }
        let cut = self.stats.open();
        self.cut.cancel();
        self.tasks.wait().await;
        Stopped { cut }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.cancel();
        self.cut.cancel();
    }
}

struct Shared<H> {
    options: ServerOptions,
    handler: Arc<H>,
    closing: CancellationToken,
    cut: CancellationToken,
    stats: Arc<ServerStats>,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// An address has as many connections as it may have.
struct TooMany;

impl<H> Shared<H> {
    /// Counts a connection of an address, where their number is limited.
    fn count_in(&self, peer: Option<SocketAddr>) -> Result<Option<IpAddr>, TooMany> {
        let (Some(limit), Some(peer)) = (self.options.max_connections_per_address, peer) else {
            return Ok(None);
        };
        let address = peer.ip().to_canonical();
        let mut by_address = self.by_address.lock();
        let count = by_address.entry(address).or_default();
        if *count >= limit {
            self.stats.refused_address();
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(address))
    }
}

/// What a connection holds until it ends.
struct Held<H> {
    shared: Arc<Shared<H>>,
    address: Option<IpAddr>,
    _room: Option<OwnedSemaphorePermit>,
}

impl<H> Drop for Held<H> {
    fn drop(&mut self) {
        self.shared.stats.closed();
        let Some(address) = self.address else { return };
        let mut by_address = self.shared.by_address.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// After an error of `accept` that will not go away by itself at once.
const PAUSE: Duration = Duration::from_millis(100);
/// For so long connections are still accepted when a server stops.
const LAST_CALL: Duration = Duration::from_millis(20);

async fn accept<H: Handler>(
    listener: Listener,
    shared: Arc<Shared<H>>,
    room: Option<Arc<Semaphore>>,
    tasks: TaskTracker,
) {
    let next = async {
        loop {
            let permit = match &room {
                Some(room) => room.clone().acquire_owned().await.ok(),
                None => None,
            };
            match listener.accept().await {
                Ok((stream, peer)) => admit(&shared, stream, peer, permit, &tasks),
                Err(e) if is_about_one_connection(&e) => {}
                Err(e) => {
                    tracing::warn!(error = %e, "cannot accept connections; is the limit of open files reached?");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    // Whoever has connected by now is not left in a queue that is thrown away.
    let closed = async {
        shared.closing.cancelled().await;
        if !listener.is_shared() {
            tokio::time::sleep(LAST_CALL).await;
        }
    };
    tokio::select! {
        () = next => {}
        () = closed => {}
    }
}

fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput,
    };
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | InvalidInput
    )
}

fn admit<H: Handler>(
    shared: &Arc<Shared<H>>,
    stream: Stream,
    peer: Option<SocketAddr>,
    room: Option<OwnedSemaphorePermit>,
    tasks: &TaskTracker,
) {
    let mut address = None;
    // the address behind a proxy is known later
    if !shared.options.proxy_protocol {
        match shared.count_in(peer) {
            Ok(counted) => address = counted,
            Err(TooMany) => return,
        }
    }
    shared.stats.opened();
    let held = Held {
        shared: shared.clone(),
        address,
        _room: room,
    };
    let local = stream.local_address();
    tasks.spawn(connection::serve(
        stream,
        Peer {
            address: peer,
            local,
            tls: None,
        },
        held,
    ));
}

#[cfg(test)]
mod tests;
