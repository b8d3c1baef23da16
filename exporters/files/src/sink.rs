//! Feeds the files of one signal.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use lake_layout::{Entry as LayoutEntry, Rejected};
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
    /// An entry that is staged, but for what the dead letter has not kept yet.
    unkept: Option<(Sequence, Refusals)>,
    flush: Option<Flush>,
    /// Why nothing is staged any more: files were left half written.
    broken: Option<Arc<str>>,
}

struct Open {
    writer: Writer,
    files: Arc<Mutex<OpenFiles>>,
    names: Names,
    /// Everything up to this entry is stored; none when nothing is.
    stored: Option<Sequence>,
}

/// Records of an entry that files cannot hold.
#[derive(Default)]
struct Refusals {
    /// How many, by reason.
    counts: BTreeMap<Arc<str>, usize>,
    letters: Vec<Letter>,
}

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

    /// Sorts an entry into files, on a thread that may be busy.
    async fn encode(&self, state: &mut State, entry: &Entry) -> Result<(), SinkError> {
        let files = Arc::clone(&self.open(state).await?.files);
        let (sequence, now) = (entry.sequence, self.clock.unix_nano());
        let payload = entry.batch.payload.clone();
        let encoded = blocking(move || {
            files.lock().append(LayoutEntry {
                payload: &payload,
                sequence,
                ingest_time_unix_nano: now,
            })
        });
        let rejected = encoded.await.and_then(|rejected| rejected.map_err(broken));
        let rejected = rejected.map_err(|error| state.give_up(error))?;
        state.unkept = Some((sequence, Refusals::of(rejected)));
        Ok(())
    }

    /// Puts refused records on stable storage, before the flush that passes over them.
    async fn keep(&self, refusals: &Refusals) -> Result<(), SinkError> {
        let Some(dead_letter) = self.dead_letter.clone() else {
            return Ok(());
        };
        if refusals.letters.is_empty() {
            return Ok(());
        }
        let (letters, now) = (refusals.letters.clone(), self.clock.unix_nano());
        blocking(move || dead_letter.keep(&letters, now)).await?
    }

    async fn seal(&self, state: &mut State, upto: Sequence) -> Result<(), SinkError> {
        state.check()?;
        if state.flush.is_some() {
            return Ok(());
        }
        let files = Arc::clone(&self.open(state).await?.files);
        let sealed = blocking(move || {
            let mut files = files.lock();
            let extension = files.extension();
            files.seal().map(|sealed| (sealed, extension))
        });
        let sealed = sealed.await.and_then(|sealed| sealed.map_err(broken));
        let (files, extension) = sealed.map_err(|error| state.give_up(error))?;
        let open = self.open(state).await?;
        let range = (open.stored.unwrap_or(0) + 1, upto);
        let flush = Flush::new(&open.names, range, files, &extension, &open.writer);
        state.flush = Some(flush);
        Ok(())
    }
}

impl State {
    /// Nothing goes on behind an error that left files half written: a queue on disk has it all.
    fn check(&self) -> Result<(), SinkError> {
        match &self.broken {
            Some(why) => Err(SinkError::Settings {
                why: Arc::clone(why),
            }),
            None => Ok(()),
        }
    }

    fn give_up(&mut self, error: SinkError) -> SinkError {
        self.broken = Some(error.to_string().into());
        error
    }
}

impl Refusals {
    fn of(rejected: Vec<Rejected>) -> Refusals {
        let mut refusals = Refusals::default();
        for rejected in rejected {
            let (reason, detail) = (rejected.reason.name(), rejected.reason.to_string());
            let why = format!("{reason}: {detail}");
            *refusals.counts.entry(why.into()).or_default() += rejected.payload.items();
            refusals.letters.push(Letter {
                table: None,
                reason: reason.to_owned(),
                detail,
                attempts: 1,
                payload: rejected.payload,
            });
        }
        refusals
    }
}

/// Rows that cannot be written are an error of this program.
fn broken(problem: String) -> SinkError {
    SinkError::Settings {
        why: format!("files were left half written: {problem}; restart to write them anew").into(),
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, SinkError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| broken(error.to_string()))
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
            state.check()?;
            let stored = self.open(&mut state).await?.stored;
            let mut refusals = Refusals::default();
            if Some(entry.sequence) > stored {
                // After an error of the dead letter the entry is in the files already.
                if state.unkept.as_ref().map(|(sequence, _)| *sequence) != Some(entry.sequence) {
                    self.encode(&mut state, &entry).await?;
                }
                if let Some((_, refusals)) = &state.unkept {
                    self.keep(refusals).await?;
                }
                refusals = state.unkept.take().unwrap_or_default().1;
            }
            let files = Arc::clone(&self.open(&mut state).await?.files);
            let bytes = files.lock().size();
            Ok(Staged {
                bytes,
                rejected: refusals.counts.into_iter().collect(),
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
