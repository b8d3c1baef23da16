//! The body of an answer: nothing, bytes, bytes with trailers, or a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

/// A body that costs no allocation for what a collector answers.
#[derive(Debug, Default)]
pub struct Body(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    /// Up to two pieces (a gRPC frame header and its message), then trailers. Boxed,
    /// since every answer is moved several times and few have any.
    Pieces {
        first: Bytes,
        second: Bytes,
        trailers: Option<Box<HeaderMap>>,
    },
    /// A rope, in order; the number is what is left of it.
    Rope(std::vec::IntoIter<Bytes>, u64),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

/// An error of a streamed body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Body {
    /// No body.
    pub fn empty() -> Body {
        Body(Kind::Empty)
    }

    /// Two pieces, sent as they are, then trailers.
    pub fn pieces(first: Bytes, second: Bytes, trailers: Option<HeaderMap>) -> Body {
        Body(Kind::Pieces {
            first,
            second,
            trailers: trailers.map(Box::new),
        })
    }

    /// Many pieces, sent as they are.
    pub fn rope(pieces: Vec<Bytes>) -> Body {
        let total = pieces.iter().map(|piece| piece.len() as u64).sum();
        Body(Kind::Rope(pieces.into_iter(), total))
    }

    /// A body that is produced while it is sent.
    pub fn stream<B>(body: B) -> Body
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body(Kind::Stream(body.map_err(Into::into).boxed_unsync()))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        let bytes = bytes.into();
        if bytes.is_empty() {
            Body::empty()
        } else {
            Body(Kind::Full(bytes))
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = match &mut self.0 {
            Kind::Empty => None,
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Some(Frame::data(bytes))
            }
            Kind::Pieces { first, .. } if !first.is_empty() => {
                Some(Frame::data(std::mem::take(first)))
            }
            Kind::Pieces { second, .. } if !second.is_empty() => {
                Some(Frame::data(std::mem::take(second)))
            }
            Kind::Pieces { trailers, .. } => {
                let trailers = trailers.take();
                self.0 = Kind::Empty;
                trailers.map(|trailers| Frame::trailers(*trailers))
            }
            Kind::Rope(pieces, left) => pieces.find(|piece| !piece.is_empty()).map(|piece| {
                *left -= piece.len() as u64;
                Frame::data(piece)
            }),
            Kind::Stream(stream) => return Pin::new(stream).poll_frame(cx),
        };
        Poll::Ready(next.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Pieces {
                first,
                second,
                trailers,
            } => first.is_empty() && second.is_empty() && trailers.is_none(),
            Kind::Rope(_, left) => *left == 0,
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Pieces { first, second, .. } => {
                SizeHint::with_exact(first.len() as u64 + second.len() as u64)
            }
            Kind::Rope(_, left) => SizeHint::with_exact(*left),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http_body::Body as _;

    #[tokio::test]
    async fn pieces_come_in_order_and_trailers_last() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let body = Body::pieces(
            Bytes::from_static(b"head"),
            Bytes::from_static(b"tail"),
            Some(trailers),
        );
        assert_eq!(body.size_hint().exact(), Some(8));
        let collected = body.collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(collected.to_bytes(), "headtail");
    }

    #[tokio::test]
    async fn an_empty_body_is_known_to_be_empty() {
        for body in [
            Body::empty(),
            Body::from(""),
            Body::pieces(Bytes::new(), Bytes::new(), None),
        ] {
            assert!(body.is_end_stream());
            assert!(body.collect().await.unwrap().to_bytes().is_empty());
        }
    }
}
