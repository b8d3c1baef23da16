//! Refuses telemetry while the process holds too much memory.
//!
//! It looks at the resident memory of the process, not at one heap, and between
//! looks at the telemetry that came in since. It refuses at the door, before a
//! body is read: a batch that is inside is never turned away.

mod config;
mod limits;
mod metrics;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use otlp::Signal;
use pipeline::health::Health;
use pipeline::memory::Group;
use pipeline::registry::{self, Factory, ProcessorConfig, Stability};
use pipeline::{Gate, Host, Refused, Size};

pub use config::Config;
use limits::Limits;
use metrics::LimiterMetrics;
use watch::Watch;

/// The factory of `memory_limiter`.
pub fn factory() -> Factory<dyn ProcessorConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::processor::<Config>("memory_limiter", &[], signals, Stability::Beta)
}

/// The gate at the door of a pipeline. Passing costs a few atomic loads.
struct MemoryLimiter {
    component: String,
    limits: Limits,
    group: Option<Group>,
    interval: Duration,
    metrics: LimiterMetrics,
    /// There is one once the gate is opened, and whose health it reports to.
    watch: OnceLock<(Arc<Watch>, Health)>,
}

impl MemoryLimiter {
    fn new(
        component: String,
        signal: Signal,
        limits: Limits,
        group: Option<Group>,
        interval: Duration,
    ) -> MemoryLimiter {
        MemoryLimiter {
            metrics: LimiterMetrics::new(&component, signal),
            component,
            limits,
            group,
            interval,
            watch: OnceLock::new(),
        }
    }
}

impl Gate for MemoryLimiter {
    fn open(&self, host: &Host) {
        self.watch.get_or_init(|| {
            let watch = Watch::of(
                self.component.clone(),
                self.limits,
                self.group.clone(),
                self.interval,
                host,
            );
            (watch, host.health.clone())
        });
    }

    fn pass(&self, size: &Size) -> Result<(), Refused> {
        match self.watch.get() {
            Some((watch, _)) if !watch.lets_in(size.bytes) => {
                self.metrics.refused(size.items);
                let after = self.interval.max(Duration::from_secs(1));
                Err(Refused::later(watch.why(), Some(after)))
            }
            _ => Ok(()),
        }
    }

    fn passed(&self, size: &Size) {
        self.metrics.accepted(size.items);
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        if let Some((watch, health)) = self.watch.get() {
            watch.leave(health);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::health::Status;
    use pipeline::transform::Guarded;
    use pipeline::{Ack, Batch, Outlet};
    use test_kit::{ScriptedConsumer, logs};

    const LIMITS: Limits = Limits {
        soft: 80,
        hard: 100,
    };

    fn gate(host: &Host) -> (MemoryLimiter, Arc<Watch>) {
        let name = "memory_limiter/test".to_owned();
        let interval = Duration::from_secs(2);
        let watch = Watch::new(name.clone(), LIMITS, None, interval, host.clone());
        let watch = Arc::new(watch);
        let gate = MemoryLimiter::new(name, Signal::Logs, LIMITS, None, interval);
        watch.join(&host.health);
        gate.watch
            .get_or_init(|| (Arc::clone(&watch), host.health.clone()));
        (gate, watch)
    }

    fn size(bytes: usize) -> Size {
        Size { items: 1, bytes }
    }

    #[test]
    fn refuses_above_the_soft_limit_until_it_is_below_again() {
        let host = Host::new(1000);
        let (gate, watch) = gate(&host);
        for (memory, passes) in [(80, true), (81, false), (99, false), (79, true)] {
            watch.look(Some(memory));
            assert_eq!(gate.pass(&Size::default()).is_ok(), passes, "{memory}");
        }
        watch.look(Some(81));
        let refused = gate.pass(&Size::default()).expect_err("refused");
        let Refused::Later { after, .. } = refused else {
            panic!("a client must come back: {refused}");
        };
        assert_eq!(after, Some(Duration::from_secs(2)));
        watch.look(None);
        assert!(
            gate.pass(&Size::default()).is_err(),
            "without a reading the last decision stands"
        );
    }

    #[test]
    fn between_two_looks_what_came_in_counts_at_once() {
        let host = Host::new(1000);
        let (gate, watch) = gate(&host);
        watch.look(Some(50));
        assert!(gate.pass(&size(30)).is_ok());
        assert!(gate.pass(&size(31)).is_err(), "it would pass the limit");
        let charge = host.budget.charge(25).expect("fits");
        assert!(gate.pass(&size(5)).is_ok());
        assert!(gate.pass(&size(6)).is_err());
        watch.look(Some(70));
        assert!(gate.pass(&size(10)).is_ok(), "it is in the measured memory");
        drop(charge);
        assert!(
            gate.pass(&size(11)).is_err(),
            "what went out may still be resident"
        );
    }

    #[test]
    fn the_status_says_why_while_data_are_refused() {
        let host = Host::new(1000);
        let (_gate, watch) = gate(&host);
        let status = || {
            let components = host.health.components();
            components
                .get("processor:memory_limiter/test")
                .map(|report| report.status.clone())
        };
        watch.look(Some(50));
        assert_eq!(status(), None, "there is nothing to tell");
        watch.look(Some(90));
        let Some(Status::RecoverableError(why)) = status() else {
            panic!("{:?}", status());
        };
        assert!(why.contains("high memory usage"), "{why}");
        watch.look(Some(60));
        assert_eq!(status(), Some(Status::Ok));
    }

    #[test]
    fn between_the_limits_a_receiver_still_has_its_guaranteed_part() {
        let host = Host::new(1 << 20);
        let (gate, watch) = gate(&host);
        let consumer = ScriptedConsumer::new().consumer();
        let gate: Box<dyn Gate> = Box::new(gate);
        let outlet = Outlet::new(Arc::new(Guarded::new(gate, consumer)));
        let doors = [host.at_door(2).budget, host.at_door(2).budget];
        let [huge, small] = doors.each_ref().map(|door| outlet.charged_to(door));
        let _held = doors[0].charge(doors[0].guarantee() + 1).expect("fits");
        watch.look(Some(90));
        let takes = |outlet: &Outlet| match outlet.send(Batch::new(logs(["a"]))) {
            Ack::Ready(outcome) => outcome.is_ok(),
            Ack::Waiting(_) => panic!("this consumer answers at once"),
        };
        assert!(!takes(&huge), "it has had its part");
        assert!(takes(&small), "it holds nothing");
        watch.look(Some(101));
        assert!(!takes(&small), "past the hard limit");
    }

    #[test]
    fn one_of_two_pipelines_that_leaves_takes_only_its_own_word_back() {
        let host = Host::new(1000);
        let (logs, traces) = (host.of("logs"), host.of("traces"));
        let (gate, watch) = gate(&logs);
        watch.join(&traces.health);
        watch.look(Some(90));
        logs.health.leave();
        drop(gate);
        let report = |status: Status| {
            let components = host.health.components();
            let report = &components["processor:memory_limiter/test"];
            assert_eq!(
                std::mem::discriminant(&report.status),
                std::mem::discriminant(&status)
            );
        };
        report(Status::RecoverableError("".into()));
        watch.look(Some(60));
        report(Status::Ok);
        let late = host.of("metrics");
        watch.look(Some(90));
        traces.health.leave();
        watch.join(&late.health);
        report(Status::RecoverableError("".into()));
    }

    #[test]
    fn pipelines_that_name_one_limiter_share_its_looks() {
        let host = Host::new(1000);
        let open = |name: &str| {
            let interval = Duration::from_secs(3600);
            let limits = Limits {
                soft: usize::MAX - 1,
                hard: usize::MAX,
            };
            let gate = MemoryLimiter::new(name.to_owned(), Signal::Logs, limits, None, interval);
            gate.open(&host);
            let (watch, _) = gate.watch.get().expect("opened");
            Arc::clone(watch)
        };
        let (logs, traces) = (open("memory_limiter"), open("memory_limiter"));
        assert!(Arc::ptr_eq(&logs, &traces));
        assert!(!Arc::ptr_eq(&logs, &open("memory_limiter/other")));
    }
}
