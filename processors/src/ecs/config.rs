//! Settings of `ecs`.

use otlp::Signal;
use pipeline::registry::ProcessorConfig;
use pipeline::{Processor, StartError};
use semconv::{Records, ToEcs};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Validate};

use super::ToOtel;

/// Which way names are translated, and of which records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `to_otel`: ECS events get OpenTelemetry names, what identifies the emitter moves to the resource, and time,
    /// severity, body, name and ids become fields of the record. `to_ecs`: the attributes of every record become
    /// the flat ECS event that it is.
    pub direction: Direction,
    /// For `to_otel`: `ecs` maps records that are recognisable as ECS events and passes others unchanged, `all`
    /// maps every record.
    pub records: Which,
}

/// The way names are translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From ECS to OpenTelemetry.
    #[default]
    ToOtel,
    /// From OpenTelemetry to ECS.
    ToEcs,
}

/// Which records are translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those with a field that only ECS knows, or with attributes and nothing else.
    #[default]
    Ecs,
    /// All.
    All,
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.direction == Direction::ToEcs && self.records != Which::default() {
            at.error(
                "records",
                "has a meaning for `direction: to_otel` only; remove it",
            );
        }
    }
}

impl ProcessorConfig for Config {
    fn build(&self, id: &ComponentId, _: Signal) -> Result<Processor, StartError> {
        let records = match self.records {
            Which::Ecs => Records::Ecs,
            Which::All => Records::All,
        };
        Ok(Processor::Transform(match self.direction {
            Direction::ToOtel => Box::new(ToOtel::new(id, records)),
            Direction::ToEcs => Box::new(ToEcs),
        }))
    }
}
