//! A sink in memory that commits all or nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use pipeline::sink::{CommitPolicy, Entry, LogId, Sequence, Staged};
use pipeline::{Sink, SinkError};

/// What one commit does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Lands.
    Land,
    /// Fails and does not land.
    Fail,
    /// Lands, but the answer is lost.
    LandUnheard,
    /// Does not land and never answers.
    Hang,
}

/// Does one step of its script a commit, then lets everything land.
pub struct RecordingSink {
    policy: CommitPolicy,
    script: Mutex<VecDeque<Step>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    away: bool,
    log: Option<LogId>,
    positions: HashMap<LogId, Sequence>,
    staged: Vec<Entry>,
    commits: Vec<Vec<String>>,
    attempts: usize,
}

impl RecordingSink {
    /// A sink that commits every `every` or when `bytes` are staged.
    pub fn new(
        every: Duration,
        bytes: usize,
        script: impl IntoIterator<Item = Step>,
    ) -> Arc<RecordingSink> {
        Arc::new(RecordingSink {
            policy: CommitPolicy { every, bytes },
            script: Mutex::new(script.into_iter().collect()),
            state: Mutex::default(),
        })
    }

    /// The text bodies of the log records of each commit that landed.
    pub fn commits(&self) -> Vec<Vec<String>> {
        self.state.lock().commits.clone()
    }

    /// How many commits were tried.
    pub fn attempts(&self) -> usize {
        self.state.lock().attempts
    }

    /// From now on it does not say what it has of a log.
    pub fn go_away(&self) {
        self.state.lock().away = true;
    }

    /// What a new process knows: nothing is staged.
    pub fn forget_staged(&self) {
        self.state.lock().staged.clear();
    }

    fn land(&self, upto: Sequence) {
        let mut state = self.state.lock();
        let Some(log) = state.log.clone() else { return };
        if state
            .positions
            .get(&log)
            .is_some_and(|position| *position >= upto)
        {
            return;
        }
        let bodies = state
            .staged
            .iter()
            .flat_map(|entry| crate::log_bodies(&entry.batch.payload))
            .collect();
        state.commits.push(bodies);
        state.positions.insert(log, upto);
    }
}

impl Sink for RecordingSink {
    fn resume<'a>(&'a self, log: &'a LogId) -> BoxFuture<'a, Result<Option<Sequence>, SinkError>> {
        let mut state = self.state.lock();
        if state.away {
            return Box::pin(std::future::ready(Err(told_to_fail())));
        }
        state.log = Some(log.clone());
        let position = state.positions.get(log).copied();
        Box::pin(std::future::ready(Ok(position)))
    }

    fn stage(&self, entry: Entry) -> BoxFuture<'_, Result<Staged, SinkError>> {
        let mut state = self.state.lock();
        let stored = state.log.as_ref().and_then(|log| state.positions.get(log));
        if stored.is_none_or(|stored| entry.sequence > *stored) {
            state.staged.push(entry);
        }
        let bytes = state
            .staged
            .iter()
            .map(|entry| entry.batch.payload.size())
            .sum();
        Box::pin(std::future::ready(Ok(Staged {
            bytes,
            rejected: Vec::new(),
        })))
    }

    fn commit(&self, upto: Sequence) -> BoxFuture<'_, Result<(), SinkError>> {
        self.state.lock().attempts += 1;
        let step = self.script.lock().pop_front().unwrap_or(Step::Land);
        let result = match step {
            Step::Land => {
                self.land(upto);
                Ok(())
            }
            Step::Fail => Err(told_to_fail()),
            Step::LandUnheard => {
                self.land(upto);
                Err(told_to_fail())
            }
            Step::Hang => return Box::pin(std::future::pending()),
        };
        if result.is_ok() {
            self.state.lock().staged.clear();
        }
        Box::pin(std::future::ready(result))
    }

    fn policy(&self) -> CommitPolicy {
        self.policy
    }
}

fn told_to_fail() -> SinkError {
    SinkError::Later {
        after: None,
        why: "told to fail".into(),
    }
}
