//! `include` and `exclude`: which records are meant.

mod settings;
mod wanted;

use otlp::edit::{AttributesDraft, Facts};
use otlp::{LogRecord, Span, Value};
use pipeline::StartError;
use serde_json::Value as Json;

pub(super) use self::settings::Match;
use self::settings::{AttributeMatch, LibraryMatch, SeverityMatch};
use self::wanted::{Text, Wanted};

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
