//! Batches that come again because their answer was lost.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How many batches are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// What is known of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not seen; it is on its way from now on.
    New,
    /// On its way: whether it will be taken is not known yet.
    UnderWay,
    /// Taken.
    Taken,
}

/// The names of batches that were taken lately.
pub(crate) struct Duplicates {
    window: Duration,
    batches: Mutex<LruCache<String, (Instant, bool)>>,
}

impl Duplicates {
    /// `None` when no batch is remembered.
    pub(crate) fn new(window: Option<Duration>) -> Option<Duplicates> {
        window.map(|window| Duplicates {
            window,
            batches: Mutex::new(LruCache::new(CAPACITY)),
        })
    }

    /// Looks a batch up and, when it is new, marks it as under way.
    pub(crate) fn begin(&self, batch: &str) -> Seen {
        let now = Instant::now();
        let mut batches = self.batches.lock();
        match batches.get(batch) {
            Some((since, taken)) if now.duration_since(*since) < self.window => {
                if *taken {
                    Seen::Taken
                } else {
                    Seen::UnderWay
                }
            }
            _ => {
                batches.put(batch.to_owned(), (now, false));
                Seen::New
            }
        }
    }

    /// Says how a batch ended that was new.
    pub(crate) fn end(&self, batch: &str, taken: bool) {
        let mut batches = self.batches.lock();
        if !taken {
            batches.pop(batch);
        } else if let Some((_, known)) = batches.get_mut(batch) {
            *known = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_taken_once_within_the_window() {
        let seen = Duplicates::new(Some(Duration::from_secs(600))).unwrap();
        assert_eq!(seen.begin("a"), Seen::New);
        assert_eq!(seen.begin("a"), Seen::UnderWay);
        seen.end("a", false);
        assert_eq!(seen.begin("a"), Seen::New);
        seen.end("a", true);
        assert_eq!((seen.begin("a"), seen.begin("b")), (Seen::Taken, Seen::New));
        tokio::time::advance(Duration::from_secs(601)).await;
        assert_eq!(seen.begin("a"), Seen::New);
    }
}
