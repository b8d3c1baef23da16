//! Looks at the memory of the process in intervals, and knows between looks
//! how much telemetry has come in since.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use pipeline::health::{Health, Status};
use pipeline::memory::Group;
use pipeline::{Budget, Host, budget, memory};

use super::limits::{Door, Limits};

/// Watches of this process: the pipelines that name one `memory_limiter` share it.
static WATCHES: Mutex<Vec<Weak<Watch>>> = Mutex::new(Vec::new());

/// Memory at the last look, and what was held then.
#[derive(Debug)]
pub(super) struct Watch {
    component: String,
    limits: Limits,
    interval: Duration,
    host: Host,
    /// The group that percentages are of: what its other processes and the
    /// kernel hold for it counts too.
    group: Option<Group>,
    memory: AtomicUsize,
    held: AtomicUsize,
    over: AtomicBool,
    above_hard: AtomicBool,
    /// Those who use it: each reports for itself, and may leave before the others.
    users: Mutex<Vec<Health>>,
}

impl Watch {
    /// The watch of this component; starts it where it is not at work yet. Its
    /// thread ends with its last user.
    pub(super) fn of(
        component: String,
        limits: Limits,
        group: Option<Group>,
        interval: Duration,
        host: &Host,
    ) -> Arc<Watch> {
        let mut watches = WATCHES.lock();
        watches.retain(|watch| watch.strong_count() > 0);
        let known = watches.iter().filter_map(Weak::upgrade).find(|watch| {
            watch.component == component
                && watch.limits == limits
                && watch.interval == interval
                && watch.host.budget.is_same_process(&host.budget)
        });
        if let Some(watch) = known {
            drop(watches);
            watch.join(&host.health);
            return watch;
        }
        let watch = Arc::new(Watch::new(component, limits, group, interval, host.clone()));
        watch.join(&host.health);
        watch.look(watch.measure());
        watches.push(Arc::downgrade(&watch));
        drop(watches);
        watch.keep_looking();
        watch
    }

    pub(super) fn new(
        component: String,
        limits: Limits,
        group: Option<Group>,
        interval: Duration,
        host: Host,
    ) -> Watch {
        Watch {
            component,
            limits,
            interval,
            host,
            group,
            memory: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            above_hard: AtomicBool::new(false),
            users: Mutex::default(),
        }
    }

    /// One more uses it.
    pub(super) fn join(&self, user: &Health) {
        self.users.lock().push(user.clone());
        if self.over.load(Ordering::Relaxed) {
            self.report(std::slice::from_ref(user), true);
        }
    }

    /// One less uses it.
    pub(super) fn leave(&self, user: &Health) {
        let mut users = self.users.lock();
        if let Some(at) = users.iter().position(|other| other.is_same_component(user)) {
            users.swap_remove(at);
        }
    }

    fn report(&self, users: &[Health], is_over: bool) {
        let component = format!("processor:{}", self.component);
        let now = self.host.clock.unix_nano();
        for user in users {
            let status = match is_over {
                true => Status::RecoverableError(self.why()),
                false => Status::Ok,
            };
            user.report(&component, status, now);
        }
    }

    fn keep_looking(self: &Arc<Self>) {
        let (watch, interval) = (Arc::downgrade(self), self.interval);
        // A thread, not a task: it looks also when the runtime has its hands full.
        let started = std::thread::Builder::new()
            .name("memory-limiter".to_owned())
            .spawn(move || {
                loop {
                    std::thread::sleep(interval);
                    let Some(watch) = watch.upgrade() else { return };
                    watch.look(watch.measure());
                }
            });
        if let Err(error) = started {
            tracing::error!(
                otelcol.component.id = self.component,
                %error,
                "memory_limiter cannot start its thread; only the byte budget of the process limits memory"
            );
        }
    }

    fn measure(&self) -> Option<usize> {
        let resident = memory::resident();
        let group = self.group.as_ref().and_then(Group::held);
        resident.max(group)
    }

    /// Takes note of the memory that is used; without a reading the last one stands.
    pub(super) fn look(&self, memory: Option<usize>) {
        let Some(memory) = memory else { return };
        self.held.store(self.host.budget.used(), Ordering::Relaxed);
        self.memory.store(memory, Ordering::Relaxed);
        let is_above_hard = memory > self.limits.hard;
        let was_above_hard = self.above_hard.swap(is_above_hard, Ordering::Relaxed);
        let is_over = memory > self.limits.soft;
        if self.over.swap(is_over, Ordering::Relaxed) != is_over {
            self.tell(is_over, memory);
        }
        if is_above_hard && !was_above_hard {
            tracing::warn!(
                otelcol.component.id = self.component,
                cur_mem_mib = memory >> 20,
                hard_limit_mib = self.limits.hard >> 20,
                held_mib = self.host.budget.used() >> 20,
                "Memory usage is above hard limit. Refusing all data."
            );
        }
    }

    fn tell(&self, is_over: bool, memory: usize) {
        let cur_mem_mib = memory >> 20;
        let soft_limit_mib = self.limits.soft >> 20;
        let held_mib = self.host.budget.used() >> 20;
        if is_over {
            tracing::warn!(
                otelcol.component.id = self.component,
                cur_mem_mib,
                soft_limit_mib,
                held_mib,
                "Memory usage is above soft limit. Refusing data."
            );
        } else {
            tracing::info!(
                otelcol.component.id = self.component,
                cur_mem_mib,
                soft_limit_mib,
                held_mib,
                "Memory usage back within limits. Resuming normal operation."
            );
        }
        let users = self.users.lock().clone();
        self.report(&users, is_over);
    }

    /// Why data are refused.
    pub(super) fn why(&self) -> Arc<str> {
        format!(
            "data refused due to high memory usage: over {} MiB",
            self.limits.soft >> 20
        )
        .into()
    }

    /// Whether `bytes` more may come in now: memory at the last look, and what
    /// came in since. What went out since may still be resident.
    pub(super) fn lets_in(&self, bytes: usize) -> bool {
        let held = self.held.load(Ordering::Relaxed);
        let since = self.host.budget.used().saturating_sub(held);
        let memory = self.memory.load(Ordering::Relaxed).saturating_add(since);
        if memory.saturating_add(bytes) <= self.limits.soft {
            return true;
        }
        let door = budget::current().map(|door: Budget| Door {
            held: door.held(),
            guarantee: door.guarantee(),
        });
        // What comes in by a door is charged as it arrives: it is in `since`.
        let bytes = if door.is_some() { 0 } else { bytes };
        self.limits.let_in(memory, door, bytes)
    }
}
