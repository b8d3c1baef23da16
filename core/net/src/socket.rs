//! A connection's bytes: reads ahead when much comes, gives up on peers that
//! do not take their answers, tells a watcher when bytes arrive, and lingers
//! so that a last answer is not lost to what its client was still sending.

mod linger;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::io::poll_read_buf;

use self::linger::Lingering;
use crate::listen::Stream;
use crate::server::activity::Activity;

/// One system call reads up to this much of a busy connection.
const READ_AHEAD: usize = 128 << 10;

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A header of the PROXY protocol is a few hundred bytes; its length field allows 64 KiB.
const LONGEST_PROXY_HEADER: usize = 4 << 10;

/// A connection with a read buffer that exists only while data stream in, so
/// that an idle connection costs nothing.
pub(crate) struct Socket {
    stream: Stream,
    ahead: BytesMut,
    /// The last read filled what it was given: more is probably waiting.
    busy: bool,
    write_timeout: Option<Duration>,
    stalled: Option<Pin<Box<Sleep>>>,
    activity: Option<Arc<Activity>>,
    lingering: Option<Lingering>,
}

impl Socket {
    pub(crate) fn new(stream: Stream) -> Socket {
        Socket {
            stream,
            ahead: BytesMut::new(),
            busy: false,
            write_timeout: None,
            stalled: None,
            activity: None,
            lingering: None,
        }
    }

    /// A write that makes no progress for this long is an error.
    pub(crate) fn write_timeout(mut self, limit: Option<Duration>) -> Socket {
        self.write_timeout = limit;
        self
    }

    pub(crate) fn watched_by(mut self, activity: Arc<Activity>) -> Socket {
        self.activity = Some(activity);
        self
    }

    /// Reads until it is known whether the peer speaks HTTP/2 at once. The
    /// bytes stay to be read.
    pub(crate) async fn speaks_http2(&mut self) -> io::Result<bool> {
        loop {
            let known = self.ahead.len().min(PREFACE.len());
            if self.ahead[..known] != PREFACE[..known] {
                return Ok(false);
            }
            if known == PREFACE.len() {
                return Ok(true);
            }
            self.read_more().await?;
        }
    }

    /// Reads the header of the PROXY protocol (version 1 or 2) that the
    /// connection must begin with, and says whom the proxy speaks for; `None`
    /// when it speaks for itself, or does not know.
    pub(crate) async fn spoken_for(&mut self) -> io::Result<Option<SocketAddr>> {
        let parsing = ParseConfig {
            include_tlvs: false,
            ..ParseConfig::default()
        };
        loop {
            match ProxyHeader::parse(&self.ahead, parsing) {
                Ok((header, length)) => {
                    let source = header.proxied_address().map(|address| address.source);
                    self.ahead.advance(length);
                    return Ok(source);
                }
                Err(proxy_header::Error::BufferTooShort)
                    if self.ahead.len() < LONGEST_PROXY_HEADER => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            self.read_more().await?;
        }
    }

    /// Whether bytes wait to be handed out.
    pub(crate) fn has_read(&self) -> bool {
        !self.ahead.is_empty()
    }

    async fn read_more(&mut self) -> io::Result<()> {
        self.ahead.reserve(4 << 10);
        let stream = &mut self.stream;
        let ahead = &mut self.ahead;
        let n = std::future::poll_fn(|cx| poll_read_buf(Pin::new(&mut *stream), cx, ahead)).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn hand_out(&mut self, into: &mut ReadBuf<'_>) {
        let n = self.ahead.len().min(into.remaining());
        into.put_slice(&self.ahead[..n]);
        self.ahead.advance(n);
    }

    /// Turns a write that cannot proceed into an error when its time is over.
    fn progress<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(limit) = self.write_timeout else {
            return outcome;
        };
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let sleep = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the peer does not take what is sent to it",
        )))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.ahead.is_empty() {
            this.hand_out(into);
            return Poll::Ready(Ok(()));
        }
        let outcome = if this.busy && into.remaining() < READ_AHEAD {
            this.ahead.reserve(READ_AHEAD);
            poll_read_buf(Pin::new(&mut this.stream), cx, &mut this.ahead).map_ok(|n| n > 0)
        } else {
            let before = into.filled().len();
            Pin::new(&mut this.stream)
                .poll_read(cx, into)
                .map_ok(|()| into.filled().len() > before)
        };
        if outcome.is_pending() {
            this.busy = false;
            this.ahead = BytesMut::new();
        }
        if ready!(outcome)? {
            if let Some(activity) = &this.activity {
                activity.bytes_came();
            }
            if this.ahead.is_empty() {
                this.busy = into.remaining() == 0;
            } else {
                this.busy = this.ahead.len() > into.remaining();
                this.hand_out(into);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, data);
        self.progress(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // An answer without a body is one piece: `send` costs the kernel less than `writev`.
        let outcome = match data {
            [one] => Pin::new(&mut self.stream).poll_write(cx, one),
            many => Pin::new(&mut self.stream).poll_write_vectored(cx, many),
        };
        self.progress(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.progress(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            let activity = this.activity.as_ref();
            if activity.is_none_or(|activity| !activity.ends_unread()) {
                return Poll::Ready(Ok(()));
            }
        }
        let lingering = this.lingering.get_or_insert_with(Lingering::begin);
        ready!(lingering.poll(&mut this.stream, cx));
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, data),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, data),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
