//! Laying one configuration over another.

use crate::node::{Node, Value};
use crate::problems::Problems;

/// Lays `over` on `base`: mappings merge key by key, everything else replaces.
/// With `warn`, warnings say where a list was replaced or a mapping lost.
pub(crate) fn merge(base: &mut Node, over: Node, path: &str, warn: bool, problems: &mut Problems) {
    if let (Value::Map(_), Value::Map(_)) = (&base.value, &over.value) {
        let Value::Map(above) = over.value else {
            return;
        };
        let Value::Map(below) = &mut base.value else {
            return;
        };
        for entry in above.into_entries() {
            match below.entry_mut(&entry.key) {
                None => below.push(entry),
                Some(known) => {
                    let inside = match path.is_empty() {
                        true => entry.key,
                        false => format!("{path}::{}", entry.key),
                    };
                    // The later text is where a mistake would now be mended.
                    if entry.node.as_map().is_none() {
                        known.origin = entry.origin;
                    }
                    merge(&mut known.node, entry.node, &inside, warn, problems);
                }
            }
        }
        return;
    }
    if let Some(loss) = lost(base, &over).filter(|_| warn) {
        let message = format!("{loss} at {}", base.origin);
        problems.warn(Some(&over.origin), path, message);
    }
    *base = over;
}

/// What is lost when `over` replaces `base`, where that may surprise.
fn lost(base: &Node, over: &Node) -> Option<&'static str> {
    match (&base.value, &over.value) {
        (Value::List(old), Value::List(new)) => {
            let same = old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.same_value(b));
            (!old.is_empty() && !same).then_some("this list replaces (lists do not merge) the list")
        }
        (Value::Map(old), Value::Null) if !old.is_empty() => {
            Some("this empty value removes all settings")
        }
        (Value::List(old), Value::Null) if !old.is_empty() => {
            Some("this empty value removes the list")
        }
        (Value::Map(old), _) if !old.is_empty() => Some("this value replaces all settings"),
        _ => None,
    }
}
