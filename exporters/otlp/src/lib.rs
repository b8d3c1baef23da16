//! `otlp_grpc` and `otlp_http`: send telemetry to whoever speaks OTLP.
//!
//! The message on the wire is the payload as it came through the pipeline: its
//! segments are sent, or compressed, as they are. What the destination finds
//! too large is cut in halves until it fits.

mod answer;
mod config;
mod deliver;
mod grpc;
mod http;
mod size;

use otlp::Signal;
use pipeline::registry::{self, ExporterConfig, Factory, Stability};

pub use config::{Encoding, GrpcConfig, GrpcOwn, HttpConfig, HttpOwn};

/// The factory of `otlp_grpc`.
pub fn grpc_factory() -> Factory<dyn ExporterConfig> {
    registry::exporter::<GrpcConfig>("otlp_grpc", &["otlp"], &Signal::ALL, Stability::Beta)
}

/// The factory of `otlp_http`.
pub fn http_factory() -> Factory<dyn ExporterConfig> {
    registry::exporter::<HttpConfig>("otlp_http", &["otlphttp"], &Signal::ALL, Stability::Beta)
}
