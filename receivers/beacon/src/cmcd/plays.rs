//! Which players have played already: the first time is a start, the next ones
//! are none. The report itself does not tell.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;

/// How many sessions of players are remembered; the one that was played longest ago is forgotten.
const SESSIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// What tells a report from the others of its session: its time and number, as the player says them.
type Report = (Option<i64>, Option<i64>);

/// The sessions of players that have played, each with its first report that it plays.
pub(crate) struct Plays {
    hasher: RandomState,
    first: Mutex<LruCache<u64, Report>>,
}

impl Plays {
    pub(crate) fn new() -> Plays {
        Plays {
            hasher: RandomState::new(),
            first: Mutex::new(LruCache::new(SESSIONS)),
        }
    }

    /// Whether a report that it plays is the first one of a session; so is the same
    /// report when it is sent again.
    pub(super) fn begin(&self, site: &str, session: &str, report: Report) -> bool {
        let session = self.hasher.hash_one((site, session));
        let mut first = self.first.lock();
        match first.get(&session) {
            Some(known) => report != (None, None) && *known == report,
            None => {
                first.put(session, report);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_starts_once() {
        let plays = Plays::new();
        let table = [
            ("a", (Some(1), None), true),
            ("a", (Some(2), None), false),
            ("a", (Some(1), None), true),
            ("a", (Some(1), Some(1)), false),
            ("b", (Some(1), None), true),
            ("c", (None, None), true),
            ("c", (None, None), false),
        ];
        assert!(plays.begin("other", "a", (Some(2), None)));
        for (session, report, begins) in table {
            assert_eq!(
                plays.begin("", session, report),
                begins,
                "{session} {report:?}"
            );
        }
    }
}
