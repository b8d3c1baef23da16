//! What the collector gives to its components.

use crate::budget::Budget;
use crate::clock::Clock;
use crate::extension::Offers;
use crate::health::Health;

/// The surroundings of a component: time, memory, health and the extensions.
/// Cloning shares all of it.
#[derive(Clone, Debug)]
pub struct Host {
    /// The wall clock.
    pub clock: Clock,
    /// The byte budget of the process.
    pub budget: Budget,
    /// Where components report how they are.
    pub health: Health,
    /// What the extensions offer.
    pub offers: Offers,
}

impl Host {
    /// A host with the clock of the system and a budget of `budget` bytes.
    pub fn new(budget: usize) -> Host {
        Host {
            clock: Clock::system(),
            budget: Budget::new(budget),
            health: Health::default(),
            offers: Offers::default(),
        }
    }

    /// The host as a receiver sees it, one of `receivers`: its budget is a door
    /// of its own, with a part that no other can take.
    #[must_use]
    pub fn at_door(&self, receivers: usize) -> Host {
        Host {
            budget: self.budget.door(receivers),
            ..self.clone()
        }
    }
}
