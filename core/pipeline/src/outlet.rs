//! An edge that can be pointed at another consumer while data flow.

use std::sync::Arc;

use arc_swap::ArcSwap;
use otlp::Payload;

use crate::batch::{Batch, Size};
use crate::budget::{self, Budget};
use crate::consumer::{self, Consumer, Room};
use crate::outcome::{Ack, Refused};

/// Where a stage sends its batches. A reload swaps the consumer behind it; a
/// batch that was admitted before the swap is offered to the consumer that
/// admitted it.
#[derive(Clone)]
pub struct Outlet {
    target: Arc<ArcSwap<Arc<dyn Consumer>>>,
    door: Option<Budget>,
}

impl Outlet {
    /// An outlet to `consumer`.
    pub fn new(consumer: Arc<dyn Consumer>) -> Outlet {
        Outlet {
            target: Arc::new(ArcSwap::from_pointee(consumer)),
            door: None,
        }
    }

    /// The same edge for a receiver whose bytes are charged to `door`: stages
    /// behind it charge what they make of its batches to the same door.
    #[must_use]
    pub fn charged_to(&self, door: &Budget) -> Outlet {
        Outlet {
            target: Arc::clone(&self.target),
            door: Some(door.clone()),
        }
    }

    /// Sends everything that is admitted from now on to `consumer`.
    pub fn swap(&self, consumer: Arc<dyn Consumer>) {
        self.target.store(Arc::new(consumer));
    }

    /// Where batches go at present.
    pub fn target(&self) -> Arc<dyn Consumer> {
        Arc::clone(&**self.target.load())
    }

    /// Charges a payload that the receiver made from what it read (of text, say,
    /// whose bytes and charge are dropped) to its door. Bytes that travel on as
    /// they came are charged already.
    #[must_use]
    pub fn hold(&self, payload: Payload) -> Payload {
        budget::at_door(self.door.as_ref(), || budget::hold(payload))
    }

    /// Reserves room for a batch.
    ///
    /// # Errors
    /// When the pipeline refuses.
    pub fn admit(&self, size: &Size) -> Result<Admitted, Refused> {
        let consumer = self.target();
        let room = budget::at_door(self.door.as_ref(), || consumer.admit(size))?;
        Ok(Admitted {
            consumer,
            room,
            door: self.door.clone(),
        })
    }

    /// Admits and offers in one step.
    pub fn send(&self, batch: Batch) -> Ack {
        let consumer = self.target.load();
        budget::at_door(self.door.as_ref(), || {
            consumer::hand_over(&***consumer, batch)
        })
    }

    /// As [`send`](Self::send), with a payload that the receiver made
    /// ([`hold`](Self::hold)).
    pub fn send_made(&self, payload: Payload) -> Ack {
        let consumer = self.target.load();
        budget::at_door(self.door.as_ref(), || {
            let batch = Batch::new(budget::hold(payload));
            consumer::hand_over(&***consumer, batch)
        })
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Outlet")
    }
}

/// Room for one batch behind an outlet, bound to the consumer that gave it.
pub struct Admitted {
    consumer: Arc<dyn Consumer>,
    room: Room,
    door: Option<Budget>,
}

impl Admitted {
    /// Hands the batch over.
    pub fn offer(self, batch: Batch) -> Ack {
        let Admitted {
            consumer,
            room,
            door,
        } = self;
        budget::at_door(door.as_ref(), || consumer.offer(batch, room))
    }
}
