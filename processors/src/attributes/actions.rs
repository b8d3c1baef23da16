//! The actions on attributes, shared by `attributes` and `resource`.

use otlp::Value;
use otlp::edit::AttributesDraft;
use otlp::write::ValueWriter;
use pipeline::{Client, StartError};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use settings::{At, Validate};
use sha1::{Digest, Sha1};

use super::convert::{self, ConvertedType};

/// What an action does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Sets the value where the key is absent.
    #[default]
    Insert,
    /// Sets the value where the key is present.
    Update,
    /// Sets the value.
    Upsert,
    /// Removes the key, or all keys that match the pattern.
    Delete,
    /// Replaces the value by its SHA-1 hash in hex.
    Hash,
    /// Sets an attribute for each named group of the pattern that matches the value.
    Extract,
    /// Converts the value.
    Convert,
}

/// One action, as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// The attribute it is about.
    pub key: String,
    /// What it does.
    pub action: Option<ActionKind>,
    /// The new value.
    pub value: Option<Json>,
    /// Takes the new value from this attribute; without it nothing happens.
    pub from_attribute: Option<String>,
    /// Takes the new value from the request: `metadata.<header>`, `auth.<attribute>`, `client.address`.
    pub from_context: Option<String>,
    /// The new value where `from_attribute` or `from_context` finds none.
    pub default_value: Option<Json>,
    /// Regular expression: of keys for `delete` and `hash`, of the value for `extract`.
    pub pattern: Option<String>,
    /// Target of `convert`: int, double or string.
    pub converted_type: Option<ConvertedType>,
}

impl Validate for Action {
    fn validate(&self, at: &mut At<'_>) {
        let Some(kind) = self.action else {
            at.error("action", "is required: insert, update, upsert, delete, hash, extract or convert");
            return;
        };
        let takes_pattern = matches!(kind, ActionKind::Delete | ActionKind::Hash);
        if self.key.is_empty() && !(takes_pattern && self.pattern.is_some()) {
            at.error("key", "is required");
        }
        if matches!(kind, ActionKind::Insert | ActionKind::Update | ActionKind::Upsert) {
            let sources = [self.value.is_some(), self.from_attribute.is_some(), self.from_context.is_some()];
            if sources.iter().filter(|given| **given).count() != 1 {
                at.error("", "expected exactly one of value, from_attribute and from_context");
            }
        }
        if kind == ActionKind::Convert && self.converted_type.is_none() {
            at.error("converted_type", "is required for convert: int, double or string");
        }
        match (&self.pattern, kind) {
            (None, ActionKind::Extract) => at.error("pattern", "is required for extract"),
            (Some(pattern), _) => check_pattern(pattern, kind, at),
            _ => {}
        }
        if let Some(context) = &self.from_context {
            let known = context == "client.address" || context.starts_with("metadata.") || context.starts_with("auth.");
            if !known {
                at.error("from_context", "expected metadata.<header>, auth.<attribute> or client.address");
            }
        }
    }
}

fn check_pattern(pattern: &str, kind: ActionKind, at: &mut At<'_>) {
    match Regex::new(pattern) {
        Err(error) => at.error("pattern", format_args!("is no regular expression: {error}")),
        Ok(regex) if kind == ActionKind::Extract => {
            let groups: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
            if groups.is_empty() || groups.contains(&None) {
                at.error("pattern", "must have named groups and no others: (?P<name>...)");
            }
        }
        Ok(_) => {}
    }
}

/// Actions, ready to be applied to any number of records.
#[derive(Debug)]
pub(crate) struct Actions(Vec<Step>);

#[derive(Debug)]
enum Step {
    Put { key: String, how: ActionKind, source: Source, default: Option<Json> },
    Delete { key: String, pattern: Option<Regex> },
    Hash { key: String, pattern: Option<Regex> },
    Extract { key: String, pattern: Regex, groups: Vec<String> },
    Convert { key: String, to: ConvertedType },
}

#[derive(Debug)]
enum Source {
    Value(Json),
    Attribute(String),
    Metadata(String),
    Auth(String),
    ClientAddress,
}

impl Actions {
    /// Compiles validated settings.
    pub(crate) fn compile(actions: &[Action]) -> Result<Actions, StartError> {
        actions.iter().map(Step::compile).collect::<Result<Vec<_>, _>>().map(Actions)
    }

    /// Applies all actions in order.
    pub(crate) fn apply(&self, attributes: &mut AttributesDraft<'_, '_>) {
        for step in &self.0 {
            step.apply(attributes);
        }
    }
}

impl Step {
    fn compile(action: &Action) -> Result<Step, StartError> {
        let key = action.key.clone();
        let pattern = action.pattern.as_deref().map(Regex::new).transpose();
        let pattern = pattern.map_err(|error| StartError::new(format!("pattern: {error}")))?;
        Ok(match action.action.unwrap_or_default() {
            ActionKind::Delete => Step::Delete { key, pattern },
            ActionKind::Hash => Step::Hash { key, pattern },
            ActionKind::Extract => {
                let pattern = pattern.ok_or_else(|| StartError::new("extract needs a pattern"))?;
                let groups = pattern.capture_names().flatten().map(str::to_owned).collect();
                Step::Extract { key, pattern, groups }
            }
            ActionKind::Convert => Step::Convert { key, to: action.converted_type.unwrap_or_default() },
            how => Step::Put { key, how, source: Source::of(action), default: action.default_value.clone() },
        })
    }

    fn apply(&self, attributes: &mut AttributesDraft<'_, '_>) {
        match self {
            Step::Put { key, how, source, default } => put(attributes, key, *how, source, default.as_ref()),
            Step::Delete { key, pattern } => {
                if !key.is_empty() {
                    attributes.remove(key);
                }
                if let Some(pattern) = pattern {
                    attributes.retain(|attribute| !pattern.is_match(attribute.key));
                }
            }
            Step::Hash { key, pattern } => hash_all(attributes, key, pattern.as_ref()),
            Step::Extract { key, pattern, groups } => extract(attributes, key, pattern, groups),
            Step::Convert { key, to } => {
                if let Some(value) = attributes.get(key).and_then(|value| convert::converted(value, *to)) {
                    attributes.set(key, value.as_value());
                }
            }
        }
    }
}

impl Source {
    fn of(action: &Action) -> Source {
        if let Some(attribute) = &action.from_attribute {
            return Source::Attribute(attribute.clone());
        }
        match action.from_context.as_deref() {
            None => Source::Value(action.value.clone().unwrap_or_default()),
            Some(context) => match context.split_once('.') {
                Some(("metadata", header)) => Source::Metadata(header.to_ascii_lowercase()),
                Some(("auth", attribute)) => Source::Auth(attribute.to_owned()),
                _ => Source::ClientAddress,
            },
        }
    }
}

fn put(attributes: &mut AttributesDraft<'_, '_>, key: &str, how: ActionKind, source: &Source, default: Option<&Json>) {
    let present = attributes.contains(key);
    if (how == ActionKind::Insert && present) || (how == ActionKind::Update && !present) {
        return;
    }
    let from_request = |find: fn(&Client, &str) -> Option<String>, name: &str| {
        pipeline::transform::client().and_then(|client| find(&client, name))
    };
    let text = match source {
        Source::Value(value) => return attributes.set_with(key, |writer| write(value, writer)),
        Source::Attribute(from) => {
            if let Some(value) = attributes.get(from) {
                return attributes.set(key, value);
            }
            None
        }
        Source::Metadata(header) => from_request(
            |client, header| client.metadata.get(header).filter(|values| !values.is_empty()).map(|values| values.join(";")),
            header,
        ),
        Source::Auth(attribute) => from_request(|client, name| client.auth.get(name).cloned(), attribute),
        Source::ClientAddress => from_request(|client, _| client.address.map(|address| address.to_string()), ""),
    };
    match (text, default) {
        (Some(text), _) => attributes.set(key, Value::String(&text)),
        (None, Some(default)) => attributes.set_with(key, |writer| write(default, writer)),
        (None, None) => {}
    }
}

/// Writes a configured value.
fn write(value: &Json, writer: &mut ValueWriter<'_>) {
    match value {
        Json::Null => {}
        Json::Bool(value) => writer.set(Value::Bool(*value)),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => writer.set(Value::Int(integer)),
            None => writer.set(Value::Double(number.as_f64().unwrap_or(f64::NAN))),
        },
        Json::String(text) => writer.string(text),
        Json::Array(list) => writer.array(|array| {
            for value in list {
                array.push_with(|writer| write(value, writer));
            }
        }),
        Json::Object(map) => writer.map(|entries| {
            for (key, value) in map {
                entries.attribute_with(key, |writer| write(value, writer));
            }
        }),
    }
}

fn hash_all(attributes: &mut AttributesDraft<'_, '_>, key: &str, pattern: Option<&Regex>) {
    for position in 0..attributes.positions() {
        let Some(attribute) = attributes.at(position) else { continue };
        let is_meant = (!key.is_empty() && attribute.key == key)
            || pattern.is_some_and(|pattern| pattern.is_match(attribute.key));
        if let Some(hash) = is_meant.then(|| hash(attribute.value)).flatten() {
            attributes.set_at(position, Value::String(&hash));
        }
    }
}

/// SHA-1 of the value's bytes as upstream takes them: texts as they are, a
/// boolean as one byte, numbers as eight bytes, little-endian. Other values
/// are left alone.
fn hash(value: Value<'_>) -> Option<String> {
    let digest = match value {
        Value::String(text) => Sha1::digest(text.as_bytes()),
        Value::Bool(value) => Sha1::digest([u8::from(value)]),
        Value::Int(value) => Sha1::digest(value.to_le_bytes()),
        Value::Double(value) => Sha1::digest(value.to_bits().to_le_bytes()),
        _ => return None,
    };
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn extract(attributes: &mut AttributesDraft<'_, '_>, key: &str, pattern: &Regex, groups: &[String]) {
    let Some(Value::String(text)) = attributes.get(key) else { return };
    let Some(captures) = pattern.captures(text) else { return };
    for group in groups {
        let value = captures.name(group).map_or("", |found| found.as_str());
        attributes.set(group, Value::String(value));
    }
}
