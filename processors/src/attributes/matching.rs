//! `include` and `exclude`: which records are meant.

use otlp::edit::{AttributesDraft, Facts};
use otlp::{LogRecord, Signal, Span, Value};
use pipeline::StartError;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use settings::{At, Optional, Validate};

/// How texts are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchType {
    /// Equal.
    #[default]
    Strict,
    /// The regular expression is found in the text.
    Regexp,
}

/// An attribute that must be there, with this value if one is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeMatch {
    /// Its key.
    pub key: String,
    /// Its value; without one any value will do.
    pub value: Option<Json>,
}

/// The instrumentation library of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryMatch {
    /// Its name.
    pub name: String,
    /// Its version; without one any version will do.
    pub version: Option<String>,
}

/// Conditions on records. All that are given must hold; of a list of names one
/// must match, of a list of attributes all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// How texts are compared. Required.
    pub match_type: Option<MatchType>,
    /// Values of `service.name`.
    pub services: Vec<String>,
    /// Attributes of the resource.
    pub resources: Vec<AttributeMatch>,
    /// Instrumentation libraries.
    pub libraries: Vec<LibraryMatch>,
    /// Attributes of the record.
    pub attributes: Vec<AttributeMatch>,
    /// Names of spans.
    pub span_names: Vec<String>,
    /// Kinds of spans, such as `SPAN_KIND_SERVER`.
    pub span_kinds: Vec<String>,
    /// Text bodies of log records.
    pub log_bodies: Vec<String>,
    /// Severity texts of log records.
    pub log_severity_texts: Vec<String>,
    /// Severity numbers of log records.
    pub log_severity_number: Optional<SeverityMatch>,
    /// Names of metrics.
    pub metric_names: Vec<String>,
}

/// Severity numbers of log records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeverityMatch {
    /// The lowest that matches: 9 is INFO, 13 WARN, 17 ERROR.
    pub min: i32,
    /// Whether records without a severity match.
    pub match_undefined: bool,
}

impl Validate for Match {
    fn validate(&self, at: &mut At<'_>) {
        if self.match_type.is_none() {
            at.error("match_type", "is required: strict or regexp");
        }
        if let Err((key, error)) = self.compiled() {
            at.error(key, format_args!("is no regular expression: {error}"));
        }
        for (key, list) in [
            ("attributes", &self.attributes),
            ("resources", &self.resources),
        ] {
            for (index, one) in list.iter().enumerate() {
                at.within(&format!("{key}::{index}"), |at| {
                    self.check_attribute(one, at)
                });
            }
        }
        if *self
            == (Match {
                match_type: self.match_type,
                ..Match::default()
            })
        {
            at.error("", "must have at least one condition");
        }
    }
}

impl Match {
    fn check_attribute(&self, one: &AttributeMatch, at: &mut At<'_>) {
        if one.key.is_empty() {
            at.error("key", "is required");
        }
        let is_text = one.value.as_ref().is_none_or(Json::is_string);
        if self.match_type == Some(MatchType::Regexp) && !is_text {
            at.error(
                "value",
                "must be text for match_type regexp; put it in quotes",
            );
        }
    }

    /// Reports conditions that no record of `signal` can meet: an exclude that
    /// never holds would let everything through.
    pub(super) fn check_signal(&self, signal: Signal) -> Result<(), String> {
        let conditions = [
            ("span_names", self.span_names.is_empty(), Signal::Traces),
            ("span_kinds", self.span_kinds.is_empty(), Signal::Traces),
            ("log_bodies", self.log_bodies.is_empty(), Signal::Logs),
            (
                "log_severity_texts",
                self.log_severity_texts.is_empty(),
                Signal::Logs,
            ),
            (
                "log_severity_number",
                !self.log_severity_number.is_on(),
                Signal::Logs,
            ),
            (
                "metric_names",
                self.metric_names.is_empty(),
                Signal::Metrics,
            ),
        ];
        let mut wrong = conditions
            .iter()
            .filter(|(_, is_empty, about)| !is_empty && *about != signal);
        match wrong.next() {
            None => Ok(()),
            Some((key, _, about)) => Err(format!(
                "{key}: is about {about}, but a pipeline of {signal} uses this processor; give each its own"
            )),
        }
    }
}

type Broken = (&'static str, regex::Error);

impl Match {
    fn compiled(&self) -> Result<Matcher, Broken> {
        let how = self.match_type.unwrap_or_default();
        let texts = |key: &'static str, list: &[String]| -> Result<Vec<Text>, Broken> {
            list.iter()
                .map(|text| Text::new(how, text).map_err(|error| (key, error)))
                .collect()
        };
        let attributes = |key: &'static str,
                          list: &[AttributeMatch]|
         -> Result<Vec<(String, Option<Wanted>)>, Broken> {
            let wanted = |value: &Json| Wanted::new(how, value).map_err(|error| (key, error));
            list.iter()
                .map(|one| Ok((one.key.clone(), one.value.as_ref().map(wanted).transpose()?)))
                .collect()
        };
        let library = |one: &LibraryMatch| -> Result<(Text, Option<Text>), Broken> {
            let text = |text: &str| Text::new(how, text).map_err(|error| ("libraries", error));
            Ok((
                text(&one.name)?,
                one.version.as_deref().map(text).transpose()?,
            ))
        };
        Ok(Matcher {
            services: texts("services", &self.services)?,
            resources: attributes("resources", &self.resources)?,
            libraries: self
                .libraries
                .iter()
                .map(library)
                .collect::<Result<_, _>>()?,
            attributes: attributes("attributes", &self.attributes)?,
            span_names: texts("span_names", &self.span_names)?,
            span_kinds: texts("span_kinds", &self.span_kinds)?,
            log_bodies: texts("log_bodies", &self.log_bodies)?,
            log_severity_texts: texts("log_severity_texts", &self.log_severity_texts)?,
            log_severity_number: self.log_severity_number.as_option().cloned(),
            metric_names: texts("metric_names", &self.metric_names)?,
        })
    }
}

/// A text to compare with.
#[derive(Debug)]
enum Text {
    Strict(String),
    Regexp(Regex),
}

impl Text {
    fn new(how: MatchType, text: &str) -> Result<Text, regex::Error> {
        Ok(match how {
            MatchType::Strict => Text::Strict(text.to_owned()),
            MatchType::Regexp => Text::Regexp(Regex::new(text)?),
        })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Text::Strict(wanted) => wanted == text,
            Text::Regexp(pattern) => pattern.is_match(text),
        }
    }
}

/// A value to compare with.
#[derive(Debug)]
enum Wanted {
    /// The value as text, whatever its type.
    Pattern(Regex),
    /// The value and its type.
    Exactly(Json),
}

impl Wanted {
    fn new(how: MatchType, value: &Json) -> Result<Wanted, regex::Error> {
        Ok(match (how, value) {
            (MatchType::Regexp, Json::String(pattern)) => Wanted::Pattern(Regex::new(pattern)?),
            (_, value) => Wanted::Exactly(value.clone()),
        })
    }

    fn matches(&self, value: Value<'_>) -> bool {
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

/// The record that is asked about, as far as it is not attributes.
pub(super) enum Subject<'a> {
    Log(LogRecord<'a>),
    Span(Span<'a>),
    Any,
}

/// Conditions, ready to be asked of any number of records.
#[derive(Debug)]
pub(super) struct Matcher {
    services: Vec<Text>,
    resources: Vec<(String, Option<Wanted>)>,
    libraries: Vec<(Text, Option<Text>)>,
    attributes: Vec<(String, Option<Wanted>)>,
    span_names: Vec<Text>,
    span_kinds: Vec<Text>,
    log_bodies: Vec<Text>,
    log_severity_texts: Vec<Text>,
    log_severity_number: Option<SeverityMatch>,
    metric_names: Vec<Text>,
}

impl Matcher {
    /// Compiles validated settings.
    pub(super) fn compile(settings: &Match) -> Result<Matcher, StartError> {
        settings
            .compiled()
            .map_err(|(key, error)| StartError::new(format!("{key}: {error}")))
    }

    pub(super) fn matches(
        &self,
        facts: &Facts<'_>,
        subject: &Subject<'_>,
        attributes: &AttributesDraft<'_, '_>,
    ) -> bool {
        self.matches_resource(facts)
            && self.matches_subject(facts, subject)
            && self
                .attributes
                .iter()
                .all(|(key, wanted)| holds(wanted.as_ref(), attributes.get(key)))
    }

    fn matches_resource(&self, facts: &Facts<'_>) -> bool {
        let resource = facts.resource().attributes();
        let service = || match resource.get("service.name") {
            Some(Value::String(name)) => name,
            _ => "",
        };
        let library = |(name, version): &(Text, Option<Text>)| {
            name.matches(facts.scope().name())
                && version
                    .as_ref()
                    .is_none_or(|version| version.matches(facts.scope().version()))
        };
        (self.services.is_empty() || any(&self.services, service()))
            && (self.libraries.is_empty() || self.libraries.iter().any(library))
            && self
                .resources
                .iter()
                .all(|(key, wanted)| holds(wanted.as_ref(), resource.get(key)))
    }

    fn matches_subject(&self, facts: &Facts<'_>, subject: &Subject<'_>) -> bool {
        match subject {
            Subject::Log(log) => {
                let body = match log.body {
                    Some(Value::String(text)) => text,
                    _ => "",
                };
                (self.log_bodies.is_empty() || any(&self.log_bodies, body))
                    && (self.log_severity_texts.is_empty()
                        || any(&self.log_severity_texts, log.severity_text))
                    && self
                        .log_severity_number
                        .as_ref()
                        .is_none_or(|wanted| wanted.matches(log.severity_number))
            }
            Subject::Span(span) => {
                (self.span_names.is_empty() || any(&self.span_names, span.name))
                    && (self.span_kinds.is_empty() || any(&self.span_kinds, span_kind(span.kind)))
            }
            Subject::Any => {
                self.metric_names.is_empty() || any(&self.metric_names, facts.metric().name)
            }
        }
    }
}

impl SeverityMatch {
    fn matches(&self, number: i32) -> bool {
        if number == 0 {
            self.match_undefined
        } else {
            number >= self.min
        }
    }
}

fn any(wanted: &[Text], text: &str) -> bool {
    wanted.iter().any(|wanted| wanted.matches(text))
}

fn holds(wanted: Option<&Wanted>, value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| wanted.is_none_or(|wanted| wanted.matches(value)))
}

/// The name of a span kind in the protocol.
fn span_kind(kind: i32) -> &'static str {
    match kind {
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        _ => "SPAN_KIND_UNSPECIFIED",
    }
}
