//! The newest entries in memory, so that an exporter that keeps up never reads
//! its file and never validates twice.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;
use wal::Position;

use crate::batch::Batch;

/// Bytes of telemetry that are kept for readers that keep up.
const LIMIT: usize = 32 << 20;

/// Entries that were appended since the log was opened, as far as they fit and
/// somebody may still ask for them.
pub(crate) struct Recent {
    state: Mutex<State>,
    grown: Notify,
}

struct State {
    entries: VecDeque<(u64, Position, Batch)>,
    bytes: usize,
    /// Behind the last entry that was appended.
    end: u64,
    /// What each reader asks for next.
    readers: Vec<Option<u64>>,
}

/// What a reader finds.
pub(crate) enum Found {
    /// The entry.
    Entry(Position, Batch),
    /// It is only in the files.
    InFiles,
    /// It was not appended yet.
    NotYet,
}

impl Recent {
    pub(crate) fn new(end: u64) -> Recent {
        Recent {
            state: Mutex::new(State {
                entries: VecDeque::new(),
                bytes: 0,
                end,
                readers: Vec::new(),
            }),
            grown: Notify::new(),
        }
    }

    /// Registers a reader that begins at `next`.
    pub(crate) fn enter(&self, next: u64) -> usize {
        let mut state = self.state.lock();
        match state.readers.iter().position(Option::is_none) {
            Some(free) => {
                state.readers[free] = Some(next);
                free
            }
            None => {
                state.readers.push(Some(next));
                state.readers.len() - 1
            }
        }
    }

    pub(crate) fn leave(&self, reader: usize) {
        let mut state = self.state.lock();
        state.readers[reader] = None;
        state.trim();
    }

    /// The entry is durable. Called in the order of the sequence.
    pub(crate) fn push(&self, position: Position, batch: Batch) {
        let sequence = position.sequence();
        let mut state = self.state.lock();
        state.end = sequence + 1;
        if state.readers.iter().any(Option::is_some) {
            state.bytes += batch.payload.size();
            state.entries.push_back((sequence, position, batch));
            while state.bytes > LIMIT && state.forget() {}
        }
        drop(state);
        self.grown.notify_waiters();
    }

    /// Entry `next` for a reader, which has everything before.
    pub(crate) fn take(&self, reader: usize, next: u64) -> Found {
        let mut state = self.state.lock();
        if next >= state.end {
            return Found::NotYet;
        }
        let place = state.entries.partition_point(|(s, ..)| *s < next);
        let found = match state.entries.get(place) {
            Some((sequence, position, batch)) if *sequence == next => {
                Found::Entry(*position, batch.clone())
            }
            _ => Found::InFiles,
        };
        let asked = match &found {
            Found::Entry(..) => next + 1,
            _ => next,
        };
        state.readers[reader] = Some(asked);
        state.trim();
        found
    }

    /// Behind the last entry that was appended.
    pub(crate) fn end(&self) -> u64 {
        self.state.lock().end
    }

    /// Waits until there is an entry `next`.
    pub(crate) async fn wait(&self, next: u64) {
        loop {
            let grown = self.grown.notified();
            if self.end() > next {
                return;
            }
            grown.await;
        }
    }
}

impl State {
    /// Lets go what every reader is past.
    fn trim(&mut self) {
        let slowest = self.readers.iter().flatten().min().copied();
        let slowest = slowest.unwrap_or(self.end);
        while self.entries.front().is_some_and(|(s, ..)| *s < slowest) {
            self.forget();
        }
    }

    fn forget(&mut self) -> bool {
        let Some((_, _, batch)) = self.entries.pop_front() else {
            return false;
        };
        self.bytes -= batch.payload.size();
        true
    }
}
