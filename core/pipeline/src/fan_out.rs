//! One batch to several branches.

use std::sync::Arc;

use futures::future::join_all;

use crate::batch::{Batch, Size};
use crate::consumer::{Consumer, Room};
use crate::outcome::{self, Ack, Refused};

/// Sends each batch to every branch. All branches admit before any is offered
/// to, so a refusal never leaves one branch with data that the client sends
/// again. Afterwards each branch goes on by itself.
pub struct FanOut {
    branches: Vec<Arc<dyn Consumer>>,
}

impl FanOut {
    /// A consumer for `branches`: the branch itself when there is only one.
    pub fn over(mut branches: Vec<Arc<dyn Consumer>>) -> Arc<dyn Consumer> {
        match branches.pop() {
            Some(only) if branches.is_empty() => only,
            Some(last) => {
                branches.push(last);
                Arc::new(FanOut { branches })
            }
            None => Arc::new(FanOut { branches }),
        }
    }
}

impl Consumer for FanOut {
    fn admit(&self, size: &Size) -> Result<Room, Refused> {
        let rooms: Result<Vec<Room>, Refused> = self
            .branches
            .iter()
            .map(|branch| branch.admit(size))
            .collect();
        rooms.map(Room::branches)
    }

    fn offer(&self, batch: Batch, room: Room) -> Ack {
        let mut waiting = Vec::new();
        let mut known = Vec::new();
        // A payload is a rope of shared bytes: the clone a branch copies no telemetry.
        for (branch, room) in self.branches.iter().zip(room.into_branches()) {
            match branch.offer(batch.clone(), room) {
                Ack::Ready(outcome) => known.push(outcome),
                Ack::Waiting(future) => waiting.push(future),
            }
        }
        if waiting.is_empty() {
            return Ack::Ready(outcome::join(known));
        }
        Ack::Waiting(Box::pin(async move {
            let late = join_all(waiting).await;
            outcome::join(known.into_iter().chain(late))
        }))
    }
}
