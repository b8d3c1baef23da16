//! `hash`: values that are still told apart, but not read.

use otlp::Value;
use otlp::edit::AttributesDraft;
use regex::Regex;
use sha1::{Digest, Sha1};

/// Hashes the value of `key` and of all keys that match.
pub(super) fn hash_all(
    attributes: &mut AttributesDraft<'_, '_>,
    key: &str,
    pattern: Option<&Regex>,
) {
    for position in 0..attributes.positions() {
        let Some(attribute) = attributes.at(position) else {
            continue;
        };
        let is_meant = (!key.is_empty() && attribute.key == key)
            || pattern.is_some_and(|pattern| pattern.is_match(attribute.key));
        if let Some(hash) = is_meant.then(|| hash(attribute.value)).flatten() {
            attributes.set_at(position, Value::String(&hash));
        }
    }
}

/// SHA-1 of the value's bytes as upstream takes them: texts as they are, a
/// boolean as one byte, numbers as eight bytes, little-endian. Arrays and maps,
/// which upstream empties, count with all that is in them. `None` for what is
/// empty and stays so.
fn hash(value: Value<'_>) -> Option<String> {
    if matches!(value, Value::Empty | Value::String("") | Value::Bytes(b"")) {
        return None;
    }
    let mut digest = Sha1::new();
    feed(value, &mut digest);
    let digest = digest.finalize();
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn feed(value: Value<'_>, digest: &mut Sha1) {
    match value {
        Value::Empty => {}
        Value::String(text) => digest.update(text.as_bytes()),
        Value::Bool(value) => digest.update([u8::from(value)]),
        Value::Int(value) => digest.update(value.to_le_bytes()),
        Value::Double(value) => digest.update(value.to_bits().to_le_bytes()),
        Value::Bytes(bytes) => digest.update(bytes),
        Value::Array(values) => values.for_each(|value| feed(value, digest)),
        Value::Map(entries) => entries.for_each(|entry| {
            digest.update(entry.key.as_bytes());
            feed(entry.value, digest);
        }),
    }
}
