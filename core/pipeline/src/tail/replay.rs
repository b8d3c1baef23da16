//! Sends again what is kept elsewhere: batches that bring their own numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use otlp::Signal;

use super::batcher::{Place, Ticket};
use super::queue::Queue;
use super::settings::TailSettings;
use super::{Driver, Feeding, Tail};
use crate::batch::{Batch, Size};
use crate::consumer::{Consumer, Room};
use crate::host::Host;
use crate::outcome::{Ack, Refused};
use crate::receiver::StartError;
use crate::sink::{LogId, Sequence};

/// The way into a tail that replays: each batch has the number that was set last.
pub struct Numbered {
    queue: Arc<Queue>,
    number: AtomicU64,
    /// The store has everything up to this one.
    stored: Sequence,
}

impl Tail {
    /// Starts the exporter for what `log` identifies: a store takes each number of
    /// it once, however often it is replayed. Numbers begin with 1 and rise.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_replay(
        exporter: &str,
        signal: Signal,
        driver: Driver,
        mut settings: TailSettings,
        host: &Host,
        log: LogId,
    ) -> Result<Tail, StartError> {
        if let Driver::Sink(_) = &driver {
            // Numbers must not be joined: a store may have only some of them.
            settings.batch = None;
        }
        if let Some(queue) = &mut settings.queue {
            queue.storage = None;
        }
        let feeding = Feeding::Replay(log);
        Tail::start_with(exporter, signal, driver, settings, host, feeding).await
    }

    /// The way into a tail that was started for a replay.
    pub fn numbered(&self) -> Arc<Numbered> {
        Arc::new(Numbered {
            queue: self.queue(),
            number: AtomicU64::new(0),
            stored: self.resumed.unwrap_or(0),
        })
    }
}

impl Numbered {
    /// The number of the batches that come next.
    pub fn set_number(&self, number: Sequence) {
        self.number.store(number, Ordering::Release);
    }

    /// Numbers up to this one are stored already.
    pub fn stored(&self) -> Sequence {
        self.stored
    }
}

impl Consumer for Numbered {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        self.queue.admit(size)
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        let sequence = self.number.load(Ordering::Acquire);
        if batch.payload.is_empty() || sequence <= self.stored {
            return Ack::accepted();
        }
        let (reservation, _) = room.into_reservation();
        self.queue.metrics.accepted(batch.payload.items());
        let ticket = Ticket {
            reservation,
            waiter: None,
            place: Some(Place {
                sequence,
                accepted_at: 0,
            }),
        };
        match self.queue.push(batch, ticket) {
            Ok(()) => Ack::accepted(),
            Err(refused) => Ack::Ready(Err(refused)),
        }
    }
}
