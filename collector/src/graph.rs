//! The components at work and how they hang together. A configuration becomes a
//! [`Candidate`]: what is unchanged is kept, the rest is started beside it; and
//! then it takes over in one step, or leaves no trace.

mod candidate;
mod nodes;
mod on_disk;
mod plan;
mod retire;
mod wiring;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::select_all;
use pipeline::{Signal, StartError};
use settings::{ComponentId, PipelineId};

pub(crate) use self::candidate::Candidate;
use self::nodes::{Branch, ExtensionNode, ProcessorNode, QueueOnDisk, ReceiverNode};
pub(crate) use self::retire::Retired;
pub(crate) use self::wiring::{line_up, processors};
use crate::configuration::Configuration;

/// One branch of the pipelines with its queue in memory: an exporter and a signal.
type BranchId = (ComponentId, Signal);

/// One branch with its queue on disk: a pipeline and the storage extension.
type QueueId = (PipelineId, ComponentId);

/// A processor in its pipeline.
type ProcessorId = (PipelineId, ComponentId);

/// The components at work.
#[derive(Default)]
pub(crate) struct Graph {
    /// In the order in which they were started.
    extensions: Vec<(ComponentId, ExtensionNode)>,
    processors: BTreeMap<ProcessorId, ProcessorNode>,
    branches: BTreeMap<BranchId, Branch>,
    queues: BTreeMap<QueueId, QueueOnDisk>,
    receivers: BTreeMap<ComponentId, ReceiverNode>,
    /// What all of it was made from.
    configuration: Option<Arc<Configuration>>,
}

/// What a configuration changed, for the log.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Components that were started: new ones, and changed ones anew.
    pub(crate) started: Vec<String>,
    /// Components that end.
    pub(crate) stopped: Vec<String>,
    /// Number of components that went on running.
    pub(crate) kept: usize,
}

impl Graph {
    /// Puts a candidate that was started in the place of what runs: swaps the
    /// edges, and gives back what nobody needs any more.
    pub(crate) fn commit(&mut self, candidate: Candidate) -> (Retired, Changes) {
        let Candidate {
            plan,
            started,
            heads,
            switched,
            ..
        } = candidate;
        for ((id, signal), head) in heads {
            // The predecessor of a receiver still has requests to answer.
            let nodes = [started.receivers.get(&id), self.receivers.get(&id)];
            let outlets = nodes.into_iter().flatten();
            for outlet in outlets.filter_map(|node| node.outputs.get(signal)) {
                outlet.swap(Arc::clone(&head));
            }
        }
        let mut old = std::mem::take(self);
        let mut changes = Changes {
            started: started.names(),
            ..Changes::default()
        };
        changes.started.extend(switched.started);
        *self = started;
        self.keep(&mut old, &plan);
        changes.kept = self.names().len() - changes.started.len();
        changes.stopped = old.names();
        self.leave_processors(&old);
        changes.stopped.extend(switched.stopped);
        let retired = Retired::from(old);
        retired.leave();
        (retired, changes)
    }

    /// What a processor shares with those of other pipelines stays as long as one does.
    fn leave_processors(&self, old: &Graph) {
        for node in old.processors.values() {
            let health = &node.host.health;
            let mut others = self.processors.values();
            if !others.any(|other| other.host.health.is_same_component(health)) {
                node.host.leave();
            }
        }
    }

    /// Takes over from `old` what the plan keeps.
    fn keep(&mut self, old: &mut Graph, plan: &plan::Plan) {
        for key in &plan.kept.processors {
            let node = old.processors.remove(key);
            self.processors.extend(node.map(|node| (key.clone(), node)));
        }
        for key in &plan.kept.branches {
            let node = old.branches.remove(key);
            self.branches.extend(node.map(|node| (key.clone(), node)));
        }
        for key in &plan.kept.queues {
            let queue = old.queues.remove(key);
            self.queues.extend(queue.map(|queue| (key.clone(), queue)));
        }
        for key in &plan.kept.receivers {
            let node = old.receivers.remove(key);
            self.receivers.extend(node.map(|node| (key.clone(), node)));
        }
        let kept = &plan.kept.extensions;
        let (stay, go) = std::mem::take(&mut old.extensions)
            .into_iter()
            .partition(|(id, _)| kept.contains(id));
        old.extensions = go;
        self.extensions.extend::<Vec<_>>(stay);
        let order = |id: &ComponentId| plan.extensions.iter().position(|(other, _)| other == id);
        self.extensions.sort_by_key(|(id, _)| order(id));
    }

    /// Everything, to be stopped.
    pub(crate) fn into_retired(self) -> Retired {
        Retired::from(self)
    }

    /// Waits until a receiver ends by itself, and says which and why.
    pub(crate) async fn first_failure(&mut self) -> String {
        if self.receivers.is_empty() {
            return std::future::pending().await;
        }
        let ends = self.receivers.iter_mut().map(|(id, node)| {
            let id = id.clone();
            (&mut node.running.done).map(move |end| (id, end)).boxed()
        });
        let ((id, end), ..) = select_all(ends).await;
        self.receivers.remove(&id);
        match end {
            Ok(Ok(())) => format!("receiver \"{id}\" ended by itself"),
            Ok(Err(error)) => format!("receiver \"{id}\" failed: {error}"),
            Err(panic) => format!("receiver \"{id}\" failed: {panic}"),
        }
    }

    /// `receiver "otlp"`, ... of all components.
    fn names(&self) -> Vec<String> {
        let extensions = self.extensions.iter().map(|(id, _)| named("extension", id));
        let branches = self
            .branches
            .keys()
            .map(|(id, signal)| format!("{} ({})", named("exporter", id), signal.name()));
        let on_disk = self.queues.iter().flat_map(|((pipeline, _), queue)| {
            let ids = queue.tails.keys();
            ids.map(move |id| format!("{} ({pipeline})", named("exporter", id)))
        });
        let processors = self
            .processors
            .keys()
            .map(|(pipeline, id)| format!("{} ({pipeline})", named("processor", id)));
        let receivers = self.receivers.keys().map(|id| named("receiver", id));
        extensions
            .chain(branches)
            .chain(on_disk)
            .chain(processors)
            .chain(receivers)
            .collect()
    }
}

/// `receiver "otlp"`
fn named(kind: &str, id: &ComponentId) -> String {
    format!("{kind} \"{id}\"")
}

/// `failed to start "otlp" receiver: ...`
pub(crate) fn cannot(what: &str, id: &ComponentId, kind: &str, error: &StartError) -> String {
    format!("failed to {what} \"{id}\" {kind}: {error}")
}
