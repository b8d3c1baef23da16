//! Wall time that a test can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the wall time. Components ask this clock and no other, so that tests
/// decide what time it is. Waiting is tokio's business (`tokio::time::pause`).
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The clock of the system.
    pub fn system() -> Clock {
        Clock(None)
    }

    /// A clock that stands still at `unix_nano` until it is set.
    pub fn fixed(unix_nano: u64) -> Clock {
        Clock(Some(Arc::new(AtomicU64::new(unix_nano))))
    }

    /// Moves a fixed clock; the clock of the system stays as it is.
    pub fn set(&self, unix_nano: u64) {
        if let Some(fixed) = &self.0 {
            fixed.store(unix_nano, Ordering::SeqCst);
        }
    }

    /// Nanoseconds since 1970-01-01 UTC.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time"
    )]
    pub fn unix_nano(&self) -> u64 {
        match &self.0 {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or(Duration::ZERO)
                .as_nanos()
                .try_into()
                .unwrap_or(u64::MAX),
        }
    }
}
