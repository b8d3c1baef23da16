//! Builds the pipelines of a configuration, from the exporters back to the receivers.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::fan_out::FanOut;
use pipeline::tail::Tail;
use pipeline::tail::settings::BatchSettings;
use pipeline::telemetry::ProcessorMetrics;
use pipeline::transform::{Chain, Guarded};
use pipeline::{Consumer, Host, Outlet, Outputs, Processor, Receiver, Signal, StartError};
use settings::{ComponentId, PipelineId};

use crate::configuration::{Configuration, Pipeline};
use crate::signal_of;

/// The pipelines, ready to be fed. Receivers are built but not started.
pub(crate) struct Graph {
    pub(crate) tails: Vec<Tail>,
    pub(crate) receivers: Receivers,
}

/// Why the graph could not be built, and what was started before that.
pub(crate) struct Incomplete {
    pub(crate) tails: Vec<Tail>,
    pub(crate) error: String,
}

/// Receivers by id, not started.
type Receivers = Vec<(ComponentId, Box<dyn Receiver>)>;

type Exporters = BTreeMap<(ComponentId, Signal), Arc<dyn Consumer>>;

impl Graph {
    /// Starts the exporters and builds what stands before them.
    pub(crate) async fn build(
        configuration: &Configuration,
        host: &Host,
    ) -> Result<Graph, Incomplete> {
        let mut tails = Vec::new();
        match Graph::build_onto(configuration, host, &mut tails).await {
            Ok(receivers) => Ok(Graph { tails, receivers }),
            Err(error) => Err(Incomplete { tails, error }),
        }
    }

    async fn build_onto(
        configuration: &Configuration,
        host: &Host,
        tails: &mut Vec<Tail>,
    ) -> Result<Receivers, String> {
        let mut pipelines = Vec::new();
        for (id, pipeline) in &configuration.service.pipelines {
            pipelines.push((id, pipeline, processors(configuration, id, pipeline)?));
        }
        let exporters = start_exporters(configuration, &pipelines, host, tails).await?;
        let mut on_disk = BTreeMap::new();
        for (id, pipeline, processors) in &pipelines {
            let batch = batching(processors);
            let branches =
                crate::on_disk::start(configuration, (id, pipeline), batch, host, tails).await?;
            on_disk.insert((*id).clone(), branches);
        }
        let mut heads: BTreeMap<(ComponentId, Signal), Vec<Arc<dyn Consumer>>> = BTreeMap::new();
        for (id, pipeline, processors) in pipelines {
            let signal = signal_of(id);
            let branches = pipeline
                .exporters
                .iter()
                .filter_map(|exporter| exporters.get(&(exporter.clone(), signal)).cloned());
            let branches = branches
                .chain(on_disk.remove(id).into_iter().flatten())
                .collect();
            let head = line_up(signal, processors, FanOut::over(branches), host);
            for receiver in &pipeline.receivers {
                heads
                    .entry((receiver.clone(), signal))
                    .or_default()
                    .push(Arc::clone(&head));
            }
        }
        build_receivers(configuration, heads)
    }
}

/// A processor and its id.
pub(crate) type Named = (ComponentId, Processor);

pub(crate) fn processors(
    configuration: &Configuration,
    id: &PipelineId,
    pipeline: &Pipeline,
) -> Result<Vec<Named>, String> {
    let mut processors = Vec::new();
    for processor in &pipeline.processors {
        let Some(configured) = configuration.processors.get(processor) else {
            continue;
        };
        let built = configured.config.build(processor, signal_of(id));
        processors.push((
            processor.clone(),
            built.map_err(|error| cannot("build", processor, "processor", &error))?,
        ));
    }
    Ok(processors)
}

/// The batching that the processors of a pipeline ask for.
fn batching(processors: &[Named]) -> Option<&BatchSettings> {
    let last = processors.iter().rev();
    last.filter_map(|(_, processor)| match processor {
        Processor::Batch(settings) => Some(settings),
        _ => None,
    })
    .next()
}

/// Whether the exporter's queue is on disk: there is one a pipeline then.
fn is_on_disk(configuration: &Configuration, exporter: &ComponentId) -> bool {
    let configured = configuration.exporters.get(exporter);
    configured.is_some_and(|configured| configured.config.tail().storage().is_some())
}

/// Starts one tail for each exporter and signal. The batching of a pipeline
/// happens in the queues of its exporters, where it costs no client time.
async fn start_exporters(
    configuration: &Configuration,
    pipelines: &[(&PipelineId, &Pipeline, Vec<Named>)],
    host: &Host,
    tails: &mut Vec<Tail>,
) -> Result<Exporters, String> {
    let mut wanted: BTreeMap<(ComponentId, Signal), Option<BatchSettings>> = BTreeMap::new();
    for (id, pipeline, processors) in pipelines {
        let batch = batching(processors).cloned();
        for exporter in &pipeline.exporters {
            if is_on_disk(configuration, exporter) {
                continue;
            }
            let key = (exporter.clone(), signal_of(id));
            match wanted.get(&key) {
                Some(known) if *known != batch => tracing::warn!(
                    otelcol.component.id = %exporter,
                    otelcol.component.kind = "exporter",
                    "Pipelines with different batch processors share this exporter; the settings of the first one count."
                ),
                Some(_) => {}
                None => drop(wanted.insert(key, batch.clone())),
            }
        }
    }
    let mut exporters = Exporters::new();
    for ((id, signal), batch) in wanted {
        let Some(configured) = configuration.exporters.get(&id) else {
            continue;
        };
        let mut settings = configured.config.tail();
        settings.batch = settings.batch.or(batch);
        let driver = configured.config.build(&id, signal, host);
        let driver = driver.map_err(|error| cannot("build", &id, "exporter", &error))?;
        let tail = Tail::start(&id.to_string(), signal, driver, settings, host).await;
        let tail = tail.map_err(|error| cannot("start", &id, "exporter", &error))?;
        exporters.insert((id, signal), tail.consumer());
        tails.push(tail);
    }
    Ok(exporters)
}

/// Puts the processors of a pipeline before `next`. Neighbouring transforms
/// become one walk over the records.
pub(crate) fn line_up(
    signal: Signal,
    processors: Vec<Named>,
    next: Arc<dyn Consumer>,
    host: &Host,
) -> Arc<dyn Consumer> {
    let mut head = next;
    let mut fused: Vec<(ComponentId, Box<dyn pipeline::Transform>)> = Vec::new();
    for (id, processor) in processors.into_iter().rev() {
        match processor {
            Processor::Transform(transform) => fused.insert(0, (id, transform)),
            Processor::Batch(_) => {}
            Processor::Gate(gate) => {
                gate.open(host);
                head = fuse(signal, std::mem::take(&mut fused), head, host);
                head = Arc::new(Guarded::new(gate, head));
            }
        }
    }
    fuse(signal, fused, head, host)
}

fn fuse(
    signal: Signal,
    transforms: Vec<(ComponentId, Box<dyn pipeline::Transform>)>,
    next: Arc<dyn Consumer>,
    host: &Host,
) -> Arc<dyn Consumer> {
    if transforms.is_empty() {
        return next;
    }
    let names: Vec<String> = transforms.iter().map(|(id, _)| id.to_string()).collect();
    let transforms = transforms
        .into_iter()
        .map(|(_, transform)| transform)
        .collect();
    let metrics = ProcessorMetrics::new(&names.join(","), signal);
    Arc::new(Chain::new(transforms, next, host.clock.clone(), metrics))
}

fn build_receivers(
    configuration: &Configuration,
    heads: BTreeMap<(ComponentId, Signal), Vec<Arc<dyn Consumer>>>,
) -> Result<Receivers, String> {
    let mut outputs: BTreeMap<ComponentId, Outputs> = BTreeMap::new();
    for ((id, signal), branches) in heads {
        outputs
            .entry(id)
            .or_default()
            .set(signal, Outlet::new(FanOut::over(branches)));
    }
    let mut receivers = Vec::new();
    for (id, outputs) in outputs {
        let Some(configured) = configuration.receivers.get(&id) else {
            continue;
        };
        let receiver = configured.config.build(&id, outputs);
        receivers.push((
            id.clone(),
            receiver.map_err(|error| cannot("build", &id, "receiver", &error))?,
        ));
    }
    Ok(receivers)
}

/// `failed to start "otlp" receiver: ...`
pub(crate) fn cannot(what: &str, id: &ComponentId, kind: &str, error: &StartError) -> String {
    format!("failed to {what} \"{id}\" {kind}: {error}")
}
