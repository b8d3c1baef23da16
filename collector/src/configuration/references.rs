//! Checks what names what: pipelines their components, `service` its extensions.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::Registry;
use pipeline::registry::Kind;
use settings::{ComponentId, Node, PipelineId, Problems};

use super::{Configuration, Configured, Pipeline, at};

pub(super) fn check(configuration: &Configuration, root: &Node, registry: &Registry, problems: &mut Problems) {
    let _ = registry;
    let checker = Checker { configuration, root };
    checker.sections(problems);
    checker.extensions(problems);
    for (id, pipeline) in &configuration.service.pipelines {
        checker.pipeline(id, pipeline, problems);
    }
}

struct Checker<'a> {
    configuration: &'a Configuration,
    root: &'a Node,
}

impl Checker<'_> {
    fn sections(&self, problems: &mut Problems) {
        // A section that is there but broken has been reported already.
        for (kind, word) in [(Kind::Receiver, "receiver"), (Kind::Exporter, "exporter")] {
            let given = self.root.get(kind.section()).and_then(Node::as_map);
            if given.is_none_or(|map| map.is_empty()) {
                let message = format!("no {word} configured: at least one {word} is required");
                problems.error(Some(at(self.root, kind.section())), kind.section(), message);
            }
        }
        let pipelines = self.root.get("service").and_then(|service| service.get("pipelines"));
        if pipelines.and_then(Node::as_map).is_none_or(|map| map.is_empty()) {
            let message = "service must have at least one pipeline";
            problems.error(Some(at(self.root, "service::pipelines")), "service::pipelines", message);
        }
    }

    fn extensions(&self, problems: &mut Problems) {
        for (index, id) in self.configuration.service.extensions.iter().enumerate() {
            let path = format!("service::extensions::{index}");
            if !self.configured(Kind::Extension, id) {
                let message = self.dangling(Kind::Extension, id, ids(&self.configuration.extensions));
                problems.error(Some(at(self.root, &path)), "service::extensions", message);
            }
        }
    }

    fn pipeline(&self, id: &PipelineId, pipeline: &Pipeline, problems: &mut Problems) {
        let path = format!("service::pipelines::{id}");
        for (what, empty) in [("receiver", pipeline.receivers.is_empty()), ("exporter", pipeline.exporters.is_empty())] {
            if empty {
                problems.error(Some(at(self.root, &path)), &path, format!("must have at least one {what}"));
            }
        }
        let mut seen = BTreeSet::new();
        for (index, processor) in pipeline.processors.iter().enumerate() {
            if !seen.insert(processor) {
                let place = format!("{path}::processors::{index}");
                let message = format!("references processor \"{processor}\" multiple times");
                problems.error(Some(at(self.root, &place)), &path, message);
            }
        }
        let configuration = self.configuration;
        self.references(id, Kind::Receiver, &pipeline.receivers, &configuration.receivers, problems);
        self.references(id, Kind::Processor, &pipeline.processors, &configuration.processors, problems);
        self.references(id, Kind::Exporter, &pipeline.exporters, &configuration.exporters, problems);
    }

    fn references<C: ?Sized>(
        &self,
        pipeline: &PipelineId,
        kind: Kind,
        references: &[ComponentId],
        configured: &BTreeMap<ComponentId, Configured<C>>,
        problems: &mut Problems,
    ) {
        let path = format!("service::pipelines::{pipeline}");
        let signal = crate::signal_of(pipeline);
        for (index, id) in references.iter().enumerate() {
            let place = format!("{path}::{}::{index}", kind.section());
            match configured.get(id) {
                Some(component) if component.signals.contains(&signal) => {}
                Some(component) => {
                    let supported: Vec<&str> = component.signals.iter().map(|signal| signal.name()).collect();
                    let message = format!(
                        "{} \"{id}\" does not handle {} (it handles: {})",
                        kind.name(),
                        signal.name(),
                        supported.join(", ")
                    );
                    problems.error(Some(at(self.root, &place)), &path, message);
                }
                None if self.configured(kind, id) => {}
                None => {
                    let message = self.dangling(kind, id, ids(configured));
                    problems.error(Some(at(self.root, &place)), &path, message);
                }
            }
        }
    }

    /// Whether the section has this id at all; if its settings are broken that
    /// has been reported, and a second message would only distract.
    fn configured(&self, kind: Kind, id: &ComponentId) -> bool {
        let section = self.root.get(kind.section()).and_then(Node::as_map);
        section.is_some_and(|section| {
            section.entries().iter().any(|entry| entry.key.parse::<ComponentId>().is_ok_and(|key| key == *id))
        })
    }

    fn dangling(&self, kind: Kind, id: &ComponentId, mut known: Vec<String>) -> String {
        known.sort_unstable();
        let other = Kind::ALL.into_iter().find(|other| *other != kind && self.configured(*other, id));
        let note = match other {
            Some(other) => format!("; \"{id}\" is configured under {}", other.section()),
            None => match settings::nearest(&id.to_string(), known.iter().map(String::as_str)) {
                Some(near) => format!("; did you mean \"{near}\"?"),
                None => String::new(),
            },
        };
        format!(
            "references {} \"{id}\" which is not configured{note} (configured: {})",
            kind.name(),
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )
    }
}

fn ids<C: ?Sized>(components: &BTreeMap<ComponentId, Configured<C>>) -> Vec<String> {
    components.keys().map(ToString::to_string).collect()
}
