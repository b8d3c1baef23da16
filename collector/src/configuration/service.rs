//! `service`: pipelines, extensions, own telemetry.

pub(crate) mod telemetry;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Duration, Map, Node, PipelineId, Problems, Validate};

use self::telemetry::Telemetry;

/// `service`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Service {
    /// Extensions to start, in this order.
    pub(crate) extensions: Vec<ComponentId>,
    /// Pipelines by id: `logs`, `traces/app`.
    pub(crate) pipelines: BTreeMap<PipelineId, Pipeline>,
    /// Own logs, metrics and spans.
    pub(crate) telemetry: Telemetry,
    /// Longest time that a shutdown takes; what is not delivered by then is
    /// reported by name. Kubernetes kills a pod after 30 s by default.
    pub(crate) shutdown_timeout: Duration,
}

impl Default for Service {
    fn default() -> Service {
        Service {
            extensions: Vec::new(),
            pipelines: BTreeMap::new(),
            telemetry: Telemetry::default(),
            shutdown_timeout: Duration::from_secs(25),
        }
    }
}

/// One pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pipeline {
    /// Where telemetry comes from.
    pub(crate) receivers: Vec<ComponentId>,
    /// What is done to it, in this order.
    pub(crate) processors: Vec<ComponentId>,
    /// Where it goes, everywhere.
    pub(crate) exporters: Vec<ComponentId>,
}

impl Validate for Service {
    fn validate(&self, at: &mut At<'_>) {
        at.check("telemetry", &self.telemetry);
    }
}

/// Reads the section. Where something in it is wrong, what can be read is
/// returned all the same, so that its references are checked in the same run.
pub(super) fn read(root: &Node, problems: &mut Problems) -> Service {
    let Some(node) = root.get("service").filter(|node| !node.is_null()) else {
        return Service::default();
    };
    settings::decode_valid(node, "service", problems).unwrap_or_else(|| readable(node))
}

/// The references of a section that has been found wrong.
fn readable(node: &Node) -> Service {
    let pipelines = node
        .get("pipelines")
        .and_then(Node::as_map)
        .map_or(&[][..], Map::entries);
    let pipelines = pipelines.iter().filter_map(|entry| {
        let ids = |key| readable_ids(entry.node.get(key));
        let pipeline = Pipeline {
            receivers: ids("receivers"),
            processors: ids("processors"),
            exporters: ids("exporters"),
        };
        Some((entry.key.parse().ok()?, pipeline))
    });
    Service {
        extensions: readable_ids(node.get("extensions")),
        pipelines: pipelines.collect(),
        ..Service::default()
    }
}

fn readable_ids(list: Option<&Node>) -> Vec<ComponentId> {
    list.and_then(|list| settings::decode(list, "", &mut Problems::new()))
        .unwrap_or_default()
}
