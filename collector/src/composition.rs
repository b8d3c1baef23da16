//! What the collector is made of, for health: pipelines, extensions, configuration.

use pipeline::health::composition::{Composition, Pipeline};

use crate::configuration::Configuration;
use crate::signal_of;

/// Describes a configuration that is about to run.
pub(crate) fn describe(configuration: &Configuration) -> Composition {
    let service = &configuration.service;
    let pipelines = service.pipelines.iter().map(|(id, pipeline)| {
        let receivers = pipeline.receivers.iter().map(|id| format!("receiver:{id}"));
        let processors = pipeline.processors.iter();
        let processors = processors.map(|id| format!("processor:{id}"));
        let exporters = pipeline.exporters.iter().map(|id| format!("exporter:{id}"));
        Pipeline {
            name: id.to_string(),
            signal: signal_of(id),
            components: receivers.chain(processors).chain(exporters).collect(),
        }
    });
    let extensions = service.extensions.iter();
    Composition {
        pipelines: pipelines.collect(),
        extensions: extensions.map(|id| format!("extension:{id}")).collect(),
        configuration: printed(configuration).into(),
    }
}

/// The configuration with all defaults, secrets redacted.
fn printed(configuration: &Configuration) -> String {
    configuration
        .printed()
        .and_then(|printed| settings::to_json(&printed))
        .unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }).to_string())
}
