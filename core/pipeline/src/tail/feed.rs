//! Feeds a sink: stages entries, commits by time and size.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::batcher::{Job, Ticket};
use super::deliver::OnDisk;
use super::queue::{Fate, Queue};
use super::settings::RetryOnFailure;
use super::status::{GivenUp, Reporter};
use crate::outcome::{Accepted, Outcome, Refused};
use crate::sink::{CommitPolicy, Entry, Sequence, Sink, SinkError};

/// The one worker of a sink's tail.
pub(crate) struct Feed {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) retry: RetryOnFailure,
    pub(crate) reporter: Reporter,
    pub(crate) hurry: CancellationToken,
    /// Of a queue in memory: the number of the next entry.
    pub(crate) next: Sequence,
    /// The rules of a queue on disk.
    pub(crate) on_disk: Option<OnDisk>,
    /// Why nothing more is staged or committed: a commit that skips what was not
    /// stored would claim it.
    pub(crate) given_up: Option<SinkError>,
}

/// Entries that are staged and not yet committed.
#[derive(Default)]
struct Pending {
    /// Who waits for the commit.
    jobs: Vec<(Vec<Ticket>, Outcome)>,
    /// Jobs, with and without somebody who waits.
    count: usize,
    items: usize,
    /// Items that the sink has put into its dead letter.
    rejected: usize,
    bytes: usize,
    since: Option<Instant>,
    upto: Sequence,
}

enum Event {
    Job(Job),
    Commit,
    End,
}

impl Feed {
    /// Runs until the queue is closed and everything is committed, or until the
    /// deadline of the shutdown has passed.
    pub(crate) async fn run(mut self) {
        let policy = self.sink.policy();
        let mut pending = Pending::default();
        loop {
            match (self.event(&pending, policy).await, self.given_up.clone()) {
                (Event::Job(job), Some(why)) => self.leave(job, &why),
                (Event::Job(job), None) => self.stage(job, &mut pending).await,
                (Event::Commit, _) => {}
                (Event::End, _) => {
                    self.commit(&mut pending).await;
                    break;
                }
            }
            if self.given_up.is_some() || self.is_due(&pending, policy) {
                self.commit(&mut pending).await;
            }
        }
        self.sink.stop().await;
    }

    /// A job that came after everything was given up.
    fn leave(&mut self, job: Job, why: &SinkError) {
        let fate = self.interrupted(job.batch.payload.items(), why);
        self.queue.done(job.tickets, &fate);
    }

    async fn event(&self, pending: &Pending, policy: CommitPolicy) -> Event {
        let due = pending.since.map(|since| since + policy.every);
        tokio::select! {
            biased;
            () = sleep_until(due) => Event::Commit,
            job = self.queue.next() => job.map_or(Event::End, Event::Job),
            () = self.queue.flush_wanted.notified() => Event::Commit,
        }
    }

    fn is_due(&self, pending: &Pending, policy: CommitPolicy) -> bool {
        let Some(since) = pending.since else {
            return false;
        };
        pending.bytes >= policy.bytes
            || since.elapsed() >= policy.every
            || (self.queue.is_flushing() && !self.queue.has_ready())
    }

    async fn stage(&mut self, job: Job, pending: &mut Pending) {
        let items = job.batch.payload.items();
        let on_disk = job.tickets.iter().rev().find_map(Ticket::sequence);
        let sequence = on_disk.unwrap_or(self.next);
        let entry = Entry {
            sequence,
            batch: job.batch,
        };
        let retry = self.retry.clone();
        let mut backoff = Backoff::new(&retry);
        loop {
            match self.sink.stage(entry.clone()).await {
                Ok(staged) => {
                    let mut accepted = Accepted::default();
                    for (why, count) in staged.rejected {
                        // the sink has put them into its dead letter
                        self.reporter.kept(count, "rejected", &why);
                        accepted.rejected += count;
                        accepted.why.get_or_insert(why);
                    }
                    let rejected = accepted.rejected.min(items);
                    pending.items += items - rejected;
                    pending.rejected += rejected;
                    pending.bytes = staged.bytes;
                    pending.since.get_or_insert_with(Instant::now);
                    pending.upto = sequence;
                    pending.count += 1;
                    self.next = sequence + 1;
                    // What came from disk takes no more room than its number.
                    if on_disk.is_none() {
                        pending.jobs.push((release(job.tickets), Ok(accepted)));
                    }
                    return;
                }
                Err(SinkError::Never { why }) => {
                    let given_up = GivenUp {
                        payload: entry.batch.payload,
                        items,
                        reason: "refused",
                        why: Arc::clone(&why),
                        attempts: 1,
                    };
                    self.reporter.given_up(given_up).await;
                    let refused = Fate::Settled(Err(Refused::Never { why }));
                    self.queue.done(job.tickets, &refused);
                    return;
                }
                Err(error) => {
                    if !self.wait(&mut backoff, &error).await {
                        let fate = self.interrupted(items, &error);
                        self.queue.done(job.tickets, &fate);
                        return;
                    }
                }
            }
        }
    }

    /// Commits what is pending, as often as it takes.
    async fn commit(&mut self, pending: &mut Pending) {
        if pending.since.is_none() {
            return;
        }
        let mut span = self.reporter.span();
        let retry = self.retry.clone();
        let mut backoff = Backoff::new(&retry);
        let failed = loop {
            if let Some(error) = self.given_up.clone() {
                break Some(error);
            }
            match self.commit_once(pending.upto).await {
                Ok(()) => break None,
                Err(error) => {
                    if !self.wait(&mut backoff, &error).await {
                        break Some(error);
                    }
                }
            }
        };
        let done = std::mem::take(pending);
        match &failed {
            None => {
                span.count("sent", done.items);
                self.reporter.sent(done.items);
            }
            Some(error) => {
                span.fail(&error.to_string());
                if self.on_disk.is_some() {
                    // they come again, and are refused again
                    self.queue.metrics.again(done.rejected);
                }
                self.interrupted(done.items, error);
            }
        }
        if failed.is_none() {
            self.queue.stored_through(done.upto);
        }
        for (tickets, outcome) in done.jobs {
            let outcome = match &failed {
                None => outcome,
                Some(error) => Err(Refused::later(error.to_string(), None)),
            };
            self.queue.answer(tickets, &outcome);
        }
        self.queue.ended(done.count);
    }

    /// What a shutdown interrupts is given up, unless it is on disk, and so is
    /// everything behind it.
    fn interrupted(&mut self, items: usize, error: &SinkError) -> Fate {
        self.given_up.get_or_insert_with(|| error.clone());
        if let Some(on_disk) = &self.on_disk {
            on_disk.stop_reading.cancel();
            return Fate::Kept { items };
        }
        let why = error.to_string();
        self.reporter.dropped(items, "shutdown", &why);
        Fate::Settled(Err(Refused::later(why, None)))
    }

    /// One commit, given up when the deadline of the shutdown passes in the
    /// middle of it. Whether it landed is not known then.
    async fn commit_once(&self, upto: Sequence) -> Result<(), SinkError> {
        tokio::select! {
            biased;
            result = self.sink.commit(upto) => result,
            () = self.hurry.cancelled() => {
                Err(SinkError::Later { after: None, why: "shut down while committing".into() })
            }
        }
    }

    /// Waits before the next attempt; false when there is none. A sink is tried
    /// for ever: its queue pushes back, nothing that was accepted is given up.
    async fn wait(&self, backoff: &mut Backoff<'_>, error: &SinkError) -> bool {
        let (after, why) = match error {
            SinkError::Later { after, why } => (*after, why),
            SinkError::Settings { why } | SinkError::Never { why } => (None, why),
        };
        let wait = backoff.next(after, rand::rng().random::<f64>(), Duration::ZERO);
        let wait = wait.unwrap_or_else(|| self.retry.max_interval.into());
        match error {
            SinkError::Settings { .. } => self.reporter.stuck(why),
            _ => self.reporter.failing(why, wait),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.hurry.cancelled() => false,
            () = self.closing() => false,
        }
    }
}

impl Feed {
    /// Ends when a tail in front of a queue on disk begins to stop: nobody waits
    /// then for a store that fails.
    async fn closing(&self) {
        match &self.on_disk {
            Some(on_disk) => on_disk.closing.cancelled().await,
            None => std::future::pending().await,
        }
    }
}

/// A staged entry no longer takes room in the queue: the sink's own limit holds it.
fn release(tickets: Vec<Ticket>) -> Vec<Ticket> {
    tickets
        .into_iter()
        .map(|ticket| Ticket {
            reservation: None,
            waiter: ticket.waiter,
            place: None,
        })
        .collect()
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
