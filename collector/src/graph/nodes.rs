//! The components at work, each with what it was made from.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::durable::{DurableLog, Storage};
use pipeline::tail::Tail;
use pipeline::tail::settings::BatchSettings;
use pipeline::{Consumer, Extension, Gate, Host, Outputs, Processor, Running, Transform};
use settings::ComponentId;

/// An extension at work.
pub(super) struct ExtensionNode {
    pub(super) settings: String,
    pub(super) extension: Box<dyn Extension>,
    pub(super) offers: Vec<Arc<dyn Any + Send + Sync>>,
    pub(super) host: Host,
}

/// A processor of one pipeline.
pub(super) struct ProcessorNode {
    pub(super) settings: String,
    pub(super) stage: Stage,
    /// Shared by all pipelines of one configuration.
    pub(super) host: Host,
}

/// What a processor does, shared by the pipeline before and after a reload.
#[derive(Clone)]
pub(crate) enum Stage {
    Transform(Arc<dyn Transform>),
    Gate(Arc<dyn Gate>),
    Batch(BatchSettings),
}

impl From<Processor> for Stage {
    fn from(processor: Processor) -> Stage {
        match processor {
            Processor::Transform(transform) => Stage::Transform(transform.into()),
            Processor::Gate(gate) => Stage::Gate(gate.into()),
            Processor::Batch(settings) => Stage::Batch(settings),
        }
    }
}

/// The end of pipelines: the tail of one exporter for one signal.
pub(super) struct Branch {
    pub(super) made_from: BranchSettings,
    pub(super) tail: Tail,
    pub(super) consumer: Arc<dyn Consumer>,
    pub(super) host: Host,
}

/// What a branch is made from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BranchSettings {
    /// Those of the exporter.
    pub(super) exporter: String,
    /// Those of the batch processor that moved into the queue.
    pub(super) batch: Option<BatchSettings>,
}

/// The queue on disk of one pipeline in one storage, and the exporters that read it.
pub(super) struct QueueOnDisk {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) log: Arc<DurableLog>,
    /// Stays when the exporters change.
    pub(super) branch: Arc<pipeline::durable::Branch>,
    pub(super) tails: BTreeMap<ComponentId, TailOnDisk>,
}

impl QueueOnDisk {
    /// Hands over to the tails as they are now.
    pub(super) fn resume(&self) {
        self.branch
            .resume(self.tails.values().map(|node| &node.tail));
    }
}

/// An exporter on a queue on disk.
pub(super) struct TailOnDisk {
    pub(super) made_from: BranchSettings,
    pub(super) tail: Tail,
    pub(super) host: Host,
}

/// A receiver at work.
pub(super) struct ReceiverNode {
    pub(super) settings: String,
    pub(super) outputs: Outputs,
    pub(super) running: Running,
    pub(super) host: Host,
}
