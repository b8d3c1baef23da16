//! A consumer that refuses on demand and remembers what it took.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use pipeline::{Ack, Batch, Consumer, Outcome, Refused, Room, Size};

/// Takes batches as its script says: each refusal and outcome is used once, in
/// order; without a script everything is taken.
#[derive(Clone, Default)]
pub struct ScriptedConsumer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    refusals: VecDeque<Refused>,
    outcomes: VecDeque<Outcome>,
    admitted: usize,
    taken: Vec<Batch>,
}

impl ScriptedConsumer {
    /// A consumer that takes everything.
    pub fn new() -> ScriptedConsumer {
        ScriptedConsumer::default()
    }

    /// Refuses the next admission.
    pub fn refuse(&self, refused: Refused) {
        self.0.lock().refusals.push_back(refused);
    }

    /// Answers the next offer with `outcome`, later.
    pub fn answer(&self, outcome: Outcome) {
        self.0.lock().outcomes.push_back(outcome);
    }

    /// How often it admitted.
    pub fn admitted(&self) -> usize {
        self.0.lock().admitted
    }

    /// Everything it took so far.
    pub fn taken(&self) -> Vec<Batch> {
        self.0.lock().taken.clone()
    }

    /// The text bodies of all log records it took.
    pub fn bodies(&self) -> Vec<String> {
        self.taken()
            .iter()
            .flat_map(|batch| crate::log_bodies(&batch.payload))
            .collect()
    }

    /// Itself as a stage.
    pub fn consumer(&self) -> Arc<dyn Consumer> {
        Arc::new(self.clone())
    }
}

impl Consumer for ScriptedConsumer {
    fn admit(&self, _: &Size) -> Result<Room, Refused> {
        let mut state = self.0.lock();
        match state.refusals.pop_front() {
            Some(refused) => Err(refused),
            None => {
                state.admitted += 1;
                Ok(Room::unlimited())
            }
        }
    }

    fn offer(&self, batch: Batch, _: Room) -> Ack {
        let mut state = self.0.lock();
        state.taken.push(batch);
        match state.outcomes.pop_front() {
            Some(outcome) => Ack::Waiting(Box::pin(std::future::ready(outcome))),
            None => Ack::accepted(),
        }
    }
}
