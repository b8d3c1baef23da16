//! Joins what waits into batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use otlp::Payload;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::settings::{BatchSettings, Sizer};
use crate::batch::{Batch, Client};
use crate::budget::{self, Charge};
use crate::consumer::Reservation;
use crate::outcome::Outcome;

/// One caller's part in a job: its room in the queue and where its answer goes.
#[derive(Debug, Default)]
pub(crate) struct Ticket {
    pub(crate) reservation: Option<Reservation>,
    pub(crate) waiter: Option<oneshot::Sender<Outcome>>,
    /// Where it stands in the queue on disk.
    pub(crate) place: Option<Place>,
}

/// The place of an entry in a queue on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    /// Milliseconds since 1970.
    pub(crate) accepted_at: u64,
}

impl Ticket {
    /// Whether anything has to be done about it at the end of the job.
    fn is_anything(&self) -> bool {
        self.reservation.is_some() || self.waiter.is_some() || self.place.is_some()
    }

    /// Its number in the queue on disk.
    pub(crate) fn sequence(&self) -> Option<u64> {
        self.place.map(|place| place.sequence)
    }
}

/// What a worker takes out of the queue: one batch and all who wait for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) batch: Batch,
    /// Those who wait, hold room, or stand in a queue on disk.
    pub(crate) tickets: Vec<Ticket>,
    /// When its oldest part came.
    pub(crate) since: Instant,
    /// Pays for small segments that were copied together: their own charge ends with the copy.
    copied: Vec<Charge>,
}

impl Job {
    pub(crate) fn new(batch: Batch, ticket: Ticket, now: Instant) -> Job {
        Job {
            batch,
            tickets: ticket.is_anything().then_some(ticket).into_iter().collect(),
            since: now,
            copied: Vec::new(),
        }
    }

    /// When its oldest part was accepted, if it came from disk: milliseconds
    /// since 1970.
    pub(crate) fn accepted_at(&self) -> Option<u64> {
        let places = self.tickets.iter().filter_map(|ticket| ticket.place);
        places.map(|place| place.accepted_at).min()
    }

    fn join(&mut self, batch: Batch, ticket: Ticket) {
        if self.batch.client != batch.client {
            self.batch.client = None;
        }
        let copied = batch.payload.size_of_small_segments();
        budget::overdraw_current(copied, &mut self.copied);
        self.batch.payload.append(batch.payload);
        if ticket.is_anything() {
            self.tickets.push(ticket);
        }
    }
}

/// Batches that are still open, one for each combination of header values.
#[derive(Debug)]
pub(crate) struct Batcher {
    settings: BatchSettings,
    /// A tree: mostly there is one key without values, which costs nothing to compare.
    open: BTreeMap<Vec<String>, Job>,
}

impl Batcher {
    pub(crate) fn new(settings: BatchSettings) -> Batcher {
        Batcher {
            settings,
            open: BTreeMap::new(),
        }
    }

    /// Most that one export may hold: (items, bytes), 0 for no limit.
    pub(crate) fn export_limits(settings: &BatchSettings) -> (usize, usize) {
        match settings.sizer {
            Sizer::Bytes => (0, settings.max_size),
            Sizer::Items | Sizer::Requests => (settings.max_size, 0),
        }
    }

    /// Whether this batch would begin a new job.
    pub(crate) fn would_open(&self, batch: &Batch) -> bool {
        !self.open.contains_key(&partition(
            &self.settings.metadata_keys,
            batch.client.as_ref(),
        ))
    }

    /// Adds a batch; gives back jobs that became full, or that had to make way
    /// because too many are open.
    pub(crate) fn add(&mut self, batch: Batch, ticket: Ticket, now: Instant) -> Vec<Job> {
        let key = partition(&self.settings.metadata_keys, batch.client.as_ref());
        let mut full = Vec::new();
        match self.open.get_mut(&key) {
            Some(job) => job.join(batch, ticket),
            None => {
                if self.open.len() >= self.settings.metadata_limit.max(1) {
                    full.extend(self.take_oldest());
                }
                self.open.insert(key.clone(), Job::new(batch, ticket, now));
            }
        }
        let is_full = self
            .open
            .get(&key)
            .is_some_and(|job| self.is_full(&job.batch.payload));
        if is_full || self.settings.timeout.is_zero() {
            full.extend(self.open.remove(&key));
        }
        full
    }

    fn is_full(&self, payload: &Payload) -> bool {
        let size = match self.settings.sizer {
            Sizer::Bytes => payload.size(),
            Sizer::Items | Sizer::Requests => payload.items(),
        };
        size >= self.settings.min_size
    }

    fn take_oldest(&mut self) -> Option<Job> {
        let key = self.open.iter().min_by_key(|(_, job)| job.since)?.0.clone();
        self.open.remove(&key)
    }

    /// Jobs whose time is up.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Job> {
        let timeout = self.settings.timeout;
        let due: Vec<Vec<String>> = self
            .open
            .iter()
            .filter(|(_, job)| job.since + timeout <= now)
            .map(|(key, _)| key.clone())
            .collect();
        due.iter().filter_map(|key| self.open.remove(key)).collect()
    }

    /// Everything that is open.
    pub(crate) fn take_all(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.open).into_values().collect()
    }

    /// When the next job is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.open
            .values()
            .map(|job| job.since + self.settings.timeout)
            .min()
    }

    /// When the oldest part of what is open came.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.open.values().map(|job| job.since).min()
    }
}

fn partition(keys: &[String], client: Option<&Arc<Client>>) -> Vec<String> {
    keys.iter()
        .map(|key| {
            client
                .and_then(|client| client.metadata.get(key))
                .map(|values| values.join(";"))
                .unwrap_or_default()
        })
        .collect()
}
