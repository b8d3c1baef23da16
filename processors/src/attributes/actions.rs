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
    #[serde(alias = "INSERT")]
    Insert,
    /// Sets the value where the key is present.
    #[serde(alias = "UPDATE")]
    Update,
    /// Sets the value.
    #[serde(alias = "UPSERT")]
    Upsert,
    /// Removes the key, or all keys that match the pattern.
    #[serde(alias = "DELETE")]
    Delete,
    /// Replaces the value by its SHA-1 hash in hex.
    #[serde(alias = "HASH")]
    Hash,
    /// Sets an attribute for each named group of the pattern that matches the value.
    #[serde(alias = "EXTRACT")]
    Extract,
    /// Converts the value.
    #[serde(alias = "CONVERT")]
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
    /// Several values are joined with `;`.
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
            at.error(
                "action",
                "is required: insert, update, upsert, delete, hash, extract or convert",
            );
            return;
        };
        let by_pattern = matches!(kind, ActionKind::Delete | ActionKind::Hash);
        if by_pattern && self.key.is_empty() && self.pattern.is_none() {
            at.error("key", "is required, or a pattern of keys");
        } else if !by_pattern && self.key.is_empty() {
            at.error("key", "is required");
        }
        if kind.puts() {
            self.check_source(at);
        }
        if kind == ActionKind::Convert && self.converted_type.is_none() {
            at.error(
                "converted_type",
                "is required for convert: int, double or string",
            );
        }
        match (&self.pattern, kind) {
            (None, ActionKind::Extract) => at.error("pattern", "is required for extract"),
            (Some(pattern), _) => check_pattern(pattern, kind, at),
            _ => {}
        }
        self.check_unused(kind, at);
    }
}

impl ActionKind {
    /// Whether it writes a value that the settings name.
    fn puts(self) -> bool {
        matches!(
            self,
            ActionKind::Insert | ActionKind::Update | ActionKind::Upsert
        )
    }
}

impl Action {
    fn check_source(&self, at: &mut At<'_>) {
        let sources = [
            self.value.is_some(),
            self.from_attribute.is_some(),
            self.from_context.is_some(),
        ];
        match sources.iter().filter(|given| **given).count() {
            0 if self.default_value.is_none() => {
                at.error("", "needs a value, from_attribute or from_context");
            }
            0 | 1 => {}
            _ => at.error(
                "",
                "expected only one of value, from_attribute and from_context",
            ),
        }
        if self.value.is_some() && self.default_value.is_some() {
            at.error("default_value", "is never used beside value");
        }
    }

    /// Reports settings that the action does not look at.
    fn check_unused(&self, kind: ActionKind, at: &mut At<'_>) {
        let puts = kind.puts();
        let by_pattern = matches!(
            kind,
            ActionKind::Delete | ActionKind::Hash | ActionKind::Extract
        );
        for (key, given, used) in [
            ("value", self.value.is_some(), puts),
            ("from_attribute", self.from_attribute.is_some(), puts),
            ("from_context", self.from_context.is_some(), puts),
            ("default_value", self.default_value.is_some(), puts),
            ("pattern", self.pattern.is_some(), by_pattern),
            (
                "converted_type",
                self.converted_type.is_some(),
                kind == ActionKind::Convert,
            ),
        ] {
            if given && !used {
                at.error(key, "is not used by this action: remove it");
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
                at.error(
                    "pattern",
                    "must have named groups and no others: (?P<name>...)",
                );
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
    Put {
        key: String,
        how: ActionKind,
        source: Source,
        default: Option<Json>,
    },
    Delete {
        key: String,
        pattern: Option<Regex>,
    },
    Hash {
        key: String,
        pattern: Option<Regex>,
    },
    Extract {
        key: String,
        pattern: Regex,
        groups: Vec<String>,
    },
    Convert {
        key: String,
        to: ConvertedType,
    },
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
        actions
            .iter()
            .map(Step::compile)
            .collect::<Result<Vec<_>, _>>()
            .map(Actions)
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
                let groups = pattern
                    .capture_names()
                    .flatten()
                    .map(str::to_owned)
                    .collect();
                Step::Extract {
                    key,
                    pattern,
                    groups,
                }
            }
            ActionKind::Convert => Step::Convert {
                key,
                to: action.converted_type.unwrap_or_default(),
            },
            how => Step::Put {
                key,
                how,
                source: Source::of(action),
                default: action.default_value.clone(),
            },
        })
    }

    fn apply(&self, attributes: &mut AttributesDraft<'_, '_>) {
        match self {
            Step::Put {
                key,
                how,
                source,
                default,
            } => put(attributes, key, *how, source, default.as_ref()),
            Step::Delete { key, pattern } => {
                if !key.is_empty() {
                    attributes.remove(key);
                }
                if let Some(pattern) = pattern {
                    attributes.retain(|attribute| !pattern.is_match(attribute.key));
                }
            }
            Step::Hash { key, pattern } => hash_all(attributes, key, pattern.as_ref()),
            Step::Extract {
                key,
                pattern,
                groups,
            } => extract(attributes, key, pattern, groups),
            Step::Convert { key, to } => {
                if let Some(value) = attributes
                    .get(key)
                    .and_then(|value| convert::converted(value, *to))
                {
                    attributes.set(key, value.as_value());
                }
            }
        }
    }
}

impl Source {
    fn of(action: &Action) -> Source {
        if let Some(from) = &action.from_attribute {
            return Source::Attribute(from.clone());
        }
        let Some(context) = &action.from_context else {
            let value = action.value.as_ref().or(action.default_value.as_ref());
            return Source::Value(value.cloned().unwrap_or_default());
        };
        let header = |name: &str| Source::Metadata(name.to_ascii_lowercase());
        match context.split_once('.') {
            _ if context == "client.address" => Source::ClientAddress,
            Some(("auth", attribute)) => Source::Auth(attribute.to_owned()),
            Some(("metadata", name)) => header(name),
            // Upstream takes the bare name of a header, too.
            _ => header(context),
        }
    }
}

fn put(
    attributes: &mut AttributesDraft<'_, '_>,
    key: &str,
    how: ActionKind,
    source: &Source,
    default: Option<&Json>,
) {
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
            |client, header| {
                client
                    .metadata
                    .get(header)
                    .filter(|values| !values.is_empty())
                    .map(|values| values.join(";"))
            },
            header,
        ),
        Source::Auth(attribute) => {
            from_request(|client, name| client.auth.get(name).cloned(), attribute)
        }
        Source::ClientAddress => from_request(
            |client, _| client.address.map(|address| address.to_string()),
            "",
        ),
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

fn extract(
    attributes: &mut AttributesDraft<'_, '_>,
    key: &str,
    pattern: &Regex,
    groups: &[String],
) {
    let Some(Value::String(text)) = attributes.get(key) else {
        return;
    };
    let Some(captures) = pattern.captures(text) else {
        return;
    };
    for group in groups {
        let value = captures.name(group).map_or("", |found| found.as_str());
        attributes.set(group, Value::String(value));
    }
}
