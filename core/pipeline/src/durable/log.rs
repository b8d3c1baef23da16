//! The log of one pipeline's queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use wal::{Append, AppendError, Cursor, CursorError, Disk, OpenError, Options, Position, Start};

use super::entry;
use super::events::Watch;
use super::recent::Recent;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::outcome::Refused;
use crate::sink::LogId;

/// What a sender is told to wait while the disk does not take entries.
const WHEN_DISK_FAILS: Duration = Duration::from_secs(5);
/// How long nothing is read from senders after the disk refused an entry.
const REFUSING: Duration = Duration::from_secs(1);

/// An open log of telemetry, shared by the exporters of a pipeline. Closes when
/// the last of them lets it go.
pub struct DurableLog {
    name: Arc<str>,
    log: wal::Log,
    recent: Arc<Recent>,
    clock: Clock,
    refusing: Arc<Refusing>,
    /// Entries before this one were there when the log was opened.
    opened_at: u64,
    /// The highest entry that each exporter was handed since then.
    handed: Mutex<HashMap<Box<str>, Arc<AtomicU64>>>,
}

impl DurableLog {
    /// Opens the log in the directory of `disk`, or begins one. `name` is the
    /// pipeline's, for log lines and metrics.
    ///
    /// # Errors
    /// Another process has it, a newer program wrote it, the disk fails.
    pub fn open(
        disk: Arc<dyn Disk>,
        name: &str,
        clock: Clock,
    ) -> Result<Arc<DurableLog>, OpenError> {
        DurableLog::open_with(disk, name, clock, Options::default())
    }

    /// As [`open`](Self::open), with files of another size.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        disk: Arc<dyn Disk>,
        name: &str,
        clock: Clock,
        options: Options,
    ) -> Result<Arc<DurableLog>, OpenError> {
        let name: Arc<str> = name.into();
        let options = Options {
            // `Recent` keeps what readers need, already validated
            cache_bytes: 0,
            ..options
        };
        let log = wal::Log::open(disk, options, Arc::new(Watch::new(&name)))?;
        let next = log.status().next;
        Ok(Arc::new(DurableLog {
            name,
            recent: Arc::new(Recent::new(next)),
            clock,
            refusing: Arc::default(),
            opened_at: next,
            handed: Mutex::default(),
            log,
        }))
    }

    /// Name of the pipeline.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The log's identity, which stays with its files.
    pub fn id(&self) -> LogId {
        LogId(self.log.id().to_string().into())
    }

    /// The log itself, for those who inspect it.
    pub fn log(&self) -> &wal::Log {
        &self.log
    }

    /// Entries before this one were there when the log was opened.
    pub(crate) fn opened_at(&self) -> u64 {
        self.opened_at
    }

    /// The highest entry that was handed to this exporter since the log was opened. What its store
    /// has beyond it came from another copy of the log.
    pub(crate) fn handed(&self, exporter: &str) -> Arc<AtomicU64> {
        let mut handed = self.handed.lock();
        Arc::clone(handed.entry(exporter.into()).or_default())
    }

    pub(crate) fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The cursor of an exporter. A new exporter begins with what comes from now on.
    pub(crate) fn cursor(&self, exporter: &str) -> Result<Cursor, CursorError> {
        self.log.cursor(exporter, Start::Newest)
    }

    /// Refuses for a moment after the disk refused, so that nobody sends bodies in vain.
    pub(crate) fn admits(&self) -> Result<(), Refused> {
        self.refusing.check()
    }

    /// Hands a batch to the writer. `done` is called once, on the writer's
    /// thread: with the position when the entry is on stable storage.
    pub(crate) fn append(
        &self,
        batch: Batch,
        done: impl FnOnce(Result<Position, Refused>) + Send + 'static,
    ) {
        let (tag, payload) = entry::encode(&batch);
        let append = Append {
            time: self.clock.unix_nano() / 1_000_000,
            tag,
            items: u32::try_from(batch.payload.items()).unwrap_or(u32::MAX),
            payload,
        };
        // Not the log itself: its last owner must not be its own writer.
        let (recent, refusing) = (Arc::clone(&self.recent), Arc::clone(&self.refusing));
        let name = Arc::clone(&self.name);
        self.log.append(append, move |answer| match answer {
            Ok(position) => {
                refusing.clear();
                recent.push(position, batch);
                done(Ok(position));
            }
            Err(error) => done(Err(refusing.refused(&name, &error))),
        });
    }
}

impl std::fmt::Debug for DurableLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DurableLog")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The last refusal of the disk.
#[derive(Default)]
struct Refusing(Mutex<Option<(Instant, Arc<str>)>>);

impl Refusing {
    fn check(&self) -> Result<(), Refused> {
        match &*self.0.lock() {
            Some((since, why)) if since.elapsed() < REFUSING => {
                Err(Refused::later(Arc::clone(why), Some(WHEN_DISK_FAILS)))
            }
            _ => Ok(()),
        }
    }

    fn clear(&self) {
        let mut last = self.0.lock();
        if last.is_some() {
            *last = None;
        }
    }

    fn refused(&self, name: &str, error: &AppendError) -> Refused {
        let why: Arc<str> = format!("the sending queue of {name} on disk: {error}").into();
        match error {
            AppendError::TooLarge { .. } => Refused::never(why),
            AppendError::Closed => Refused::later(why, Some(REFUSING)),
            AppendError::Full { .. } | AppendError::DiskFull(_) | AppendError::Failed(_) => {
                let mut last = self.0.lock();
                if last.is_none() {
                    tracing::error!(
                        queue = name,
                        error = &*why,
                        "Sending queue on disk takes no data. Senders are asked to come back."
                    );
                }
                *last = Some((Instant::now(), Arc::clone(&why)));
                Refused::later(why, Some(WHEN_DISK_FAILS))
            }
        }
    }
}
