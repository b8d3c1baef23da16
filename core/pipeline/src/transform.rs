//! Processors that change records, fused into one walk.

use std::cell::RefCell;
use std::sync::Arc;

use otlp::Payload;
use otlp::edit::{self, Scratch};
use smallvec::SmallVec;

use crate::batch::{Batch, Client, Size};
use crate::budget;
use crate::clock::Clock;
use crate::consumer::{Consumer, Room};
use crate::outcome::{Ack, Refused};
use crate::processor::Gate;
use crate::telemetry::ProcessorMetrics;

/// Changes records one by one, synchronously. Neighbours in a pipeline run over
/// one draft in order: a step sees what the one before it did.
pub use otlp::edit::Edit as Transform;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
    static CLIENT: RefCell<Option<Arc<Client>>> = const { RefCell::new(None) };
}

/// The sender of the batch whose records a transform on this thread looks at
/// right now; `None` outside of a walk, or when several senders' data were joined.
pub fn client() -> Option<Arc<Client>> {
    CLIENT.with_borrow(Clone::clone)
}

/// Neighbouring transforms, run as one.
pub struct Chain {
    transforms: Vec<Arc<dyn Transform>>,
    next: Arc<dyn Consumer>,
    clock: Clock,
    metrics: ProcessorMetrics,
}

impl Chain {
    /// Runs `transforms` in order, then hands over to `next`.
    pub fn new<T: Into<Arc<dyn Transform>>>(
        transforms: impl IntoIterator<Item = T>,
        next: Arc<dyn Consumer>,
        clock: Clock,
        metrics: ProcessorMetrics,
    ) -> Chain {
        Chain {
            transforms: transforms.into_iter().map(Into::into).collect(),
            next,
            clock,
            metrics,
        }
    }

    fn run(&self, mut batch: Batch) -> Batch {
        let before = batch.payload.items();
        let now = self.clock.unix_nano();
        let steps: SmallVec<[&dyn Transform; 8]> =
            self.transforms.iter().map(|step| &**step).collect();
        CLIENT.set(batch.client.clone());
        let edited =
            SCRATCH.with_borrow_mut(|scratch| edit::run(&batch.payload, &steps, scratch, now));
        batch.payload = match is_same(&edited, &batch.payload) {
            true => edited,
            // The bytes that came in are dropped, and with them their charge.
            false => budget::hold(edited),
        };
        CLIENT.set(None);
        self.metrics.passed(before, batch.payload.items());
        batch
    }
}

/// Whether these are the very bytes that came in.
fn is_same(edited: &Payload, before: &Payload) -> bool {
    edited.size() == before.size()
        && edited
            .segments()
            .zip(before.segments())
            .all(|(after, before)| after.as_ptr() == before.as_ptr())
}

impl Consumer for Chain {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        self.next.admit(size)
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        let batch = self.run(batch);
        if batch.payload.is_empty() {
            // Every record was dropped on purpose: there is nothing left to refuse.
            return Ack::accepted();
        }
        self.next.offer(batch, room)
    }
}

/// A gate in front of the rest of a pipeline.
pub struct Guarded {
    gate: Arc<dyn Gate>,
    next: Arc<dyn Consumer>,
}

impl Guarded {
    /// Asks `gate` before `next`.
    pub fn new(gate: impl Into<Arc<dyn Gate>>, next: Arc<dyn Consumer>) -> Guarded {
        Guarded {
            gate: gate.into(),
            next,
        }
    }
}

impl Consumer for Guarded {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        self.gate.pass(size)?;
        self.next.admit(size)
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        self.gate.passed(&batch.size());
        self.next.offer(batch, room)
    }
}
