//! Queues that stay nearly full.

use std::collections::BTreeMap;
use std::fmt;

use pipeline::health::Fullness;

/// A queue that is nearly full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) used: usize,
    pub(crate) limit: usize,
    /// When it was first seen so, nanoseconds since 1970.
    pub(crate) since: u64,
}

impl fmt::Display for Full {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Full { used, limit, .. } = self;
        write!(
            formatter,
            "the sending queue is nearly full: {used} of {limit}"
        )
    }
}

/// Remembers since when queues are nearly full.
#[derive(Debug, Default)]
pub(crate) struct FullQueues(BTreeMap<String, Full>);

impl FullQueues {
    /// Takes note of how full the queues are now. `ratio` is the share of its
    /// capacity from which on a queue is nearly full.
    pub(crate) fn look(&mut self, queues: Vec<(String, Fullness)>, ratio: f64, now: u64) {
        let before = std::mem::take(&mut self.0);
        for (name, Fullness { used, limit }) in queues {
            if limit == 0 || (used as f64) < ratio * limit as f64 {
                continue;
            }
            let since = before.get(&name).map_or(now, |full| full.since);
            self.0.insert(name, Full { used, limit, since });
        }
    }

    /// The queues that have been nearly full for `long` nanoseconds.
    pub(crate) fn for_long(&self, long: u64, now: u64) -> BTreeMap<String, Full> {
        self.0
            .iter()
            .filter(|(_, full)| now.saturating_sub(full.since) >= long)
            .map(|(name, full)| (name.clone(), *full))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(used: usize) -> Vec<(String, Fullness)> {
        vec![("exporter:x/logs".to_owned(), Fullness { used, limit: 10 })]
    }

    #[test]
    fn a_queue_counts_once_it_was_nearly_full_for_long_without_a_break() {
        let mut queues = FullQueues::default();
        queues.look(one(9), 0.9, 100);
        assert!(queues.for_long(50, 149).is_empty());
        queues.look(one(10), 0.9, 140);
        let full = queues.for_long(50, 150)["exporter:x/logs"];
        assert_eq!((full.used, full.since), (10, 100));
        queues.look(one(8), 0.9, 160);
        queues.look(one(9), 0.9, 170);
        assert!(
            queues.for_long(50, 200).is_empty(),
            "it had room in between"
        );
    }

    #[test]
    fn a_queue_without_a_limit_is_never_full() {
        let mut queues = FullQueues::default();
        let endless = Fullness {
            used: 1_000_000,
            limit: usize::MAX,
        };
        queues.look(vec![("exporter:x/logs".to_owned(), endless)], 0.9, 100);
        assert!(queues.for_long(0, 200).is_empty());
    }
}
