//! How the components are, from what really happened to their batches.

pub mod composition;
mod queues;

use std::collections::BTreeMap;
use std::sync::Arc;

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
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ready: bool,
    was_ready: bool,
    components: BTreeMap<String, Report>,
    composition: Arc<Composition>,
    queues: Vec<queues::Queue>,
}

impl Health {
    /// Says that the pipelines take telemetry, or no longer do.
    pub fn set_ready(&self, ready: bool) {
        let mut state = self.state();
        state.ready = ready;
        state.was_ready |= ready;
    }

    /// Whether the pipelines take telemetry.
    pub fn is_ready(&self) -> bool {
        self.0.lock().ready
    }

    /// Whether the pipelines took telemetry at any time: what is not ready now is
    /// stopping, not starting.
    pub fn was_ready(&self) -> bool {
        self.state().was_ready
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Reports the state of a component (`exporter:delta`). Repeating a kind of
    /// state keeps the time since when it holds.
    pub fn report(&self, component: &str, status: Status, now_unix_nano: u64) {
        let mut state = self.0.lock();
        match state.components.get_mut(component) {
            Some(report)
                if std::mem::discriminant(&report.status) == std::mem::discriminant(&status) =>
            {
                report.status = status;
            }
            Some(report) => {
                *report = Report {
                    status,
                    since_unix_nano: now_unix_nano,
                }
            }
            None => {
                state.components.insert(
                    component.to_owned(),
                    Report {
                        status,
                        since_unix_nano: now_unix_nano,
                    },
                );
            }
        }
    }

    /// The last report of every component, by name.
    pub fn components(&self) -> BTreeMap<String, Report> {
        self.0.lock().components.clone()
    }
}
