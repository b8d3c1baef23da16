//! The answer to a batch, and the handle through which it is waited for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;

/// A batch was taken, perhaps less some records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Records that were rejected for good while the rest was taken (OTLP partial success).
    pub rejected: usize,
    /// Why, when `rejected` is not 0.
    pub why: Option<Arc<str>>,
}

/// A batch was not taken. The caller still has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The same batch may succeed later: queue full, memory limit, sink away.
    #[error("{why}")]
    Later {
        /// How long the sender should wait; `None` when nobody knows.
        after: Option<Duration>,
        /// One sentence for the sender and the log.
        why: Arc<str>,
    },
    /// The same batch will never succeed.
    #[error("{why}")]
    Never {
        /// One sentence for the sender and the log.
        why: Arc<str>,
    },
}

impl Refused {
    /// Not now; `after` is a hint for the sender.
    pub fn later(why: impl Into<Arc<str>>, after: Option<Duration>) -> Refused {
        Refused::Later {
            after,
            why: why.into(),
        }
    }

    /// Not ever.
    pub fn never(why: impl Into<Arc<str>>) -> Refused {
        Refused::Never { why: why.into() }
    }

    /// True when the sender should try again.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Refused::Later { .. })
    }
}

/// The pipeline's answer to one batch.
pub type Outcome = Result<Accepted, Refused>;

/// The outcome of an offered batch, now or later. Ready outcomes allocate nothing.
#[must_use = "an outcome that nobody looks at is a lost refusal"]
pub enum Ack {
    /// Known already.
    Ready(Outcome),
    /// Known when the future ends. Dropping it does not stop the delivery.
    Waiting(BoxFuture<'static, Outcome>),
}

impl Ack {
    /// The batch was taken whole.
    pub fn accepted() -> Ack {
        Ack::Ready(Ok(Accepted::default()))
    }
}

impl Future for Ack {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        match &mut *self {
            Ack::Ready(outcome) => Poll::Ready(outcome.clone()),
            Ack::Waiting(future) => future.as_mut().poll(context),
        }
    }
}

/// Joins the answers of the branches of a fan-out: the sender is told of the
/// first refusal, else of all rejected records.
pub(crate) fn join(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let mut all = Accepted::default();
    for outcome in outcomes {
        let accepted = outcome?;
        all.rejected = all.rejected.max(accepted.rejected);
        all.why = all.why.or(accepted.why);
    }
    Ok(all)
}
