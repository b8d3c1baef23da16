//! The end of a pipeline in front of its queue on disk.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::log::DurableLog;
use crate::batch::{Batch, Size};
use crate::consumer::{Consumer, Reservation, Room};
use crate::outcome::{Accepted, Ack, Outcome, Refused};
use crate::tail::Tail;
use crate::tail::queue::Queue;

/// Appends each batch once for all exporters behind it, and answers when it is
/// on stable storage. Admits only what every exporter's queue has room for, so
/// either all of them get a batch or none.
///
/// It stays when its exporters change: [`pause`](Branch::pause) it, stop those
/// that leave, start those that come, and [`resume`](Branch::resume). Its callers
/// wait meanwhile; none is refused.
pub struct Branch(Arc<Shared>);

struct Shared {
    log: Arc<DurableLog>,
    state: Mutex<State>,
    /// Nothing is being appended.
    idle: Notify,
}

struct State {
    queues: Queues,
    /// Cancelled when other queues come.
    changed: CancellationToken,
    /// Batches that the log has not answered yet.
    appending: usize,
    /// What came during a pause; none when there is no pause.
    held: Option<Vec<Held>>,
}

type Queues = SmallVec<[Arc<Queue>; 2]>;

/// Room in the queues of all exporters.
type Places = SmallVec<[Reservation; 2]>;

type Answer = oneshot::Sender<Outcome>;

struct Held {
    batch: Batch,
    answer: Answer,
}

impl Branch {
    /// The branch of `tails`, all of which were started on `log`.
    pub fn new<'a>(log: Arc<DurableLog>, tails: impl IntoIterator<Item = &'a Tail>) -> Arc<Branch> {
        Arc::new(Branch(Arc::new(Shared {
            log,
            state: Mutex::new(State {
                queues: queues_of(tails),
                changed: CancellationToken::new(),
                appending: 0,
                held: None,
            }),
            idle: Notify::new(),
        })))
    }

    /// Holds what is offered from now on, and waits until the log has answered
    /// what was offered before: what the exporters have before them is the same
    /// until [`resume`](Branch::resume), which must follow.
    pub async fn pause(&self) {
        loop {
            let idle = self.0.idle.notified();
            {
                let mut state = self.0.state.lock();
                state.held.get_or_insert_default();
                if state.appending == 0 {
                    return;
                }
            }
            idle.await;
        }
    }

    /// Goes on for these tails, first with what was held. Without tails nothing
    /// more is admitted, and what was admitted before is kept in the log for the
    /// exporters whose cursors it still has: other branches may have it already,
    /// so it must not be refused.
    pub fn resume<'a>(&self, tails: impl IntoIterator<Item = &'a Tail>) {
        let held = {
            let mut state = self.0.state.lock();
            state.queues = queues_of(tails);
            std::mem::take(&mut state.changed).cancel();
            state.held.take()
        };
        for Held { batch, answer } in held.into_iter().flatten() {
            self.0.enter(batch, Places::new(), answer);
        }
    }
}

fn queues_of<'a>(tails: impl IntoIterator<Item = &'a Tail>) -> Queues {
    tails.into_iter().map(Tail::queue).collect()
}

impl Shared {
    /// Appends a batch that has these places, or holds it.
    fn enter(self: &Arc<Shared>, batch: Batch, places: Places, answer: Answer) {
        let queues = {
            let mut state = self.state.lock();
            if let Some(held) = &mut state.held {
                held.push(Held { batch, answer });
                return;
            }
            state.appending += 1;
            state.queues.clone()
        };
        let places = fitting(&queues, places, &batch.size());
        self.append(batch, queues, places, answer);
    }

    fn append(self: &Arc<Shared>, batch: Batch, queues: Queues, places: Places, answer: Answer) {
        let items = batch.payload.items();
        // Not the log: its last owner must not be its own writer.
        let branch = Arc::downgrade(self);
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
            if let Some(branch) = branch.upgrade() {
                branch.appended();
            }
            // The client may have gone away; its data were handled all the same.
            let _ = answer.send(outcome);
        });
    }

    fn appended(&self) {
        let mut state = self.state.lock();
        state.appending -= 1;
        if state.appending == 0 {
            drop(state);
            self.idle.notify_waiters();
        }
    }

    /// Waits for its places in full queues, and then appends.
    async fn wait_then_enter(
        self: Arc<Shared>,
        batch: Batch,
        mut places: Places,
        waiting: Vec<(Arc<Queue>, Reservation)>,
        changed: CancellationToken,
        answer: Answer,
    ) {
        let size = batch.size();
        for (queue, place) in waiting {
            tokio::select! {
                room = queue.wait_for_room(&size) => places.push(room),
                // nobody makes room in a queue that was left
                () = changed.cancelled() => {}
            }
            drop(place);
        }
        self.enter(batch, places, answer);
    }
}

/// One place in each queue: those that were given, and more where there are
/// none, since after transforms that made a batch larger and after a change of
/// exporters nothing is turned away.
fn fitting(queues: &Queues, places: Places, size: &Size) -> Places {
    let mut places: SmallVec<[Option<Reservation>; 2]> = places.into_iter().map(Some).collect();
    let fit = queues.iter().map(|queue| {
        let given = places.iter_mut().find_map(|place| {
            place.take_if(|place| Arc::ptr_eq(&place.capacity, queue.capacity()))
        });
        given.unwrap_or_else(|| queue.overdraw(size))
    });
    fit.collect()
}

fn ended() -> Refused {
    let why = "the exporters of the pipeline were removed or are being stopped";
    Refused::later(why, None)
}

impl Consumer for Branch {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        self.0.log.admits()?;
        let state = self.0.state.lock();
        if state.held.is_some() {
            return Ok(Room::unlimited());
        }
        match &state.queues[..] {
            [] => Err(ended()),
            [only] => only.admit(size),
            queues => {
                let rooms: Result<Vec<Room>, Refused> =
                    queues.iter().map(|queue| queue.admit(size)).collect();
                rooms.map(Room::branches)
            }
        }
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        if batch.payload.is_empty() {
            return Ack::accepted();
        }
        let (answer, outcome) = oneshot::channel();
        let mut places = Places::new();
        let mut waiting = Vec::new();
        let (queues, changed) = {
            let state = self.0.state.lock();
            (state.queues.clone(), state.changed.clone())
        };
        for room in room.into_branches() {
            match room.into_reservation() {
                (Some(place), true) => {
                    let queue = queues.iter().find(|queue| queue.is_waited_for_by(&place));
                    waiting.extend(queue.map(|queue| (Arc::clone(queue), place)));
                }
                (place, _) => places.extend(place),
            }
        }
        match waiting.is_empty() {
            true => self.0.enter(batch, places, answer),
            false => {
                let shared = Arc::clone(&self.0);
                let entering = shared.wait_then_enter(batch, places, waiting, changed, answer);
                drop(tokio::spawn(entering));
            }
        }
        Ack::Waiting(Box::pin(async move {
            outcome.await.unwrap_or_else(|_| {
                let why = "the sending queue on disk ended before it answered";
                Err(Refused::later(why, None))
            })
        }))
    }
}
