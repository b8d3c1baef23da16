//! Reads the log for one exporter and hands what it reads to the exporter's tail.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wal::{Entry, Lost, Position, Read, ReadError, Reader};

use super::entry;
use super::log::DurableLog;
use super::recent::Found;
use super::tracker::{Open, Tracker};
use crate::batch::{Batch, Size};
use crate::tail::batcher::{Place, Ticket};
use crate::tail::capacity::Capacity;
use crate::tail::deliver::OnDisk;
use crate::tail::queue::Queue;
use crate::tail::status::{GivenUp, Reporter};

/// Bytes of files that are read at a time, off the threads of sockets.
const BURST: usize = 1 << 20;
/// How long a file that cannot be read is left alone.
const AFTER_READ_ERROR: Duration = Duration::from_secs(1);

/// The reading end of a queue on disk.
pub(crate) struct Pump {
    pub(crate) log: Arc<DurableLog>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) tracker: Arc<Tracker>,
    pub(crate) reporter: Reporter,
    /// Bytes that may be with the tail at a time.
    pub(crate) window: Arc<Capacity>,
    /// When to end, and which age is too old.
    pub(crate) on_disk: OnDisk,
    /// A store has some of the entries up to this one, and an entry can only be
    /// told from its neighbours if it is not joined with them.
    pub(crate) stored: u64,
}

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything was handed over.
    AtEnd,
    /// Something is left, for a successor or the next start.
    Early,
}

/// One step through the log.
enum Step {
    Batch(Arrived),
    Lost(Unreadable),
}

/// Entries that cannot be read.
struct Unreadable {
    position: Position,
    entries: u64,
    /// Log records, spans or data points, as far as they are known.
    items: usize,
    reason: &'static str,
    why: String,
}

struct Arrived {
    position: Position,
    accepted_at: u64,
    batch: Batch,
}

impl Pump {
    /// Runs until the log is closed or the tail stops. With `to_end` it ends
    /// where the log ends now.
    pub(crate) async fn run(self, to_end: bool) -> Ended {
        let mut reader = match self.tracker.cursor().reader() {
            Ok(reader) => reader,
            Err(error) => {
                self.reporter.stuck(&error.to_string().into());
                return Ended::Early;
            }
        };
        let place = self.log.recent().enter(reader.sequence());
        let ended = loop {
            let next = tokio::select! {
                biased;
                () = self.on_disk.stop_reading.cancelled() => ControlFlow::Break(Ended::Early),
                next = self.step(&mut reader, place, to_end) => next,
            };
            if let ControlFlow::Break(ended) = next {
                break ended;
            }
        };
        self.log.recent().leave(place);
        ended
    }

    /// Hands over what comes next.
    async fn step(&self, reader: &mut Reader, place: usize, to_end: bool) -> ControlFlow<Ended> {
        match self.log.recent().take(place, reader.sequence()) {
            Found::Entry(position, batch) => {
                reader.skip(position);
                let accepted_at = self.log.clock().unix_nano() / 1_000_000;
                let arrived = Arrived {
                    position,
                    accepted_at,
                    batch,
                };
                self.hand_over(Step::Batch(arrived)).await
            }
            Found::InFiles => {
                let (steps, failed) = self.burst(reader).await?;
                for step in steps {
                    self.hand_over(step).await?;
                }
                if let Some(why) = failed {
                    self.reporter.failing(&why, AFTER_READ_ERROR);
                    tokio::time::sleep(AFTER_READ_ERROR).await;
                }
                ControlFlow::Continue(())
            }
            Found::NotYet if to_end || self.on_disk.closing.is_cancelled() => {
                ControlFlow::Break(Ended::AtEnd)
            }
            Found::NotYet => {
                tokio::select! {
                    () = self.log.recent().wait(reader.sequence()) => {}
                    () = self.on_disk.closing.cancelled() => {}
                }
                ControlFlow::Continue(())
            }
        }
    }

    /// Reads from the files and validates, on a thread that may wait. What was
    /// read before an error is handed out first, with the error.
    async fn burst(
        &self,
        reader: &mut Reader,
    ) -> ControlFlow<Ended, (Vec<Step>, Option<Arc<str>>)> {
        let Ok(mut successor) = self.tracker.cursor().reader() else {
            return ControlFlow::Break(Ended::Early);
        };
        successor.skip(reader.position());
        let mut own = std::mem::replace(reader, successor);
        let end = self.log.recent().end();
        let read = tokio::task::spawn_blocking(move || {
            let result = read_burst(&mut own, end);
            (own, result)
        });
        match read.await {
            Ok((own, (steps, failed))) => {
                *reader = own;
                ControlFlow::Continue((steps, failed.map(|error| error.to_string().into())))
            }
            // the successor stands where this burst began
            Err(error) if error.is_panic() => {
                let from = reader.sequence();
                let why = format!(
                    "reading entry {from} of the queue on disk, or one behind it, panicked: {error}"
                );
                ControlFlow::Continue((Vec::new(), Some(why.into())))
            }
            Err(_) => ControlFlow::Break(Ended::Early),
        }
    }

    async fn hand_over(&self, step: Step) -> ControlFlow<Ended> {
        match step {
            Step::Batch(arrived) => self.push(arrived).await,
            Step::Lost(lost) => {
                self.reporter
                    .lost(lost.entries, lost.items, lost.reason, &lost.why);
                self.tracker.read(Open::settled(lost.position, lost.items));
                ControlFlow::Continue(())
            }
        }
    }

    async fn push(&self, arrived: Arrived) -> ControlFlow<Ended> {
        let Arrived {
            position,
            accepted_at,
            batch,
        } = arrived;
        let sequence = position.sequence();
        if sequence <= self.stored && sequence >= self.log.opened_at() {
            return self.renumber(position, batch).await;
        }
        let size = batch.size();
        let expired = self.on_disk.is_expired(accepted_at);
        self.tracker.read(Open {
            position,
            units: self.queue.units(&size),
            items: size.items,
            accepted_at,
            settled: false,
        });
        if expired {
            let why = format!("older than max_age ({:?})", self.on_disk.max_age);
            let given_up = GivenUp {
                payload: batch.payload,
                items: size.items,
                reason: "expired",
                why: why.into(),
                attempts: 0,
            };
            self.reporter.given_up(given_up).await;
            self.tracker.settle(std::iter::once(sequence));
            return ControlFlow::Continue(());
        }
        let reservation = self.room(&size).await;
        let ticket = Ticket {
            reservation: Some(reservation),
            waiter: None,
            place: Some(Place {
                sequence,
                accepted_at,
            }),
        };
        let pushed = match sequence <= self.stored {
            true => self.queue.push_alone(batch, ticket),
            false => self.queue.push(batch, ticket),
        };
        match pushed {
            Ok(()) => ControlFlow::Continue(()),
            // the queue is closed: the entry stays where it is
            Err(_) => ControlFlow::Break(Ended::Early),
        }
    }

    /// The entry is new and its store believes to have it, because the log was
    /// restored from an older copy and gave a number twice. It gets another one.
    async fn renumber(&self, position: Position, batch: Batch) -> ControlFlow<Ended> {
        let items = batch.payload.items();
        loop {
            let (answer, appended) = oneshot::channel();
            self.log.append(batch.clone(), move |result| {
                // whoever does not wait any more has left the entry where it is
                let _ = answer.send(result);
            });
            match appended.await {
                Ok(Ok(_)) => break,
                Err(_) => return ControlFlow::Break(Ended::Early),
                Ok(Err(refused)) => {
                    let why = refused.to_string().into();
                    self.reporter.failing(&why, AFTER_READ_ERROR);
                    tokio::time::sleep(AFTER_READ_ERROR).await;
                }
            }
        }
        // the room goes over to the new one
        self.tracker.read(Open::settled(position, items));
        ControlFlow::Continue(())
    }

    /// Waits for room in the window. A batch that is open for company is sent
    /// then, since nothing comes to fill it.
    async fn room(&self, size: &Size) -> crate::consumer::Reservation {
        let bytes = size.bytes.min(self.window.limit());
        if let Some(reservation) = self.window.reserve(bytes) {
            return reservation;
        }
        self.queue.send_open();
        self.window.wait_for(bytes).await
    }
}

fn read_burst(reader: &mut Reader, end: u64) -> (Vec<Step>, Option<ReadError>) {
    let (mut steps, mut bytes) = (Vec::new(), 0);
    while bytes < BURST && reader.sequence() < end {
        match reader.read() {
            Ok(Read::Entry(entry)) => {
                bytes += entry.length();
                steps.push(step_of(&entry));
            }
            Ok(Read::Lost(lost)) => steps.push(lost_step(&lost)),
            Ok(Read::End) => break,
            Err(error) => return (steps, Some(error)),
        }
    }
    (steps, None)
}

fn step_of(read: &Entry) -> Step {
    match entry::decode(read.tag, &read.payload) {
        Ok(decoded) => Step::Batch(Arrived {
            position: read.position,
            accepted_at: read.time,
            batch: decoded.into_batch(),
        }),
        Err(error) => Step::Lost(Unreadable {
            position: read.position,
            entries: 1,
            items: read.items as usize,
            reason: "unreadable",
            why: format!("entry {}: {error}", read.sequence),
        }),
    }
}

fn lost_step(lost: &Lost) -> Step {
    let why = format!(
        "entries {} to {} of the queue on disk: {:?}",
        lost.from,
        lost.to.saturating_sub(1),
        lost.reason
    );
    Step::Lost(Unreadable {
        position: lost.position,
        entries: lost.to.saturating_sub(lost.from),
        items: lost.items.map_or(0, |items| items as usize),
        reason: "damaged",
        why,
    })
}
