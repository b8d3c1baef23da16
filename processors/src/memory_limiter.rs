//! Refuses telemetry while the process holds too much memory.
//!
//! It looks at the resident memory of the process, not at one heap, and
//! refuses at the door: a batch that is inside is never turned away.

mod config;
mod limits;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use otlp::Signal;
use pipeline::registry::{self, Factory, ProcessorConfig, Stability};
use pipeline::{Gate, Refused, Size};

pub use config::Config;
use limits::Limits;

/// The factory of `memory_limiter`.
pub fn factory() -> Factory<dyn ProcessorConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::processor::<Config>("memory_limiter", &[], signals, Stability::Beta)
}

/// The gate at the door of a pipeline. Memory is looked at in intervals by a
/// thread that ends with the gate; passing costs one atomic load.
struct MemoryLimiter {
    over: Arc<AtomicBool>,
    retry_after: Duration,
    why: Arc<str>,
}

impl MemoryLimiter {
    fn watch(limits: Limits, interval: Duration) -> MemoryLimiter {
        let over = Arc::new(AtomicBool::new(false));
        let watched = Arc::downgrade(&over);
        std::thread::Builder::new()
            .name("memory-limiter".to_owned())
            .spawn(move || {
                while let Some(over) = watched.upgrade() {
                    look(&limits, &over, pipeline::memory::resident());
                    drop(over);
                    std::thread::sleep(interval);
                }
            })
            .map_or_else(
                |error| tracing::error!(%error, "memory_limiter cannot start its thread"),
                drop,
            );
        let why = format!(
            "data refused due to high memory usage: over {} MiB",
            limits.soft >> 20
        );
        MemoryLimiter {
            over,
            retry_after: interval.max(Duration::from_secs(1)),
            why: why.into(),
        }
    }
}

fn look(limits: &Limits, over: &AtomicBool, resident: Option<usize>) {
    let Some(resident) = resident else { return };
    let is_over = resident > limits.soft;
    if over.swap(is_over, Ordering::Relaxed) == is_over {
        return;
    }
    let (cur_mem_mib, limit_mib) = (resident >> 20, limits.hard >> 20);
    if is_over {
        tracing::warn!(
            cur_mem_mib,
            limit_mib,
            "Memory usage is above soft limit. Refusing data."
        );
    } else {
        tracing::info!(
            cur_mem_mib,
            limit_mib,
            "Memory usage back within limits. Resuming normal operation."
        );
    }
}

impl Gate for MemoryLimiter {
    fn pass(&self, _: &Size) -> Result<(), Refused> {
        match self.over.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Refused::later(
                Arc::clone(&self.why),
                Some(self.retry_after),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_above_the_soft_limit_until_it_is_below_again() {
        let over = Arc::new(AtomicBool::new(false));
        let limits = Limits {
            soft: 80,
            hard: 100,
        };
        let gate = MemoryLimiter {
            over: Arc::clone(&over),
            retry_after: Duration::from_secs(1),
            why: "full".into(),
        };
        for (resident, passes) in [(80, true), (81, false), (99, false), (79, true)] {
            look(&limits, &over, Some(resident));
            assert_eq!(gate.pass(&Size::default()).is_ok(), passes, "{resident}");
        }
        look(&limits, &over, Some(81));
        let refused = gate.pass(&Size::default()).expect_err("refused");
        assert!(refused.is_retryable());
        look(&limits, &over, None);
        assert!(
            gate.pass(&Size::default()).is_err(),
            "without a reading the last decision stands"
        );
    }
}
