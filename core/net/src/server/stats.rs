//! Counters of a server's connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start; no peer is named.
#[derive(Debug, Default)]
pub struct ServerStats {
    accepted: AtomicU64,
    open: AtomicU64,
    refused_address: AtomicU64,
    failed_tls: AtomicU64,
    slow_head: AtomicU64,
    idle: AtomicU64,
    aged: AtomicU64,
    broken: AtomicU64,
}

/// One reading of [`ServerStats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Closed at once: too many of one address.
    pub refused_address: u64,
    /// Closed because TLS could not be agreed on.
    pub failed_tls: u64,
    /// Closed because a request's head took too long.
    pub slow_head: u64,
    /// Closed because nothing was asked for too long.
    pub idle: u64,
    /// Closed because of their age.
    pub aged: u64,
    /// Ended by an error of the connection or of its protocol.
    pub broken: u64,
}

impl ServerStats {
    /// Reads all counters.
    pub fn read(&self) -> ConnectionCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ConnectionCounts {
            accepted: get(&self.accepted),
            open: get(&self.open),
            refused_address: get(&self.refused_address),
            failed_tls: get(&self.failed_tls),
            slow_head: get(&self.slow_head),
            idle: get(&self.idle),
            aged: get(&self.aged),
            broken: get(&self.broken),
        }
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed) as usize
    }

    pub(super) fn opened(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn refused_address(&self) {
        self.refused_address.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed_tls(&self) {
        self.failed_tls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn slow_head(&self) {
        self.slow_head.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn idle(&self) {
        self.idle.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn aged(&self) {
        self.aged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn broken(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }
}
