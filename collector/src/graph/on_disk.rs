//! Exporters whose queues are on disk. All exporters of a pipeline that use one
//! storage share one log, which is written once and read by each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline::durable::{Branch, DurableLog, Storage};
use pipeline::tail::{Logs, Tail};
use pipeline::{Host, StartError};
use settings::ComponentId;

use super::nodes::{BranchSettings, QueueOnDisk, TailOnDisk};
use super::plan::Kept;
use super::retire::hand_back;
use super::{QueueId, cannot, named};
use crate::configuration::Configuration;
use crate::signal_of;

/// Exporters of one queue and what they are made from.
pub(super) type Exporters = BTreeMap<ComponentId, BranchSettings>;

/// Opens the log of a pipeline's queue. No exporter reads it yet.
pub(super) fn open((pipeline, storage): &QueueId, host: &Host) -> Result<QueueOnDisk, StartError> {
    let storage: Arc<dyn Storage> = host.offers.get(&storage.to_string(), "storage")?;
    let log = storage.queue(&pipeline.to_string())?;
    Ok(QueueOnDisk {
        branch: Branch::new(Arc::clone(&log), []),
        storage,
        log,
        tails: BTreeMap::new(),
    })
}

/// Which exporters of a queue a reload replaced.
#[derive(Default)]
pub(super) struct Switched {
    pub(super) started: Vec<String>,
    pub(super) stopped: Vec<String>,
}

impl QueueOnDisk {
    /// What its exporters were made from.
    pub(super) fn exporters(&self) -> Exporters {
        let tails = self.tails.iter();
        tails
            .map(|(id, node)| (id.clone(), node.made_from.clone()))
            .collect()
    }

    /// Whether these exporters read it already, as they are.
    pub(super) fn is_read_by(&self, wanted: &Exporters, kept: &Kept) -> bool {
        self.exporters() == *wanted && self.tails.values().all(|node| kept.serves(&node.host))
    }

    /// Lets other exporters read it: stops those that leave, starts those that
    /// come, sets aside what those that do not come back have not read. Whoever
    /// sends waits meanwhile. After an error the queue is still paused.
    ///
    /// # Errors
    /// Which exporter does not start, and why.
    pub(super) async fn switch(
        &mut self,
        id: &QueueId,
        wanted: &Exporters,
        kept: &Kept,
        configuration: &Configuration,
        host: &Host,
    ) -> Result<Switched, String> {
        self.branch.pause().await;
        let stays = |id: &ComponentId, node: &TailOnDisk| {
            wanted.get(id) == Some(&node.made_from) && kept.serves(&node.host)
        };
        let leaving: Vec<_> = self
            .tails
            .extract_if(.., |id, node| !stays(id, node))
            .collect();
        let place = |exporter: &ComponentId| format!("{} ({})", named("exporter", exporter), id.0);
        let mut switched = Switched {
            stopped: leaving.iter().map(|(id, _)| place(id)).collect(),
            ..Switched::default()
        };
        hand_back(leaving.into_iter().map(|(_, node)| node)).await;
        for (exporter, made_from) in wanted {
            if !self.tails.contains_key(exporter) {
                self.start(id, exporter, made_from, configuration, host)
                    .await?;
                switched.started.push(place(exporter));
            }
        }
        let removed = self.set_aside_removed(wanted).await;
        removed.map_err(|error| error.to_string())?;
        self.resume();
        Ok(switched)
    }

    /// Takes a [switch](QueueOnDisk::switch) back: the exporters as they were.
    /// What cannot be started again is told, and its data stay on disk.
    pub(super) async fn switch_back(
        &mut self,
        id: &QueueId,
        before: &Exporters,
        configuration: &Configuration,
        host: &Host,
    ) {
        self.branch.pause().await;
        let came = |id: &ComponentId, node: &TailOnDisk| before.get(id) != Some(&node.made_from);
        let leaving: Vec<_> = self
            .tails
            .extract_if(.., |id, node| came(id, node))
            .collect();
        hand_back(leaving.into_iter().map(|(_, node)| node)).await;
        for (exporter, made_from) in before {
            if self.tails.contains_key(exporter) {
                continue;
            }
            let started = self.start(id, exporter, made_from, configuration, host);
            if let Err(error) = started.await {
                tracing::error!(
                    otelcol.component.id = %exporter,
                    otelcol.component.kind = "exporter",
                    otelcol.pipeline.id = %id.0,
                    error,
                    "The exporter could not be started again as it was. What it has not delivered is kept on disk; restart the collector."
                );
            }
        }
        self.forget_newcomers(before).await;
        self.resume();
    }

    /// An exporter that did not come into service must not hold the queue up.
    async fn forget_newcomers(&self, before: &Exporters) {
        let cursors = self.log.log().cursors();
        let known = |name: &str| before.keys().any(|id| id.to_string() == name);
        for cursor in cursors.into_iter().filter(|cursor| !known(&cursor.name)) {
            let log = Arc::clone(&self.log);
            let removed = move || log.log().remove_cursor(&cursor.name);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(removed).await {
                tracing::warn!(%error, otelcol.pipeline.id = self.log.name(), "The position of an exporter in the queue could not be removed");
            }
        }
    }

    /// Starts one exporter on the queue.
    pub(super) async fn start(
        &mut self,
        id: &QueueId,
        exporter: &ComponentId,
        made_from: &BranchSettings,
        configuration: &Configuration,
        host: &Host,
    ) -> Result<(), String> {
        let failed = |error: &StartError| cannot("start", exporter, "exporter", error);
        let Some(configured) = configuration.exporters.get(exporter) else {
            return Ok(());
        };
        let host = host.of(&named("exporter", exporter));
        // It depends on the storage like on every extension that it asks for.
        let storage: Result<Arc<dyn Storage>, _> = host.offers.get(&id.1.to_string(), "storage");
        storage.map_err(|error| failed(&error))?;
        let mut settings = configured.config.tail();
        settings.batch = settings.batch.or_else(|| made_from.batch.clone());
        let name = exporter.to_string();
        let set_aside = self.storage.set_aside(self.log.name(), &name);
        let logs = Logs {
            live: Arc::clone(&self.log),
            set_aside: set_aside.map_err(|error| failed(&error))?,
        };
        let signal = signal_of(&id.0);
        let driver = configured.config.build(exporter, signal, &host);
        let driver = driver.map_err(|error| cannot("build", exporter, "exporter", &error))?;
        let tail = Tail::start_on_disk(&name, signal, driver, settings, &host, logs).await;
        let node = TailOnDisk {
            made_from: made_from.clone(),
            tail: tail.map_err(|error| failed(&error))?,
            host,
        };
        self.tails.insert(exporter.clone(), node);
        Ok(())
    }

    /// An exporter that the pipeline no longer has keeps what was accepted for it:
    /// its part of the queue is set aside, so that it holds the others up no longer.
    pub(super) async fn set_aside_removed(&self, wanted: &Exporters) -> Result<(), StartError> {
        for cursor in self.log.log().cursors() {
            if wanted.keys().any(|id| id.to_string() == cursor.name) {
                continue;
            }
            let directory = self
                .storage
                .set_aside_directory(self.log.name(), &cursor.name);
            let (name, moving) = (cursor.name.clone(), Arc::clone(&self.log));
            let moved = tokio::task::spawn_blocking(move || set_aside(&moving, &name, directory));
            let moved = moved.await.unwrap_or_else(|error| Err(error.to_string()));
            let moved = moved.map_err(|error| {
                StartError::new(format!(
                    "the queue of exporter \"{}\", which pipeline {} no longer has, could not be set aside: {error}",
                    cursor.name,
                    self.log.name()
                ))
            })?;
            if let Some(directory) = moved {
                tracing::warn!(
                    otelcol.component.id = cursor.name,
                    otelcol.component.kind = "exporter",
                    otelcol.pipeline.id = self.log.name(),
                    directory = %directory.display(),
                    "The pipeline no longer has this exporter, which has not delivered everything. What waits is kept and delivered when the exporter returns."
                );
            }
        }
        Ok(())
    }
}

fn set_aside(log: &DurableLog, name: &str, directory: PathBuf) -> Result<Option<PathBuf>, String> {
    if let Some(parent) = directory.parent() {
        std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }
    let moved = log.log().set_aside(name, &directory);
    moved.map_err(|error| error.to_string())
}
