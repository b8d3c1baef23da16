//! What waits in memory in front of an exporter or sink: the whole queue, or
//! the part of a queue on disk that was read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use otlp::Signal;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::batcher::{Batcher, Job, Ticket};
use super::capacity::Capacity;
use super::metrics::TailMetrics;
use super::settings::{SendingQueue, Sizer, TailSettings};
use crate::batch::{Batch, Size};
use crate::budget;
use crate::clock::Clock;
use crate::consumer::{Reservation, Room};
use crate::durable::Tracker;
use crate::health::{Fullness, Health};
use crate::outcome::{Outcome, Refused};

/// Requests that may wait for a full queue with `block_on_overflow`.
const WAITING_LIST: usize = 1000;
/// What a sender is told to wait when the queue is full.
const WHEN_FULL: Duration = Duration::from_secs(1);

/// What became of a job.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Sent, refused or given up: nobody tries again.
    Settled(Outcome),
    /// Not sent, or not all of it, and still on disk: the next start tries again.
    Kept {
        /// Items that were not sent.
        items: usize,
    },
}

/// Holds batches until a worker takes them. Success of an offer means that the
/// batch is in memory, or, when callers wait for the result, that it was sent.
pub(crate) struct Queue {
    name: String,
    sizer: Sizer,
    /// One unit of capacity is a joined batch, not a request.
    counts_jobs: bool,
    blocks: bool,
    pub(crate) callers_wait: bool,
    capacity: Arc<Capacity>,
    waiting: Arc<Capacity>,
    state: Mutex<State>,
    /// As in the state, to be read without its lock.
    closed: AtomicBool,
    wake: Notify,
    idle: Notify,
    /// Cancels waits for `flush`: a sink commits at once.
    pub(crate) flush_wanted: Notify,
    flushes: AtomicUsize,
    pub(crate) metrics: Arc<TailMetrics>,
    /// Of a queue on disk: what is not acknowledged, and the clock of its entries.
    on_disk: Mutex<Option<(Arc<Tracker>, Clock)>>,
}

#[derive(Debug)]
struct State {
    batcher: Option<Batcher>,
    ready: VecDeque<Job>,
    in_flight: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(
        name: String,
        settings: &TailSettings,
        metrics: Arc<TailMetrics>,
    ) -> Arc<Queue> {
        let queue = settings.queue.as_ref();
        // Without a queue the callers wait for the exporter, and the byte budget
        // of the process bounds them.
        let (sizer, limit) = queue.map_or((Sizer::Requests, usize::MAX), SendingQueue::limit);
        let is_on_disk = queue.is_some_and(|queue| queue.storage.is_some());
        Arc::new(Queue {
            name,
            sizer,
            counts_jobs: settings.batch.is_some() && sizer == Sizer::Requests && !is_on_disk,
            blocks: queue.is_some_and(|queue| queue.block_on_overflow),
            callers_wait: queue.is_none_or(|queue| queue.wait_for_result),
            capacity: Capacity::new(limit),
            waiting: Capacity::new(WAITING_LIST),
            state: Mutex::new(State {
                batcher: settings.batch.clone().map(Batcher::new),
                ready: VecDeque::new(),
                in_flight: 0,
                closed: false,
            }),
            closed: AtomicBool::new(false),
            wake: Notify::new(),
            idle: Notify::new(),
            flush_wanted: Notify::new(),
            flushes: AtomicUsize::new(0),
            metrics,
            on_disk: Mutex::default(),
        })
    }

    pub(crate) fn capacity(&self) -> &Arc<Capacity> {
        &self.capacity
    }

    /// Says that this is what was read of a queue on disk. Called again, when
    /// nothing is left of another.
    pub(crate) fn stands_on(&self, tracker: &Arc<Tracker>, clock: &Clock) {
        *self.on_disk.lock() = Some((Arc::clone(tracker), clock.clone()));
    }

    fn tracker(&self) -> Option<Arc<Tracker>> {
        let on_disk = self.on_disk.lock();
        on_disk.as_ref().map(|(tracker, _)| Arc::clone(tracker))
    }

    /// The store has everything of the queue on disk up to this entry.
    pub(crate) fn stored_through(&self, sequence: u64) {
        if let Some(tracker) = self.tracker() {
            tracker.settle_through(sequence);
        }
    }

    /// How long the oldest batch has been waiting.
    pub(crate) fn oldest_age(&self, now: Instant) -> Duration {
        if let Some((tracker, clock)) = &*self.on_disk.lock() {
            let now = clock.unix_nano() / 1_000_000;
            let waits = tracker.oldest().map(|since| now.saturating_sub(since));
            return Duration::from_millis(waits.unwrap_or(0));
        }
        let state = self.state.lock();
        let open = state.batcher.as_ref().and_then(Batcher::oldest);
        let oldest = state
            .ready
            .front()
            .map(|job| job.since)
            .into_iter()
            .chain(open)
            .min();
        oldest.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// What a batch takes of the capacity.
    pub(crate) fn units(&self, size: &Size) -> usize {
        match self.sizer {
            Sizer::Requests => 1,
            Sizer::Items => size.items,
            Sizer::Bytes => size.bytes,
        }
    }

    /// Takes a batch in, unless the queue was closed since it was admitted:
    /// then no worker would come for it, and the caller must keep it.
    pub(crate) fn push(&self, batch: Batch, mut ticket: Ticket) -> Result<(), Refused> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.closed {
            return Err(self.shutting_down());
        }
        // what comes from disk was counted when it was put there
        if ticket.place.is_none() {
            self.metrics.accepted(batch.payload.items());
        }
        let State { batcher, ready, .. } = &mut *state;
        let mut is_watched = false;
        match batcher {
            None => ready.push_back(Job::new(batch, ticket, now)),
            Some(batcher) => {
                // A worker sleeps until the oldest open batch is due, and what joins it does not make that sooner.
                is_watched = batcher.oldest().is_some();
                if self.counts_jobs {
                    // A job takes its unit with its first part and frees it when it is done.
                    ticket.reservation = batcher
                        .would_open(&batch)
                        .then(|| self.capacity.overdraw(1));
                }
                ready.extend(batcher.add(batch, ticket, now));
            }
        }
        let has_news = !is_watched || !ready.is_empty();
        drop(state);
        if has_news {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// As [`push`](Self::push), but the batch is joined with no other.
    pub(crate) fn push_alone(&self, batch: Batch, ticket: Ticket) -> Result<(), Refused> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.closed {
            return Err(self.shutting_down());
        }
        let State { batcher, ready, .. } = &mut *state;
        if let Some(batcher) = batcher {
            ready.extend(batcher.take_all());
        }
        ready.push_back(Job::new(batch, ticket, now));
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn shutting_down(&self) -> Refused {
        Refused::later(format!("{} is shutting down", self.name), Some(WHEN_FULL))
    }

    /// The next job; `None` once the queue is closed and empty. Dropping the
    /// future loses nothing.
    pub(crate) async fn next(&self) -> Option<Job> {
        loop {
            let deadline = {
                let mut state = self.state.lock();
                let State {
                    batcher,
                    ready,
                    in_flight,
                    closed,
                } = &mut *state;
                if let Some(batcher) = batcher {
                    ready.extend(batcher.take_due(Instant::now()));
                }
                if let Some(job) = ready.pop_front() {
                    *in_flight += 1;
                    // Whoever takes a job hands the watch over what is left to somebody else.
                    self.wake.notify_one();
                    return Some(job);
                }
                if *closed {
                    self.wake.notify_one();
                    return None;
                }
                batcher.as_ref().and_then(Batcher::deadline)
            };
            match deadline {
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(deadline) => {}
                    () = self.wake.notified() => {}
                },
                None => self.wake.notified().await,
            }
        }
    }

    /// Ends a job: frees its room, answers who waits for it and acknowledges it
    /// in the queue on disk.
    pub(crate) fn done(&self, tickets: Vec<Ticket>, fate: &Fate) {
        if let Fate::Settled(outcome) = fate {
            if let Some(tracker) = self.tracker() {
                tracker.settle(tickets.iter().filter_map(Ticket::sequence));
            }
            self.answer(tickets, outcome);
        }
        self.ended(1);
    }

    /// Answers who waits.
    pub(crate) fn answer(&self, tickets: Vec<Ticket>, outcome: &Outcome) {
        for waiter in tickets.into_iter().filter_map(|ticket| ticket.waiter) {
            // The caller may have gone away; its data were handled all the same.
            let _ = waiter.send(outcome.clone());
        }
    }

    /// So many jobs are no longer in flight.
    pub(crate) fn ended(&self, jobs: usize) {
        self.state.lock().in_flight -= jobs;
        self.idle.notify_waiters();
    }

    /// Takes no more batches; what is inside is still handed out.
    pub(crate) fn close(&self) {
        self.release(true);
    }

    /// Hands out what is open for company.
    pub(crate) fn send_open(&self) {
        self.release(false);
    }

    fn release(&self, close: bool) {
        let mut state = self.state.lock();
        state.closed |= close;
        self.closed.store(state.closed, Ordering::Release);
        let State { batcher, ready, .. } = &mut *state;
        if let Some(batcher) = batcher {
            ready.extend(batcher.take_all());
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Hands out everything that waits, and waits until all of it is done.
    pub(crate) async fn flush(&self) {
        self.release(false);
        self.flushes.fetch_add(1, Ordering::AcqRel);
        loop {
            let idle = self.idle.notified();
            if self.is_idle() {
                break;
            }
            self.flush_wanted.notify_one();
            idle.await;
        }
        self.flushes.fetch_sub(1, Ordering::AcqRel);
    }

    /// Somebody waits for a flush.
    pub(crate) fn is_flushing(&self) -> bool {
        self.flushes.load(Ordering::Acquire) > 0
    }

    fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.ready.is_empty()
            && state.in_flight == 0
            && state
                .batcher
                .as_ref()
                .is_none_or(|batcher| batcher.oldest().is_none())
    }

    /// Whether a worker would have to wait for a job.
    pub(crate) fn has_ready(&self) -> bool {
        !self.state.lock().ready.is_empty()
    }

    /// Takes out everything that no worker will send any more.
    pub(crate) fn abandon(&self) -> Vec<Job> {
        let mut state = self.state.lock();
        let State {
            batcher,
            ready,
            in_flight,
            ..
        } = &mut *state;
        let mut left: Vec<Job> = ready.drain(..).collect();
        if let Some(batcher) = batcher {
            left.extend(batcher.take_all());
        }
        *in_flight += left.len();
        left
    }

    fn full(&self, size: &Size) -> Refused {
        self.metrics.enqueue_failed(size.items);
        Refused::later(
            format!("the sending queue of {} is full", self.name),
            Some(WHEN_FULL),
        )
    }

    /// Room for a batch of this size, unless the queue is full or closed.
    pub(crate) fn admit(&self, size: &Size) -> Result<Room, Refused> {
        if self.closed.load(Ordering::Acquire) {
            return Err(self.shutting_down());
        }
        let units = self.units(size);
        if units > self.capacity.limit() {
            self.metrics.enqueue_failed(size.items);
            let limit = self.capacity.limit();
            return Err(Refused::never(format!(
                "a request of {units} is larger than the whole sending queue of {} ({limit}): send smaller requests or raise sending_queue::queue_size",
                self.name
            )));
        }
        if self.counts_jobs && self.capacity.has_room() {
            return Ok(Room::unlimited());
        }
        if let Some(reservation) = (!self.counts_jobs)
            .then(|| self.capacity.reserve(units))
            .flatten()
        {
            return Ok(Room::reserved(reservation));
        }
        // A sender that keeps the queue full does not keep the other receivers out.
        if budget::is_owed(size.bytes)
            && let Some(reservation) = self.capacity.reserve_owed(units)
        {
            return Ok(Room::reserved(reservation));
        }
        match self.blocks.then(|| self.waiting.reserve(1)).flatten() {
            Some(place) => Ok(Room::queueing(place)),
            None => Err(self.full(size)),
        }
    }
}

impl Queue {
    /// Room for a batch, whether there is any or not.
    pub(crate) fn overdraw(&self, size: &Size) -> Reservation {
        self.capacity.overdraw(self.units(size))
    }

    /// Whether this is a place in the waiting list of this queue.
    pub(crate) fn is_waited_for_by(&self, place: &Reservation) -> bool {
        Arc::ptr_eq(&self.waiting, &place.capacity)
    }

    /// Room for a batch, as soon as there is.
    pub(crate) async fn wait_for_room(&self, size: &Size) -> Reservation {
        self.capacity.wait_for(self.units(size)).await
    }
}

/// Lets health ask how full the queue is, as long as there is one.
pub(crate) fn show(queue: &Arc<Queue>, exporter: &str, signal: Signal, health: &Health) {
    let queue = Arc::downgrade(queue);
    health.watch_queue(
        &format!("exporter:{exporter}/{}", signal.name()),
        move || {
            let queue = queue.upgrade()?;
            Some(Fullness {
                used: queue.capacity.used(),
                limit: queue.capacity.limit(),
            })
        },
    );
}
