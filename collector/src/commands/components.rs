//! `pharos components`: what this build is made of, as YAML.

use std::collections::BTreeMap;

use pipeline::registry::Factory;
use serde::Serialize;

use super::Failure;
use crate::command_line;
use crate::registry;

/// Upstream's keys, and beside them the older names that a component answers to.
#[derive(Serialize)]
struct Listing {
    buildinfo: BuildInfo,
    receivers: Vec<Component>,
    processors: Vec<Component>,
    exporters: Vec<Component>,
    connectors: Vec<Component>,
    extensions: Vec<Component>,
}

#[derive(Serialize)]
struct BuildInfo {
    command: &'static str,
    description: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Component {
    name: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aliases: &'static [&'static str],
    /// By signal; `extension` for what has none.
    stability: BTreeMap<&'static str, &'static str>,
}

pub(super) fn run() -> Result<(), Failure> {
    let registry = registry::registry();
    let listing = Listing {
        buildinfo: BuildInfo {
            command: "pharos",
            description: env!("CARGO_PKG_DESCRIPTION"),
            version: env!("CARGO_PKG_VERSION"),
        },
        receivers: list(&registry.receivers),
        processors: list(&registry.processors),
        exporters: list(&registry.exporters),
        connectors: Vec::new(),
        extensions: list(&registry.extensions),
    };
    let text = settings::to_yaml(&listing).map_err(Failure::new)?;
    command_line::print(&text);
    Ok(())
}

fn list<C: ?Sized>(factories: &[Factory<C>]) -> Vec<Component> {
    let component = |factory: &Factory<C>| {
        let stability = factory.stability.name();
        let stability = match factory.signals {
            [] => BTreeMap::from([("extension", stability)]),
            signals => signals
                .iter()
                .map(|signal| (signal.name(), stability))
                .collect(),
        };
        Component {
            name: factory.name,
            aliases: factory.aliases,
            stability,
        }
    };
    factories.iter().map(component).collect()
}
