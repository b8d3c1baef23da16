//! Checks what names what: pipelines their components, `service` its extensions.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::registry::Kind;
use settings::{ComponentId, Map, Node, PipelineId, Problems};

use super::{Configuration, Configured, Pipeline, at};

pub(super) fn check(configuration: &Configuration, root: &Node, problems: &mut Problems) {
    let checker = Checker {
        configuration,
        root,
    };
    checker.sections(problems);
    checker.extensions(problems);
    checker.storages(problems);
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
        let pipelines = self
            .root
            .get("service")
            .and_then(|service| service.get("pipelines"));
        if pipelines
            .and_then(Node::as_map)
            .is_none_or(|map| map.is_empty())
        {
            let message = "service must have at least one pipeline";
            problems.error(
                Some(at(self.root, "service::pipelines")),
                "service::pipelines",
                message,
            );
        }
    }

    fn extensions(&self, problems: &mut Problems) {
        for (index, id) in self.configuration.service.extensions.iter().enumerate() {
            let path = format!("service::extensions::{index}");
            if !self.configured(Kind::Extension, id) {
                let message = self.dangling(Kind::Extension, id);
                problems.error(Some(at(self.root, &path)), "service::extensions", message);
            }
        }
    }

    /// Queues on disk and dead letters name an extension that is started.
    fn storages(&self, problems: &mut Problems) {
        for (id, exporter) in &self.configuration.exporters {
            let tail = exporter.config.tail();
            let named = [
                ("sending_queue", tail.storage()),
                ("dead_letter", tail.dead_letter.storage.as_deref()),
            ];
            for (setting, storage) in named {
                let path = format!("exporters::{id}::{setting}::storage");
                if let Some(message) = storage.and_then(|storage| self.no_storage(storage)) {
                    problems.error(Some(at(self.root, &path)), &path, message);
                }
            }
        }
    }

    /// Why there will be no such storage extension.
    fn no_storage(&self, storage: &str) -> Option<String> {
        let started = &self.configuration.service.extensions;
        match storage.parse::<ComponentId>() {
            Ok(storage) if started.contains(&storage) => None,
            Ok(storage) if self.configured(Kind::Extension, &storage) => Some(format!(
                "extension \"{storage}\" is not listed in service::extensions"
            )),
            Ok(storage) => Some(self.dangling(Kind::Extension, &storage)),
            Err(error) => Some(format!("\"{storage}\" is no id of an extension: {error}")),
        }
    }

    fn pipeline(&self, id: &PipelineId, pipeline: &Pipeline, problems: &mut Problems) {
        let path = format!("service::pipelines::{id}");
        for (kind, given) in [
            (Kind::Receiver, &pipeline.receivers),
            (Kind::Exporter, &pipeline.exporters),
        ] {
            // A list that is there but cannot be read has been reported already.
            let written = self
                .root
                .get("service")
                .and_then(|service| service.get("pipelines"));
            let written = written
                .and_then(|all| all.get(&id.to_string()))
                .and_then(|one| one.get(kind.section()));
            let is_empty = written
                .is_none_or(|list| list.is_null() || list.as_list().is_some_and(<[_]>::is_empty));
            if given.is_empty() && is_empty {
                let what = kind.name();
                problems.error(
                    Some(at(self.root, &path)),
                    &path,
                    format!("must have at least one {what}"),
                );
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
        self.references(
            id,
            Kind::Receiver,
            &pipeline.receivers,
            &configuration.receivers,
            problems,
        );
        self.references(
            id,
            Kind::Processor,
            &pipeline.processors,
            &configuration.processors,
            problems,
        );
        self.references(
            id,
            Kind::Exporter,
            &pipeline.exporters,
            &configuration.exporters,
            problems,
        );
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
                    let supported: Vec<&str> = component
                        .signals
                        .iter()
                        .map(|signal| signal.name())
                        .collect();
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
                    let message = self.dangling(kind, id);
                    problems.error(Some(at(self.root, &place)), &path, message);
                }
            }
        }
    }

    /// Whether the section has this id at all; if its settings are broken that
    /// has been reported, and a second message would only distract.
    fn configured(&self, kind: Kind, id: &ComponentId) -> bool {
        self.ids(kind).contains(id)
    }

    fn ids(&self, kind: Kind) -> BTreeSet<ComponentId> {
        let section = self.root.get(kind.section()).and_then(Node::as_map);
        let entries = section.map_or(&[][..], Map::entries);
        entries
            .iter()
            .filter_map(|entry| entry.key.parse().ok())
            .collect()
    }

    fn dangling(&self, kind: Kind, id: &ComponentId) -> String {
        let known: Vec<String> = self.ids(kind).iter().map(ToString::to_string).collect();
        let other = Kind::ALL
            .into_iter()
            .find(|other| *other != kind && self.configured(*other, id));
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
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        )
    }
}
