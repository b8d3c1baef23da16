//! Feeds the files of one signal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use lake_layout::Entry as LayoutEntry;
use lake_table::{Location, Storage};
use parking_lot::Mutex;
use pipeline::dead_letter::{DeadLetter, Letter};
use pipeline::sink::{CommitPolicy, Entry, LogId, Sequence, Staged};
use pipeline::{Clock, Sink, SinkError};
use tokio::sync::Mutex as AsyncMutex;

use crate::encode::Recipe;
use crate::flush::{Flush, Names, Writer};
use crate::ledger::{Ledger, folder, sink_error};
use crate::open_files::OpenFiles;
use crate::partition::Partitioner;

/// What the sink of one signal is made of.
pub(crate) struct FilesSettings {
    pub(crate) location: Location,
    pub(crate) signal: &'static str,
    /// Id of the exporter as a name of files, and its own part of that.
    pub(crate) exporter: String,
    pub(crate) name: String,
    /// Its log is not known yet.
    pub(crate) recipe: Recipe,
    pub(crate) partitioner: Partitioner,
    pub(crate) max_open_partitions: usize,
    pub(crate) policy: CommitPolicy,
}

/// Files as a sink.
pub(crate) struct FilesSink {
    settings: FilesSettings,
    clock: Clock,
    dead_letter: Option<Arc<DeadLetter>>,
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    log: Option<LogId>,
    open: Option<Open>,
    /// What is staged and not sealed, to be staged again after an error.
    unsealed: Vec<Entry>,
    /// The open files lost `unsealed`.
    spoilt: bool,
    flush: Option<Flush>,
}

struct Open {
    writer: Writer,
    files: Arc<Mutex<OpenFiles>>,
    names: Names,
    /// Everything up to this entry is stored; none when nothing is.
    stored: Option<Sequence>,
}

/// Records that files cannot hold, by reason.
type Rejections = BTreeMap<Arc<str>, usize>;

impl FilesSink {
    pub(crate) fn new(
        settings: FilesSettings,
        dead_letter: Option<Arc<DeadLetter>>,
        clock: Clock,
    ) -> FilesSink {
        FilesSink {
            settings,
            clock,
            dead_letter,
            state: AsyncMutex::default(),
        }
    }

    /// Opens the location, unless it is open.
    async fn open<'s>(&self, state: &'s mut State) -> Result<&'s mut Open, SinkError> {
        let open = match state.open.take() {
            Some(open) => open,
            None => {
                let log = state.log.clone().unwrap_or_else(LogId::in_memory);
                self.open_for(&log).await?
            }
        };
        Ok(state.open.insert(open))
    }

    async fn open_for(&self, log: &LogId) -> Result<Open, SinkError> {
        let settings = &self.settings;
        let location = settings.location.clone();
        let storage = blocking(move || Storage::open(&location).map_err(sink_error)).await??;
        let folder = folder(&log.0, &settings.exporter, settings.signal);
        let (writer, stored) = match log.is_in_memory() {
            false => {
                let (ledger, stored) = Ledger::open(storage, folder).await?;
                (Writer::Once(ledger), stored)
            }
            true => {
                // Whether it can be used shows now, not with the first file.
                storage.list(&folder).await.map_err(sink_error)?;
                (Writer::Plain(storage), None)
            }
        };
        let recipe = Recipe {
            log_id: log.0.to_string(),
            ..settings.recipe.clone()
        };
        let partitioner = settings.partitioner.clone();
        let files = OpenFiles::new(recipe, partitioner, settings.max_open_partitions);
        let origin = match &*settings.name {
            "" => log.0.to_string(),
            name => format!("{}.{name}", log.0),
        };
        Ok(Open {
            writer,
            files: Arc::new(Mutex::new(files)),
            names: Names {
                signal: settings.signal,
                origin,
            },
            stored,
        })
    }

    /// Sorts entries into files, on a thread that may be busy. Also tells how large the files are.
    async fn encode(
        &self,
        open: &Open,
        entries: Vec<Entry>,
    ) -> Result<(Rejections, usize), SinkError> {
        let files = Arc::clone(&open.files);
        let (dead_letter, now) = (self.dead_letter.clone(), self.clock.unix_nano());
        let encode = move || {
            let mut files = files.lock();
            let mut rejections = Rejections::new();
            for entry in &entries {
                encode(
                    &mut files,
                    dead_letter.as_deref(),
                    entry,
                    now,
                    &mut rejections,
                )?;
            }
            Ok((rejections, files.size()))
        };
        blocking(encode).await?
    }

    /// Stages again what an error made the open files lose.
    async fn restage(&self, state: &mut State) -> Result<(), SinkError> {
        if state.spoilt {
            let entries = state.unsealed.clone();
            let open = self.open(state).await?;
            open.files.lock().clear();
            self.encode(open, entries).await?;
            state.spoilt = false;
        }
        Ok(())
    }

    async fn seal(&self, state: &mut State, upto: Sequence) -> Result<(), SinkError> {
        if state.flush.is_some() {
            return Ok(());
        }
        self.restage(state).await?;
        let open = self.open(state).await?;
        let files = Arc::clone(&open.files);
        let sealed = blocking(move || {
            let mut files = files.lock();
            let extension = files.extension();
            files.seal().map(|sealed| (sealed, extension))
        });
        let (first, sealed) = (open.stored.unwrap_or(0) + 1, sealed.await?);
        let flush = sealed.map(|(files, extension)| {
            Flush::new(&open.names, (first, upto), files, &extension, &open.writer)
        });
        state.spoilt = flush.is_err();
        state.flush = Some(flush.map_err(spoilt)?);
        state.unsealed.clear();
        Ok(())
    }
}

fn encode(
    files: &mut OpenFiles,
    dead_letter: Option<&DeadLetter>,
    entry: &Entry,
    now_unix_nano: u64,
    rejections: &mut Rejections,
) -> Result<(), SinkError> {
    let rejected = files.append(LayoutEntry {
        payload: &entry.batch.payload,
        sequence: entry.sequence,
        ingest_time_unix_nano: now_unix_nano,
    });
    let mut letters = Vec::new();
    for rejected in rejected.map_err(spoilt)? {
        let (reason, detail) = (rejected.reason.name(), rejected.reason.to_string());
        let why = format!("{reason}: {detail}");
        *rejections.entry(why.into()).or_default() += rejected.payload.items();
        letters.push(Letter {
            table: None,
            reason: reason.to_owned(),
            detail,
            attempts: 1,
            payload: rejected.payload,
        });
    }
    // On stable storage before the flush that passes over these records.
    match dead_letter {
        Some(dead_letter) => dead_letter.keep(&letters, now_unix_nano),
        None => Ok(()),
    }
}

/// What is staged is lost; giving it again helps when the disk of temporary files was the cause.
fn spoilt(problem: String) -> SinkError {
    SinkError::Later {
        after: Some(Duration::from_secs(1)),
        why: problem.into(),
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, SinkError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| spoilt(format!("encoding stopped: {error}")))
}

impl Sink for FilesSink {
    fn resume<'a>(&'a self, log: &'a LogId) -> BoxFuture<'a, Result<Option<Sequence>, SinkError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            state.log = Some(log.clone());
            Ok(self.open(&mut state).await?.stored)
        })
    }

    fn stage(&self, entry: Entry) -> BoxFuture<'_, Result<Staged, SinkError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            self.restage(&mut state).await?;
            let open = self.open(&mut state).await?;
            if Some(entry.sequence) <= open.stored {
                return Ok(Staged {
                    bytes: open.files.lock().size(),
                    rejected: Vec::new(),
                });
            }
            let encoded = self.encode(open, vec![entry.clone()]).await;
            let (rejections, bytes) = encoded.inspect_err(|_| state.spoilt = true)?;
            state.unsealed.push(entry);
            Ok(Staged {
                bytes,
                rejected: rejections.into_iter().collect(),
            })
        })
    }

    fn commit(&self, upto: Sequence) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            self.seal(&mut state, upto).await?;
            let State { open, flush, .. } = &mut *state;
            if let (Some(open), Some(flush)) = (open, flush) {
                flush.land(&mut open.writer).await?;
                open.stored = open.stored.max(Some(upto));
            }
            state.flush = None;
            Ok(())
        })
    }

    fn policy(&self) -> CommitPolicy {
        self.settings.policy
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.state.lock().await.open = None;
        })
    }
}
