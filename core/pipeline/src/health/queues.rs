//! How full the sending queues are.

use std::sync::Arc;

use super::{Health, Voice};

/// How much of a queue is taken, in units of its sizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fullness {
    /// Units taken.
    pub used: usize,
    /// The most that it takes.
    pub limit: usize,
}

/// A queue that can be asked, for as long as it exists.
pub(super) struct Queue {
    component: String,
    pub(super) voice: Arc<Voice>,
    ask: Box<dyn Fn() -> Option<Fullness> + Send + Sync>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.component)
    }
}

impl Health {
    /// Makes the queue of a component (`exporter:otlp/logs`) known. `ask` is
    /// called while this health is locked, so it must neither wait nor report;
    /// once it answers `None` the queue is forgotten.
    pub fn watch_queue(
        &self,
        component: &str,
        ask: impl Fn() -> Option<Fullness> + Send + Sync + 'static,
    ) {
        self.state().queues.push(Queue {
            component: component.to_owned(),
            voice: Arc::clone(&self.voice),
            ask: Box::new(ask),
        });
    }

    /// How full each queue is now, by component.
    pub fn queues(&self) -> Vec<(String, Fullness)> {
        let mut all = Vec::new();
        self.state().queues.retain(|queue| {
            let fullness = (queue.ask)();
            all.extend(fullness.map(|fullness| (queue.component.clone(), fullness)));
            fullness.is_some()
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_queue_is_asked_until_it_is_gone() {
        let health = Health::default();
        let used = Arc::new(AtomicUsize::new(3));
        let weak = Arc::downgrade(&used);
        health.watch_queue("exporter:otlp/logs", move || {
            weak.upgrade().map(|used| Fullness {
                used: used.load(Ordering::Relaxed),
                limit: 10,
            })
        });
        let name = "exporter:otlp/logs".to_owned();
        let full = |used| Fullness { used, limit: 10 };
        assert_eq!(health.queues(), [(name.clone(), full(3))]);
        used.store(9, Ordering::Relaxed);
        assert_eq!(health.queues(), [(name, full(9))]);
        drop(used);
        assert_eq!(health.queues(), []);
        assert!(health.state().queues.is_empty(), "it is forgotten");
    }

    #[test]
    fn the_queue_of_a_component_that_has_left_is_of_no_interest() {
        let health = Health::default();
        let (old, new) = (health.of_component(), health.of_component());
        for (health, used) in [(&old, 9), (&new, 1)] {
            health.watch_queue("exporter:otlp/logs", move || {
                Some(Fullness { used, limit: 10 })
            });
        }
        old.leave();
        let used: Vec<usize> = health.queues().iter().map(|(_, full)| full.used).collect();
        assert_eq!(used, [1]);
    }
}
