//! Stages that take telemetry from the outside.

use std::net::SocketAddr;

use futures::future::BoxFuture;
use otlp::Signal;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::budget::Budget;
use crate::host::Host;
use crate::outlet::Outlet;

/// Takes telemetry from the outside and hands it to its outputs. A receiver
/// owns its loop and stops on the host's word.
pub trait Receiver: Send {
    /// Opens ports or connections and starts to take telemetry. Ports are the
    /// last thing that a starting collector opens.
    fn start(self: Box<Self>, host: Host) -> BoxFuture<'static, Result<Running, StartError>>;
}

/// Where a receiver sends each signal. A signal that no pipeline takes has none.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// Log pipelines.
    pub logs: Option<Outlet>,
    /// Trace pipelines.
    pub traces: Option<Outlet>,
    /// Metric pipelines.
    pub metrics: Option<Outlet>,
}

impl Outputs {
    /// The outlet of `signal`.
    pub fn get(&self, signal: Signal) -> Option<&Outlet> {
        match signal {
            Signal::Logs => self.logs.as_ref(),
            Signal::Traces => self.traces.as_ref(),
            Signal::Metrics => self.metrics.as_ref(),
        }
    }

    /// The same outlets for a receiver whose bytes are charged to `door`.
    #[must_use]
    pub fn charged_to(&self, door: &Budget) -> Outputs {
        let charged = |outlet: &Option<Outlet>| Some(outlet.as_ref()?.charged_to(door));
        Outputs {
            logs: charged(&self.logs),
            traces: charged(&self.traces),
            metrics: charged(&self.metrics),
        }
    }

    /// Sets the outlet of `signal`.
    pub fn set(&mut self, signal: Signal, outlet: Outlet) {
        match signal {
            Signal::Logs => self.logs = Some(outlet),
            Signal::Traces => self.traces = Some(outlet),
            Signal::Metrics => self.metrics = Some(outlet),
        }
    }
}

/// A receiver at work.
#[derive(Debug)]
pub struct Running {
    /// The addresses it listens on, with what is served there (`http://127.0.0.1:4318`).
    pub addresses: Vec<(String, SocketAddr)>,
    /// Cancelled by the host: stop taking, answer what was taken, end.
    pub stop: CancellationToken,
    /// Ends when everything that was taken is answered. An error is fatal for
    /// the collector unless `stop` was cancelled.
    pub done: JoinHandle<Result<(), String>>,
}

/// A component could not start.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl StartError {
    /// An error with this one line.
    pub fn new(why: impl Into<String>) -> StartError {
        StartError(why.into())
    }
}
