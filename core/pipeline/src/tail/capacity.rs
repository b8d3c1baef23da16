//! How much of a queue is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::consumer::Reservation;

/// The capacity of one queue, in units of its sizer. What is being sent counts
/// until it is done.
#[derive(Debug)]
pub struct Capacity {
    limit: usize,
    used: AtomicUsize,
    freed: Notify,
}

impl Capacity {
    /// A capacity of `limit` units.
    pub fn new(limit: usize) -> Arc<Capacity> {
        Arc::new(Capacity {
            limit,
            used: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Units taken now. May pass the limit: data inside are never turned away.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether one more unit fits.
    pub(crate) fn has_room(&self) -> bool {
        self.used() < self.limit
    }

    /// Takes `units` for a receiver that what is in the queue does not come
    /// from, past the limit: a quarter more at most, and one unit in any case.
    pub(crate) fn reserve_owed(self: &Arc<Self>, units: usize) -> Option<Reservation> {
        let most = self.limit.saturating_add((self.limit / 4).max(1));
        self.reserve_up_to(most, units)
    }

    /// Takes `units` when they fit.
    pub(crate) fn reserve(self: &Arc<Self>, units: usize) -> Option<Reservation> {
        self.reserve_up_to(self.limit, units)
    }

    fn reserve_up_to(self: &Arc<Self>, most: usize, units: usize) -> Option<Reservation> {
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| {
                used.checked_add(units).filter(|used| *used <= most)
            })
            .ok()
            .map(|_| Reservation {
                capacity: Arc::clone(self),
                units,
            })
    }

    /// Takes `units` whether they fit or not.
    pub(crate) fn overdraw(self: &Arc<Self>, units: usize) -> Reservation {
        self.used.fetch_add(units, Ordering::AcqRel);
        Reservation {
            capacity: Arc::clone(self),
            units,
        }
    }

    /// Waits until `units` fit and takes them.
    pub(crate) async fn wait_for(self: &Arc<Self>, units: usize) -> Reservation {
        loop {
            let freed = self.freed.notified();
            if let Some(reservation) = self.reserve(units) {
                return reservation;
            }
            freed.await;
        }
    }

    pub(crate) fn give_back(&self, units: usize) {
        if units == 0 {
            return;
        }
        // Saturating: what a damaged queue on disk held is only estimated.
        let less = |used: usize| Some(used.saturating_sub(units));
        let _ = self
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, less);
        self.freed.notify_waiters();
    }
}
