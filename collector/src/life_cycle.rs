//! From the command line to the last log line: start, run, reload, stop.

use std::sync::Arc;
use std::time::Duration;

use pipeline::Host;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::command_line::ConfigArguments;
use crate::commands::Failure;
use crate::composition;
use crate::configuration::Configuration;
use crate::graph::{Candidate, Changes, Graph, Retired};
use crate::reload::{Reporter, Source};
use crate::{memory, telemetry};

/// Runs the collector until it is told to stop or a receiver fails.
pub(crate) fn run(arguments: ConfigArguments, watched: bool) -> Result<(), Failure> {
    let mut source = Source::new(arguments, watched);
    let (configuration, problems) = source.load();
    let configuration = Arc::new(configuration?);
    let runtime =
        runtime().map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let telemetry = telemetry::start(&configuration.service.telemetry)
            .await
            .map_err(Failure::new)?;
        for warning in problems.warnings() {
            tracing::warn!("{warning}");
        }
        let result = serve(&configuration, source).await;
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

async fn serve(configuration: &Arc<Configuration>, source: Source) -> Result<(), Failure> {
    tracing::info!(
        Version = env!("CARGO_PKG_VERSION"),
        NumCPU = std::thread::available_parallelism().map_or(1, usize::from),
        "Starting pharos..."
    );
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))?;
    let mut service = Service::new();
    match service.adopt(configuration, &mut signals).await {
        Ok(_) => {}
        Err(NotAdopted::Unusable(error)) => {
            service.stop().await;
            return Err(Failure::new(error));
        }
        Err(NotAdopted::Told(name)) => {
            tracing::info!(signal = name, "Received signal from OS");
            service.stop_unless_told_again(&mut signals).await;
            return Ok(());
        }
    }
    service.host.health.set_ready(true);
    memory::unmap_code_of_the_start();
    memory::keep_freed_memory();
    tracing::info!("Everything is ready. Begin running and processing data.");
    let reporter = Reporter::new(&service.host, &configuration.service.telemetry);
    service.run(source, &reporter, &mut signals).await
}

/// The signals that mean something to the collector.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one that ends the collector.
    async fn end(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// The next one of all.
    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::End("SIGINT"),
            _ = self.terminate.recv() => Told::End("SIGTERM"),
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}

/// What a signal means.
enum Told {
    End(&'static str),
    Reload,
}

/// Why a configuration did not come into service.
enum NotAdopted {
    /// It cannot be used: one line.
    Unusable(String),
    /// This signal ended the collector meanwhile.
    Told(&'static str),
}

/// A collector at work.
struct Service {
    host: Host,
    graph: Graph,
    /// Components that are no longer wanted and deliver what they have.
    retiring: TaskTracker,
    shutdown_timeout: Duration,
}

impl Service {
    fn new() -> Service {
        Service {
            host: Host::new(memory::budget()),
            graph: Graph::default(),
            retiring: TaskTracker::new(),
            shutdown_timeout: Duration::ZERO,
        }
    }

    /// Puts a configuration into service in the place of the one before, if all
    /// of it starts. A signal that ends the collector ends this, too.
    async fn adopt(
        &mut self,
        configuration: &Arc<Configuration>,
        signals: &mut Signals,
    ) -> Result<Changes, NotAdopted> {
        let timeout = configuration.service.shutdown_timeout.get();
        let candidate = Candidate::new(configuration, &self.graph, &self.host);
        let mut candidate = candidate.map_err(NotAdopted::Unusable)?;
        let started = tokio::select! {
            started = candidate.start(&self.graph) => started.map_err(NotAdopted::Unusable),
            name = signals.end() => Err(NotAdopted::Told(name)),
        };
        // What follows is not broken off: exporters on disk are between two owners.
        let started = match started {
            Ok(()) => {
                let switched = candidate.switch(&mut self.graph).await;
                switched.map_err(NotAdopted::Unusable)
            }
            Err(why) => Err(why),
        };
        match started {
            Ok(()) => {
                let (retired, changes) = self.graph.commit(candidate);
                let composition = composition::describe(configuration);
                self.host.health.set_composition(composition);
                self.retire(retired, timeout).await;
                self.shutdown_timeout = timeout;
                Ok(changes)
            }
            Err(why) => {
                self.retire(candidate.discard(&self.graph), timeout).await;
                Err(why)
            }
        }
    }

    /// Stops components, in the background as far as nobody may follow them before.
    async fn retire(&self, mut retired: Retired, time: Duration) {
        retired.hand_back().await;
        if !retired.is_empty() {
            self.retiring.spawn(retired.stop(time));
        }
    }

    /// Runs until a signal or the failure of a receiver, then stops.
    async fn run(
        mut self,
        mut source: Source,
        reporter: &Reporter,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let failed = loop {
            let event = tokio::select! {
                told = signals.next() => Ok(told),
                () = source.changed() => {
                    tracing::info!("A file of the configuration has changed");
                    Ok(Told::Reload)
                }
                failure = self.graph.first_failure() => Err(failure),
            };
            let name = match event {
                Ok(Told::End(name)) => Some(name),
                Ok(Told::Reload) => self.reload(&mut source, reporter, signals).await,
                Err(failure) => break Err(Failure::new(failure)),
            };
            if let Some(name) = name {
                tracing::info!(signal = name, "Received signal from OS");
                break Ok(());
            }
        };
        self.stop_unless_told_again(signals).await;
        failed
    }

    /// Loads the configuration again. Returns a signal that ended it.
    async fn reload(
        &mut self,
        source: &mut Source,
        reporter: &Reporter,
        signals: &mut Signals,
    ) -> Option<&'static str> {
        tracing::info!("Reloading the configuration...");
        // Reads files on the thread that waits for signals, which serves no sockets.
        let (configuration, problems) = source.load();
        let configuration = match configuration {
            Ok(configuration) => Arc::new(configuration),
            Err(failure) => {
                reporter.failed(&failure.to_string());
                return None;
            }
        };
        reporter.remarks(&configuration, &problems);
        match self.adopt(&configuration, signals).await {
            Ok(changes) => reporter.succeeded(&changes),
            Err(NotAdopted::Unusable(why)) => reporter.failed(&why),
            Err(NotAdopted::Told(name)) => return Some(name),
        }
        None
    }

    async fn stop_unless_told_again(self, signals: &mut Signals) {
        tokio::select! {
            () = self.stop() => {}
            name = signals.end() => {
                tracing::error!(signal = name, "Received a second signal. Exiting at once; what was neither delivered nor is in a queue on disk is lost.");
                std::process::exit(1);
            }
        }
    }

    /// Stops receivers, drains the pipelines, stops exporters and extensions.
    async fn stop(self) {
        tracing::info!("Starting shutdown...");
        self.host.health.set_ready(false);
        self.retiring.close();
        let stopping = self.graph.into_retired().stop(self.shutdown_timeout);
        tokio::join!(stopping, self.retiring.wait());
        tracing::info!("Shutdown complete.");
    }
}
