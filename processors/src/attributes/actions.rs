//! The actions on attributes, shared by `attributes` and `resource`.

mod hash;
mod settings;

use otlp::Value;
use otlp::edit::AttributesDraft;
use otlp::write::ValueWriter;
use pipeline::{Client, StartError};
use regex::Regex;
use serde_json::Value as Json;

use self::hash::hash_all;
pub(crate) use self::settings::{Action, ActionKind};
use super::convert::{self, ConvertedType};

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
