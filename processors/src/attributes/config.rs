//! Settings of `attributes`, under upstream's names.

use otlp::Signal;
use pipeline::registry::ProcessorConfig;
use pipeline::{Processor, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Optional, Validate};

use super::Attributes;
use super::actions::{Action, Actions};
use super::matching::{Match, Matcher};

/// What is done to the attributes of which records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The actions, in order. At least one is required.
    pub actions: Vec<Action>,
    /// Only records that match all of this are changed.
    pub include: Optional<Match>,
    /// Records that match all of this are not changed.
    pub exclude: Optional<Match>,
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.actions.is_empty() {
            at.error("actions", "must have at least one action");
        }
        for (index, action) in self.actions.iter().enumerate() {
            at.check(&format!("actions::{index}"), action);
        }
        at.check_some("include", self.include.as_option());
        at.check_some("exclude", self.exclude.as_option());
    }
}

impl ProcessorConfig for Config {
    fn build(&self, _: &ComponentId, signal: Signal) -> Result<Processor, StartError> {
        let matcher = |key: &str, settings: Option<&Match>| {
            let Some(settings) = settings else {
                return Ok(None);
            };
            let checked = settings.check_signal(signal);
            checked.map_err(|why| StartError::new(format!("{key}::{why}")))?;
            Matcher::compile(settings).map(Some)
        };
        Ok(Processor::Transform(Box::new(Attributes {
            actions: Actions::compile(&self.actions)?,
            include: matcher("include", self.include.as_option())?,
            exclude: matcher("exclude", self.exclude.as_option())?,
        })))
    }
}
