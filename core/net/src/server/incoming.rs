//! The body of a request, and what becomes of a part that nobody reads.
//!
//! A server may answer before it has read a body: too large, no room, not
//! allowed. On HTTP/1.1 the rest still stands before the next request. A small
//! rest is read and forgotten; behind a large one the connection ends, and the
//! answer says so, because else the client sends its next request into it
//! (RFC 9112, section 9.6).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use super::activity::Activity;
use crate::answer;

/// A rest of this many bytes is read for the sake of the connection, as by Go's
/// net/http.
const WORTH_READING: u64 = 256 << 10;
/// However small it is, a rest is waited for this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The body of a request that a [`Handler`](super::Handler) answers.
#[derive(Debug)]
pub struct Incoming {
    body: Option<hyper::body::Incoming>,
    /// Who takes the rest; none on HTTP/2, where a body ends by itself.
    connection: Option<Arc<Activity>>,
}

impl Incoming {
    pub(super) fn new(body: hyper::body::Incoming, connection: Option<&Arc<Activity>>) -> Incoming {
        let connection = connection.filter(|_| !body.is_end_stream());
        Incoming {
            body: Some(body),
            connection: connection.cloned(),
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let (Some(body), Some(connection)) = (self.body.take(), self.connection.take())
            && !body.is_end_stream()
        {
            connection.leave_over(body);
        }
    }
}

/// Reads the rest of a request that was answered early, or tells the client that
/// the connection ends.
pub(super) async fn finish(
    rest: hyper::body::Incoming,
    connection: Arc<Activity>,
    mut response: Response<answer::Body>,
) -> Response<answer::Body> {
    let is_small = rest.size_hint().exact().is_some_and(|n| n <= WORTH_READING);
    let is_read =
        is_small && matches!(tokio::time::timeout(PATIENCE, all_of(rest)).await, Ok(true));
    if !is_read {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
        connection.end_unread();
    }
    response
}

/// Whether it came to its end.
async fn all_of(mut rest: hyper::body::Incoming) -> bool {
    while let Some(frame) = rest.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    true
}
