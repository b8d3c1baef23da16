//! Keeps a flood of equal log lines from filling the disk.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use tracing::callsite::Identifier;
use tracing::{Event, Metadata};
use tracing_subscriber::layer::{Context, Filter};

use crate::configuration::telemetry::Sampling;

/// Of one log statement lets the first few lines of each window pass, then
/// each n-th.
pub(super) struct Sampler {
    tick: Duration,
    initial: u64,
    thereafter: u64,
    enabled: bool,
    seen: Mutex<HashMap<Identifier, (Instant, u64)>>,
}

impl Sampler {
    pub(super) fn new(settings: &Sampling) -> Sampler {
        Sampler {
            tick: settings.tick.get(),
            initial: settings.initial,
            thereafter: settings.thereafter,
            enabled: settings.enabled,
            seen: Mutex::new(HashMap::new()),
        }
    }

    fn passes(&self, callsite: Identifier, now: Instant) -> bool {
        if !self.enabled {
            return true;
        }
        let Ok(mut seen) = self.seen.lock() else {
            return true;
        };
        let (since, count) = seen.entry(callsite).or_insert((now, 0));
        if now.duration_since(*since) >= self.tick {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= self.initial
            || (self.thereafter > 0 && (*count - self.initial).is_multiple_of(self.thereafter))
    }
}

impl<S> Filter<S> for Sampler {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        // The debug exporter prints telemetry through the log and samples by its own settings.
        event.metadata().target().starts_with("exporter_debug")
            || self.passes(event.metadata().callsite(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_of_a_window_pass_then_each_nth() {
        let sampler = Sampler::new(&Sampling {
            initial: 2,
            thereafter: 3,
            tick: settings::Duration::from_secs(1),
            enabled: true,
        });
        let callsite = tracing::callsite::Identifier(&CALLSITE);
        let now = Instant::now();
        let passed: Vec<bool> = (0..8)
            .map(|_| sampler.passes(callsite.clone(), now))
            .collect();
        assert_eq!(passed, [true, true, false, false, true, false, false, true]);
        assert!(sampler.passes(callsite, now + Duration::from_secs(1)));
    }

    struct TestCallsite;
    static CALLSITE: TestCallsite = TestCallsite;
    static METADATA: Metadata<'static> = Metadata::new(
        "test",
        "test",
        tracing::Level::INFO,
        None,
        None,
        None,
        tracing::field::FieldSet::new(&[], tracing::callsite::Identifier(&CALLSITE)),
        tracing::metadata::Kind::EVENT,
    );
    impl tracing::Callsite for TestCallsite {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            &METADATA
        }
    }
}
