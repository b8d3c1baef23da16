//! Stages that send batches to the outside, one attempt at a time.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use otlp::Payload;

use crate::batch::Batch;

/// Sends batches to one destination. An exporter is one attempt: queue,
/// batching, retry, timeout and counting are wrapped around it by its tail.
pub trait Exporter: Send + Sync + 'static {
    /// Tries once to send `batch` and says what happened to its records.
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Report>;

    /// Called once before the first batch: connect, check credentials. An error
    /// here ends the start of the collector.
    ///
    /// # Errors
    /// One line that says what is wrong with the destination or its settings.
    fn start(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Called once after the last batch: flush files, close connections.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What became of the records of one attempt. `sent`, `again` and `refused`
/// together are the whole batch.
#[derive(Debug, Default)]
pub struct Report {
    /// Items the destination has.
    pub sent: usize,
    /// What should be sent again later.
    pub again: Option<Again>,
    /// What the destination will never take.
    pub refused: Vec<RefusedPart>,
}

/// Records to be sent again.
#[derive(Debug)]
pub struct Again {
    /// The records.
    pub payload: Payload,
    /// How long the destination asked to wait.
    pub after: Option<Duration>,
    /// Why they were not taken, in one line.
    pub why: Arc<str>,
}

/// Records that were refused for good.
#[derive(Debug)]
pub struct RefusedPart {
    /// The records.
    pub payload: Payload,
    /// Items, when the destination named a count but not which (`payload` is empty then).
    pub items: usize,
    /// Why, in one line.
    pub why: Arc<str>,
}

impl RefusedPart {
    /// These records, for this reason.
    pub fn new(payload: Payload, why: impl Into<Arc<str>>) -> RefusedPart {
        RefusedPart {
            items: payload.items(),
            payload,
            why: why.into(),
        }
    }
}

impl Report {
    /// The destination took everything.
    pub fn sent(batch: &Batch) -> Report {
        Report {
            sent: batch.payload.items(),
            ..Report::default()
        }
    }

    /// Nothing was taken; send all of it again.
    pub fn again(batch: &Batch, after: Option<Duration>, why: impl Into<Arc<str>>) -> Report {
        let again = Again {
            payload: batch.payload.clone(),
            after,
            why: why.into(),
        };
        Report {
            again: Some(again),
            ..Report::default()
        }
    }

    /// Nothing will ever be taken.
    pub fn refused(batch: &Batch, why: impl Into<Arc<str>>) -> Report {
        Report {
            refused: vec![RefusedPart::new(batch.payload.clone(), why)],
            ..Report::default()
        }
    }
}
