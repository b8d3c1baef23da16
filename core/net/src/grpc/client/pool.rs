//! A few HTTP/2 connections to one destination, opened when needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Backoff, GrpcClientOptions, Keepalive};
use crate::answer::Body;
use crate::connect::{self, ConnectError, Connection, Destination};
use crate::status::{Code, Status};
use crate::tls::TlsConnector;

const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

#[derive(Debug)]
pub(super) struct Pool {
    destination: Destination,
    tls: Option<Arc<TlsConnector>>,
    connect_timeout: Duration,
    keepalive: Option<Keepalive>,
    backoff: Backoff,
    wait_for_ready: bool,
    slots: Vec<Slot>,
    turn: AtomicUsize,
    /// One answer for all slots, so that a peer that is away is not asked by each.
    failure: Mutex<Failure>,
}

#[derive(Debug, Default)]
struct Slot {
    open: Mutex<Option<SendRequest<Body>>>,
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Failure {
    in_a_row: u32,
    until: Option<Instant>,
    why: Option<ConnectError>,
}

impl Pool {
    pub(super) fn new(destination: Destination, options: &GrpcClientOptions) -> Pool {
        Pool {
            destination,
            tls: options.tls.clone(),
            connect_timeout: options.connect_timeout,
            keepalive: options.keepalive,
            backoff: options.backoff,
            wait_for_ready: options.wait_for_ready,
            slots: (0..options.connections.max(1))
                .map(|_| Slot::default())
                .collect(),
            turn: AtomicUsize::new(0),
            failure: Mutex::default(),
        }
    }

    /// An open connection: the next in turn, opened if it is not.
    pub(super) async fn get(&self) -> Result<SendRequest<Body>, Status> {
        loop {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let slot = &self.slots[turn % self.slots.len()];
            if let Some(open) = slot.usable() {
                return Ok(open);
            }
            let Some(until) = self.failing_until() else {
                match self.open(slot, turn).await {
                    Ok(open) => return Ok(open),
                    Err(_) if self.wait_for_ready => continue,
                    Err(e) => return Err(unavailable(&e)),
                }
            };
            // another connection may still live
            if let Some(open) = self.slots.iter().find_map(Slot::usable) {
                return Ok(open);
            }
            if !self.wait_for_ready {
                return Err(self.still_failing(until));
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Opens a slot's connection; callers that come meanwhile share the outcome.
    async fn open(&self, slot: &Slot, turn: usize) -> Result<SendRequest<Body>, ConnectError> {
        let _one_at_a_time = slot.connecting.lock().await;
        if let Some(open) = slot.usable() {
            return Ok(open);
        }
        if let Some(why) = self
            .failing_until()
            .and_then(|_| self.failure.lock().why.clone())
        {
            return Err(why);
        }
        let opened = connect::within(
            self.connect_timeout,
            &self.destination,
            self.handshake(turn),
        )
        .await;
        let mut failure = self.failure.lock();
        match opened {
            Ok(open) => {
                *failure = Failure::default();
                *slot.open.lock() = Some(open.clone());
                Ok(open)
            }
            Err(why) => {
                let wait = delay(self.backoff, failure.in_a_row);
                failure.in_a_row = failure.in_a_row.saturating_add(1);
                failure.until = Some(Instant::now() + wait);
                failure.why = Some(why.clone());
                tracing::debug!(error = %why, ?wait, "cannot connect");
                Err(why)
            }
        }
    }

    async fn handshake(&self, turn: usize) -> Result<SendRequest<Body>, ConnectError> {
        let socket = connect::dial(&self.destination, turn).await?;
        let io = match (&self.tls, &self.destination) {
            (None, _) => Connection::Plain(socket),
            (Some(tls), Destination::Host { host, .. }) => {
                connect::secure(socket, tls, host).await?
            }
            (Some(tls), Destination::Unix(_)) => connect::secure(socket, tls, "localhost").await?,
        };
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if let Some(keepalive) = self.keepalive {
            builder
                .keep_alive_interval(keepalive.time)
                .keep_alive_timeout(keepalive.timeout)
                .keep_alive_while_idle(keepalive.permit_without_stream);
        }
        let refused = |e: hyper::Error| ConnectError::Refused {
            to: self.destination.to_string(),
            why: format!("no HTTP/2 there: {e}"),
        };
        let (sender, connection) = builder.handshake(TokioIo::new(io)).await.map_err(refused)?;
        // ends when the last sender is dropped or the peer closes
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "a gRPC connection ended");
            }
        });
        Ok(sender)
    }

    fn failing_until(&self) -> Option<Instant> {
        self.failure
            .lock()
            .until
            .filter(|until| *until > Instant::now())
    }

    fn still_failing(&self, until: Instant) -> Status {
        let left = until.saturating_duration_since(Instant::now());
        match &self.failure.lock().why {
            Some(why) => Status::new(
                Code::Unavailable,
                format!("{why}; next attempt in {left:.1?}"),
            ),
            None => Status::new(
                Code::Unavailable,
                format!("no connection to {}", self.destination),
            ),
        }
    }
}

impl Slot {
    fn usable(&self) -> Option<SendRequest<Body>> {
        self.open
            .lock()
            .as_ref()
            .filter(|open| !open.is_closed())
            .cloned()
    }
}

fn unavailable(why: &ConnectError) -> Status {
    Status::new(Code::Unavailable, why.to_string())
}

/// 1 s, 1.6 s, 2.6 s, … and a fifth more or less, as gRPC prescribes.
fn delay(backoff: Backoff, in_a_row: u32) -> Duration {
    let grown = backoff.first.as_secs_f64() * 1.6_f64.powi(in_a_row.min(64) as i32);
    let capped = grown.min(backoff.longest.as_secs_f64());
    Duration::from_secs_f64(capped * crate::jitter::around_one(0.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_to_its_longest() {
        let backoff = Backoff::default();
        for (n, seconds) in [
            (0, 1.0),
            (1, 1.6),
            (2, 2.56),
            (20, 120.0),
            (u32::MAX, 120.0),
        ] {
            let waited = delay(backoff, n).as_secs_f64();
            assert!(
                (seconds * 0.8..=seconds * 1.2).contains(&waited),
                "{n}: {waited}"
            );
        }
    }
}
