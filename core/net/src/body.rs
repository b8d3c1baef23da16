//! Reading a request body: capped, with a deadline, charged as it arrives.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::poll;
use http_body::Body;
use http_body_util::BodyExt;

use crate::budget::{Budget, Charge, Refused};

/// How much room is reserved at most because a sender announced a length.
/// Larger bodies grow as their bytes arrive, so that announcing costs nothing.
const TRUSTED_ANNOUNCEMENT: usize = 1 << 20;

/// Limits for one body.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes on the wire.
    pub wire: usize,
    /// How long all of it may take; `None` waits for ever.
    pub deadline: Option<Duration>,
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Larger than the limit: 413.
    #[error("the body is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Not complete when its time was over: 408, and the connection closes.
    #[error("the body did not arrive within {within:?}: {received} bytes came")]
    TooSlow {
        /// How long the server waited.
        within: Duration,
        /// How many bytes came.
        received: usize,
    },
    /// The sender went away or broke the protocol. Nobody reads the answer.
    #[error("the sender broke off after {received} bytes: {why}")]
    Aborted {
        /// How many bytes came.
        received: usize,
        /// What the connection said.
        why: String,
    },
    /// The byte budget is spent: 503 with Retry-After.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Reads a whole body. The result holds its charge: the bytes are given back to
/// the budget when the last slice of them is dropped. A body that arrives in one
/// chunk is not copied.
///
/// # Errors
/// See [`BodyError`]; whatever was charged is given back.
pub async fn collect<B>(body: B, limits: Limits, budget: &dyn Budget) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (bytes, charge) = read(body, limits, budget).await?;
    Ok(charge.attach(bytes))
}

/// As [`collect`], with the charge apart: for those who are done with all of the
/// bytes at a known point and keep it until then.
///
/// # Errors
/// See [`BodyError`]; whatever was charged is given back.
pub async fn read<B>(
    body: B,
    limits: Limits,
    budget: &dyn Budget,
) -> Result<(Bytes, Charge), BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let size = body.size_hint();
    if size.lower() > limits.wire as u64 {
        return Err(BodyError::TooLarge { limit: limits.wire });
    }
    let mut reading = Reading::new(limits.wire, size.exact());
    let Some(within) = limits.deadline else {
        reading.all(body, budget).await?;
        return Ok(reading.finish());
    };
    // A small body comes with its head and is read at once: no timer is set for it,
    // and the future of every request has no room for one.
    let outcome = {
        let mut all = pin!(reading.all(body, budget));
        match poll!(all.as_mut()) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Box::pin(tokio::time::timeout(within, all)).await,
        }
    };
    match outcome {
        Ok(outcome) => outcome?,
        Err(_) => {
            return Err(BodyError::TooSlow {
                within,
                received: reading.received,
            });
        }
    }
    Ok(reading.finish())
}

struct Reading {
    limit: usize,
    announced: usize,
    received: usize,
    one: Bytes,
    many: BytesMut,
    charge: Option<Charge>,
}

impl Reading {
    fn new(limit: usize, announced: Option<u64>) -> Reading {
        let announced = usize::try_from(announced.unwrap_or(0)).unwrap_or(usize::MAX);
        Reading {
            limit,
            announced: announced.min(limit).min(TRUSTED_ANNOUNCEMENT),
            received: 0,
            one: Bytes::new(),
            many: BytesMut::new(),
            charge: None,
        }
    }

    async fn all<B>(&mut self, mut body: B, budget: &dyn Budget) -> Result<(), BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        // asked before: it is mostly known that nothing more comes, without waiting for it
        while !body.is_end_stream() {
            let Some(frame) = body.frame().await else {
                break;
            };
            let frame = frame.map_err(|e| BodyError::Aborted {
                received: self.received,
                why: e.to_string(),
            })?;
            if let Ok(chunk) = frame.into_data() {
                self.take(chunk, budget)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, chunk: Bytes, budget: &dyn Budget) -> Result<(), BodyError> {
        if chunk.is_empty() {
            return Ok(());
        }
        if chunk.len() > self.limit - self.received {
            return Err(BodyError::TooLarge { limit: self.limit });
        }
        match &mut self.charge {
            Some(charge) => charge.grow(chunk.len())?,
            None => self.charge = Some(budget.charge(chunk.len())?),
        }
        self.received += chunk.len();
        if self.received == chunk.len() {
            self.one = chunk;
            return Ok(());
        }
        if self.many.is_empty() {
            self.many.reserve(self.announced.max(2 * self.received));
            self.many.extend_from_slice(&self.one);
            self.one = Bytes::new();
        }
        self.many.extend_from_slice(&chunk);
        Ok(())
    }

    fn finish(self) -> (Bytes, Charge) {
        let bytes = if self.many.is_empty() {
            self.one
        } else {
            self.many.freeze()
        };
        (bytes, self.charge.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Unlimited;
    use crate::budget::testing::Limited;
    use futures::StreamExt;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    fn chunks(
        parts: &'static [&'static str],
    ) -> impl Body<Data = Bytes, Error = std::io::Error> + Unpin {
        StreamBody::new(futures::stream::iter(
            parts
                .iter()
                .map(|p| Ok(Frame::data(Bytes::from_static(p.as_bytes())))),
        ))
    }

    const FREE: Limits = Limits {
        wire: 1000,
        deadline: None,
    };

    #[tokio::test]
    async fn one_chunk_is_not_copied() {
        let sent = Bytes::from(vec![7; 100]);
        let got = collect(Full::new(sent.clone()), FREE, &Unlimited)
            .await
            .unwrap();
        assert_eq!(got.as_ptr(), sent.as_ptr());
    }

    #[tokio::test]
    async fn chunks_are_joined_in_order_and_charged_until_dropped() {
        let budget = Limited::new(100);
        let got = collect(chunks(&["ab", "", "c", "def"]), FREE, &budget)
            .await
            .unwrap();
        assert_eq!(got, "abcdef");
        assert_eq!(budget.used(), 6);
        drop(got);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn chunked_bodies_meet_the_limit_while_they_are_read() {
        let limits = Limits {
            wire: 4,
            deadline: None,
        };
        let budget = Limited::new(100);
        let err = collect(chunks(&["abc", "de"]), limits, &budget)
            .await
            .unwrap_err();
        assert_eq!(err, BodyError::TooLarge { limit: 4 });
        assert_eq!(budget.used(), 0, "what was charged is given back");
        assert_eq!(
            collect(chunks(&["abc", "d"]), limits, &budget)
                .await
                .unwrap(),
            "abcd"
        );
    }

    #[tokio::test]
    async fn an_announced_length_is_refused_before_reading() {
        let limits = Limits {
            wire: 4,
            deadline: None,
        };
        let budget = Limited::new(0);
        let err = collect(Full::new(Bytes::from_static(b"abcde")), limits, &budget)
            .await
            .unwrap_err();
        assert_eq!(err, BodyError::TooLarge { limit: 4 });
    }

    #[tokio::test]
    async fn a_spent_budget_refuses_and_gives_back() {
        let budget = Limited::new(4);
        let err = collect(chunks(&["abc", "de"]), FREE, &budget)
            .await
            .unwrap_err();
        assert!(
            matches!(err, BodyError::Refused(Refused { after: Some(_), .. })),
            "{err:?}"
        );
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_ends_at_its_deadline() {
        let slow = StreamBody::new(
            futures::stream::iter([Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(
                b"abc",
            )))])
            .chain(futures::stream::pending()),
        );
        let limits = Limits {
            wire: 100,
            deadline: Some(Duration::from_secs(10)),
        };
        let budget = Limited::new(100);
        let err = collect(slow, limits, &budget).await.unwrap_err();
        assert_eq!(
            err,
            BodyError::TooSlow {
                within: Duration::from_secs(10),
                received: 3
            }
        );
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn a_broken_sender_is_reported_with_what_came() {
        let broken = StreamBody::new(futures::stream::iter([
            Ok(Frame::data(Bytes::from_static(b"abc"))),
            Err(std::io::Error::other("connection reset")),
        ]));
        let err = collect(broken, FREE, &Unlimited).await.unwrap_err();
        assert_eq!(
            err,
            BodyError::Aborted {
                received: 3,
                why: "connection reset".into()
            }
        );
    }
}
