//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::Either;
use http::{Request, Response};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::activity::{Activity, Verdict};
use super::bell::Bell;
use super::incoming::{self, Incoming};
use super::{Handler, Held, Peer, Protocols, ServerOptions, Shared};
use crate::answer::Body;
use crate::jitter;
use crate::listen::Stream;
use crate::socket::Socket;

// 256 KiB frames cost half of what 16 KiB frames cost; larger ones would be
// held by every connection before a byte of them is charged.
const MAX_FRAME: u32 = 256 << 10;
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
const MAX_HEAD: usize = 64 << 10;
const DEFAULT_STREAMS: u32 = 1024;
/// A TLS handshake may take this long where no header deadline is set.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A connection this young is on its way to its first request: it is not closed
/// in the face of its client when the server stops. Its successor on the same
/// socket takes the next ones.
const YOUNG: Duration = Duration::from_secs(1);
/// How often is looked for that request.
const LOOK: Duration = Duration::from_millis(5);

pub(super) async fn serve<H: Handler>(stream: Stream, mut peer: Peer, mut held: Held<H>) {
    let shared = held.shared.clone();
    let options = &shared.options;
    let activity = Arc::new(Activity::new());
    let socket = Socket::new(stream)
        .write_timeout(options.write_timeout)
        .watched_by(activity.clone());
    let Some((protocol, io)) = begin(&mut held, &activity, socket, &mut peer).await else {
        return;
    };
    let peer = Arc::new(peer);
    match io {
        Io::Plain(socket) => run(&shared, activity, peer, protocol, socket).await,
        Io::Tls(stream) => run(&shared, activity, peer, protocol, *stream).await,
    }
}

enum Io {
    Plain(Socket),
    Tls(Box<tokio_rustls::server::TlsStream<Socket>>),
}

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Http1,
    Http2,
}

/// The proxy's header, TLS and the choice of the protocol; `None` ends the connection.
async fn begin<H>(
    held: &mut Held<H>,
    activity: &Activity,
    mut socket: Socket,
    peer: &mut Peer,
) -> Option<(Protocol, Io)> {
    let shared = &*held.shared.clone();
    let options = &shared.options;
    let patience = options.header_timeout.unwrap_or(HANDSHAKE);
    let forced = (options.protocols == Protocols::Http2).then_some(Protocol::Http2);
    let begun = async {
        if options.proxy_protocol {
            announced(held, &mut socket, peer).await?;
        }
        match &options.tls {
            Some(tls) => {
                let stream = tls.accept(socket).await.inspect_err(|e| {
                    shared.stats.failed_tls();
                    tracing::debug!(error = %e, "TLS handshake failed");
                });
                let stream = stream.ok()?;
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                peer.tls = Some(crate::tls::TlsPeer::of(stream.get_ref().1));
                Some((forced.unwrap_or(protocol), Io::Tls(Box::new(stream))))
            }
            None => {
                let mut socket = socket;
                let protocol = match forced {
                    Some(protocol) => protocol,
                    None if socket.speaks_http2().await.ok()? => Protocol::Http2,
                    None => Protocol::Http1,
                };
                Some((protocol, Io::Plain(socket)))
            }
        }
    };
    tokio::select! {
        begun = tokio::time::timeout(patience, begun) => begun.unwrap_or_else(|_| {
            shared.stats.slow_head();
            None
        }),
        // nothing was asked yet, so nothing is lost
        () = time_to_close(shared, activity) => None,
    }
}

/// Learns from the proxy whose connection it is; `None` ends the connection.
async fn announced<H>(held: &mut Held<H>, socket: &mut Socket, peer: &mut Peer) -> Option<()> {
    match socket.spoken_for().await {
        Ok(source) => peer.address = source.or(peer.address),
        // a balancer that looks whether somebody listens
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !socket.has_read() => {
            return None;
        }
        Err(error) => {
            held.shared.stats.broken();
            tracing::debug!(%error, "a connection without a header of the PROXY protocol");
            return None;
        }
    }
    held.address = held.shared.count_in(peer.address).ok()?;
    Some(())
}

async fn run<H: Handler>(
    shared: &Arc<Shared<H>>,
    activity: Arc<Activity>,
    peer: Arc<Peer>,
    protocol: Protocol,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let handler = shared.handler.clone();
    let requests = activity.clone();
    let is_http1 = protocol == Protocol::Http1;
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let in_flight = InFlight::begin(requests.clone());
        let request = request.map(|body| Incoming::new(body, is_http1.then_some(&requests)));
        let answer = handler.clone().handle(request, peer.clone());
        // not an async block, which would copy the whole future once more before it polls it
        answer.then(
            move |response: Response<Body>| match in_flight.0.left_over() {
                None => {
                    drop(in_flight);
                    Either::Left(ready(Ok::<_, Infallible>(response)))
                }
                Some(rest) => Either::Right(Box::pin(async move {
                    let response = incoming::finish(rest, in_flight.0.clone(), response).await;
                    drop(in_flight);
                    Ok(response)
                })),
            },
        )
    });
    let io = TokioIo::new(io);
    let options = &shared.options;
    match protocol {
        Protocol::Http1 => {
            let connection = http1_builder(options).serve_connection(io, service);
            let head = options.header_timeout;
            watch(shared, &activity, head, connection).await;
        }
        Protocol::Http2 => {
            let connection = http2_builder(options).serve_connection(io, service);
            watch(shared, &activity, None, connection).await;
        }
    }
}

fn http1_builder(options: &ServerOptions) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // its clock also runs while a kept connection is idle: ours does not
        .header_read_timeout(None)
        .max_header_size(MAX_HEAD)
        .keep_alive(options.keep_alives)
        .half_close(true);
    builder
}

fn http2_builder(options: &ServerOptions) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_frame_size(MAX_FRAME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEAD as u32)
        .max_concurrent_streams(options.max_concurrent_streams.unwrap_or(DEFAULT_STREAMS))
        .keep_alive_interval(options.keepalive_time)
        .keep_alive_timeout(options.keepalive_timeout);
    builder
}

/// Counts a request as in flight until its answer is handed to the connection,
/// or until the client goes away.
struct InFlight(Arc<Activity>);

impl InFlight {
    fn begin(activity: Arc<Activity>) -> InFlight {
        activity.request_began();
        InFlight(activity)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.request_ended();
    }
}

/// A connection that can be asked to end when it is idle.
trait Closable: Future<Output = hyper::Result<()>> {
    fn close(self: Pin<&mut Self>);
}

impl<I, B, S> Closable for http1::Connection<I, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn close(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S, E> Closable for http2::Connection<I, S, E>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    fn close(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Ends when the server stops and the connection owes nothing to its client.
async fn time_to_close<H>(shared: &Shared<H>, activity: &Activity) {
    shared.closing.cancelled().await;
    while !activity.was_asked() && activity.began().elapsed() < YOUNG {
        tokio::time::sleep(LOOK).await;
    }
}

/// Why the watch over a connection is interrupted.
enum Interruption {
    /// The server stops: no more requests.
    Closing,
    /// The server stops at once.
    Cut,
    /// It is time to look at the limits.
    Look,
}

/// What the watch wakes up for.
enum Event {
    Ended(hyper::Result<()>),
    Interrupted(Interruption),
}

async fn interrupted<H>(
    shared: &Shared<H>,
    activity: &Activity,
    closing: bool,
    wake: Instant,
) -> Interruption {
    tokio::select! {
        biased;
        () = shared.cut.cancelled() => Interruption::Cut,
        () = time_to_close(shared, activity), if !closing => Interruption::Closing,
        () = tokio::time::sleep_until(wake) => Interruption::Look,
    }
}

/// Drives a connection and ends it by its limits or when the server stops.
async fn watch<H>(
    shared: &Shared<H>,
    activity: &Activity,
    head: Option<Duration>,
    connection: impl Closable,
) {
    let options = &shared.options;
    let stats = &shared.stats;
    let mut connection = pin!(connection);
    let mut age = options
        .max_connection_age
        .map(|age| activity.began() + age.mul_f64(jitter::around_one(0.1)));
    let mut grace = None;
    let mut closing = false;
    let mut look_at = Instant::now();
    let mut bell = Bell::new();
    loop {
        let wake = [age, grace]
            .into_iter()
            .flatten()
            .fold(look_at, Instant::min);
        let mut interruption = pin!(interrupted(shared, activity, closing, wake));
        bell.ring();
        let event = poll_fn(|cx| {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(Event::Ended(ended));
            }
            activity.settle();
            bell.answer(cx, |cx| interruption.as_mut().poll(cx))
                .map(Event::Interrupted)
        });
        match event.await {
            Event::Ended(ended) => {
                if let Err(e) = ended
                    && !e.is_closed()
                {
                    stats.broken();
                    tracing::debug!(error = %e, "a connection broke");
                }
                return;
            }
            Event::Interrupted(Interruption::Closing) => {
                connection.as_mut().close();
                closing = true;
            }
            Event::Interrupted(Interruption::Cut) => return,
            Event::Interrupted(Interruption::Look) => {}
        }
        let now = Instant::now();
        if grace.is_some_and(|at| at <= now) {
            return;
        }
        if age.is_some_and(|at| at <= now) {
            stats.aged();
            age = None;
            grace = options.max_connection_age_grace.map(|grace| now + grace);
            connection.as_mut().close();
            closing = true;
        }
        match activity.judge(head, options.idle_timeout) {
            Verdict::LookAgain(at) => look_at = at,
            Verdict::SlowHead => {
                stats.slow_head();
                return;
            }
            // an answer may still be on its way: the connection ends after it
            Verdict::Idle => {
                if !closing {
                    stats.idle();
                    connection.as_mut().close();
                    closing = true;
                }
                look_at = now + options.idle_timeout.unwrap_or(HANDSHAKE);
            }
        }
    }
}
