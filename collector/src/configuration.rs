//! A whole configuration: what is configured under which id, checked as far as
//! that is possible without starting anything.

mod references;
mod section;
mod service;

use std::collections::BTreeMap;

use pipeline::Registry;
use pipeline::registry::{ExporterConfig, ExtensionConfig, Kind, ProcessorConfig, ReceiverConfig};
use serde::Serialize;
use settings::{ComponentId, Environment, Node, Origin, PrintError, Problems, Source};

pub(crate) use self::section::Configured;
pub(crate) use self::service::telemetry;
pub(crate) use self::service::{Pipeline, Service};

/// Everything that a configuration says, with typed settings.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) receivers: BTreeMap<ComponentId, Configured<dyn ReceiverConfig>>,
    pub(crate) processors: BTreeMap<ComponentId, Configured<dyn ProcessorConfig>>,
    pub(crate) exporters: BTreeMap<ComponentId, Configured<dyn ExporterConfig>>,
    pub(crate) extensions: BTreeMap<ComponentId, Configured<dyn ExtensionConfig>>,
    pub(crate) service: Service,
}

/// Top-level keys, in the order in which a configuration is printed.
const SECTIONS: [&str; 6] = [
    "receivers",
    "processors",
    "exporters",
    "connectors",
    "extensions",
    "service",
];

impl Configuration {
    /// Loads, merges, decodes and checks. All problems come in one run; `None`
    /// when one of them is an error.
    pub(crate) fn load(
        sources: &[Source],
        overrides: &[String],
        environment: &dyn Environment,
        registry: &Registry,
        problems: &mut Problems,
    ) -> Option<Configuration> {
        if sources.is_empty() {
            problems.error(None, "", "no configuration given: pass --config <file>");
            return None;
        }
        let root = settings::load(sources, overrides, environment, problems)?;
        let configuration = Configuration::read(&root, registry, problems);
        (!problems.has_errors()).then_some(configuration).flatten()
    }

    fn read(root: &Node, registry: &Registry, problems: &mut Problems) -> Option<Configuration> {
        let Some(sections) = root.as_map() else {
            problems.error(
                Some(&root.origin),
                "",
                "the configuration is empty: it needs receivers, exporters and service",
            );
            return None;
        };
        for entry in sections.entries() {
            if !SECTIONS.contains(&entry.key.as_str()) {
                problems.error(
                    Some(&entry.origin),
                    "",
                    section::unknown_key(&entry.key, &SECTIONS),
                );
            }
        }
        let reader = section::Reader { root, registry };
        let configuration = Configuration {
            receivers: reader.read(Kind::Receiver, &registry.receivers, problems),
            processors: reader.read(Kind::Processor, &registry.processors, problems),
            exporters: reader.read(Kind::Exporter, &registry.exporters, problems),
            extensions: reader.read(Kind::Extension, &registry.extensions, problems),
            service: service::read(root, problems),
        };
        reader.refuse_connectors(problems);
        references::check(&configuration, root, problems);
        Some(configuration)
    }

    /// The configuration with all defaults filled in, in the order of a
    /// configuration and of the fields of its settings.
    ///
    /// # Errors
    /// When settings have a map whose keys are no text.
    pub(crate) fn printed(&self) -> Result<Printed, PrintError> {
        Ok(Printed {
            receivers: section::printed(&self.receivers, |config| config.tree())?,
            processors: section::printed(&self.processors, |config| config.tree())?,
            exporters: section::printed(&self.exporters, |config| config.tree())?,
            extensions: section::printed(&self.extensions, |config| config.tree())?,
            service: settings::to_tree(&self.service)?,
        })
    }
}

/// A configuration as it is printed; secrets are as they were when it was made.
#[derive(Debug, Serialize)]
pub(crate) struct Printed {
    receivers: BTreeMap<String, Node>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    processors: BTreeMap<String, Node>,
    exporters: BTreeMap<String, Node>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Node>,
    service: Node,
}

/// The origin of `path` below `root`, for a message about it.
fn at<'a>(root: &'a Node, path: &str) -> &'a Origin {
    root.locate(path)
}
