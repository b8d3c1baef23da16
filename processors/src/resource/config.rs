//! Settings of `resource`, under upstream's names.

use otlp::Signal;
use pipeline::registry::ProcessorConfig;
use pipeline::{Processor, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Validate};

use super::Resource;
use crate::attributes::actions::{Action, Actions};

/// What is done to the attributes of every resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The actions, in order. At least one is required.
    pub attributes: Vec<Action>,
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.attributes.is_empty() {
            at.error("attributes", "must have at least one action");
        }
        for (index, action) in self.attributes.iter().enumerate() {
            at.check(&format!("attributes::{index}"), action);
        }
    }
}

impl ProcessorConfig for Config {
    fn build(&self, _: &ComponentId, _: Signal) -> Result<Processor, StartError> {
        Ok(Processor::Transform(Box::new(Resource {
            actions: Actions::compile(&self.attributes)?,
        })))
    }
}
