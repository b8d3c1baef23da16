//! What a tail has besides when its queue is on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio_util::sync::CancellationToken;

use super::Tail;
use super::backoff::Backoff;
use super::capacity::Capacity;
use super::deliver::OnDisk;
use super::feed::Feed;
use super::queue::Queue;
use super::settings::{SendingQueue, Sizer, TailSettings};
use crate::durable::{DurableLog, Ended, Pump, Tracker};
use crate::host::Host;
use crate::receiver::StartError;
use crate::sink::{LogId, Sequence, SinkError};

/// Bytes of telemetry that are with a tail at a time, read from its log.
const WINDOW: usize = 16 << 20;

/// The logs that feed a tail.
pub struct Logs {
    /// The pipeline's.
    pub live: Arc<DurableLog>,
    /// What the exporter left behind when it was removed, the oldest first, and
    /// the directories, which go away once they are delivered.
    pub set_aside: Vec<(Arc<DurableLog>, PathBuf)>,
}

/// The reading side of a queue on disk.
pub(crate) struct Source {
    pub(crate) on_disk: OnDisk,
    pub(crate) log: Arc<DurableLog>,
    /// Read in this order.
    stages: Vec<Stage>,
    /// Trackers of all stages, for the last word at a stop.
    trackers: Vec<Arc<Tracker>>,
}

struct Stage {
    pump: Pump,
    /// Removed when the log is read to its end.
    directory: Option<PathBuf>,
    /// Where the log ended when the tail was started.
    end: u64,
    /// The queue is limited by items, which only a count can tell.
    counts_items: bool,
}

impl Source {
    /// Opens the exporter's cursors and takes stock of what they have before them.
    ///
    /// # Errors
    /// One line when the log cannot give a cursor.
    pub(crate) fn open(
        tail: &Tail,
        logs: Logs,
        settings: &TailSettings,
        host: &Host,
    ) -> Result<Source, StartError> {
        let max_age = settings.queue.as_ref().map(|queue| queue.max_age.into());
        let mut source = Source {
            on_disk: OnDisk {
                closing: CancellationToken::new(),
                stop_reading: CancellationToken::new(),
                max_age: max_age.unwrap_or(Duration::ZERO),
                clock: host.clock.clone(),
            },
            log: Arc::clone(&logs.live),
            stages: Vec::new(),
            trackers: Vec::new(),
        };
        let window = Capacity::new(WINDOW);
        for (log, directory) in logs.set_aside {
            source.add(tail, log, Some(directory), &window, settings)?;
        }
        source.add(tail, logs.live, None, &window, settings)?;
        Ok(source)
    }

    fn add(
        &mut self,
        tail: &Tail,
        log: Arc<DurableLog>,
        directory: Option<PathBuf>,
        window: &Arc<Capacity>,
        settings: &TailSettings,
    ) -> Result<(), StartError> {
        let unusable = |error: &dyn std::fmt::Display| {
            StartError::new(format!(
                "the sending queue of {} on disk: {error}",
                log.name()
            ))
        };
        let cursor = log
            .cursor(&tail.exporter)
            .map_err(|error| unusable(&error))?;
        let end = log.log().status().next;
        let tracker = Tracker::new(cursor, Arc::clone(tail.queue.capacity()), end);
        tracker.hold(held(&log, &tail.exporter, settings));
        self.trackers.push(Arc::clone(&tracker));
        self.stages.push(Stage {
            pump: Pump {
                log,
                queue: Arc::clone(&tail.queue),
                tracker,
                reporter: tail.reporter.clone(),
                window: Arc::clone(window),
                on_disk: self.on_disk.clone(),
                stored: 0,
            },
            directory,
            end,
            counts_items: counts_items(settings),
        });
        Ok(())
    }

    /// Begins to read for workers that are there already.
    pub(crate) fn pump(&mut self, queue: Arc<Queue>) -> impl Future<Output = ()> + use<> {
        let stages = std::mem::take(&mut self.stages);
        let on_disk = self.on_disk.clone();
        async move {
            for stage in stages {
                stage.run(&queue, &on_disk).await;
            }
            queue.close();
        }
    }

    /// Begins to read once the store has said what it has of the log.
    pub(crate) fn pump_into(
        &mut self,
        feed: Feed,
        queue: Arc<Queue>,
        resumed: Option<Option<Sequence>>,
    ) -> impl Future<Output = ()> + use<> {
        let mut stages = std::mem::take(&mut self.stages);
        let (log, on_disk) = (Arc::clone(&self.log), self.on_disk.clone());
        async move {
            let known = match resumed {
                Some(known) => Some(known),
                None => feed.resume(&log.id(), &on_disk).await,
            };
            let feeding = tokio::spawn(feed.run());
            if let Some(stored) = known {
                let stored = stored.unwrap_or(0);
                leap(&log, stored).await;
                stages
                    .iter_mut()
                    .for_each(|stage| stage.pump.stored = stored);
                for stage in stages {
                    stage.run(&queue, &on_disk).await;
                }
            }
            queue.close();
            // it has reported whatever it could not do
            let _ = feeding.await;
        }
    }

    /// Items that stay on disk although they are done with, behind others that are not.
    pub(crate) fn done_beyond(&self) -> usize {
        let trackers = self.trackers.iter();
        trackers.map(|tracker| tracker.done_beyond()).sum()
    }

    /// Items that stay on disk, after everything was acknowledged durably.
    pub(crate) async fn stored(&self) -> u64 {
        let mut items = 0;
        for tracker in &self.trackers {
            tracker.store().await;
            let cursor = tracker.cursor().clone();
            let counted = tokio::task::spawn_blocking(move || cursor.backlog()).await;
            items += counted.ok().and_then(Result::ok).map_or(0, |b| b.items);
        }
        items
    }
}

/// What the log holds for an exporter, in units of its queue, without reading it.
fn held(log: &DurableLog, exporter: &str, settings: &TailSettings) -> usize {
    let cursors = log.log().cursors();
    let Some(cursor) = cursors.iter().find(|cursor| cursor.name == exporter) else {
        return 0;
    };
    let units = match settings.queue.as_ref().map(SendingQueue::limit) {
        Some((Sizer::Bytes, _)) => cursor.bytes,
        Some((Sizer::Items, _)) => 0,
        _ => cursor.behind,
    };
    usize::try_from(units).unwrap_or(usize::MAX)
}

fn counts_items(settings: &TailSettings) -> bool {
    let limit = settings.queue.as_ref().map(SendingQueue::limit);
    matches!(limit, Some((Sizer::Items, _)))
}

impl Stage {
    /// Takes stock before anything is read: the collector takes data meanwhile,
    /// since the headers of many small entries take their time.
    async fn count(&self) {
        let (cursor, end) = (self.pump.tracker.cursor().clone(), self.end);
        let counted = tokio::task::spawn_blocking(move || cursor.backlog_before(end)).await;
        let backlog = match counted {
            Ok(Ok(backlog)) => backlog,
            Ok(Err(error)) => return self.pump.reporter.uncounted(&error),
            Err(panic) => return self.pump.reporter.uncounted(&panic),
        };
        if backlog.entries == 0 {
            return;
        }
        self.pump.reporter.found(&backlog);
        if self.counts_items {
            let items = usize::try_from(backlog.items).unwrap_or(usize::MAX);
            self.pump.tracker.hold(items);
        }
    }

    async fn run(self, queue: &Arc<Queue>, on_disk: &OnDisk) {
        queue.stands_on(&self.pump.tracker, &on_disk.clock);
        self.count().await;
        let tracker = Arc::clone(&self.pump.tracker);
        let Some(directory) = self.directory else {
            self.pump.run(false).await;
            return;
        };
        if self.pump.run(true).await == Ended::Early {
            return;
        }
        tokio::select! {
            biased;
            () = on_disk.stop_reading.cancelled() => {}
            () = async { queue.flush().await; tracker.all_settled().await } => {
                drop(tracker);
                let removed = tokio::fs::remove_dir_all(&directory).await;
                if let Err(error) = removed {
                    tracing::warn!(directory = %directory.display(), %error, "A queue that was delivered could not be removed.");
                }
            }
        }
    }
}

/// A store that is ahead of its log (which was restored from an older copy) must
/// never make new entries look stored: they get numbers behind its own.
async fn leap(log: &Arc<DurableLog>, stored: Sequence) {
    if stored < log.log().status().next {
        return;
    }
    let log = Arc::clone(log);
    let jump = move || log.log().jump_to(stored + 1);
    match tokio::task::spawn_blocking(jump).await {
        Ok(Ok(())) => {}
        failed => tracing::error!(
            ?failed,
            "The queue on disk could not continue behind its store."
        ),
    }
}

impl Feed {
    /// Asks the store what it has of the log until it answers; none when the tail stops.
    pub(crate) async fn resume(&self, log: &LogId, on_disk: &OnDisk) -> Option<Option<Sequence>> {
        let mut backoff = Backoff::new(&self.retry);
        loop {
            let error = tokio::select! {
                answer = self.sink.resume(log) => match answer {
                    Ok(stored) => return Some(stored),
                    Err(error) => error,
                },
                () = on_disk.closing.cancelled() => return None,
            };
            let (after, why) = match &error {
                SinkError::Later { after, why } => (*after, why),
                SinkError::Settings { why } | SinkError::Never { why } => (None, why),
            };
            let wait = backoff.next(after, rand::rng().random::<f64>(), Duration::ZERO);
            let wait = wait.unwrap_or_else(|| self.retry.max_interval.into());
            match error {
                SinkError::Later { .. } => self.reporter.failing(why, wait),
                _ => self.reporter.stuck(why),
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = on_disk.closing.cancelled() => return None,
            }
        }
    }
}
