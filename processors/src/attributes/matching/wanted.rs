//! Texts and values that a condition compares with.

use otlp::Value;
use regex::Regex;
use serde_json::Value as Json;

use super::settings::MatchType;

/// A text to compare with.
#[derive(Debug)]
pub(super) enum Text {
    Strict(String),
    Regexp(Regex),
}

impl Text {
    pub(super) fn new(how: MatchType, text: &str) -> Result<Text, regex::Error> {
        Ok(match how {
            MatchType::Strict => Text::Strict(text.to_owned()),
            MatchType::Regexp => Text::Regexp(Regex::new(text)?),
        })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Text::Strict(wanted) => wanted == text,
            Text::Regexp(pattern) => pattern.is_match(text),
        }
    }
}

/// A value to compare with.
#[derive(Debug)]
pub(super) enum Wanted {
    /// The value as text, whatever its type.
    Pattern(Regex),
    /// The value and its type.
    Exactly(Json),
}

impl Wanted {
    pub(super) fn new(how: MatchType, value: &Json) -> Result<Wanted, regex::Error> {
        Ok(match (how, value) {
            (MatchType::Regexp, Json::String(pattern)) => Wanted::Pattern(Regex::new(pattern)?),
            (_, value) => Wanted::Exactly(value.clone()),
        })
    }

    pub(super) fn matches(&self, value: Value<'_>) -> bool {
        match self {
            Wanted::Pattern(pattern) => match value {
                Value::String(text) => pattern.is_match(text),
                Value::Int(value) => pattern.is_match(&value.to_string()),
                Value::Bool(value) => pattern.is_match(&value.to_string()),
                Value::Double(value) => pattern.is_match(&value.to_string()),
                _ => false,
            },
            Wanted::Exactly(wanted) => equals(wanted, value),
        }
    }
}

fn equals(wanted: &Json, value: Value<'_>) -> bool {
    match (wanted, value) {
        (Json::String(wanted), Value::String(value)) => wanted == value,
        (Json::Bool(wanted), Value::Bool(value)) => *wanted == value,
        (Json::Number(wanted), Value::Int(value)) => wanted.as_i64() == Some(value),
        (Json::Number(wanted), Value::Double(value)) => {
            wanted.is_f64() && wanted.as_f64() == Some(value)
        }
        (Json::Array(wanted), Value::Array(values)) => {
            wanted.len() == values.count()
                && wanted
                    .iter()
                    .zip(values)
                    .all(|(wanted, value)| equals(wanted, value))
        }
        (Json::Object(wanted), Value::Map(entries)) => {
            wanted.len() == entries.count()
                && wanted.iter().all(|(key, wanted)| {
                    entries.get(key).is_some_and(|value| equals(wanted, value))
                })
        }
        _ => false,
    }
}
