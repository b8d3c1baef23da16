//! The exporters of a pipeline whose queues are on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline::durable::{Branch, DurableLog, Storage};
use pipeline::tail::settings::{BatchSettings, TailSettings};
use pipeline::tail::{Logs, Tail};
use pipeline::{Consumer, Host, StartError};
use settings::{ComponentId, PipelineId};

use crate::configuration::{Configuration, Pipeline};
use crate::graph::cannot;
use crate::signal_of;

/// The storage extension with this id.
pub(crate) fn storage(host: &Host, id: &str) -> Result<Arc<dyn Storage>, StartError> {
    host.offers.get(id, "storage")
}

/// Exporters of a pipeline by the storage extension that keeps their queue.
type ByStorage = BTreeMap<String, Vec<(ComponentId, TailSettings)>>;

/// Starts the exporters of a pipeline that have their queue on disk. All that use
/// one storage share one log, which is written once.
///
/// # Errors
/// Which exporter could not be started, and why.
pub(crate) async fn start(
    configuration: &Configuration,
    (id, pipeline): (&PipelineId, &Pipeline),
    batch: Option<&BatchSettings>,
    host: &Host,
    tails: &mut Vec<Tail>,
) -> Result<Vec<Arc<dyn Consumer>>, String> {
    let mut by_storage = ByStorage::new();
    for exporter in &pipeline.exporters {
        let Some(configured) = configuration.exporters.get(exporter) else {
            continue;
        };
        let mut settings = configured.config.tail();
        settings.batch = settings.batch.or_else(|| batch.cloned());
        if let Some(storage) = settings.storage() {
            let exporters = by_storage.entry(storage.to_owned()).or_default();
            exporters.push((exporter.clone(), settings));
        }
    }
    let mut branches = Vec::new();
    for (storage_id, exporters) in by_storage {
        let first = &exporters[0].0;
        let failed = |error: StartError| cannot("start", first, "exporter", &error);
        let storage = storage(host, &storage_id).map_err(failed)?;
        let name = id.to_string();
        let log = storage.queue(&name).map_err(failed)?;
        set_aside_removed(&*storage, &log, &exporters)
            .await
            .map_err(failed)?;
        let begun = tails.len();
        for (exporter, settings) in exporters {
            let logs = Logs {
                live: Arc::clone(&log),
                set_aside: storage
                    .set_aside(&name, &exporter.to_string())
                    .map_err(|error| cannot("start", &exporter, "exporter", &error))?,
            };
            let tail = start_one(configuration, id, &exporter, settings, host, logs).await;
            tails.push(tail.map_err(|(what, error)| cannot(what, &exporter, "exporter", &error))?);
        }
        branches.push(Branch::new(log, &tails[begun..]));
    }
    Ok(branches)
}

async fn start_one(
    configuration: &Configuration,
    id: &PipelineId,
    exporter: &ComponentId,
    settings: TailSettings,
    host: &Host,
    logs: Logs,
) -> Result<Tail, (&'static str, StartError)> {
    let signal = signal_of(id);
    let configured = configuration.exporters.get(exporter);
    let unknown = || ("build", StartError::new("it is not configured"));
    let configured = configured.ok_or_else(unknown)?;
    let driver = configured.config.build(exporter, signal, host);
    let driver = driver.map_err(|error| ("build", error))?;
    let exporter = exporter.to_string();
    let tail = Tail::start_on_disk(&exporter, signal, driver, settings, host, logs).await;
    tail.map_err(|error| ("start", error))
}

/// An exporter that the pipeline no longer has keeps what was accepted for it:
/// its part of the queue is set aside, so that it holds the others up no longer.
async fn set_aside_removed(
    storage: &dyn Storage,
    log: &Arc<DurableLog>,
    exporters: &[(ComponentId, TailSettings)],
) -> Result<(), StartError> {
    for cursor in log.log().cursors() {
        let is_configured = |(id, _): &(ComponentId, _)| id.to_string() == cursor.name;
        if exporters.iter().any(is_configured) {
            continue;
        }
        let directory = storage.set_aside_directory(log.name(), &cursor.name);
        let (name, moving) = (cursor.name.clone(), Arc::clone(log));
        let moved = tokio::task::spawn_blocking(move || -> Result<Option<PathBuf>, String> {
            if let Some(parent) = directory.parent() {
                std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
            }
            let moved = moving.log().set_aside(&name, &directory);
            moved.map_err(|error| error.to_string())
        });
        let moved = moved.await.unwrap_or_else(|error| Err(error.to_string()));
        let moved = moved.map_err(|error| {
            StartError::new(format!(
                "the queue of exporter \"{}\", which pipeline {} no longer has, could not be set aside: {error}",
                cursor.name,
                log.name()
            ))
        })?;
        if let Some(directory) = moved {
            tracing::warn!(
                otelcol.component.id = cursor.name,
                otelcol.component.kind = "exporter",
                otelcol.pipeline.id = log.name(),
                directory = %directory.display(),
                "The pipeline no longer has this exporter, which has not delivered everything. What waits is kept and delivered when the exporter returns."
            );
        }
    }
    Ok(())
}
