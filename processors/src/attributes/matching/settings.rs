//! Conditions as they are configured.

use otlp::Signal;
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
    /// Accepted as upstream accepts it.
    pub regexp: Optional<RegexpCache>,
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

/// Upstream's cache of what a regular expression matched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegexpCache {
    /// Accepted as upstream accepts it.
    pub cacheenabled: bool,
    /// Accepted as upstream accepts it.
    pub cachemaxnumentries: usize,
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
        if at.is_set("regexp") {
            at.warn("regexp", "has no effect here: nothing is cached");
        }
        let without_conditions = Match {
            match_type: self.match_type,
            regexp: self.regexp.clone(),
            ..Match::default()
        };
        if *self == without_conditions {
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
    pub(in crate::attributes) fn check_signal(&self, signal: Signal) -> Result<(), String> {
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
