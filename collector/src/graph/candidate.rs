//! A configuration on its way into service: what is new is started beside what
//! runs, which does not notice.

use std::collections::HashMap;

use pipeline::extension::Offers;
use pipeline::tail::Tail;
use pipeline::{Host, Outlet, Outputs, Signal};
use settings::ComponentId;

use super::nodes::{Branch, ExtensionNode, ReceiverNode};
use super::plan::{self, Plan};
use super::wiring::{Heads, Pipelines, line_up};
use super::{BranchId, Graph, Retired, cannot, named};
use crate::configuration::Configuration;
use crate::signal_of;

/// The components of a configuration that do not run yet.
pub(crate) struct Candidate {
    pub(super) plan: Plan,
    pub(super) started: Graph,
    pub(super) heads: Heads,
    host: Host,
}

impl Candidate {
    /// Decides what can be kept of `running` and says to what cannot that it is
    /// leaving. Nothing is started yet.
    ///
    /// # Errors
    /// When a processor cannot be built.
    pub(crate) fn new(
        configuration: &Configuration,
        running: &Graph,
        host: &Host,
    ) -> Result<Candidate, String> {
        let (plan, processors) = plan::plan(configuration, running)?;
        let candidate = Candidate {
            plan,
            started: Graph {
                processors,
                ..Graph::default()
            },
            heads: Heads::new(),
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
    pub(crate) async fn start(
        &mut self,
        configuration: &Configuration,
        running: &Graph,
    ) -> Result<(), String> {
        self.start_extensions(configuration, running).await?;
        self.start_branches(configuration).await?;
        self.heads = self.line_up(configuration, running);
        self.start_receivers(configuration, running).await
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
        let receivers = running.receivers.iter();
        let receivers = receivers.filter(|(id, _)| !kept.receivers.contains(id));
        extensions
            .map(|(_, node)| &node.host)
            .chain(branches.map(|(_, node)| &node.host))
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
            let clock = &self.host.clock;
            let head = line_up(signal, processors.collect(), branches.collect(), clock);
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
            let running = receiver.start(host.clone()).await;
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
