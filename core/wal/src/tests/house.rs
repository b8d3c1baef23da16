//! A log on a simulated disk, without a thread.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::{Engine, Pending};
use crate::testing::SimulatedDisk;
use crate::{
    Append, AppendError, Event, OpenError, Options, Position, Read, Reader, Start, recover,
};

/// Small segments, windows and caches, so that little data crosses all borders.
pub(super) fn small() -> Options {
    Options {
        segment_bytes: 4096,
        max_bytes: None,
        cache_bytes: 600,
        window_bytes: 256,
    }
}

pub(super) struct House {
    pub(super) disk: SimulatedDisk,
    pub(super) engine: Engine,
    pub(super) events: Arc<Mutex<Vec<Event>>>,
    /// What is written as the time of an entry.
    pub(super) time_of: fn(&[u8]) -> u64,
}

impl House {
    pub(super) fn open(disk: &SimulatedDisk, options: Options) -> Result<Self, OpenError> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let observer = move |event: &Event| heard.lock().push(event.clone());
        let engine = recover::open(Arc::new(disk.clone()), options, Arc::new(observer))?;
        Ok(Self {
            disk: disk.clone(),
            engine,
            events,
            time_of: |_| 7,
        })
    }

    pub(super) fn append(&mut self, payloads: &[Vec<u8>]) -> Vec<Result<Position, AppendError>> {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let time_of = self.time_of;
        let group = payloads.iter().map(|payload| {
            let answers = Arc::clone(&answers);
            let half = payload.len() / 2;
            let append = Append {
                time: time_of(payload),
                tag: 3,
                items: 5,
                payload: vec![
                    Bytes::copy_from_slice(&payload[..half]),
                    Bytes::new(),
                    Bytes::copy_from_slice(&payload[half..]),
                ],
            };
            Pending::new(append, Box::new(move |answer| answers.lock().push(answer)))
        });
        self.engine.commit(group.collect());
        let answers = std::mem::take(&mut *answers.lock());
        assert_eq!(answers.len(), payloads.len(), "everybody is answered once");
        answers
    }

    /// The place and token of a cursor, stored.
    pub(super) fn cursor(&mut self, name: &str) -> (usize, u64) {
        self.cursor_at(name, Start::Oldest)
    }

    pub(super) fn cursor_at(&mut self, name: &str, start: Start) -> (usize, u64) {
        let found = self.engine.shared.state.lock().cursor(name, start);
        let (place, token, known) = found.expect("room for a cursor");
        if !known {
            // a disk that fails is asked again with the next acknowledgement
            let _ = self.engine.persist();
        }
        (place, token)
    }

    pub(super) fn position(&self, (place, token): (usize, u64)) -> Position {
        let mut state = self.engine.shared.state.lock();
        state.cursor_mut(place, token).expect("a cursor").position
    }

    pub(super) fn acknowledge(&mut self, (place, token): (usize, u64), position: Position) {
        let mut state = self.engine.shared.state.lock();
        state
            .advance(place, token, position)
            .expect("a position of this log");
    }

    pub(super) fn reader(&self, cursor: Option<(usize, u64)>) -> Reader {
        let at = match cursor {
            Some(cursor) => self.position(cursor),
            None => Position::before(self.engine.shared.state.lock().oldest()),
        };
        Reader::new(Arc::clone(&self.engine.shared), cursor, at)
    }

    pub(super) fn close(mut self) -> SimulatedDisk {
        // the tests look at what the next open finds
        let _ = self.engine.close();
        self.disk.clone()
    }
}

pub(super) fn bytes_of(payload: &[Bytes]) -> Vec<u8> {
    payload
        .iter()
        .flat_map(|part| part.iter().copied())
        .collect()
}

pub(super) type Entries = Vec<(u64, Vec<u8>)>;
pub(super) type Ranges = Vec<(u64, u64)>;

/// What a reader hands out until the end: sequences with payloads, and ranges
/// that are lost.
pub(super) fn drain(reader: &mut Reader) -> (Entries, Ranges) {
    let (mut entries, mut lost) = (Vec::new(), Vec::new());
    loop {
        match reader.read().expect("a disk that reads") {
            Read::Entry(entry) => entries.push((entry.sequence, bytes_of(&entry.payload))),
            Read::Lost(range) => lost.push((range.from, range.to)),
            Read::End => return (entries, lost),
        }
    }
}
