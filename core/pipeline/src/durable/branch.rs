//! The end of a pipeline in front of its queue on disk.

use std::sync::Arc;

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::log::DurableLog;
use crate::batch::{Batch, Size};
use crate::consumer::{Consumer, Reservation, Room};
use crate::outcome::{Accepted, Ack, Outcome, Refused};
use crate::tail::Tail;
use crate::tail::queue::Queue;

/// Appends each batch once for all exporters behind it, and answers when it is
/// on stable storage. Admits only what every exporter's queue has room for, so
/// either all of them get a batch or none.
pub struct Branch {
    log: Arc<DurableLog>,
    queues: SmallVec<[Arc<Queue>; 2]>,
}

/// Room in the queues of all exporters.
type Places = SmallVec<[Reservation; 2]>;

impl Branch {
    /// The branch of `tails`, all of which were started on `log`.
    pub fn new<'a>(
        log: Arc<DurableLog>,
        tails: impl IntoIterator<Item = &'a Tail>,
    ) -> Arc<dyn Consumer> {
        Arc::new(Branch {
            log,
            queues: tails.into_iter().map(|tail| tail.queue()).collect(),
        })
    }

    fn append(&self, batch: Batch, places: Places, answer: oneshot::Sender<Outcome>) {
        let items = batch.payload.items();
        let queues = self.queues.clone();
        self.log.append(batch, move |appended| {
            let outcome = match appended {
                Ok(_) => {
                    queues
                        .iter()
                        .for_each(|queue| queue.metrics.accepted(items));
                    // what is in the log keeps its room until it is acknowledged
                    places.into_iter().for_each(Reservation::keep);
                    Ok(Accepted::default())
                }
                Err(refused) => {
                    let failed = |queue: &Arc<Queue>| queue.metrics.enqueue_failed(items);
                    queues.iter().for_each(failed);
                    Err(refused)
                }
            };
            // The client may have gone away; its data were handled all the same.
            let _ = answer.send(outcome);
        });
    }
}

impl Consumer for Branch {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        self.log.admits()?;
        if let [only] = &self.queues[..] {
            return only.admit(size);
        }
        let rooms: Result<Vec<Room>, Refused> =
            self.queues.iter().map(|queue| queue.admit(size)).collect();
        rooms.map(Room::branches)
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        if batch.payload.is_empty() {
            return Ack::accepted();
        }
        let (answer, outcome) = oneshot::channel();
        let size = batch.size();
        let mut places = Places::new();
        let mut waiting = Vec::new();
        for (queue, room) in self.queues.iter().zip(room.into_branches()) {
            match room.into_reservation() {
                (Some(place), true) => waiting.push((Arc::clone(queue), place)),
                (Some(reservation), false) => places.push(reservation),
                // after transforms that made the batch larger nothing is turned away
                (None, _) => places.push(queue.overdraw(&size)),
            }
        }
        if waiting.is_empty() {
            self.append(batch, places, answer);
        } else {
            let branch = Branch {
                log: Arc::clone(&self.log),
                queues: self.queues.clone(),
            };
            tokio::spawn(async move {
                for (queue, place) in waiting {
                    places.push(queue.wait_for_room(&size).await);
                    drop(place);
                }
                branch.append(batch, places, answer);
            });
        }
        Ack::Waiting(Box::pin(async move {
            outcome.await.unwrap_or_else(|_| {
                let why = "the sending queue on disk ended before it answered";
                Err(Refused::later(why, None))
            })
        }))
    }
}
