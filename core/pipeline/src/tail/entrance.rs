//! The way into a queue.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::batcher::Ticket;
use super::queue::Queue;
use crate::batch::{Batch, Size};
use crate::budget::{self, Budget};
use crate::consumer::{Consumer, Reservation, Room};
use crate::outcome::{Accepted, Ack, Outcome, Refused};

/// The end of a pipeline as its upstream stages see it.
pub(crate) struct Entrance(pub(crate) Arc<Queue>);

impl Consumer for Entrance {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        self.0.admit(size)
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        if batch.payload.is_empty() {
            return Ack::accepted();
        }
        let queue = &self.0;
        let (reservation, still_waiting) = room.into_reservation();
        if !still_waiting && !queue.callers_wait {
            let ticket = Ticket {
                reservation,
                ..Ticket::default()
            };
            return match queue.push(batch, ticket) {
                Ok(()) => Ack::accepted(),
                Err(refused) => Ack::Ready(Err(refused)),
            };
        }
        let (sender, answer) = oneshot::channel();
        if still_waiting {
            tokio::spawn(wait_then_push(
                Arc::clone(queue),
                batch,
                sender,
                reservation,
                budget::current(),
            ));
        } else {
            let ticket = Ticket {
                reservation,
                waiter: Some(sender),
                place: None,
            };
            if let Err(refused) = queue.push(batch, ticket) {
                return Ack::Ready(Err(refused));
            }
        }
        Ack::Waiting(Box::pin(outcome_of(answer)))
    }
}

/// Takes its place in the queue as soon as there is one; the caller is answered
/// then. A task of its own, since the batch must arrive even if the caller goes away.
async fn wait_then_push(
    queue: Arc<Queue>,
    batch: Batch,
    answer: oneshot::Sender<Outcome>,
    place: Option<Reservation>,
    door: Option<Budget>,
) {
    let reservation = Some(queue.wait_for_room(&batch.size()).await);
    drop(place);
    let (waiter, entered) = match queue.callers_wait {
        true => (Some(answer), None),
        false => (None, Some(answer)),
    };
    let ticket = Ticket {
        reservation,
        waiter,
        place: None,
    };
    // A refused ticket drops its waiter, which answers that the sender should try again.
    let outcome =
        budget::at_door(door.as_ref(), || queue.push(batch, ticket)).map(|()| Accepted::default());
    if let Some(entered) = entered {
        let _ = entered.send(outcome);
    }
}

async fn outcome_of(answer: oneshot::Receiver<Outcome>) -> Outcome {
    answer.await.unwrap_or_else(|_| {
        Err(Refused::later(
            "the exporter ended before it answered",
            None,
        ))
    })
}
