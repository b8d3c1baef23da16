//! Which entries of a log an exporter is done with.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use wal::{Cursor, Position};

use crate::tail::capacity::Capacity;

/// Acknowledges entries in the order of the log, although they are done with in
/// any order: the cursor moves when all before it are.
pub(crate) struct Tracker {
    cursor: Cursor,
    capacity: Arc<Capacity>,
    open: Mutex<VecDeque<Open>>,
    /// Of entries that were there at the start.
    held: Mutex<Held>,
    settled: Notify,
}

/// What the entries of an earlier run take of the capacity, by an estimate: it is
/// taken from the lengths of files before anything is read.
struct Held {
    /// Entries before this one.
    before: u64,
    /// Units that are not given back yet.
    units: usize,
}

impl Held {
    /// What to give back for an entry that takes `units`, with what was estimated
    /// too much for all of them once the last one is done with.
    fn release(&mut self, position: Position, units: usize) -> usize {
        if position.sequence() >= self.before {
            return std::mem::take(&mut self.units) + units;
        }
        let last = position.sequence() + 1 >= self.before;
        let given_back = if last {
            self.units
        } else {
            units.min(self.units)
        };
        self.units -= given_back;
        given_back
    }
}

/// An entry that was read and is not acknowledged.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) position: Position,
    /// Units of the queue's capacity that it takes.
    pub(crate) units: usize,
    /// Log records, spans or data points, as far as they are known.
    pub(crate) items: usize,
    /// When it was accepted, milliseconds since 1970.
    pub(crate) accepted_at: u64,
    /// Sent, refused or given up.
    pub(crate) settled: bool,
}

impl Open {
    /// One that is done with as soon as it is read; it takes no capacity.
    pub(crate) fn settled(position: Position, items: usize) -> Open {
        Open {
            position,
            units: 0,
            items,
            accepted_at: 0,
            settled: true,
        }
    }
}

impl Tracker {
    /// The tracker of a cursor of a log whose entries before `end` were there at the start.
    pub(crate) fn new(cursor: Cursor, capacity: Arc<Capacity>, end: u64) -> Arc<Tracker> {
        Arc::new(Tracker {
            cursor,
            capacity,
            open: Mutex::default(),
            held: Mutex::new(Held {
                before: end,
                units: 0,
            }),
            settled: Notify::new(),
        })
    }

    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// What was there at the start takes so many units, by an estimate.
    pub(crate) fn hold(&self, units: usize) {
        self.capacity.overdraw(units).keep();
        self.held.lock().units += units;
    }

    /// An entry was read. Called in the order of the log.
    pub(crate) fn read(&self, open: Open) {
        let settled = open.settled;
        self.open.lock().push_back(open);
        if settled {
            self.acknowledge();
        }
    }

    /// These entries are done with.
    pub(crate) fn settle(&self, sequences: impl Iterator<Item = u64>) {
        let mut open = self.open.lock();
        for sequence in sequences {
            let place = open.partition_point(|entry| entry.position.sequence() < sequence);
            if let Some(entry) = open.get_mut(place)
                && entry.position.sequence() == sequence
            {
                entry.settled = true;
            }
        }
        drop(open);
        self.acknowledge();
    }

    /// Everything up to `sequence` is done with.
    pub(crate) fn settle_through(&self, sequence: u64) {
        for entry in self.open.lock().iter_mut() {
            if entry.position.sequence() > sequence {
                break;
            }
            entry.settled = true;
        }
        self.acknowledge();
    }

    fn acknowledge(&self) {
        let (mut position, mut units) = (None, 0);
        {
            let mut open = self.open.lock();
            let mut held = self.held.lock();
            while open.front().is_some_and(|entry| entry.settled) {
                if let Some(entry) = open.pop_front() {
                    position = Some(entry.position);
                    units += held.release(entry.position, entry.units);
                }
            }
        }
        let Some(position) = position else { return };
        self.capacity.give_back(units);
        // A cursor that was removed from the log has nothing left to acknowledge.
        let _ = self.cursor.acknowledge(position);
        self.settled.notify_waiters();
    }

    /// When the oldest entry that is not done with was accepted, milliseconds since 1970.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.open.lock().front().map(|entry| entry.accepted_at)
    }

    /// Items that are done with and stay in the log all the same, behind an entry
    /// that is not: a cursor is one position.
    pub(crate) fn done_beyond(&self) -> usize {
        let open = self.open.lock();
        let done = open.iter().filter(|entry| entry.settled);
        done.map(|entry| entry.items).sum()
    }

    /// Waits until everything that was read is done with.
    pub(crate) async fn all_settled(&self) {
        loop {
            let settled = self.settled.notified();
            if self.open.lock().is_empty() {
                return;
            }
            settled.await;
        }
    }

    /// Waits until what was acknowledged is on stable storage.
    pub(crate) async fn store(&self) {
        let Ok(position) = self.cursor.position() else {
            return;
        };
        let (sender, stored) = oneshot::channel();
        self.cursor.acknowledge_durably(position, move |result| {
            if let Err(error) = &result {
                tracing::warn!(%error, "The position of an exporter in its queue was not stored: some data may be sent again after the next start.");
            }
            let _ = sender.send(());
        });
        let _ = stored.await;
    }
}

#[cfg(test)]
mod tests {
    use super::Held;
    use wal::Position;

    fn released(before: u64, estimate: usize, entries: &[(u64, usize)]) -> Vec<usize> {
        let mut held = Held {
            before,
            units: estimate,
        };
        let release = |&(sequence, units)| held.release(Position::through(sequence), units);
        entries.iter().map(release).collect()
    }

    #[test]
    fn what_was_estimated_too_much_is_given_back_with_the_last_entry() {
        let entries = [(1, 10), (2, 10), (3, 10), (4, 7)];
        assert_eq!(released(4, 36, &entries), [10, 10, 16, 7]);
    }

    #[test]
    fn what_was_estimated_too_little_is_not_given_back_twice() {
        let entries = [(1, 10), (2, 10), (3, 10), (4, 7)];
        assert_eq!(released(4, 12, &entries), [10, 2, 0, 7]);
    }

    #[test]
    fn entries_that_are_lost_give_their_estimate_back_with_the_next() {
        assert_eq!(released(4, 36, &[(1, 10), (5, 7)]), [10, 33]);
    }
}
