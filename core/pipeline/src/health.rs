//! How the components are, from what really happened to their batches.

pub mod composition;
mod queues;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

pub use composition::Composition;
pub use queues::Fullness;

/// State of a component, as upstream names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not ready yet.
    Starting,
    /// At work, or idle.
    Ok,
    /// Failing, expected to get over it: the sink is away.
    RecoverableError(Arc<str>),
    /// Failing until somebody acts: wrong credentials, foreign schema.
    PermanentError(Arc<str>),
    /// Draining.
    Stopping,
}

/// State of a component and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The state.
    pub status: Status,
    /// When it began, nanoseconds since 1970-01-01 UTC.
    pub since_unix_nano: u64,
}

/// The health of the whole collector. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: Arc<Mutex<State>>,
    voice: Arc<Voice>,
}

#[derive(Debug, Default)]
struct State {
    ready: bool,
    was_ready: bool,
    components: BTreeMap<String, Reports>,
    composition: Arc<Composition>,
    queues: Vec<queues::Queue>,
}

/// Who reports: during a reload a component and its successor do under one name.
#[derive(Debug, Default)]
struct Voice {
    gone: AtomicBool,
}

/// Reports under one name; that of the longest present voice counts.
type Reports = Vec<(Arc<Voice>, Report)>;

impl Health {
    /// Says that the pipelines take telemetry, or no longer do.
    pub fn set_ready(&self, ready: bool) {
        let mut state = self.state();
        state.ready = ready;
        state.was_ready |= ready;
    }

    /// Whether the pipelines take telemetry.
    pub fn is_ready(&self) -> bool {
        self.state().ready
    }

    /// Whether the pipelines took telemetry at any time: what is not ready now is
    /// stopping, not starting.
    pub fn was_ready(&self) -> bool {
        self.state().was_ready
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Reports the state of a component (`exporter:delta`). Repeating a kind of
    /// state keeps the time since when it holds.
    pub fn report(&self, component: &str, status: Status, now_unix_nano: u64) {
        let mut state = self.state();
        if self.voice.gone.load(Ordering::Acquire) {
            return;
        }
        let reports = match state.components.get_mut(component) {
            Some(reports) => reports,
            None => state.components.entry(component.to_owned()).or_default(),
        };
        let mine = reports
            .iter_mut()
            .find(|(voice, _)| Arc::ptr_eq(voice, &self.voice));
        match mine {
            Some((_, report))
                if std::mem::discriminant(&report.status) == std::mem::discriminant(&status) =>
            {
                report.status = status;
            }
            Some((_, report)) => {
                *report = Report {
                    status,
                    since_unix_nano: now_unix_nano,
                }
            }
            None => {
                let report = Report {
                    status,
                    since_unix_nano: now_unix_nano,
                };
                reports.push((Arc::clone(&self.voice), report));
            }
        }
    }

    /// The same health for one component, which may [leave](Health::leave).
    #[must_use]
    pub fn of_component(&self) -> Health {
        Health {
            state: Arc::clone(&self.state),
            voice: Arc::default(),
        }
    }

    /// Whether both are the health of one component.
    pub fn is_same_component(&self, other: &Health) -> bool {
        Arc::ptr_eq(&self.voice, &other.voice)
    }

    /// Takes back what was reported here and in clones, and hears no more of it.
    pub fn leave(&self) {
        let mut state = self.state();
        self.voice.gone.store(true, Ordering::Release);
        state.components.retain(|_, reports| {
            reports.retain(|(voice, _)| !Arc::ptr_eq(voice, &self.voice));
            !reports.is_empty()
        });
        let queues = &mut state.queues;
        queues.retain(|queue| !Arc::ptr_eq(&queue.voice, &self.voice));
    }

    /// The last report of every component, by name.
    pub fn components(&self) -> BTreeMap<String, Report> {
        let state = self.state();
        let components = state.components.iter();
        let first = components.filter_map(|(name, reports)| Some((name, &reports.first()?.1)));
        first
            .map(|(name, report)| (name.clone(), report.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(why: &str) -> Status {
        Status::RecoverableError(why.into())
    }

    #[test]
    fn a_successor_is_heard_when_its_predecessor_has_left() {
        let health = Health::default();
        let (old, new) = (health.of_component(), health.of_component());
        let status = || {
            let components = health.components();
            components.get("x").map(|report| report.status.clone())
        };
        old.report("x", Status::Ok, 1);
        new.report("x", Status::Starting, 2);
        assert_eq!(status(), Some(Status::Ok));
        old.leave();
        assert_eq!(status(), Some(Status::Starting));
        old.report("x", failing("late"), 3);
        assert_eq!(status(), Some(Status::Starting));
        new.clone().report("x", failing("away"), 4);
        assert_eq!(status(), Some(failing("away")));
        new.leave();
        assert_eq!(status(), None);
    }

    #[test]
    fn a_state_that_goes_on_keeps_its_beginning() {
        let health = Health::default();
        health.report("x", failing("one"), 5);
        health.report("x", failing("two"), 6);
        let report = &health.components()["x"];
        assert_eq!(
            (&report.status, report.since_unix_nano),
            (&failing("two"), 5)
        );
    }
}
