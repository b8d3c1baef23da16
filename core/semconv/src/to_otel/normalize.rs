//! Maps to flat paths, inside a record. The slow path: records of our own
//! receivers are flat already.

use std::cell::RefCell;

use otlp::edit::{AttributesDraft, LogDraft};
use otlp::{Attributes, KeyValue, Value};
use smallvec::SmallVec;

use super::event::{Event, NOWHERE};
use crate::flatten::{Enter, Leaves};
use crate::table;

thread_local! {
    /// Its values are indices, so that it outlives the payload and keeps its memory.
    static LEAVES: RefCell<Leaves<u32>> = RefCell::default();
}

/// A value with its place among the attributes.
type Found<'a> = SmallVec<[(Value<'a>, usize); 32]>;

/// Flattens body (if asked for) and attributes into the event and takes out of the record what is no attribute any
/// more. Returns how many values lost a collision.
pub(super) fn normalize<'a>(
    log: &mut LogDraft<'_, 'a>,
    event: &mut Event<'a>,
    body: bool,
) -> usize {
    LEAVES.with_borrow_mut(|leaves| {
        leaves.clear();
        let mut found = Found::new();
        if body && let Some(Value::Map(map)) = log.take_body() {
            walk(leaves, &mut found, map);
        }
        // Attributes come last: they win against the body, from which they did not come.
        let attributes = log.attributes();
        for position in 0..attributes.positions() {
            if let Some(KeyValue { key, value }) = attributes.at(position) {
                tell(leaves, &mut found, key, value, position);
            }
        }
        let mut flat = Event::default();
        flat.seen.marker = event.seen.marker;
        let arena = log.arena();
        let mut stays: SmallVec<[bool; 64]> =
            SmallVec::from_elem(false, log.attributes().positions());
        for (path, &index) in leaves.iter() {
            let Some(&(value, position)) = found.get(index as usize) else {
                continue;
            };
            if let Some(stays) = stays.get_mut(position) {
                *stays = true;
            }
            let key = arena.text(path);
            flat.push(KeyValue { key, value }, position);
        }
        let mut attributes = log.attributes();
        for (position, stays) in stays.iter().enumerate() {
            if !stays {
                attributes.remove_at(position);
            }
        }
        *event = flat;
        leaves.collisions()
    })
}

fn walk<'a>(leaves: &mut Leaves<u32>, found: &mut Found<'a>, map: Attributes<'a>) {
    for member in map {
        tell(leaves, found, member.key, member.value, NOWHERE);
    }
}

/// One member of a map, or an attribute. What is no value is not told.
fn tell<'a>(
    leaves: &mut Leaves<u32>,
    found: &mut Found<'a>,
    key: &str,
    value: Value<'a>,
    position: usize,
) {
    match value {
        Value::Empty => {}
        Value::Array(values) if values.clone().all(|value| value.is_empty()) => {}
        Value::Map(map) => match leaves.enter(key) {
            Enter::Whole if map.clone().any(|member| !member.value.is_empty()) => {
                leaves.whole(found.len() as u32);
                found.push((value, position));
            }
            Enter::Whole => leaves.leave(),
            Enter::Object => {
                walk(leaves, found, map);
                leaves.leave();
            }
        },
        _ => {
            leaves.leaf(key, found.len() as u32);
            found.push((value, position));
        }
    }
}

/// Whether a name that only ECS knows is inside the map attributes.
#[cold]
pub(super) fn has_marker(attributes: &AttributesDraft<'_, '_>) -> bool {
    let mut path = String::new();
    attributes
        .iter()
        .any(|attribute| marker_below(&mut path, attribute.key, attribute.value))
}

fn marker_below(path: &mut String, key: &str, value: Value<'_>) -> bool {
    let outside = path.len();
    if outside > 0 {
        path.push('.');
    }
    path.push_str(key);
    let marker = match value {
        Value::Map(map) => map
            .clone()
            .any(|member| marker_below(path, member.key, member.value)),
        _ => match table::lookup(path) {
            Some(entry) => entry.marker,
            None => table::family(path) == table::Family::Label,
        },
    };
    path.truncate(outside);
    marker
}
