//! From the tree to typed settings.

use crate::node::Node;
use crate::problems::Problems;
use serde::de::DeserializeOwned;

/// Decodes `node` into `T`. Everything that does not fit is reported with its
/// place under `path` (`exporters::delta`), and decoding goes on without it,
/// so that one run names every problem. `None` when there was an error.
pub fn decode<T: DeserializeOwned>(node: &Node, path: &str, problems: &mut Problems) -> Option<T> {
    problems.error(Some(&node.origin), path, "decoding is being built");
    None
}
