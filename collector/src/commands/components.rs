//! `pharos components`: what this build is made of, as YAML.

use pipeline::registry::Factory;
use serde_json::{Value, json};

use super::Failure;
use crate::command_line;
use crate::registry;

pub(super) fn run() -> Result<(), Failure> {
    let registry = registry::registry();
    let listing = json!({
        "buildinfo": {
            "command": "pharos",
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "version": env!("CARGO_PKG_VERSION"),
        },
        "receivers": list(&registry.receivers),
        "processors": list(&registry.processors),
        "exporters": list(&registry.exporters),
        "connectors": [],
        "extensions": list(&registry.extensions),
    });
    let text = settings::to_yaml(&listing).map_err(Failure::new)?;
    command_line::print(&text);
    Ok(())
}

fn list<C: ?Sized>(factories: &[Factory<C>]) -> Value {
    factories
        .iter()
        .map(|factory| {
            let stability = factory.stability.name();
            let by_signal: serde_json::Map<String, Value> = match factory.signals {
                [] => [("extension".to_owned(), json!(stability))].into_iter().collect(),
                signals => signals.iter().map(|signal| (signal.name().to_owned(), json!(stability))).collect(),
            };
            json!({"name": factory.name, "aliases": factory.aliases, "stability": by_signal})
        })
        .collect()
}
