//! The last seconds of a connection whose client may still be sending.
//!
//! A kernel answers bytes that nobody reads with a reset, and a reset takes
//! away answers that its client has not read yet. So a server that answers
//! before it has read a whole body (too large, no room) goes on reading, and
//! forgets what it reads, until the client has seen the end or a limit is
//! reached: what nginx calls a lingering close, RFC 9112, section 9.6.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::listen::Stream;

/// A client that neither sends nor closes for this long is not waited for.
const SILENCE: Duration = Duration::from_secs(2);
/// However much it has to send, a client is read for this long at most.
const LONGEST: Duration = Duration::from_secs(30);
/// What is read and forgotten in one step.
const PIECE: usize = 16 << 10;

/// Reads to the end of a stream whose writing side is closed.
pub(super) struct Lingering {
    until: Instant,
    silence: Pin<Box<Sleep>>,
}

impl Lingering {
    pub(super) fn begin() -> Lingering {
        let now = Instant::now();
        Lingering {
            until: now + LONGEST,
            silence: Box::pin(tokio::time::sleep_until(now + SILENCE)),
        }
    }

    /// Ready when the client has closed or broken the connection, or a limit is reached.
    pub(super) fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<()> {
        let mut piece = [std::mem::MaybeUninit::uninit(); PIECE];
        let mut came = false;
        loop {
            let mut into = ReadBuf::uninit(&mut piece);
            match Pin::new(&mut *stream).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() => came = true,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        if came {
            let silent = Instant::now() + SILENCE;
            self.silence.as_mut().reset(silent.min(self.until));
        }
        self.silence.as_mut().poll(cx)
    }
}
