//! Waits between attempts.

use std::time::Duration;

use super::settings::RetryOnFailure;

/// Exponential waits with jitter, as upstream's `retry_on_failure` describes them.
#[derive(Debug)]
pub(crate) struct Backoff<'a> {
    settings: &'a RetryOnFailure,
    interval: Duration,
    elapsed: Duration,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(settings: &'a RetryOnFailure) -> Backoff<'a> {
        Backoff {
            settings,
            interval: settings.initial_interval.into(),
            elapsed: Duration::ZERO,
        }
    }

    /// How long to wait before the next attempt, when the destination asked for
    /// `after`; `None` when the next attempt would come after `max_elapsed_time`.
    /// `jitter` is uniform in 0..1; `spent` is what the last attempt took.
    pub(crate) fn next(
        &mut self,
        after: Option<Duration>,
        jitter: f64,
        spent: Duration,
    ) -> Option<Duration> {
        let factor = 1.0 + self.settings.randomization_factor * (2.0 * jitter - 1.0);
        let wait = self
            .interval
            .mul_f64(factor.max(0.0))
            .max(after.unwrap_or(Duration::ZERO));
        let max_interval: Duration = self.settings.max_interval.into();
        self.interval = self
            .interval
            .mul_f64(self.settings.multiplier.max(1.0))
            .min(max_interval);
        self.elapsed = self.elapsed.saturating_add(spent).saturating_add(wait);
        let max_elapsed: Duration = self.settings.max_elapsed_time.into();
        (max_elapsed.is_zero() || self.elapsed <= max_elapsed).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(settings: &RetryOnFailure, jitter: f64) -> Vec<u64> {
        let mut backoff = Backoff::new(settings);
        std::iter::from_fn(|| backoff.next(None, jitter, Duration::ZERO))
            .map(|wait| wait.as_millis() as u64)
            .take(50)
            .collect()
    }

    #[test]
    fn grows_to_the_longest_interval_and_ends_with_the_elapsed_time() {
        let waits = waits(&RetryOnFailure::default(), 0.5);
        assert_eq!(waits[..6], [5000, 7500, 11250, 16875, 25312, 30000]);
        assert!(waits.iter().sum::<u64>() <= 300_000);
        assert!(waits.iter().sum::<u64>() + 30_000 > 300_000);
    }

    #[test]
    fn jitter_moves_a_wait_by_the_randomization_factor() {
        assert_eq!(waits(&RetryOnFailure::default(), 0.0)[0], 2500);
        assert_eq!(waits(&RetryOnFailure::default(), 1.0)[0], 7500);
    }

    #[test]
    fn zero_elapsed_time_never_ends_and_a_server_may_ask_for_more() {
        let settings = RetryOnFailure {
            max_elapsed_time: settings::Duration::ZERO,
            ..RetryOnFailure::default()
        };
        assert_eq!(waits(&settings, 0.5).len(), 50);
        let mut backoff = Backoff::new(&settings);
        assert_eq!(
            backoff.next(Some(Duration::from_secs(90)), 0.5, Duration::ZERO),
            Some(Duration::from_secs(90))
        );
    }
}
