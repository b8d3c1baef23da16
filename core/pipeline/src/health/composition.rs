//! What the collector is made of, for whoever tells how it is.

use std::sync::Arc;

use otlp::Signal;

use super::{Health, Report};

/// The pipelines and extensions of the running configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Composition {
    /// Pipelines, by name.
    pub pipelines: Vec<Pipeline>,
    /// Extensions: `extension:health_check`.
    pub extensions: Vec<String>,
    /// The configuration with all defaults, as JSON, secrets redacted.
    pub configuration: Arc<str>,
}

/// A pipeline and its components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// As in the configuration: `logs/app`.
    pub name: String,
    /// What flows in it.
    pub signal: Signal,
    /// `receiver:otlp`, `processor:batch`, `exporter:otlp`.
    pub components: Vec<String>,
}

impl Pipeline {
    /// What a component of this pipeline reported: for its signal, if it
    /// reports by signal, else for all of it.
    pub fn report<'a>(
        &self,
        component: &str,
        reports: &'a std::collections::BTreeMap<String, Report>,
    ) -> Option<&'a Report> {
        reports
            .get(&format!("{component}/{}", self.signal.name()))
            .or_else(|| reports.get(component))
    }
}

impl Health {
    /// Says what the collector is made of; again after a reload.
    pub fn set_composition(&self, composition: Composition) {
        self.state().composition = Arc::new(composition);
    }

    /// What the collector is made of; nothing before it has started.
    pub fn composition(&self) -> Arc<Composition> {
        Arc::clone(&self.state().composition)
    }
}
