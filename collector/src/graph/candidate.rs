//! A configuration on its way into service: what is new is started beside what
//! runs, which does not notice.

use std::collections::HashMap;
use std::sync::Arc;

use pipeline::extension::Offers;
use pipeline::tail::Tail;
use pipeline::{Consumer, Host, Outlet, Outputs, Signal};
use settings::ComponentId;

use super::nodes::{Branch, ExtensionNode, ReceiverNode, Stage, TailOnDisk};
use super::on_disk::{self, Exporters, Switched};
use super::plan::{self, Plan};
use super::wiring::{Heads, Pipelines, line_up};
use super::{BranchId, Graph, QueueId, Retired, cannot, named};
use crate::configuration::Configuration;
use crate::signal_of;

/// The components of a configuration that do not run yet.
pub(crate) struct Candidate {
    pub(super) plan: Plan,
    pub(super) started: Graph,
    pub(super) heads: Heads,
    pub(super) switched: Switched,
    configuration: Arc<Configuration>,
    host: Host,
}

impl Candidate {
    /// Decides what can be kept of `running` and says to what cannot that it is
    /// leaving. Nothing is started yet.
    ///
    /// # Errors
    /// When a processor cannot be built.
    pub(crate) fn new(
        configuration: &Arc<Configuration>,
        running: &Graph,
        host: &Host,
    ) -> Result<Candidate, String> {
        let (plan, processors) = plan::plan(configuration, running, host)?;
        let candidate = Candidate {
            plan,
            started: Graph {
                processors,
                configuration: Some(Arc::clone(configuration)),
                ..Graph::default()
            },
            heads: Heads::new(),
            switched: Switched::default(),
            configuration: Arc::clone(configuration),
            host: host.clone(),
        };
        candidate.say_leaving(running, true);
        Ok(candidate)
    }

    /// Starts what is new: extensions, exporters, and last of all receivers.
    /// Until the commit, a receiver that takes over from another feeds the
    /// pipelines that run. After an error, or when the future was dropped, the
    /// candidate must be discarded.
    ///
    /// # Errors
    /// One line: which component does not start, and why.
    pub(crate) async fn start(&mut self, running: &Graph) -> Result<(), String> {
        let configuration = Arc::clone(&self.configuration);
        self.start_extensions(&configuration, running).await?;
        self.start_branches(&configuration).await?;
        self.open_queues(&configuration).await?;
        for node in self.started.processors.values() {
            if let Stage::Gate(gate) = &node.stage {
                gate.open(&node.host);
            }
        }
        self.heads = self.line_up(&configuration, running);
        self.start_receivers(&configuration, running).await
    }

    /// Replaces exporters on the queues on disk that are kept: the last step
    /// before the commit, since two cannot read for one exporter at a time.
    /// Takes as long as attempts under way and the start of the new exporters.
    ///
    /// # Errors
    /// Which exporter does not start, and why; all is as it was then.
    pub(crate) async fn switch(&mut self, running: &mut Graph) -> Result<(), String> {
        let mut before = Vec::new();
        for (id, wanted) in &self.plan.queues {
            let Some(queue) = running.queues.get_mut(id) else {
                continue;
            };
            let kept = &self.plan.kept;
            if !kept.queues.contains(id) || queue.is_read_by(wanted, kept) {
                continue;
            }
            before.push((id, queue.exporters()));
            let switched = queue.switch(id, wanted, kept, &self.configuration, &self.host);
            match switched.await {
                Ok(switched) => {
                    self.switched.started.extend(switched.started);
                    self.switched.stopped.extend(switched.stopped);
                }
                Err(error) => {
                    self.switch_back(running, before).await;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn switch_back(&self, running: &mut Graph, before: Vec<(&QueueId, Exporters)>) {
        let Some(configuration) = running.configuration.clone() else {
            return;
        };
        let offers = running.extensions.iter();
        let offers = offers.map(|(id, node)| (id.to_string(), node.offers.clone()));
        let host = Host {
            offers: Offers::new(offers.collect()),
            ..self.host.clone()
        };
        for (id, exporters) in before.into_iter().rev() {
            if let Some(queue) = running.queues.get_mut(id) {
                queue
                    .switch_back(id, &exporters, &configuration, &host)
                    .await;
            }
        }
    }

    /// Gives back what was started, to be stopped; what runs goes on.
    pub(crate) fn discard(self, running: &Graph) -> Retired {
        self.say_leaving(running, false);
        let retired = Retired::from(self.started);
        retired.leave();
        retired
    }

    /// Tells the components of `running` that are not kept that others may
    /// listen where they do, or takes that back.
    fn say_leaving(&self, running: &Graph, leaving: bool) {
        let kept = &self.plan.kept;
        let extensions = running.extensions.iter();
        let extensions = extensions.filter(|(id, _)| !kept.extensions.contains(id));
        let branches = running.branches.iter();
        let branches = branches.filter(|(id, _)| !kept.branches.contains(id));
        let tails = running.queues.iter().flat_map(|(id, queue)| {
            let wanted = self.plan.queues.get(id);
            let wanted = wanted.filter(|_| kept.queues.contains(id));
            let stays = move |id: &ComponentId, node: &TailOnDisk| {
                wanted.and_then(|wanted| wanted.get(id)) == Some(&node.made_from)
            };
            queue
                .tails
                .iter()
                .filter(move |(id, node)| !stays(id, node))
        });
        let receivers = running.receivers.iter();
        let receivers = receivers.filter(|(id, _)| !kept.receivers.contains(id));
        extensions
            .map(|(_, node)| &node.host)
            .chain(branches.map(|(_, node)| &node.host))
            .chain(tails.map(|(_, node)| &node.host))
            .chain(receivers.map(|(_, node)| &node.host))
            .for_each(|host| host.listeners.set_leaving(leaving));
    }

    async fn start_extensions(
        &mut self,
        configuration: &Configuration,
        running: &Graph,
    ) -> Result<(), String> {
        let mut offers = HashMap::new();
        for (id, node) in &running.extensions {
            if self.plan.kept.extensions.contains(id) {
                offers.insert(id.to_string(), node.offers.clone());
            }
        }
        for (id, settings) in &self.plan.extensions {
            if self.plan.kept.extensions.contains(id) {
                continue;
            }
            let Some(configured) = configuration.extensions.get(id) else {
                continue;
            };
            let extension = configured
                .config
                .build(id)
                .map_err(|error| cannot("build", id, "extension", &error))?;
            let host = self.host.of(&named("extension", id));
            let started = extension.start(host.clone()).await;
            started.map_err(|error| cannot("start", id, "extension", &error))?;
            let node = ExtensionNode {
                settings: settings.clone(),
                offers: extension.offers(),
                extension,
                host,
            };
            offers.insert(id.to_string(), node.offers.clone());
            self.started.extensions.push((id.clone(), node));
        }
        self.host.offers = Offers::new(offers);
        Ok(())
    }

    async fn start_branches(&mut self, configuration: &Configuration) -> Result<(), String> {
        let wanted: Vec<BranchId> = self.plan.branches.keys().cloned().collect();
        for key in wanted {
            if !self.plan.kept.branches.contains(&key) {
                self.start_branch(configuration, key).await?;
            }
        }
        Ok(())
    }

    /// Starts the exporters of the queues on disk that nobody reads yet.
    async fn open_queues(&mut self, configuration: &Configuration) -> Result<(), String> {
        for (id, exporters) in &self.plan.queues {
            if self.plan.kept.queues.contains(id) {
                continue;
            }
            let opened = on_disk::open(id, &self.host);
            let opened = opened.map_err(|error| {
                let first = exporters.keys().next();
                first.map_or_else(
                    || error.to_string(),
                    |first| cannot("start", first, "exporter", &error),
                )
            })?;
            let opened = self.started.queues.entry(id.clone()).or_insert(opened);
            let removed = opened.set_aside_removed(exporters).await;
            removed.map_err(|error| error.to_string())?;
            for (exporter, made_from) in exporters {
                opened
                    .start(id, exporter, made_from, configuration, &self.host)
                    .await?;
            }
            opened.resume();
        }
        Ok(())
    }

    async fn start_branch(
        &mut self,
        configuration: &Configuration,
        key: BranchId,
    ) -> Result<(), String> {
        let (id, signal) = &key;
        let (Some(configured), Some(made_from)) = (
            configuration.exporters.get(id),
            self.plan.branches.get(&key),
        ) else {
            return Ok(());
        };
        let host = self.host.of(&named("exporter", id));
        let mut settings = configured.config.tail();
        settings.batch = settings.batch.or(made_from.batch.clone());
        let driver = configured.config.build(id, *signal, &host);
        let driver = driver.map_err(|error| cannot("build", id, "exporter", &error))?;
        let tail = Tail::start(&id.to_string(), *signal, driver, settings, &host).await;
        let tail = tail.map_err(|error| cannot("start", id, "exporter", &error))?;
        let branch = Branch {
            made_from: made_from.clone(),
            consumer: tail.consumer(),
            tail,
            host,
        };
        self.started.branches.insert(key, branch);
        Ok(())
    }

    /// The pipelines of the configuration, out of kept and new stages.
    fn line_up(&self, configuration: &Configuration, running: &Graph) -> Heads {
        let mut pipelines = Pipelines::default();
        for (id, pipeline) in &configuration.service.pipelines {
            let signal = signal_of(id);
            let processors = pipeline.processors.iter().filter_map(|processor| {
                let key = (id.clone(), processor.clone());
                let new = self.started.processors.get(&key);
                let node = new.or_else(|| running.processors.get(&key))?;
                Some((processor.clone(), node.stage.clone()))
            });
            let branches = pipeline.exporters.iter().filter_map(|exporter| {
                let key = (exporter.clone(), signal);
                let new = self.started.branches.get(&key);
                let branch = new.or_else(|| running.branches.get(&key))?;
                Some(branch.consumer.clone())
            });
            let queues = self.plan.queues.keys().filter_map(|key| {
                let new = self.started.queues.get(key);
                let queue = new.or_else(|| running.queues.get(key))?;
                (key.0 == *id).then(|| Arc::clone(&queue.branch) as Arc<dyn Consumer>)
            });
            let branches = branches.chain(queues).collect();
            let clock = &self.host.clock;
            let head = line_up(signal, processors.collect(), branches, clock);
            pipelines.add(&pipeline.receivers, signal, head);
        }
        pipelines.heads()
    }

    async fn start_receivers(
        &mut self,
        configuration: &Configuration,
        running: &Graph,
    ) -> Result<(), String> {
        for (id, (settings, signals)) in &self.plan.receivers {
            let Some(configured) = configuration.receivers.get(id) else {
                continue;
            };
            if self.plan.kept.receivers.contains(id) {
                continue;
            }
            let outputs = self.outputs(id, signals.iter().copied(), running);
            let receiver = configured.config.build(id, outputs.clone());
            let receiver = receiver.map_err(|error| cannot("build", id, "receiver", &error))?;
            let host = self.host.of(&named("receiver", id));
            let doors = self.plan.receivers.len();
            let running = receiver.start(host.at_door(doors)).await;
            let running = running.map_err(|error| cannot("start", id, "receiver", &error))?;
            for (what, address) in &running.addresses {
                tracing::info!(
                    otelcol.component.id = %id,
                    otelcol.component.kind = "receiver",
                    endpoint = %address,
                    "Listening: {what}"
                );
            }
            let node = ReceiverNode {
                settings: settings.clone(),
                outputs,
                running,
                host,
            };
            self.started.receivers.insert(id.clone(), node);
        }
        Ok(())
    }

    /// Outlets for a new receiver. As long as the candidate may still fail, they
    /// lead where the receiver's predecessor sends its data.
    fn outputs(
        &self,
        id: &ComponentId,
        signals: impl Iterator<Item = Signal>,
        running: &Graph,
    ) -> Outputs {
        let mut outputs = Outputs::default();
        for signal in signals {
            let before = running.receivers.get(id);
            let before = before.and_then(|node| node.outputs.get(signal));
            let head = self.heads.get(&(id.clone(), signal)).cloned();
            if let Some(target) = before.map(Outlet::target).or(head) {
                outputs.set(signal, Outlet::new(target));
            }
        }
        outputs
    }
}
