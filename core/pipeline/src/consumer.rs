//! The edge between two stages.

use std::sync::Arc;

use crate::batch::{Batch, Size};
use crate::outcome::{Ack, Refused};
use crate::tail::capacity::Capacity;

/// A stage that takes batches: a chain of transforms, a fan-out, a tail, a connector.
pub trait Consumer: Send + Sync + 'static {
    /// Reserves room for a batch of this size in every branch behind this
    /// stage. Never waits. The room frees itself when it is dropped.
    ///
    /// # Errors
    /// When a branch has no room, or none for a batch this large.
    fn admit(&self, size: &Size) -> Result<Room, Refused>;

    /// Takes responsibility for a batch, into room that was admitted here.
    fn offer(&self, batch: Batch, room: Room) -> Ack;
}

/// Admits and offers in one step.
pub fn hand_over(consumer: &dyn Consumer, batch: Batch) -> Ack {
    match consumer.admit(&batch.size()) {
        Ok(room) => consumer.offer(batch, room),
        Err(refused) => Ack::Ready(Err(refused)),
    }
}

/// Room that was reserved for one batch, in one place or in several branches.
#[derive(Debug, Default)]
pub struct Room(Inner);

#[derive(Debug, Default)]
enum Inner {
    /// Nothing is limited behind this edge.
    #[default]
    Unlimited,
    Reserved(Reservation),
    /// The queue is full; the batch stands in its bounded waiting list.
    Queueing(Reservation),
    Branches(Vec<Room>),
}

impl Room {
    /// Room behind an edge without limits.
    pub fn unlimited() -> Room {
        Room(Inner::Unlimited)
    }

    /// Room in one queue.
    pub fn reserved(reservation: Reservation) -> Room {
        Room(Inner::Reserved(reservation))
    }

    /// A place in the waiting list of a full queue (`block_on_overflow`).
    pub(crate) fn queueing(reservation: Reservation) -> Room {
        Room(Inner::Queueing(reservation))
    }

    /// Room in each branch, in the order of the branches.
    pub(crate) fn branches(rooms: Vec<Room>) -> Room {
        Room(Inner::Branches(rooms))
    }

    /// The rooms of a fan-out's branches; anything else is one branch.
    pub(crate) fn into_branches(self) -> Vec<Room> {
        match self.0 {
            Inner::Branches(rooms) => rooms,
            other => vec![Room(other)],
        }
    }

    /// What a queue reserved, and whether the batch still waits for its place.
    pub(crate) fn into_reservation(self) -> (Option<Reservation>, bool) {
        match self.0 {
            Inner::Reserved(reservation) => (Some(reservation), false),
            Inner::Queueing(reservation) => (Some(reservation), true),
            Inner::Unlimited | Inner::Branches(_) => (None, false),
        }
    }
}

/// Units taken from a queue's capacity, given back on drop.
#[derive(Debug)]
pub struct Reservation {
    pub(crate) capacity: Arc<Capacity>,
    pub(crate) units: usize,
}

impl Reservation {
    /// Leaves the units taken: somebody else gives them back.
    pub(crate) fn keep(mut self) {
        self.units = 0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.capacity.give_back(self.units);
    }
}
