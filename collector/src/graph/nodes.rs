//! The components at work, each with what it was made from.

use std::any::Any;
use std::sync::Arc;

use pipeline::tail::Tail;
use pipeline::tail::settings::BatchSettings;
use pipeline::{Consumer, Extension, Gate, Host, Outputs, Processor, Running, Transform};

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
}

/// What a processor does, shared by the pipeline before and after a reload.
#[derive(Clone)]
pub(super) enum Stage {
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

/// A receiver at work.
pub(super) struct ReceiverNode {
    pub(super) settings: String,
    pub(super) outputs: Outputs,
    pub(super) running: Running,
    pub(super) host: Host,
}
