//! Printing settings as YAML and JSON.

use serde::Serialize;

/// Why settings cannot be printed.
#[derive(Debug, thiserror::Error)]
#[error("cannot print the configuration: {0}")]
pub struct PrintError(#[from] serde_json::Error);

/// Prints settings as YAML, keys in the order of their fields. Secrets are
/// redacted unless inside [`crate::unredacted`].
///
/// # Errors
/// When a map has keys that are no text.
pub fn to_yaml(value: &impl Serialize) -> Result<String, PrintError> {
    to_json(value)
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
