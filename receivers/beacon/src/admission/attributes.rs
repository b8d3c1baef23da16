//! Which attributes and names of events a site may send.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use parking_lot::RwLock;

/// The name of events whose own name is one too many.
pub const OTHER: &str = "beacon.other";
const DAY: u64 = 24 * 3600 * 1_000_000_000;

/// Whether one of `patterns` covers a name: the name itself, `name.*` or `*`.
pub(crate) fn covers(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        pattern == name
            || pattern
                .strip_suffix('*')
                .is_some_and(|start| name.starts_with(start))
    })
}

/// Whether an attribute holds the name of an event.
pub(crate) fn is_event_name(path: &str) -> bool {
    matches!(path, "event.action" | "event.name")
}

/// What a site may send.
pub(crate) struct Rules {
    allowed: Vec<String>,
    denied: Vec<String>,
    names: Option<EventNames>,
}

impl Rules {
    /// `None` when everything is allowed. `max_event_names` of 0 is no limit.
    pub(crate) fn new(
        allowed: &[String],
        denied: &[String],
        max_event_names: usize,
    ) -> Option<Rules> {
        if allowed.is_empty() && denied.is_empty() && max_event_names == 0 {
            return None;
        }
        Some(Rules {
            allowed: allowed.to_vec(),
            denied: denied.to_vec(),
            names: (max_event_names > 0).then(|| EventNames::new(max_event_names)),
        })
    }

    /// Whether an attribute may be sent.
    pub(crate) fn permit(&self, path: &str) -> bool {
        let is_listed = self.allowed.is_empty()
            || covers(&self.allowed, path)
            || is_event_name(path)
            || matches!(path, "@timestamp" | "beacon.sample_rate");
        is_listed && !covers(&self.denied, path)
    }

    /// The names that are counted, if they are.
    pub(crate) fn names(&self) -> Option<&EventNames> {
        self.names.as_ref()
    }
}

/// The names of events that a site sent today.
pub(crate) struct EventNames {
    max: usize,
    hasher: RandomState,
    /// The day since 1970, and hashes of the names.
    seen: RwLock<(u64, HashSet<u64>)>,
}

impl EventNames {
    fn new(max: usize) -> EventNames {
        EventNames {
            max,
            hasher: RandomState::new(),
            seen: RwLock::default(),
        }
    }

    /// Whether the name is one of the first of the day; `now` in nanoseconds
    /// since 1970.
    pub(crate) fn admit(&self, name: &str, now: u64) -> bool {
        let (day, hash) = (now / DAY, self.hasher.hash_one(name));
        let seen = self.seen.read();
        // of the day before are requests that come late
        let is_now = |of: u64| of == day || of == day + 1;
        if is_now(seen.0) {
            if seen.1.contains(&hash) {
                return true;
            }
            if seen.1.len() >= self.max {
                return false;
            }
        }
        drop(seen);
        let mut seen = self.seen.write();
        if !is_now(seen.0) {
            *seen = (day, HashSet::new());
        }
        let is_room = seen.1.len() < self.max;
        seen.1.contains(&hash) || is_room && seen.1.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn attributes_pass_by_both_lists() {
        let rules = |allowed: &[&str], denied: &[&str]| {
            Rules::new(&list(allowed), &list(denied), 1).unwrap()
        };
        // allowed, denied, attribute, may be sent
        let table: [(&[&str], &[&str], &str, bool); 10] = [
            (&[], &["service.*"], "service.name", false),
            (&[], &["service.*"], "services", true),
            (&[], &["service.name"], "service.version", true),
            (&["url.*"], &[], "url.full", true),
            (&["url.*"], &[], "page.id", false),
            (&["url.*"], &[], "event.action", true),
            (&["url.*"], &[], "@timestamp", true),
            (&["*"], &["url.query"], "url.query", false),
            (&["*"], &["url.query"], "url.path", true),
            (&[], &["*"], "a", false),
        ];
        for (allowed, denied, path, expected) in table {
            let permitted = rules(allowed, denied).permit(path);
            assert_eq!(permitted, expected, "{allowed:?} {denied:?} {path}");
        }
        assert!(Rules::new(&[], &[], 0).is_none());
    }

    #[test]
    fn names_are_counted_for_a_day() {
        let names = EventNames::new(2);
        let day = 20_000 * DAY;
        let admitted: Vec<bool> = ["a", "b", "a", "c", "b", "c"]
            .iter()
            .map(|name| names.admit(name, day))
            .collect();
        assert_eq!(admitted, [true, true, true, false, true, false]);
        assert!(names.admit("c", day + DAY));
        assert!(names.admit("a", day + DAY));
        assert!(!names.admit("b", day + DAY));
        assert!(!names.admit("d", day), "late");
        assert!(names.admit("c", day + DAY), "the others are still known");
        assert!(names.admit("d", day - DAY), "the clock was ahead");
    }
}
