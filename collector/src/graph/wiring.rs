//! Puts pipelines together out of their stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::fan_out::FanOut;
use pipeline::telemetry::ProcessorMetrics;
use pipeline::transform::{Chain, Guarded};
use pipeline::{Clock, Consumer, Host, Signal, Transform};
use settings::{ComponentId, PipelineId};

use super::nodes::Stage;
use super::plan;
use crate::configuration::Configuration;

/// Where each receiver sends each signal.
pub(super) type Heads = BTreeMap<(ComponentId, Signal), Arc<dyn Consumer>>;

/// The pipelines that each receiver feeds, to be joined into [`Heads`].
#[derive(Default)]
pub(super) struct Pipelines(BTreeMap<(ComponentId, Signal), Vec<Arc<dyn Consumer>>>);

impl Pipelines {
    /// One more pipeline with these receivers.
    pub(super) fn add(
        &mut self,
        receivers: &[ComponentId],
        signal: Signal,
        head: Arc<dyn Consumer>,
    ) {
        for receiver in receivers {
            let heads = self.0.entry((receiver.clone(), signal)).or_default();
            heads.push(Arc::clone(&head));
        }
    }

    /// One consumer for each receiver and signal.
    pub(super) fn heads(self) -> Heads {
        let join = |(key, heads)| (key, FanOut::over(heads));
        self.0.into_iter().map(join).collect()
    }
}

/// The processors of a pipeline, in order and ready, for one that no graph keeps.
///
/// # Errors
/// Which of them cannot be built, and why.
pub(crate) fn processors(
    configuration: &Configuration,
    id: &PipelineId,
    host: &Host,
) -> Result<Vec<(ComponentId, Stage)>, String> {
    let pipeline = configuration.service.pipelines.get(id);
    let ids = pipeline.map_or(&[][..], |pipeline| &pipeline.processors);
    let mut processors = Vec::new();
    for processor in ids {
        let stage = plan::build(configuration, id, processor)?;
        if let Stage::Gate(gate) = &stage {
            gate.open(host);
        }
        processors.push((processor.clone(), stage));
    }
    Ok(processors)
}

/// Puts the processors of a pipeline before its branches. Neighbouring
/// transforms become one walk over the records.
pub(crate) fn line_up(
    signal: Signal,
    processors: Vec<(ComponentId, Stage)>,
    branches: Vec<Arc<dyn Consumer>>,
    clock: &Clock,
) -> Arc<dyn Consumer> {
    let mut head = FanOut::over(branches);
    let mut fused: Vec<(ComponentId, Arc<dyn Transform>)> = Vec::new();
    for (id, stage) in processors.into_iter().rev() {
        match stage {
            Stage::Transform(transform) => fused.insert(0, (id, transform)),
            Stage::Batch(_) => {}
            Stage::Gate(gate) => {
                head = fuse(signal, std::mem::take(&mut fused), head, clock);
                head = Arc::new(Guarded::new(gate, head));
            }
        }
    }
    fuse(signal, fused, head, clock)
}

fn fuse(
    signal: Signal,
    transforms: Vec<(ComponentId, Arc<dyn Transform>)>,
    next: Arc<dyn Consumer>,
    clock: &Clock,
) -> Arc<dyn Consumer> {
    if transforms.is_empty() {
        return next;
    }
    let names: Vec<String> = transforms.iter().map(|(id, _)| id.to_string()).collect();
    let transforms = transforms.into_iter().map(|(_, transform)| transform);
    let metrics = ProcessorMetrics::new(&names.join(","), signal);
    Arc::new(Chain::new(transforms, next, clock.clone(), metrics))
}
