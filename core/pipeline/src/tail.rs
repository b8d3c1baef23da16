//! The end of a pipeline: queue, batching, retry and timeout around one
//! exporter or sink.

pub mod capacity;
pub mod settings;

mod backoff;
mod batcher;
mod deliver;
mod feed;
mod metrics;
mod queue;
mod status;

use std::sync::Arc;

use otlp::Signal;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::deliver::Delivery;
use self::feed::Feed;
use self::metrics::TailMetrics;
use self::queue::{Entrance, Queue};
use self::settings::TailSettings;
use self::status::Reporter;
use crate::consumer::Consumer;
use crate::exporter::Exporter;
use crate::health::Status;
use crate::host::Host;
use crate::receiver::StartError;
use crate::sink::{LogId, Sink, SinkError};

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
}

/// What a tail did with everything it took, for the report at shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailReport {
    /// Full id of the exporter.
    pub exporter: String,
    /// The signal.
    pub signal: Signal,
    /// Items that were taken.
    pub accepted: u64,
    /// Items that the destination has.
    pub sent: u64,
    /// Items that were given up, by reason.
    pub dropped: Vec<(String, u64)>,
}

impl TailReport {
    /// Items that were taken and of which nothing is known. Anything but 0 is a defect.
    pub fn unaccounted(&self) -> i64 {
        let dropped: u64 = self.dropped.iter().map(|(_, items)| items).sum();
        self.accepted as i64 - self.sent as i64 - dropped as i64
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
        };
        tail.start_workers(settings).await?;
        tail.reporter.status(Status::Ok);
        Ok(tail)
    }

    async fn start_workers(&mut self, settings: TailSettings) -> Result<(), StartError> {
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
                });
                for _ in 0..count {
                    self.workers.push(tokio::spawn(send_jobs(
                        Arc::clone(&self.queue),
                        Arc::clone(&delivery),
                    )));
                }
            }
            Driver::Sink(sink) => {
                let log = LogId(format!("memory-{}", uuid::Uuid::now_v7()).into());
                let last = self.open_sink(sink, &log).await?;
                let feed = Feed {
                    sink: Arc::clone(sink),
                    queue: Arc::clone(&self.queue),
                    retry: settings.retry.unwrap_or_default(),
                    reporter: self.reporter.clone(),
                    hurry: self.hurry.clone(),
                    next: last.map_or(1, |last| last + 1),
                };
                self.workers.push(tokio::spawn(feed.run()));
            }
        }
        Ok(())
    }

    /// Wrong settings end the start; a store that is away does not: it is
    /// opened again when the first entry is staged.
    async fn open_sink(
        &self,
        sink: &Arc<dyn Sink>,
        log: &LogId,
    ) -> Result<Option<u64>, StartError> {
        match sink.resume(log).await {
            Ok(last) => Ok(last),
            Err(SinkError::Settings { why } | SinkError::Never { why }) => {
                Err(StartError::new(&*why))
            }
            Err(SinkError::Later { why, .. }) => {
                self.reporter.failing(&why, std::time::Duration::ZERO);
                Ok(None)
            }
        }
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
    pub async fn stop(self, deadline: Instant) -> TailReport {
        self.reporter.status(Status::Stopping);
        self.queue.close();
        let mut workers = futures::future::join_all(self.workers);
        if tokio::time::timeout_at(deadline, &mut workers)
            .await
            .is_err()
        {
            self.hurry.cancel();
            for job in self.queue.abandon() {
                self.reporter.dropped(
                    job.batch.payload.items(),
                    "shutdown",
                    "the deadline of the shutdown has passed",
                );
                self.queue.done(
                    job.tickets,
                    &Err(crate::outcome::Refused::later("shut down", None)),
                );
            }
            workers.await;
        }
        if let Driver::Exporter(exporter) = &self.driver {
            exporter.stop().await;
        }
        let (accepted, sent, dropped) = self.reporter.metrics.totals();
        TailReport {
            exporter: self.exporter,
            signal: self.signal,
            accepted,
            sent,
            dropped,
        }
    }
}

async fn send_jobs(queue: Arc<Queue>, delivery: Arc<Delivery>) {
    while let Some(job) = queue.next().await {
        let outcome = delivery.send(job.batch).await;
        queue.done(job.tickets, &outcome);
    }
}
