//! Events that came alone, in requests that are read at the same time, go on as
//! one batch.
//!
//! A page sends an event a request, and a busy server reads many requests
//! between two looks at its sockets. For each batch, every stage behind costs as
//! much as for several records, and its code has to come into the processor's
//! caches again: that is paid once for all of them. Nobody waits for others to
//! come: a batch is closed when the thread has done what was there to be done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otlp::Payload;
use otlp::write::LogsWriter;
use parking_lot::Mutex;
use pipeline::{Accepted, Outcome};
use tokio::sync::SetOnce;

use super::read::own_attributes;
use crate::admission::Site;

/// Bytes at which a batch is closed although there may be more to do.
const FULL: usize = 256 << 10;

/// The batches that are open, one for each thread that reads, so that no thread
/// waits for another.
pub(super) struct Gathering(Box<[Mutex<Open>]>);

#[derive(Default)]
struct Open {
    writer: LogsWriter,
    /// The site whose attributes the current resource has, by its address.
    site: Option<usize>,
    truncated: usize,
    verdict: Option<Arc<Verdict>>,
}

/// A batch that is closed.
pub(super) struct Gathered {
    pub(super) payload: Payload,
    /// How many of its events were cut.
    pub(super) truncated: usize,
    pub(super) verdict: Unanswered,
}

/// Where the event of a request is.
pub(super) struct Place {
    pub(super) verdict: Arc<Verdict>,
    /// Its number in the batch.
    pub(super) index: usize,
    pub(super) then: Then,
}

/// What the request has to do for its batch.
pub(super) enum Then {
    /// Another request does it.
    Nothing,
    /// It began the batch: it has it closed, by the number of its thread.
    Close(usize),
    /// It filled the batch: it hands it over.
    HandOver(Gathered),
}

/// What the pipeline said.
pub(super) enum Told {
    /// Of the batch, which has so many events.
    All(Outcome, usize),
    /// Of each event, in their order.
    Each(Vec<Outcome>),
    /// Nothing: who had to ask it failed.
    GivenUp,
}

/// The pipeline's answer to a batch, for all requests that have an event in it.
#[derive(Default)]
pub(super) struct Verdict(SetOnce<Told>);

impl Verdict {
    /// The outcome of the event with this number; none when the batch was given up.
    pub(super) async fn of(&self, index: usize) -> Option<Outcome> {
        match self.0.wait().await {
            // which of several were rejected is not known
            Told::All(Ok(_), 2..) => Some(Ok(Accepted::default())),
            Told::All(outcome, _) => Some(outcome.clone()),
            Told::Each(outcomes) => outcomes.get(index).cloned(),
            Told::GivenUp => None,
        }
    }
}

/// The duty to answer: who fails at it answers that too.
pub(super) struct Unanswered(Arc<Verdict>);

impl Unanswered {
    pub(super) fn answer(&self, told: Told) {
        // nobody else has the duty, so nothing was answered before
        let _ = self.0.0.set(told);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if self.0.0.get().is_none() {
            self.answer(Told::GivenUp);
        }
    }
}

impl Gathering {
    pub(super) fn new() -> Gathering {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Gathering((0..threads).map(|_| Mutex::default()).collect())
    }

    /// Puts an event into the batch of this thread. `write` says whether it was cut.
    pub(super) fn add(
        &self,
        site: Option<&Site>,
        write: impl FnOnce(&mut LogsWriter) -> bool,
    ) -> Place {
        let thread = number_of_thread() % self.0.len();
        let mut open = self.0[thread].lock();
        let whole = Whole(&mut open);
        let open = &mut *whole.0;
        let index = open.writer.items();
        let address = site.map(|site| std::ptr::from_ref(site).addr());
        if address != open.site {
            let attributes = site.map(|site| &*site.attributes).unwrap_or_default();
            if index > 0 || !attributes.is_empty() {
                open.writer
                    .resource(|resource| own_attributes(resource, attributes));
            }
            open.site = address;
        }
        open.truncated += usize::from(write(&mut open.writer));
        let (verdict, is_first) = match &open.verdict {
            Some(verdict) => (Arc::clone(verdict), false),
            None => (Arc::clone(open.verdict.insert(Arc::default())), true),
        };
        let then = match open.writer.size() {
            FULL.. => open.close().map_or(Then::Nothing, Then::HandOver),
            _ if is_first => Then::Close(thread),
            _ => Then::Nothing,
        };
        Place {
            verdict,
            index,
            then,
        }
    }

    /// Closes the batch that `verdict` belongs to, if nobody has.
    pub(super) fn close(&self, thread: usize, verdict: &Arc<Verdict>) -> Option<Gathered> {
        let mut open = self.0[thread].lock();
        let current = open.verdict.as_ref()?;
        if !Arc::ptr_eq(current, verdict) {
            return None;
        }
        open.close()
    }
}

impl Open {
    fn close(&mut self) -> Option<Gathered> {
        let verdict = self.verdict.take()?;
        self.site = None;
        Some(Gathered {
            payload: self.writer.finish(),
            truncated: std::mem::take(&mut self.truncated),
            verdict: Unanswered(verdict),
        })
    }
}

/// A batch in which a panic leaves half a record ends there, before others come into it.
struct Whole<'o>(&'o mut Open);

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let broken = std::mem::take(self.0);
            drop(broken.verdict.map(Unanswered));
        }
    }
}

/// Threads count themselves when they first ask.
fn number_of_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
