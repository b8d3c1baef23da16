//! From the tree to typed settings.
//!
//! Decoding is tried again after each mistake, without the value that was
//! wrong, until it goes through: so one run finds all of them, and any type
//! with serde's `Deserialize` can be a setting. What a type should do:
//! `#[serde(default, deny_unknown_fields)]` on the struct and every default in
//! one `impl Default`; no `flatten` (see [`crate::Beside`]), no untagged enums.

mod access;
mod de;
mod error;
mod words;

use crate::defaults::Defaults;
use crate::node::Node;
use crate::problems::{Problem, Problems, Severity};
use crate::{to_yaml, unredacted};
use de::De;
use error::{DecodeError, Place};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::HashMap;
pub(crate) use words::described;

/// Most mistakes named for one `decode`: more than a person will read.
const MAX_MISTAKES: usize = 200;

/// Decodes `node` into `T`. Everything that does not fit is reported with its
/// place under `path` (`exporters::delta`), and decoding goes on without it,
/// so that one run names every problem. `None` when there was an error.
///
/// Null keeps the default of a setting. A string for a list of strings is
/// split at commas. The result of a `${…}` that lands in a string keeps its
/// text; nothing else is converted from one type to another.
///
/// What is not written takes the default of `T`, but inside of a nested block
/// that of the block's own type: see [`decode_with_defaults`].
pub fn decode<T: DeserializeOwned>(node: &Node, path: &str, problems: &mut Problems) -> Option<T> {
    attempt(node, path, None, problems)
}

/// Likewise; what is not written takes the value that it has in the default of
/// `T`, at any depth, as upstream's users expect: an exporter whose `Default`
/// has a queue of its own keeps it under `sending_queue: {num_consumers: 5}`.
/// Lists, maps with free keys and choices are replaced as a whole.
pub fn decode_with_defaults<T: DeserializeOwned + Serialize>(
    node: &Node,
    path: &str,
    problems: &mut Problems,
) -> Option<T> {
    let defaults = default_of::<T>().and_then(|value| Defaults::of(&value));
    attempt(node, path, defaults.as_ref(), problems)
}

/// The settings of an empty body, when nothing is required.
fn default_of<T: DeserializeOwned>() -> Option<T> {
    let empty = Node::program(crate::Value::Map(crate::Map::new()));
    decode(&empty, "", &mut Problems::new())
}

/// Whether the default of `T` reads back from its own serialized form as what
/// it was: then [`decode_with_defaults`] can rely on it. For tests of
/// components.
///
/// # Errors
/// What does not read back, or differs.
pub fn check_defaults<T: DeserializeOwned + Serialize>() -> Result<(), String> {
    let value: T = default_of().ok_or("there is no default: something is required")?;
    let defaults = Defaults::of(&value).ok_or("the default is not a tree of settings")?;
    let mut problems = Problems::new();
    let again: Option<T> = decode(&defaults.node, "default", &mut problems);
    let again = again.ok_or_else(|| problems.to_string())?;
    let text = |value: &T| unredacted(|| to_yaml(value)).map_err(|error| error.to_string());
    let (before, after) = (text(&value)?, text(&again)?);
    match before == after {
        true => Ok(()),
        false => Err(format!("was:\n{before}\nreads back as:\n{after}")),
    }
}

fn attempt<T: DeserializeOwned>(
    node: &Node,
    path: &str,
    defaults: Option<&Defaults>,
    problems: &mut Problems,
) -> Option<T> {
    let context = Context::default();
    let decoded = loop {
        let mut root = De::root(node, path, &context);
        root.defaults = defaults;
        match T::deserialize(root) {
            Ok(value) => break Some(value),
            Err(error) => {
                if !context.leave_out(error.located(node, path, Place::Root), node) {
                    break None;
                }
            }
        }
    };
    let found = context.found.into_inner();
    let clean = found.is_empty();
    found.into_iter().for_each(|problem| problems.push(problem));
    decoded.filter(|_| clean)
}

/// Why a value was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftOut {
    /// Null where null means the default.
    Null,
    /// Wrong, and reported.
    Wrong,
}

/// What one `decode` has found so far. Nodes are known by their address: the
/// tree is borrowed and does not move meanwhile.
#[derive(Default)]
struct Context {
    left_out: RefCell<HashMap<*const Node, LeftOut>>,
    found: RefCell<Vec<Problem>>,
}

impl Context {
    fn left_out(&self, node: &Node) -> Option<LeftOut> {
        let node: *const Node = node;
        self.left_out.borrow().get(&node).copied()
    }

    /// Takes note of a mistake. False when there is no point in going on.
    fn leave_out(&self, error: DecodeError, root: &Node) -> bool {
        let DecodeError::At(at) = error else {
            return false;
        };
        let reason = match &at.problem {
            Some(_) => LeftOut::Wrong,
            None if at.null => LeftOut::Null,
            None => LeftOut::Wrong,
        };
        let new = (self.left_out.borrow_mut())
            .insert(at.node, reason)
            .is_none();
        if let Some((origin, path, message)) = at.problem {
            self.found.borrow_mut().push(Problem {
                severity: Severity::Error,
                origin: Some(origin),
                path,
                message,
            });
        }
        let enough = self.found.borrow().len() >= MAX_MISTAKES;
        new && !enough && !std::ptr::eq(at.node, root)
    }

    /// Reports a mistake that does not stop the decoding, once.
    fn report(&self, node: &Node, origin: &crate::Origin, path: &str, message: String) {
        let node: *const Node = node;
        let known = self.left_out.borrow_mut().insert(node, LeftOut::Wrong);
        if known.is_none() && self.found.borrow().len() < MAX_MISTAKES {
            self.found.borrow_mut().push(Problem {
                severity: Severity::Error,
                origin: Some(origin.clone()),
                path: path.to_owned(),
                message,
            });
        }
    }
}

#[cfg(test)]
mod tests;
