//! The end of a pipeline: queue, batching, retry and timeout around one
//! exporter or sink.

pub mod capacity;
pub mod settings;

mod backoff;
pub(crate) mod batcher;
pub(crate) mod deliver;
mod entrance;
mod feed;
mod metrics;
mod on_disk;
pub(crate) mod queue;
mod replay;
pub(crate) mod status;

use std::sync::Arc;

use otlp::Signal;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::deliver::Delivery;
use self::entrance::Entrance;
use self::feed::Feed;
use self::metrics::TailMetrics;
pub use self::on_disk::Logs;
use self::on_disk::Source;
use self::queue::{Fate, Queue};
pub use self::replay::Numbered;
use self::settings::TailSettings;
use self::status::Reporter;
use crate::consumer::Consumer;
use crate::exporter::Exporter;
use crate::health::Status;
use crate::host::Host;
use crate::outcome::Refused;
use crate::receiver::StartError;
use crate::sink::{LogId, Sequence, Sink, SinkError};

/// Workers of an exporter without a queue: as many sends at once as callers
/// may reasonably wait for.
const WORKERS_WITHOUT_QUEUE: usize = 64;

/// What a tail delivers to.
pub enum Driver {
    /// Batches, one attempt at a time.
    Exporter(Arc<dyn Exporter>),
    /// All-or-nothing commits.
    Sink(Arc<dyn Sink>),
}

/// A running tail.
pub struct Tail {
    exporter: String,
    signal: Signal,
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
    hurry: CancellationToken,
    reporter: Reporter,
    driver: Driver,
    /// The queue on disk, if there is one.
    source: Option<Source>,
    /// What a store said that it has of the log, at the start.
    resumed: Option<Sequence>,
}

/// Where the batches of a tail come from.
enum Feeding {
    /// Senders; the queue is in memory.
    Senders,
    /// Logs on disk.
    Logs(Logs),
    /// Something that can be read again, with numbers that it brings.
    Replay(LogId),
}

/// What a tail did with everything it took, for the report at shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailReport {
    /// Full id of the exporter.
    pub exporter: String,
    /// The signal.
    pub signal: Signal,
    /// Items that its queue on disk held at the start.
    pub found: u64,
    /// Items that were taken.
    pub accepted: u64,
    /// Items that the destination has.
    pub sent: u64,
    /// Items that were given up, by reason.
    pub dropped: Vec<(String, u64)>,
    /// Items that were refused or given up and that the dead letter has.
    pub dead_letters: u64,
    /// Items that are in its queue on disk for the next start.
    pub stored: u64,
    /// Items among `stored` that are done with, because they are in one entry with
    /// others that are not, or behind such an entry: they are sent again.
    pub again: u64,
}

impl TailReport {
    /// Items that were taken and of which nothing is known. Anything but 0 is a defect.
    pub fn unaccounted(&self) -> i64 {
        let dropped: u64 = self.dropped.iter().map(|(_, items)| items).sum();
        let came = self.found as i64 + self.accepted as i64;
        let went = self.sent as i64 + dropped as i64 + self.dead_letters as i64;
        came - went - self.stored as i64 + self.again as i64
    }
}

impl Tail {
    /// Starts the exporter with this full id for one signal.
    ///
    /// # Errors
    /// When the destination or its settings are unusable: one line that says why.
    pub async fn start(
        exporter: &str,
        signal: Signal,
        driver: Driver,
        settings: TailSettings,
        host: &Host,
    ) -> Result<Tail, StartError> {
        let feeding = Feeding::Senders;
        Tail::start_with(exporter, signal, driver, settings, host, feeding).await
    }

    async fn start_with(
        exporter: &str,
        signal: Signal,
        driver: Driver,
        settings: TailSettings,
        host: &Host,
        feeding: Feeding,
    ) -> Result<Tail, StartError> {
        let metrics = TailMetrics::new(exporter, signal);
        let queue = Queue::new(
            format!("exporter {exporter}"),
            &settings,
            Arc::clone(&metrics),
        );
        metrics::observe(&queue, exporter, signal);
        queue::show(&queue, exporter, signal, &host.health);
        let reporter = Reporter::new(
            exporter,
            signal,
            metrics,
            host.health.clone(),
            host.clock.clone(),
            settings.dead_letter.open(exporter, signal, host)?,
        );
        reporter.status(Status::Starting);
        let mut tail = Tail {
            exporter: exporter.to_owned(),
            signal,
            queue,
            workers: Vec::new(),
            hurry: CancellationToken::new(),
            reporter,
            driver,
            source: None,
            resumed: None,
        };
        let log = match feeding {
            Feeding::Senders => LogId::in_memory(),
            Feeding::Replay(log) => log,
            Feeding::Logs(logs) => {
                let log = logs.live.id();
                tail.source = Some(Source::open(&tail, logs, &settings, host)?);
                log
            }
        };
        tail.start_workers(settings, log).await?;
        tail.reporter.status(Status::Ok);
        Ok(tail)
    }

    async fn start_workers(
        &mut self,
        settings: TailSettings,
        log: LogId,
    ) -> Result<(), StartError> {
        match &self.driver {
            Driver::Exporter(exporter) => {
                exporter.start().await.map_err(StartError::new)?;
                let count = settings
                    .queue
                    .as_ref()
                    .map_or(WORKERS_WITHOUT_QUEUE, |queue| queue.num_consumers);
                let delivery = Arc::new(Delivery {
                    exporter: Arc::clone(exporter),
                    settings,
                    reporter: self.reporter.clone(),
                    hurry: self.hurry.clone(),
                    on_disk: self.source.as_ref().map(|source| source.on_disk.clone()),
                });
                if let Some(source) = &mut self.source {
                    let pump = source.pump(Arc::clone(&self.queue));
                    self.workers.push(tokio::spawn(pump));
                }
                for _ in 0..count {
                    self.workers.push(tokio::spawn(send_jobs(
                        Arc::clone(&self.queue),
                        Arc::clone(&delivery),
                    )));
                }
            }
            Driver::Sink(sink) => {
                let resumed = self.open_sink(sink, &log).await?;
                self.resumed = resumed.flatten();
                let feed = Feed {
                    sink: Arc::clone(sink),
                    queue: Arc::clone(&self.queue),
                    retry: settings.retry.unwrap_or_default(),
                    reporter: self.reporter.clone(),
                    hurry: self.hurry.clone(),
                    next: self.resumed.map_or(1, |last| last + 1),
                    on_disk: self.source.as_ref().map(|source| source.on_disk.clone()),
                    given_up: None,
                };
                let work = match &mut self.source {
                    Some(source) => {
                        tokio::spawn(source.pump_into(feed, Arc::clone(&self.queue), resumed))
                    }
                    None => tokio::spawn(feed.run()),
                };
                self.workers.push(work);
            }
        }
        Ok(())
    }

    /// Wrong settings end the start; a store that is away does not: it is asked
    /// again before the first entry is staged. None then.
    async fn open_sink(
        &self,
        sink: &Arc<dyn Sink>,
        log: &LogId,
    ) -> Result<Option<Option<u64>>, StartError> {
        match sink.resume(log).await {
            Ok(last) => Ok(Some(last)),
            Err(SinkError::Settings { why } | SinkError::Never { why }) => {
                Err(StartError::new(&*why))
            }
            Err(SinkError::Later { why, .. }) => {
                self.reporter.failing(&why, std::time::Duration::ZERO);
                Ok(None)
            }
        }
    }

    /// Starts the exporter on a queue on disk. The pipeline hands its batches to
    /// the [`Branch`](crate::durable::Branch) of all tails on the log.
    ///
    /// # Errors
    /// As [`start`](Self::start), and when the log gives no cursor.
    pub async fn start_on_disk(
        exporter: &str,
        signal: Signal,
        driver: Driver,
        mut settings: TailSettings,
        host: &Host,
        logs: Logs,
    ) -> Result<Tail, StartError> {
        if let Some(retry) = &mut settings.retry {
            // The caps of the queue say when data are given up.
            retry.max_elapsed_time = ::settings::Duration::ZERO;
        }
        if let (Driver::Sink(_), Some(batch)) = (&driver, &mut settings.batch) {
            // A commit covers everything up to an entry, so the order must hold.
            batch.metadata_keys.clear();
        }
        let feeding = Feeding::Logs(logs);
        Tail::start_with(exporter, signal, driver, settings, host, feeding).await
    }

    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Where the pipeline hands its batches over.
    pub fn consumer(&self) -> Arc<dyn Consumer> {
        Arc::new(Entrance(Arc::clone(&self.queue)))
    }

    /// Delivers everything that was taken so far, and carries on.
    pub async fn flush(&self) {
        self.queue.flush().await;
    }

    /// Takes no more batches, delivers what it has until `deadline`, gives up
    /// the rest and reports.
    pub async fn stop(mut self, deadline: Instant) -> TailReport {
        self.reporter.status(Status::Stopping);
        match &self.source {
            // The pump closes the queue at the end of the log.
            Some(source) => source.on_disk.closing.cancel(),
            None => self.queue.close(),
        }
        let mut workers = futures::future::join_all(std::mem::take(&mut self.workers));
        if tokio::time::timeout_at(deadline, &mut workers)
            .await
            .is_err()
        {
            if let Some(source) = &self.source {
                source.on_disk.stop_reading.cancel();
            }
            self.hurry.cancel();
            self.queue.close();
            self.abandon();
            workers.await;
        }
        if let Driver::Exporter(exporter) = &self.driver {
            exporter.stop().await;
        }
        let metrics = Arc::clone(&self.reporter.metrics);
        let stored = match &self.source {
            Some(source) => {
                metrics.again(source.done_beyond());
                source.stored().await
            }
            None => 0,
        };
        metrics.report(self.exporter, self.signal, stored)
    }

    /// Stops an exporter on a queue on disk for a successor on the same queue:
    /// what waits stays there, what is being sent gets until `deadline`.
    pub async fn hand_back(self, deadline: Instant) -> TailReport {
        if let Some(source) = &self.source {
            source.on_disk.closing.cancel();
            source.on_disk.stop_reading.cancel();
            self.queue.close();
            self.abandon();
        }
        self.stop(deadline).await
    }

    /// Takes away from the workers what they have not begun.
    fn abandon(&self) {
        for job in self.queue.abandon() {
            let fate = self.abandoned(job.batch.payload.items());
            self.queue.done(job.tickets, &fate);
        }
    }

    /// What no worker came for before the deadline.
    fn abandoned(&self, items: usize) -> Fate {
        if self.source.is_some() {
            return Fate::Kept { items };
        }
        let why = "the deadline of the shutdown has passed";
        self.reporter.dropped(items, "shutdown", why);
        Fate::Settled(Err(Refused::later("shut down", None)))
    }
}

async fn send_jobs(queue: Arc<Queue>, delivery: Arc<Delivery>) {
    while let Some(job) = queue.next().await {
        let accepted_at = job.accepted_at();
        let items = job.batch.payload.items();
        let fate = delivery.send(job.batch, accepted_at).await;
        if let Fate::Kept { items: left } = fate {
            queue.metrics.again(items - left.min(items));
        }
        queue.done(job.tickets, &fate);
    }
}
