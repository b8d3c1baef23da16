//! Feeds the tables of one signal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use lake_table::{Flush, Lake, LakeSettings, Maintenance, MaintenanceSettings, Stager, TableError};
use parking_lot::Mutex;
use pipeline::dead_letter::{DeadLetter, Letter};
use pipeline::sink::{CommitPolicy, Entry, LogId, Sequence, Staged};
use pipeline::{Clock, Sink, SinkError};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::AbortHandle;

/// A lake as a sink.
pub(crate) struct DeltaSink {
    settings: LakeSettings,
    policy: CommitPolicy,
    maintenance: Option<MaintenanceSettings>,
    clock: Clock,
    dead_letter: Option<Arc<DeadLetter>>,
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    log: Option<LogId>,
    open: Option<Open>,
    /// What is staged and not sealed, to be staged again after an error of the stager.
    unsealed: Vec<Entry>,
    unsealed_bytes: usize,
    /// The stager lost `unsealed`.
    spoiled: bool,
    flush: Option<Flush>,
}

struct Open {
    lake: Arc<Lake>,
    stager: Arc<Mutex<Stager>>,
    maintenance: Option<AbortHandle>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(maintenance) = &self.maintenance {
            maintenance.abort();
        }
    }
}

impl DeltaSink {
    pub(crate) fn new(
        settings: LakeSettings,
        policy: CommitPolicy,
        maintenance: Option<MaintenanceSettings>,
        dead_letter: Option<Arc<DeadLetter>>,
        clock: Clock,
    ) -> DeltaSink {
        DeltaSink {
            settings,
            policy,
            maintenance,
            clock,
            dead_letter,
            state: AsyncMutex::default(),
        }
    }

    /// Opens the tables, unless they are open.
    async fn open<'s>(&self, state: &'s mut State) -> Result<&'s Open, SinkError> {
        let open = match state.open.take() {
            Some(open) => open,
            None => {
                let mut settings = self.settings.clone();
                settings.log_id = state.log.as_ref().map(|log| log.0.to_string());
                let resumes = state.log.as_ref().is_some_and(|log| !log.is_in_memory());
                settings.fence = resumes;
                let lake = Arc::new(Lake::open(settings).await.map_err(sink_error)?);
                let maintenance = self.maintenance.map(|settings| {
                    tokio::spawn(Maintenance::new(Arc::clone(&lake), settings).run()).abort_handle()
                });
                Open {
                    stager: Arc::new(Mutex::new(lake.stager())),
                    lake,
                    maintenance,
                }
            }
        };
        Ok(state.open.insert(open))
    }

    /// Puts entries into the stager, on a thread that may be busy.
    async fn encode(
        &self,
        state: &mut State,
        entries: Vec<Entry>,
    ) -> Result<Rejections, SinkError> {
        let stager = Arc::clone(&self.open(state).await?.stager);
        let (dead_letter, now) = (self.dead_letter.clone(), self.clock.unix_nano());
        blocking(move || encode(&mut stager.lock(), dead_letter.as_deref(), &entries, now)).await?
    }

    async fn seal(&self, state: &mut State, upto: Sequence) -> Result<(), SinkError> {
        if state.flush.is_some() {
            return Ok(());
        }
        self.restage(state).await?;
        let stager = Arc::clone(&self.open(state).await?.stager);
        let sealed = blocking(move || stager.lock().seal(upto).map_err(sink_error)).await?;
        state.spoiled = sealed.is_err();
        state.flush = Some(sealed?);
        state.unsealed.clear();
        state.unsealed_bytes = 0;
        Ok(())
    }

    /// Stages again what an error of the stager made it lose.
    async fn restage(&self, state: &mut State) -> Result<(), SinkError> {
        if state.spoiled {
            let entries = state.unsealed.clone();
            self.encode(state, entries).await?;
            state.spoiled = false;
        }
        Ok(())
    }
}

/// Records that a table cannot hold, by reason.
type Rejections = BTreeMap<Arc<str>, usize>;

fn encode(
    stager: &mut Stager,
    dead_letter: Option<&DeadLetter>,
    entries: &[Entry],
    now_unix_nano: u64,
) -> Result<Rejections, SinkError> {
    let mut rejections = Rejections::new();
    for entry in entries {
        let staged = stager
            .stage(&entry.batch.payload, entry.sequence, now_unix_nano)
            .map_err(sink_error)?;
        // Several tables may refuse the same records; they are counted once.
        let mut by_table: BTreeMap<String, Rejections> = BTreeMap::new();
        let mut letters = Vec::new();
        for (table, rejected) in staged.rejected {
            let (reason, detail) = (rejected.reason.name(), rejected.reason.to_string());
            let why = format!("{reason}: {detail}");
            let counts = by_table.entry(table.clone()).or_default();
            *counts.entry(why.into()).or_default() += rejected.payload.items();
            letters.push(Letter {
                table: Some(table),
                reason: reason.to_owned(),
                detail,
                attempts: 1,
                payload: rejected.payload,
            });
        }
        // On stable storage before the commit that passes over these records.
        if let Some(dead_letter) = dead_letter {
            dead_letter.keep(&letters, now_unix_nano)?;
        }
        let most = by_table
            .into_values()
            .max_by_key(|counts| counts.values().sum::<usize>());
        for (why, items) in most.unwrap_or_default() {
            *rejections.entry(why).or_default() += items;
        }
    }
    Ok(rejections)
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, SinkError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| SinkError::Later {
            after: None,
            why: format!("encoding stopped: {error}").into(),
        })
}

fn sink_error(error: TableError) -> SinkError {
    let why: Arc<str> = error.to_string().into();
    match error {
        TableError::Retry { after, .. } => SinkError::Later {
            after: Some(after),
            why,
        },
        TableError::Data { .. } => SinkError::Later {
            after: Some(Duration::from_secs(1)),
            why,
        },
        TableError::Refused(_) | TableError::Owned { .. } => SinkError::Settings { why },
    }
}

impl Sink for DeltaSink {
    fn resume<'a>(&'a self, log: &'a LogId) -> BoxFuture<'a, Result<Option<Sequence>, SinkError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            state.log = Some(log.clone());
            Ok(self.open(&mut state).await?.lake.highest())
        })
    }

    fn stage(&self, entry: Entry) -> BoxFuture<'_, Result<Staged, SinkError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            self.restage(&mut state).await?;
            let encoded = self.encode(&mut state, vec![entry.clone()]).await;
            let rejections = encoded.inspect_err(|_| state.spoiled = true)?;
            state.unsealed_bytes += entry.batch.payload.size();
            state.unsealed.push(entry);
            Ok(Staged {
                bytes: state.unsealed_bytes,
                rejected: rejections.into_iter().collect(),
            })
        })
    }

    fn commit(&self, upto: Sequence) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            self.seal(&mut state, upto).await?;
            let lake = Arc::clone(&self.open(&mut state).await?.lake);
            if let Some(flush) = &mut state.flush {
                lake.commit(flush).await.map_err(sink_error)?;
            }
            state.flush = None;
            Ok(())
        })
    }

    fn policy(&self) -> CommitPolicy {
        self.policy
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.state.lock().await.open = None;
        })
    }
}
