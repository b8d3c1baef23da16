//! Reads one section: ids, types, settings.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pipeline::Registry;
use pipeline::registry::{Factory, Kind};
use settings::{ComponentId, Entry, Node, PrintError, Problems, Value, nearest};

use crate::upstream;

/// Settings of one component, and which component it is.
pub(crate) struct Configured<C: ?Sized> {
    pub(crate) config: Box<C>,
    /// Signals that the component can handle.
    pub(crate) signals: &'static [pipeline::Signal],
}

impl<C: ?Sized + Debug> Debug for Configured<C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(formatter)
    }
}

/// Reads the component sections of one configuration.
pub(super) struct Reader<'a> {
    pub(super) root: &'a Node,
    pub(super) registry: &'a Registry,
}

impl Reader<'_> {
    /// Reads the section of `kind`. What cannot be read is reported and left out.
    pub(super) fn read<C: ?Sized>(
        &self,
        kind: Kind,
        factories: &[Factory<C>],
        problems: &mut Problems,
    ) -> BTreeMap<ComponentId, Configured<C>> {
        let mut components = BTreeMap::new();
        for entry in self.entries(kind, problems) {
            let Some(id) = self.id(entry, kind, problems) else {
                continue;
            };
            if components.contains_key(&id) {
                let message = format!(
                    "duplicate name \"{id}\" (names are compared without surrounding blanks)"
                );
                problems.error(Some(&entry.origin), kind.section(), message);
                continue;
            }
            let path = format!("{}::{id}", kind.section());
            let Some(factory) = factories
                .iter()
                .find(|factory| factory.is_called(id.kind()))
            else {
                self.unknown_type(kind, factories, entry, &id, problems);
                continue;
            };
            if factory.name != id.kind() {
                let message = format!(
                    "\"{}\" is an old name of \"{}\", which works but is deprecated",
                    id.kind(),
                    factory.name
                );
                problems.warn(Some(&entry.origin), &path, message);
            }
            if let Some(config) = (factory.decode)(&entry.node, &path, problems) {
                components.insert(
                    id,
                    Configured {
                        config,
                        signals: factory.signals,
                    },
                );
            }
        }
        components
    }

    fn entries(&self, kind: Kind, problems: &mut Problems) -> &[Entry] {
        let Some(section) = self.root.get(kind.section()) else {
            return &[];
        };
        match &section.value {
            Value::Map(map) => map.entries(),
            Value::Null => &[],
            _ => {
                let message = "expected a mapping of component ids to settings";
                problems.error(Some(&section.origin), kind.section(), message);
                &[]
            }
        }
    }

    fn id(&self, entry: &Entry, kind: Kind, problems: &mut Problems) -> Option<ComponentId> {
        entry
            .key
            .parse()
            .map_err(|error| problems.error(Some(&entry.origin), kind.section(), error))
            .ok()
    }

    fn unknown_type<C: ?Sized>(
        &self,
        kind: Kind,
        factories: &[Factory<C>],
        entry: &Entry,
        id: &ComponentId,
        problems: &mut Problems,
    ) {
        let mut known: Vec<&str> = factories.iter().map(|factory| factory.name).collect();
        known.sort_unstable();
        let elsewhere = Kind::ALL
            .into_iter()
            .find(|other| *other != kind && names(self.registry, *other).contains(&id.kind()));
        let why = match (elsewhere, upstream::lacks(kind, id.kind())) {
            (_, Some(advice)) => format!(": {advice}"),
            (Some(other), None) => format!(
                ": it is {}, configure it under {}",
                upstream::a(other),
                other.section()
            ),
            (None, None) => match nearest(id.kind(), known.iter().copied()) {
                Some(near) => format!("; did you mean \"{near}\"?"),
                None => String::new(),
            },
        };
        let here = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let message = format!(
            "unknown type \"{}\" for id \"{id}\"{why} (this build has: {here})",
            id.kind()
        );
        problems.error(Some(&entry.origin), kind.section(), message);
    }

    /// Connectors come later; until then a configured one is an error that says so.
    pub(super) fn refuse_connectors(&self, problems: &mut Problems) {
        for entry in self.entries(Kind::Connector, problems) {
            if let Some(id) = self.id(entry, Kind::Connector, problems) {
                self.unknown_type::<()>(Kind::Connector, &[], entry, &id, problems);
            }
        }
    }
}

fn names(registry: &Registry, kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Receiver => registry
            .receivers
            .iter()
            .map(|factory| factory.name)
            .collect(),
        Kind::Processor => registry
            .processors
            .iter()
            .map(|factory| factory.name)
            .collect(),
        Kind::Exporter => registry
            .exporters
            .iter()
            .map(|factory| factory.name)
            .collect(),
        Kind::Extension => registry
            .extensions
            .iter()
            .map(|factory| factory.name)
            .collect(),
        Kind::Connector => Vec::new(),
    }
}

/// `unknown key "x"; did you mean "y"? (allowed: ...)`
pub(super) fn unknown_key(key: &str, allowed: &[&str]) -> String {
    let hint = match nearest(key, allowed.iter().copied()) {
        Some(near) => format!("; did you mean \"{near}\"?"),
        None => String::new(),
    };
    format!(
        "unknown key \"{key}\"{hint} (allowed: {})",
        allowed.join(", ")
    )
}

/// A section with all defaults filled in.
pub(super) fn printed<C: ?Sized>(
    components: &BTreeMap<ComponentId, Configured<C>>,
    tree: impl Fn(&C) -> Result<Node, PrintError>,
) -> Result<BTreeMap<String, Node>, PrintError> {
    components
        .iter()
        .map(|(id, configured)| Ok((id.to_string(), tree(&configured.config)?)))
        .collect()
}
