//! Nested objects to dotted paths (mapping, section 3).
//!
//! Whoever parses an event (the beacon receiver from JSON, the mapper from map
//! values) walks it once and tells a [`Leaves`] what it meets:
//!
//! ```
//! use semconv::flatten::{Enter, Leaves};
//! // {"http": {"request.method": "GET", "version": null}, "message": {"any": "thing"}}
//! let mut leaves = Leaves::default();
//! assert_eq!(leaves.enter("http"), Enter::Object);
//! leaves.leaf("request.method", "GET");      // the null is not told
//! leaves.leave();
//! assert_eq!(leaves.enter("message"), Enter::Whole);
//! leaves.whole("{\"any\":\"thing\"}");       // the value of the object as one; no `leave`
//! let paths: Vec<_> = leaves.iter().collect();
//! assert_eq!(paths, [("http.request.method", &"GET"), ("message", &"{\"any\":\"thing\"}")]);
//! ```
//!
//! The caller decides what is no value: `null`, `{}`, `[]` and an array of
//! nulls are not told at all. Arrays are values: they are leaves, whatever is
//! in them. A JSON integer outside signed 64 bit becomes text.

use crate::hash::hash;
use crate::table;

/// What to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Enter {
    /// Tell its members, then [`leave`](Leaves::leave).
    Object,
    /// The field takes structured values: tell it as one, with
    /// [`whole`](Leaves::whole), or [`leave`](Leaves::leave) it if it has no value.
    Whole,
}

/// The leaves of one event: one value a path, collisions settled.
///
/// The spelling with fewer nesting levels wins; with equal levels the last one.
/// So what a proxy appends as `"client.ip"` beats a nested `client.ip` of the
/// browser. Reuse it with [`clear`](Self::clear): it keeps its memory.
#[derive(Debug)]
pub struct Leaves<V> {
    /// All paths, one after the other. How the next one begins may stand behind them.
    paths: String,
    /// How the paths of the open object begin.
    beginning: Beginning,
    /// The objects around it, from the outside in.
    around: Vec<Around>,
    leaves: Vec<Leaf<V>>,
    /// Hash table of indices + 1 into `leaves`, at most half full.
    slots: Vec<u32>,
    collisions: usize,
}

/// Where in `paths` the path of an object stands, with the dot behind it. Empty outside all objects.
#[derive(Clone, Copy, Debug, Default)]
struct Beginning {
    start: usize,
    end: usize,
}

/// An object around the open one.
#[derive(Clone, Copy, Debug)]
struct Around {
    beginning: Beginning,
    /// Length of `paths` when the object in it was opened.
    length: usize,
}

#[derive(Debug)]
struct Leaf<V> {
    start: usize,
    end: usize,
    hash: u64,
    level: u32,
    value: V,
}

impl<V> Default for Leaves<V> {
    fn default() -> Self {
        Leaves {
            paths: String::new(),
            beginning: Beginning::default(),
            around: Vec::new(),
            leaves: Vec::new(),
            slots: vec![0; 64],
            collisions: 0,
        }
    }
}

impl<V> Leaves<V> {
    /// Opens the object under `key`, which may have dots.
    #[inline(always)]
    pub fn enter(&mut self, key: &str) -> Enter {
        self.around.push(Around {
            beginning: self.beginning,
            length: self.paths.len(),
        });
        let start = self.begin();
        self.paths.push_str(key);
        let end = self.paths.len();
        let whole = table::is_whole(self.paths.as_bytes().get(start..end).unwrap_or_default());
        self.paths.push('.');
        let end = end + 1;
        self.beginning = Beginning { start, end };
        if whole { Enter::Whole } else { Enter::Object }
    }

    /// Begins a path in the open object, and tells where it starts: where the object's own stands when nothing came
    /// behind it yet.
    #[inline]
    fn begin(&mut self) -> usize {
        let Beginning { start, end } = self.beginning;
        if start == end {
            return self.paths.len();
        }
        if end == self.paths.len() {
            return start;
        }
        let copy = self.paths.len();
        self.paths.extend_from_within(start..end);
        copy
    }

    /// Closes the object that was opened last.
    #[inline]
    pub fn leave(&mut self) {
        let Some(around) = self.around.pop() else {
            return;
        };
        if self.paths.len() == self.beginning.end {
            // Nothing but how paths would have begun is behind the last one.
            let last = self.leaves.last().map_or(0, |leaf| leaf.end);
            self.paths.truncate(around.length.max(last));
        }
        self.beginning = around.beginning;
    }

    /// The object that was opened last, as one value. Closes it.
    pub fn whole(&mut self, value: V) {
        let level = self.around.len() as u32;
        let Beginning { start, end } = self.beginning;
        let Some(around) = self.around.pop() else {
            return;
        };
        self.beginning = around.beginning;
        let end = end - 1;
        if self.paths.len() == end + 1 {
            self.paths.truncate(end);
            self.add(start, level, value);
        } else {
            let copy = self.paths.len();
            self.paths.extend_from_within(start..end);
            self.add(copy, level, value);
        }
    }

    /// A value under `key`, which may have dots, in the open object.
    ///
    /// An empty key outside all objects is dropped and counted: an attribute
    /// must have a name.
    #[inline(always)]
    pub fn leaf(&mut self, key: &str, value: V) {
        if key.is_empty() && self.around.is_empty() {
            self.collisions += 1;
            return;
        }
        let start = self.begin();
        self.paths.push_str(key);
        self.add(start, self.around.len() as u32 + 1, value);
    }

    #[inline(always)]
    fn add(&mut self, start: usize, level: u32, value: V) {
        let end = self.paths.len();
        let path = self.paths.as_bytes().get(start..end).unwrap_or_default();
        let hash = hash(path);
        match self.find(path, hash) {
            Ok(at) => self.collide(at, start, level, value),
            Err(slot) => {
                self.leaves.push(Leaf {
                    start,
                    end,
                    hash,
                    level,
                    value,
                });
                if let Some(slot) = self.slots.get_mut(slot) {
                    *slot = self.leaves.len() as u32;
                }
                if self.leaves.len() * 2 > self.slots.len() {
                    self.grow();
                }
            }
        }
    }

    /// Another value for the path of the leaf `at`, which stands at `start` again.
    #[cold]
    fn collide(&mut self, at: usize, start: usize, level: u32, value: V) {
        self.collisions += 1;
        // How the next path begins may be part of this one.
        let Beginning { start: own, end } = self.beginning;
        self.paths
            .truncate(if start == own { start.max(end) } else { start });
        if let Some(there) = self.leaves.get_mut(at)
            && level <= there.level
        {
            there.level = level;
            there.value = value;
        }
    }

    /// The leaf of this path, or the free slot where it belongs.
    #[inline(always)]
    fn find(&self, path: &[u8], hash: u64) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(&index) = self.slots.get(slot)
            && let Some(at) = (index as usize).checked_sub(1)
        {
            if let Some(leaf) = self.leaves.get(at)
                && leaf.hash == hash
                && self.paths.as_bytes().get(leaf.start..leaf.end) == Some(path)
            {
                return Ok(at);
            }
            slot = (slot + 1) & mask;
        }
        Err(slot)
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        for (leaf, index) in self.leaves.iter().zip(1..) {
            let mut slot = leaf.hash as usize & mask;
            while self.slots.get(slot).is_some_and(|&taken| taken != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = index;
            }
        }
    }

    /// The paths with their values, in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.leaves.iter().map(|leaf| {
            (
                self.paths.get(leaf.start..leaf.end).unwrap_or_default(),
                &leaf.value,
            )
        })
    }

    /// The value of a path.
    pub fn get(&self, path: &str) -> Option<&V> {
        let at = self.find(path.as_bytes(), hash(path.as_bytes())).ok()?;
        self.leaves.get(at).map(|leaf| &leaf.value)
    }

    /// How many paths there are. None means that the event is empty and is to
    /// be rejected as `empty_event`.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there are no paths.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// How many values were dropped because their path had another one, or was empty.
    pub fn collisions(&self) -> usize {
        self.collisions
    }

    /// Whether a path lies below one that has a value itself, as `a.b` below `a`: both
    /// are kept, though no object could hold them. Values whose own path has 64 bytes or
    /// more are not looked at.
    pub fn any_below_values(&self) -> bool {
        // Lengths of paths by what they begin with: hardly any path has a dot where another one ends
        // that begins like it.
        let mut lengths = [0_u64; 16];
        let group = |path: &[u8]| path.first().map_or(0, |first| usize::from(first & 15));
        let path = |leaf: &Leaf<V>| self.paths.as_bytes().get(leaf.start..leaf.end);
        for path in self.leaves.iter().filter_map(path) {
            if path.len() < 64 {
                lengths[group(path)] |= 1 << path.len();
            }
        }
        let is_below = |path: &[u8]| {
            let mut ends = lengths[group(path)];
            while ends != 0 {
                let end = ends.trailing_zeros() as usize;
                if end >= path.len() {
                    return false;
                }
                ends &= ends - 1;
                let above = path.get(..end).filter(|_| path.get(end) == Some(&b'.'));
                if above.is_some_and(|above| self.find(above, hash(above)).is_ok()) {
                    return true;
                }
            }
            false
        };
        self.leaves.iter().filter_map(path).any(is_below)
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        self.paths.clear();
        self.beginning = Beginning::default();
        self.around.clear();
        self.leaves.clear();
        self.slots.fill(0);
        self.collisions = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(leaves: &Leaves<i32>) -> Vec<(String, i32)> {
        leaves
            .iter()
            .map(|(path, value)| (path.to_owned(), *value))
            .collect()
    }

    fn nested(leaves: &mut Leaves<i32>, object: &str, key: &str, value: i32) {
        assert_eq!(leaves.enter(object), Enter::Object);
        leaves.leaf(key, value);
        leaves.leave();
    }

    #[test]
    fn fewer_levels_win_in_any_order() {
        for dotted_first in [true, false] {
            let mut leaves = Leaves::default();
            if dotted_first {
                leaves.leaf("client.ip", 1);
            }
            nested(&mut leaves, "client", "ip", 2);
            if !dotted_first {
                leaves.leaf("client.ip", 1);
            }
            assert_eq!(of(&leaves), [("client.ip".to_owned(), 1)]);
            assert_eq!(
                (leaves.get("client.ip"), leaves.get("client")),
                (Some(&1), None)
            );
            assert_eq!(leaves.collisions(), 1);
        }
    }

    fn any_below(paths: &[String]) -> bool {
        let mut leaves = Leaves::default();
        for path in paths {
            leaves.leaf(path, 1);
        }
        leaves.any_below_values()
    }

    #[test]
    fn paths_below_values_are_found() {
        let (short, long) = ("z".repeat(63), "z".repeat(64));
        let table: [(&[&str], bool); 8] = [
            (&[], false),
            (&["a", "ab.c", "b.a"], false),
            (&["a.b", "a", "a.c.d"], true),
            (&["a.b.c", "a.b"], true),
            (&["url.full", "page.id", "message", "session.id"], false),
            (&[&short, &format!("{short}.a")], true),
            (&[&format!("{short}.a.b"), "y", &short], true),
            (&[&long, &format!("{long}.a")], false),
        ];
        for (paths, expected) in table {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(any_below(&paths), expected, "{paths:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn paths_below_values_are_found_as_plainly_defined(
            paths in proptest::collection::vec("[aq1A.]{1,4}|[aq]{60,66}(\\.[aq]{0,2})?", 0..12)
        ) {
            let short = |path: &&String| path.len() < 64;
            let plainly = paths.iter().filter(short).any(|above| {
                paths.iter().any(|path| path.starts_with(&format!("{above}.")))
            });
            proptest::prop_assert_eq!(any_below(&paths), plainly);
        }
    }

    #[test]
    fn equal_levels_the_last_wins() {
        let mut leaves = Leaves::default();
        nested(&mut leaves, "acme.order", "state", 1);
        nested(&mut leaves, "acme", "order.state", 2);
        leaves.leaf("a", 3);
        leaves.leaf("a", 4);
        assert_eq!(
            of(&leaves),
            [("acme.order.state".to_owned(), 2), ("a".to_owned(), 4)]
        );
        assert_eq!(leaves.collisions(), 2);
    }

    #[test]
    fn the_empty_root_key_is_dropped_and_no_other() {
        let mut leaves = Leaves::default();
        leaves.leaf("", 1);
        leaves.leaf("a.", 2);
        nested(&mut leaves, "b", "", 3);
        nested(&mut leaves, "", "c", 4);
        let paths = [("a.", 2), ("b.", 3), (".c", 4)].map(|(path, value)| (path.to_owned(), value));
        assert_eq!(of(&leaves), paths);
        assert_eq!(leaves.collisions(), 1);
    }

    #[test]
    fn structured_fields_are_taken_whole_however_they_are_spelled() {
        let mut leaves = Leaves::default();
        assert_eq!(leaves.enter("http.request"), Enter::Object);
        assert_eq!(leaves.enter("body.content"), Enter::Whole);
        leaves.whole(1);
        assert_eq!(leaves.enter("body"), Enter::Object);
        assert_eq!(leaves.enter("content"), Enter::Whole);
        leaves.whole(2);
        leaves.leave();
        leaves.leave();
        // One level more, so the first one stays.
        assert_eq!(of(&leaves), [("http.request.body.content".to_owned(), 1)]);
        for whole in [
            "message",
            "client.geo.location",
            "source.geo.location",
            "gen_ai.tool.call.result",
        ] {
            assert_eq!(leaves.enter(whole), Enter::Whole);
            leaves.leave();
        }
        for object in [
            "host.geo.location",
            "labels",
            "dns.answers",
            "log.syslog.structured_data",
        ] {
            assert_eq!(leaves.enter(object), Enter::Object);
            leaves.leave();
        }
    }

    #[test]
    fn many_paths_stay_apart_and_are_found_again() {
        let mut leaves = Leaves::default();
        for round in 0..2 {
            for i in 0..3_000 {
                leaves.leaf(&format!("k{i}"), i + round);
            }
        }
        assert_eq!(leaves.len(), 3_000);
        assert_eq!(leaves.collisions(), 3_000);
        assert!(
            leaves
                .iter()
                .all(|(path, value)| path == format!("k{}", value - 1))
        );
        leaves.clear();
        assert!(leaves.is_empty());
        assert_eq!(leaves.collisions(), 0);
    }
}
