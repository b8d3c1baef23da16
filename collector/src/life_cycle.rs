//! From the command line to the last log line: start, run, stop.

use std::collections::HashMap;
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use pipeline::extension::Offers;
use pipeline::tail::{Tail, TailReport};
use pipeline::{Extension, Host, Running};
use settings::ComponentId;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::command_line::ConfigArguments;
use crate::commands::{self, Failure};
use crate::configuration::Configuration;
use crate::graph::{Graph, cannot};
use crate::{memory, telemetry};

/// Runs the collector until it is told to stop or a receiver fails.
pub(crate) fn run(arguments: &ConfigArguments) -> Result<(), Failure> {
    let (configuration, problems) = commands::load(arguments);
    let configuration = configuration?;
    let runtime =
        runtime().map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let telemetry = telemetry::start(&configuration.service.telemetry)
            .await
            .map_err(Failure::new)?;
        for warning in problems.warnings() {
            tracing::warn!("{warning}");
        }
        let result = serve(&configuration).await;
        telemetry.stop().await;
        result
    })
}

/// One worker a core, or as many as the quota of the cgroup leaves. With one, this thread is the worker: tasks need no
/// locks and no wake-ups to get from one thread to another.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match std::thread::available_parallelism() {
        Ok(cores) if cores.get() == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().thread_name("pharos-io").build()
}

async fn serve(configuration: &Configuration) -> Result<(), Failure> {
    tracing::info!(
        Version = env!("CARGO_PKG_VERSION"),
        NumCPU = std::thread::available_parallelism().map_or(1, usize::from),
        "Starting pharos..."
    );
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))?;
    let service = Service::start(configuration).await.map_err(Failure::new)?;
    tracing::info!("Everything is ready. Begin running and processing data.");
    service.run(&mut signals).await
}

/// The signals that end the collector.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// A collector at work.
struct Service {
    host: Host,
    extensions: Vec<(ComponentId, Box<dyn Extension>)>,
    tails: Vec<Tail>,
    receivers: Vec<(ComponentId, Running)>,
    deadline: Duration,
}

impl Service {
    /// Starts extensions, exporters, processors and, last of all, receivers.
    async fn start(configuration: &Configuration) -> Result<Service, String> {
        let mut service = Service {
            host: Host::new(memory::budget()),
            extensions: Vec::new(),
            tails: Vec::new(),
            receivers: Vec::new(),
            deadline: configuration.service.shutdown_timeout.get(),
        };
        match service.start_all(configuration).await {
            Ok(()) => Ok(service),
            Err(error) => {
                service.stop().await;
                Err(error)
            }
        }
    }

    async fn start_all(&mut self, configuration: &Configuration) -> Result<(), String> {
        self.start_extensions(configuration).await?;
        let graph = match Graph::build(configuration, &self.host).await {
            Ok(graph) => graph,
            Err(incomplete) => {
                self.tails = incomplete.tails;
                return Err(incomplete.error);
            }
        };
        self.tails = graph.tails;
        for (id, receiver) in graph.receivers {
            let running = receiver.start(self.host.clone()).await;
            let running = running.map_err(|error| cannot("start", &id, "receiver", &error))?;
            for (what, address) in &running.addresses {
                tracing::info!(
                    otelcol.component.id = %id,
                    otelcol.component.kind = "receiver",
                    endpoint = %address,
                    "Listening: {what}"
                );
            }
            self.receivers.push((id, running));
        }
        self.host.health.set_ready(true);
        Ok(())
    }

    async fn start_extensions(&mut self, configuration: &Configuration) -> Result<(), String> {
        let mut offers = HashMap::new();
        for id in &configuration.service.extensions {
            let Some(configured) = configuration.extensions.get(id) else {
                continue;
            };
            let extension = configured
                .config
                .build(id)
                .map_err(|error| cannot("build", id, "extension", &error))?;
            offers.insert(id.to_string(), extension.offers());
            let started = extension.start(self.host.clone()).await;
            started.map_err(|error| cannot("start", id, "extension", &error))?;
            self.extensions.push((id.clone(), extension));
        }
        self.host.offers = Offers::new(offers);
        Ok(())
    }

    /// Waits for a signal or the failure of a receiver, then stops.
    async fn run(mut self, signals: &mut Signals) -> Result<(), Failure> {
        let failed = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "Received signal from OS");
                None
            }
            failure = self.first_failure() => Some(failure),
        };
        tokio::select! {
            () = self.stop() => {}
            name = signals.next() => {
                tracing::error!(signal = name, "Received a second signal. Exiting at once; what was not delivered is lost.");
                std::process::exit(1);
            }
        }
        match failed {
            None => Ok(()),
            Some(failure) => Err(Failure::new(failure)),
        }
    }

    async fn first_failure(&mut self) -> String {
        if self.receivers.is_empty() {
            return std::future::pending().await;
        }
        let ends = self.receivers.iter_mut().map(|(id, running)| {
            let id = id.clone();
            (&mut running.done).map(move |end| (id, end)).boxed()
        });
        let ((id, end), index, _) = select_all(ends).await;
        self.receivers.remove(index);
        match end {
            Ok(Ok(())) => format!("receiver \"{id}\" ended by itself"),
            Ok(Err(error)) => format!("receiver \"{id}\" failed: {error}"),
            Err(panic) => format!("receiver \"{id}\" failed: {panic}"),
        }
    }

    /// Stops receivers, drains the pipelines, stops exporters and extensions.
    async fn stop(&mut self) {
        tracing::info!("Starting shutdown...");
        let deadline = Instant::now() + self.deadline;
        self.host.health.set_ready(false);
        for (_, running) in &self.receivers {
            running.stop.cancel();
        }
        for (id, running) in self.receivers.drain(..) {
            // Half of the time is for the clients, the rest for what they sent.
            let half = deadline - self.deadline / 2;
            match tokio::time::timeout_at(half, running.done).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => {
                    tracing::error!(otelcol.component.id = %id, error, "Receiver failed while stopping")
                }
                Ok(Err(panic)) => {
                    tracing::error!(otelcol.component.id = %id, error = %panic, "Receiver failed while stopping")
                }
                Err(_) => {
                    tracing::warn!(otelcol.component.id = %id, "Clients are still being answered; going on without them")
                }
            }
        }
        let stopping = self.tails.drain(..).map(|tail| tail.stop(deadline));
        for report in futures::future::join_all(stopping).await {
            tell(&report);
        }
        for (_, extension) in self.extensions.drain(..).rev() {
            extension.stop().await;
        }
        tracing::info!("Shutdown complete.");
    }
}

/// What an exporter did with all it got. Anything unaccounted is a defect.
fn tell(report: &TailReport) {
    let dropped: u64 = report.dropped.iter().map(|(_, items)| items).sum();
    tracing::info!(
        otelcol.component.id = report.exporter,
        otelcol.component.kind = "exporter",
        otelcol.signal = report.signal.name(),
        accepted = report.accepted,
        sent = report.sent,
        dropped,
        unaccounted = report.unaccounted(),
        "Exporter stopped"
    );
    for (reason, items) in &report.dropped {
        tracing::warn!(
            otelcol.component.id = report.exporter,
            otelcol.component.kind = "exporter",
            otelcol.signal = report.signal.name(),
            reason,
            dropped_items = items,
            "Data were given up since the start"
        );
    }
}
