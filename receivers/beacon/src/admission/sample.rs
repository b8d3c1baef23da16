//! Keeps a part of the sessions, always whole ones.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::client::ClientFacts;

/// Which part of the sessions of a site is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Above 0, below 1.
    pub(crate) rate: f64,
}

impl Sample {
    /// `None` when all are.
    pub(crate) fn new(rate: f64) -> Option<Sample> {
        (rate < 1.0).then_some(Sample { rate })
    }

    /// Whether the events of a session are kept; without one those of a client.
    pub(crate) fn keeps(&self, session: Option<&str>, facts: &ClientFacts) -> bool {
        // Its keys are fixed: replicas agree, and a session stays whole over a restart.
        let mut hasher = DefaultHasher::new();
        match session {
            Some(id) => id.hash(&mut hasher),
            None => (facts.whole, &facts.user_agent).hash(&mut hasher),
        }
        (hasher.finish() as f64 / u64::MAX as f64) < self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_sessions_is_kept_and_those_whole() {
        assert!(Sample::new(1.0).is_none());
        let sample = Sample::new(0.25).unwrap();
        let facts = ClientFacts::default();
        let keeps = |id: usize| sample.keeps(Some(&format!("session-{id}")), &facts);
        let kept = (0..10_000).filter(|id| keeps(*id)).count();
        // ten standard deviations
        assert!((2070..2930).contains(&kept), "{kept}");
        let client = |last: u8| ClientFacts {
            whole: Some([192, 0, 2, last].into()),
            ..ClientFacts::default()
        };
        let kept = (0..=255)
            .filter(|last| sample.keeps(None, &client(*last)))
            .count();
        assert!((1..255).contains(&kept), "{kept}");
    }
}
