//! An edge that can be pointed at another consumer while data flow.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::batch::{Batch, Size};
use crate::consumer::{Consumer, Room};
use crate::outcome::{Ack, Refused};

/// Where a stage sends its batches. A reload swaps the consumer behind it; a
/// batch that was admitted before the swap is offered to the consumer that
/// admitted it.
#[derive(Clone)]
pub struct Outlet {
    target: Arc<ArcSwap<Arc<dyn Consumer>>>,
}

impl Outlet {
    /// An outlet to `consumer`.
    pub fn new(consumer: Arc<dyn Consumer>) -> Outlet {
        Outlet {
            target: Arc::new(ArcSwap::from_pointee(consumer)),
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

    /// Reserves room for a batch.
    ///
    /// # Errors
    /// When the pipeline refuses.
    pub fn admit(&self, size: &Size) -> Result<Admitted, Refused> {
        let consumer = self.target();
        let room = consumer.admit(size)?;
        Ok(Admitted { consumer, room })
    }

    /// Admits and offers in one step.
    pub fn send(&self, batch: Batch) -> Ack {
        match self.admit(&batch.size()) {
            Ok(admitted) => admitted.offer(batch),
            Err(refused) => Ack::Ready(Err(refused)),
        }
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
}

impl Admitted {
    /// Hands the batch over.
    pub fn offer(self, batch: Batch) -> Ack {
        self.consumer.offer(batch, self.room)
    }
}
