//! What component tests are made with: builders of telemetry, a consumer and
//! an exporter that do as they are told and remember what they got.
//!
//! Time is `tokio::time::pause` for waits and [`pipeline::Clock::fixed`] for
//! wall time; no test sleeps.

mod consumer;
mod exporter;
mod sink;
mod telemetry;

pub use consumer::ScriptedConsumer;
pub use exporter::{Answer, RecordingExporter};
pub use sink::{RecordingSink, Step};
pub use telemetry::{log_bodies, logs, numbered_logs};
