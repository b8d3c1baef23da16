//! The contracts between the stages of a pipeline, and what every stage shares.
//!
//! A receiver hands a [`Batch`] to a [`Consumer`]. Handing over is synchronous
//! and in two steps: [`Consumer::admit`] reserves room in every branch and never
//! waits, [`Consumer::offer`] takes responsibility. Only the outcome is waited
//! for, through an [`Ack`]; a client that goes away drops its interest in the
//! outcome, never data in the middle of a pipeline.
//!
//! ```text
//! receiver ─ Outlet ─ Gate/Chain (fused transforms) ─ FanOut ─┬─ Tail: queue, batch, retry ─ Exporter
//!                                                             └─ Tail: queue, stage, commit ─ Sink
//! ```

pub mod batch;
pub mod budget;
pub mod clock;
pub mod consumer;
pub mod dead_letter;
pub mod durable;
pub mod exporter;
pub mod extension;
pub mod fan_out;
pub mod health;
pub mod host;
pub mod listeners;
pub mod memory;
pub mod outcome;
pub mod outlet;
pub mod processor;
pub mod receiver;
pub mod registry;
pub mod sink;
pub mod tail;
pub mod telemetry;
pub mod transform;

pub use batch::{Batch, Client, Size};
pub use budget::{Budget, Charge};
pub use clock::Clock;
pub use consumer::{Consumer, Reservation, Room};
pub use durable::DurableLog;
pub use exporter::{Exporter, Report};
pub use extension::Extension;
pub use host::Host;
pub use listeners::Listeners;
pub use otlp::{Payload, Signal};
pub use outcome::{Accepted, Ack, Outcome, Refused};
pub use outlet::Outlet;
pub use processor::{Gate, Processor};
pub use receiver::{Outputs, Receiver, Running, StartError};
pub use registry::Registry;
pub use sink::{Sink, SinkError};
pub use transform::Transform;
