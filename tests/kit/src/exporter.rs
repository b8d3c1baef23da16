//! An exporter that fails on demand and remembers what it sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use pipeline::exporter::RefusedPart;
use pipeline::{Batch, Exporter, Report};
use tokio::sync::Semaphore;

/// What one attempt does.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Takes the batch.
    Take,
    /// Asks for the batch again, perhaps not before a while.
    Again(Option<Duration>),
    /// Refuses the batch for good.
    Refuse,
    /// Takes the first items, asks for the rest again.
    TakeFirst(usize),
    /// Never answers.
    Hang,
    /// Panics.
    Panic,
}

/// Does one answer of its script an attempt, then takes everything.
pub struct RecordingExporter {
    script: Mutex<VecDeque<Answer>>,
    attempts: Mutex<Vec<Batch>>,
    sent: Mutex<Vec<Batch>>,
    /// Attempts that may go on; closed gates hold them.
    gate: Semaphore,
}

impl RecordingExporter {
    /// An exporter that answers as `script` says.
    pub fn new(script: impl IntoIterator<Item = Answer>) -> Arc<RecordingExporter> {
        RecordingExporter::with_gate(script, Semaphore::MAX_PERMITS)
    }

    /// An exporter whose attempts wait until they are let through.
    pub fn gated(script: impl IntoIterator<Item = Answer>) -> Arc<RecordingExporter> {
        RecordingExporter::with_gate(script, 0)
    }

    fn with_gate(script: impl IntoIterator<Item = Answer>, open: usize) -> Arc<RecordingExporter> {
        Arc::new(RecordingExporter {
            script: Mutex::new(script.into_iter().collect()),
            attempts: Mutex::default(),
            sent: Mutex::default(),
            gate: Semaphore::new(open),
        })
    }

    /// Lets `attempts` through.
    pub fn let_through(&self, attempts: usize) {
        self.gate.add_permits(attempts);
    }

    /// Every batch that was tried, in order.
    pub fn attempts(&self) -> Vec<Batch> {
        self.attempts.lock().clone()
    }

    /// The text bodies of all log records that it took, in order.
    pub fn sent_bodies(&self) -> Vec<String> {
        self.sent
            .lock()
            .iter()
            .flat_map(|batch| crate::log_bodies(&batch.payload))
            .collect()
    }

    /// Items of each batch that it took.
    pub fn sent_sizes(&self) -> Vec<usize> {
        self.sent
            .lock()
            .iter()
            .map(|batch| batch.payload.items())
            .collect()
    }

    fn take(&self, batch: &Batch) -> Report {
        self.sent.lock().push(batch.clone());
        Report::sent(batch)
    }

    fn take_first(&self, batch: &Batch, items: usize) -> Report {
        let limits = otlp::SplitLimits {
            max_items: items,
            max_bytes: 0,
        };
        let mut pieces = batch.payload.clone().split(limits).pieces.into_iter();
        let Some(first) = pieces.next() else {
            return self.take(batch);
        };
        let mut rest = otlp::Payload::empty(batch.signal());
        pieces.for_each(|piece| rest.append(piece));
        let mut report = self.take(&Batch::new(first));
        report.again = Report::again(&Batch::new(rest), None, "took only the first part").again;
        report
    }
}

impl Exporter for RecordingExporter {
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            self.attempts.lock().push(batch.clone());
            match self.gate.acquire().await {
                Ok(permit) => permit.forget(),
                Err(closed) => unreachable!("the gate is never closed: {closed}"),
            }
            let answer = self.script.lock().pop_front();
            match answer.unwrap_or(Answer::Take) {
                Answer::Take => self.take(batch),
                Answer::Again(after) => Report::again(batch, after, "told to try again"),
                Answer::Refuse => Report {
                    refused: vec![RefusedPart::new(batch.payload.clone(), "told to refuse")],
                    ..Report::default()
                },
                Answer::TakeFirst(items) => self.take_first(batch, items),
                Answer::Hang => std::future::pending().await,
                Answer::Panic => panic!("told to panic"),
            }
        })
    }
}
