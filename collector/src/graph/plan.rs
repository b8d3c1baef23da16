//! Decides what a configuration keeps of what runs.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::registry::{ExporterConfig, Settings};
use pipeline::tail::settings::BatchSettings;
use pipeline::{Host, Signal, StartError};
use settings::{ComponentId, PipelineId};

use super::nodes::{BranchSettings, ProcessorNode, Stage};
use super::{BranchId, Graph, ProcessorId, QueueId, cannot, named};
use crate::configuration::Configuration;
use crate::signal_of;

/// What a configuration asks for, and what of it runs already.
pub(super) struct Plan {
    /// Extensions and their settings, in order.
    pub(super) extensions: Vec<(ComponentId, String)>,
    pub(super) branches: BTreeMap<BranchId, BranchSettings>,
    /// Queues on disk and the exporters that read them.
    pub(super) queues: Queues,
    /// Receivers, their settings and the signals that they feed.
    pub(super) receivers: BTreeMap<ComponentId, (String, BTreeSet<Signal>)>,
    pub(super) kept: Kept,
}

/// Components that go on running: the same id, settings and neighbours that matter.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) extensions: BTreeSet<ComponentId>,
    pub(super) processors: BTreeSet<ProcessorId>,
    pub(super) branches: BTreeSet<BranchId>,
    /// Their exporters may change.
    pub(super) queues: BTreeSet<QueueId>,
    pub(super) receivers: BTreeSet<ComponentId>,
}

/// Exporters by the queue on disk that they read.
pub(super) type Queues = BTreeMap<QueueId, BTreeMap<ComponentId, BranchSettings>>;

impl Kept {
    /// Whether everything that a component asked extensions for is still there.
    pub(super) fn serves(&self, host: &Host) -> bool {
        let kept: BTreeSet<String> = self.extensions.iter().map(ToString::to_string).collect();
        host.offers.asked().is_subset(&kept)
    }
}

/// The processors that do not run yet, built.
pub(super) type NewProcessors = BTreeMap<ProcessorId, ProcessorNode>;

/// Compares a configuration with what runs, and builds its new processors,
/// which start nothing.
///
/// # Errors
/// When a processor cannot be built.
pub(super) fn plan(
    configuration: &Configuration,
    running: &Graph,
    host: &Host,
) -> Result<(Plan, NewProcessors), String> {
    let mut kept = Kept::default();
    let extensions = extensions(configuration)?;
    for (id, node) in &running.extensions {
        let same =
            |(other, settings): &(ComponentId, String)| other == id && *settings == node.settings;
        if extensions.iter().any(same) {
            kept.extensions.insert(id.clone());
        }
    }
    let processors = processors(configuration, running, host, &mut kept)?;
    let (branches, queues) = branches(configuration, running, &processors)?;
    for key in running.queues.keys() {
        if queues.contains_key(key) && kept.extensions.contains(&key.1) {
            kept.queues.insert(key.clone());
        }
    }
    for (key, branch) in &running.branches {
        if branches.get(key) == Some(&branch.made_from) && kept.serves(&branch.host) {
            kept.branches.insert(key.clone());
        }
    }
    let receivers = receivers(configuration)?;
    for (id, node) in &running.receivers {
        let feeds = |signal: &Signal| node.outputs.get(*signal).is_some();
        let fed: BTreeSet<Signal> = Signal::ALL.into_iter().filter(feeds).collect();
        let same = |(settings, signals): &(String, BTreeSet<Signal>)| {
            *settings == node.settings && *signals == fed
        };
        if receivers.get(id).is_some_and(same) && kept.serves(&node.host) {
            kept.receivers.insert(id.clone());
        }
    }
    let plan = Plan {
        extensions,
        branches,
        queues,
        receivers,
        kept,
    };
    Ok((plan, processors))
}

fn extensions(configuration: &Configuration) -> Result<Vec<(ComponentId, String)>, String> {
    let mut extensions: Vec<(ComponentId, String)> = Vec::new();
    for id in &configuration.service.extensions {
        let Some(configured) = configuration.extensions.get(id) else {
            continue;
        };
        if extensions.iter().all(|(other, _)| other != id) {
            extensions.push((id.clone(), written(&*configured.config)?));
        }
    }
    Ok(extensions)
}

fn processors(
    configuration: &Configuration,
    running: &Graph,
    host: &Host,
    kept: &mut Kept,
) -> Result<NewProcessors, String> {
    let mut new = NewProcessors::new();
    let mut hosts: BTreeMap<&ComponentId, Host> = BTreeMap::new();
    for (pipeline, used) in &configuration.service.pipelines {
        for id in &used.processors {
            let Some(configured) = configuration.processors.get(id) else {
                continue;
            };
            let key = (pipeline.clone(), id.clone());
            let settings = written(&*configured.config)?;
            let node = running.processors.get(&key);
            if node.is_some_and(|node| node.settings == settings) {
                kept.processors.insert(key);
                continue;
            }
            let stage = build(configuration, pipeline, id)?;
            let shared = hosts.entry(id);
            let shared = shared.or_insert_with(|| host.of(&named("processor", id)));
            let host = shared.clone();
            new.insert(
                key,
                ProcessorNode {
                    settings,
                    stage,
                    host,
                },
            );
        }
    }
    Ok(new)
}

/// Builds a processor for a pipeline.
pub(super) fn build(
    configuration: &Configuration,
    pipeline: &PipelineId,
    id: &ComponentId,
) -> Result<Stage, String> {
    let configured = configuration.processors.get(id);
    let unknown = || StartError::new("it is not configured");
    let built = configured
        .ok_or_else(unknown)
        .and_then(|configured| configured.config.build(id, signal_of(pipeline)));
    let built = built.map_err(|error| cannot("build", id, "processor", &error))?;
    Ok(built.into())
}

/// One branch for each exporter and signal, or a place at the pipeline's queue on
/// disk. The batching of a pipeline happens in the queues of its exporters, where
/// it costs no client time.
fn branches(
    configuration: &Configuration,
    running: &Graph,
    new: &NewProcessors,
) -> Result<(BTreeMap<BranchId, BranchSettings>, Queues), String> {
    let mut branches: BTreeMap<BranchId, BranchSettings> = BTreeMap::new();
    let mut queues = Queues::new();
    for (pipeline, used) in &configuration.service.pipelines {
        let batch = used.processors.iter().rev().find_map(|id| {
            let key = (pipeline.clone(), id.clone());
            batch_of(new.get(&key).or_else(|| running.processors.get(&key))?)
        });
        for id in &used.exporters {
            let Some(configured) = configuration.exporters.get(id) else {
                continue;
            };
            let settings = BranchSettings {
                exporter: written(&*configured.config)?,
                batch: batch.clone(),
            };
            if let Some(storage) = storage_of(&*configured.config)? {
                let queue = queues.entry((pipeline.clone(), storage)).or_default();
                queue.insert(id.clone(), settings);
                continue;
            }
            let key = (id.clone(), signal_of(pipeline));
            match branches.get(&key) {
                Some(known) if known.batch != batch => tracing::warn!(
                    otelcol.component.id = %id,
                    otelcol.component.kind = "exporter",
                    "Pipelines with different batch processors share this exporter; the settings of the first one count."
                ),
                Some(_) => {}
                None => drop(branches.insert(key, settings)),
            }
        }
    }
    Ok((branches, queues))
}

/// The storage extension of an exporter's queue, if that is on disk.
fn storage_of(config: &dyn ExporterConfig) -> Result<Option<ComponentId>, String> {
    let tail = config.tail();
    let storage = tail.storage().map(str::parse::<ComponentId>).transpose();
    storage.map_err(|error| format!("sending_queue::storage: {error}"))
}

fn batch_of(node: &ProcessorNode) -> Option<BatchSettings> {
    match &node.stage {
        Stage::Batch(settings) => Some(settings.clone()),
        _ => None,
    }
}

fn receivers(
    configuration: &Configuration,
) -> Result<BTreeMap<ComponentId, (String, BTreeSet<Signal>)>, String> {
    let mut receivers: BTreeMap<ComponentId, (String, BTreeSet<Signal>)> = BTreeMap::new();
    for (pipeline, used) in &configuration.service.pipelines {
        for id in &used.receivers {
            let Some(configured) = configuration.receivers.get(id) else {
                continue;
            };
            let signal = signal_of(pipeline);
            match receivers.get_mut(id) {
                Some((_, signals)) => drop(signals.insert(signal)),
                None => {
                    let settings = written(&*configured.config)?;
                    receivers.insert(id.clone(), (settings, BTreeSet::from([signal])));
                }
            }
        }
    }
    Ok(receivers)
}

/// Settings as text, secrets and all: what is written differently but means the
/// same is no change, and another secret is one.
fn written<C: Settings + ?Sized>(config: &C) -> Result<String, String> {
    let tree = settings::unredacted(|| config.tree());
    Ok(tree.map_err(|error| error.to_string())?.to_yaml())
}
