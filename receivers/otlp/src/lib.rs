//! `otlp`: OTLP over gRPC and HTTP, in protobuf and JSON.
//!
//! A request is validated once and then travels as the bytes it came in. One
//! server serves all signals; a signal that no pipeline takes is answered with
//! UNIMPLEMENTED or 404. The answer to a client is the answer of the pipeline.

mod answer;
mod config;
mod door;
mod grpc;
mod http;
mod intake;
mod serve;

use otlp::Signal;
use pipeline::registry::{self, Factory, ReceiverConfig, Stability};

pub use config::{Config, Grpc, Http, Paths, Protocols};

/// The factory of `otlp`.
pub fn factory() -> Factory<dyn ReceiverConfig> {
    let signals = &[Signal::Logs, Signal::Traces, Signal::Metrics];
    registry::receiver::<Config>("otlp", &[], signals, Stability::Beta)
}
