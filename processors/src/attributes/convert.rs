//! `convert`: a value as another type, by upstream's rules.

use otlp::Value;
use serde::{Deserialize, Serialize};

/// Target of a conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConvertedType {
    /// 64-bit integer.
    Int,
    /// Floating point.
    Double,
    /// Text.
    #[default]
    String,
}

/// A converted value.
#[derive(Debug, PartialEq)]
pub(super) enum Converted {
    Int(i64),
    Double(f64),
    Text(String),
}

impl Converted {
    pub(super) fn as_value(&self) -> Value<'_> {
        match self {
            Converted::Int(value) => Value::Int(*value),
            Converted::Double(value) => Value::Double(*value),
            Converted::Text(text) => Value::String(text),
        }
    }
}

/// The converted value; `None` when it has the type already or cannot be
/// converted, and then it stays as it is.
pub(super) fn converted(value: Value<'_>, to: ConvertedType) -> Option<Converted> {
    match (to, value) {
        (ConvertedType::Int, Value::String(text)) => text.parse().ok().map(Converted::Int),
        // Rust saturates where the double is out of range.
        (ConvertedType::Int, Value::Double(value)) => Some(Converted::Int(value as i64)),
        (ConvertedType::Int, Value::Bool(value)) => Some(Converted::Int(i64::from(value))),
        (ConvertedType::Double, Value::String(text)) => text.parse().ok().map(Converted::Double),
        (ConvertedType::Double, Value::Int(value)) => Some(Converted::Double(value as f64)),
        (ConvertedType::Double, Value::Bool(value)) => {
            Some(Converted::Double(f64::from(u8::from(value))))
        }
        (ConvertedType::String, Value::Int(value)) => Some(Converted::Text(value.to_string())),
        (ConvertedType::String, Value::Double(value)) => Some(Converted::Text(value.to_string())),
        (ConvertedType::String, Value::Bool(value)) => Some(Converted::Text(value.to_string())),
        _ => None,
    }
}
