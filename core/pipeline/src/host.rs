//! What the collector gives to its components.

use crate::budget::Budget;
use crate::clock::Clock;
use crate::extension::Offers;
use crate::health::Health;
use crate::listeners::Listeners;

/// The surroundings of a component: time, memory, health, listening sockets and
/// the extensions. Cloning shares all of it.
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
    /// Where components listen.
    pub listeners: Listeners,
}

impl Host {
    /// A host with the clock of the system and a budget of `budget` bytes.
    pub fn new(budget: usize) -> Host {
        Host {
            clock: Clock::system(),
            budget: Budget::new(budget),
            health: Health::default(),
            offers: Offers::default(),
            listeners: Listeners::default(),
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

    /// The host for one component (`receiver "otlp"`), which knows what that
    /// component uses and says of its health.
    #[must_use]
    pub fn of(&self, component: &str) -> Host {
        Host {
            health: self.health.of_component(),
            offers: self.offers.noting(),
            listeners: self.listeners.of(component),
            ..self.clone()
        }
    }

    /// Says that the component of this host is being replaced or removed:
    /// its successor may listen where it does, and its health is of no interest.
    pub fn leave(&self) {
        self.listeners.set_leaving(true);
        self.health.leave();
    }
}
