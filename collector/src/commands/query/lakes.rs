//! Which lakes are asked: the one that is named, or those of the delta exporters.

use std::path::Path;

use lake_sql::Source;
use settings::{ComponentId, Node};

use crate::command_line::Query;
use crate::commands::{Failure, load};

/// The configuration that is taken when none is named.
const DEFAULT_CONFIG: &str = "otel-config.yaml";
/// The exporter whose locations are lakes.
const DELTA: &str = "delta";

/// The lakes, in the order of their exporters.
pub(super) fn sources(arguments: &Query) -> Result<Vec<Source>, Failure> {
    if let Some(location) = &arguments.location {
        return Ok(vec![
            Source::open("lake", location, []).map_err(Failure::new)?,
        ]);
    }
    if arguments.config.is_empty() && !Path::new(DEFAULT_CONFIG).exists() {
        return Err(Failure::new(format!(
            "no lake: name one with --location ./data/lake, or the configuration that writes it with --config FILE \
             (there is no {DEFAULT_CONFIG} here)"
        )));
    }
    let (configuration, _warnings) = load(&arguments.config.clone().or(DEFAULT_CONFIG));
    let configuration = configuration?;
    let mut sources: Vec<Source> = Vec::new();
    for (id, exporter) in configuration
        .exporters
        .iter()
        .filter(|(id, _)| id.kind() == DELTA)
    {
        let settings = settings::unredacted(|| exporter.config.tree()).map_err(Failure::new)?;
        let source = open(id, &settings)?;
        if sources
            .iter()
            .all(|known| known.location() != source.location())
        {
            sources.push(source);
        }
    }
    if sources.is_empty() {
        return Err(Failure::new(
            "no lake: the configuration has no delta exporter; name a lake with --location",
        ));
    }
    Ok(sources)
}

/// The lake of a delta exporter. Its settings are read by name, so that this command needs no
/// exporter to be compiled in.
fn open(id: &ComponentId, settings: &Node) -> Result<Source, Failure> {
    let name = if id.name().is_empty() {
        id.kind()
    } else {
        id.name()
    };
    let text = |key: &str| settings.get(key).and_then(Node::as_str);
    let options = settings
        .get("storage_options")
        .and_then(Node::as_map)
        .map_or(&[][..], |map| map.entries());
    let options = options
        .iter()
        .filter_map(|entry| Some((entry.key.as_str(), entry.node.as_str()?)));
    let region = text("region").map(|region| ("aws_region", region));
    let endpoint = text("endpoint").map(|endpoint| ("aws_endpoint_url", endpoint));
    let options = region.into_iter().chain(endpoint).chain(options);
    Source::open(name, text("location").unwrap_or_default(), options).map_err(Failure::new)
}
