//! `limits`.

use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Validate};

/// How large one event may be. What is larger is cut or left out, and the
/// record says so in `beacon.truncated`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldLimits {
    /// Fields after flattening.
    pub fields: usize,
    /// Bytes of a key.
    pub key_bytes: ByteSize,
    /// Bytes of a text.
    pub string_bytes: ByteSize,
    /// Bytes of a stack trace.
    pub stack_bytes: ByteSize,
    /// Elements of an array.
    pub array_items: usize,
    /// Objects and arrays inside each other; deeper events are dropped.
    pub depth: usize,
}

impl Default for FieldLimits {
    fn default() -> FieldLimits {
        FieldLimits {
            fields: 256,
            key_bytes: ByteSize::new(128),
            string_bytes: ByteSize::kib(8),
            stack_bytes: ByteSize::kib(32),
            array_items: 64,
            depth: 8,
        }
    }
}

impl Validate for FieldLimits {
    fn validate(&self, at: &mut At<'_>) {
        if self.fields == 0 {
            at.error("fields", "must be above 0");
        }
        // A value may be 28 deep in OTLP, and a parser needs a bound of its own.
        if !(1..=24).contains(&self.depth) {
            at.error("depth", "must be 1 to 24");
        }
    }
}
