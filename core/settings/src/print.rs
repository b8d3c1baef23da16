//! Printing settings as YAML and JSON.

mod block;
mod tree;

use crate::node::Node;
use serde::Serialize;
use tree::Printed;

/// Why settings cannot be printed.
#[derive(Debug, thiserror::Error)]
#[error("cannot print the configuration: {0}")]
pub struct PrintError(#[from] serde_json::Error);

/// The tree of settings, keys in the order of their fields. Secrets are
/// redacted unless inside [`crate::unredacted`]. Numbers that JSON does not
/// have become null.
///
/// # Errors
/// When a map has keys that are no text.
pub fn to_tree(value: &impl Serialize) -> Result<Node, PrintError> {
    // JSON text keeps the order of fields, which its value type does not.
    let Printed(node) = serde_json::from_str(&serde_json::to_string(value)?)?;
    Ok(node)
}

/// Prints settings as YAML that reads back as the same [tree](to_tree).
///
/// # Errors
/// When a map has keys that are no text.
pub fn to_yaml(value: &impl Serialize) -> Result<String, PrintError> {
    Ok(to_tree(value)?.to_yaml())
}

/// Prints settings as indented JSON, likewise.
///
/// # Errors
/// When a map has keys that are no text.
pub fn to_json(value: &impl Serialize) -> Result<String, PrintError> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests;
