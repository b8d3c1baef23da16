//! Telemetry in flight: valid OTLP bytes, read, edited, joined and split
//! without being decoded into structs.
//!
//! A [`Payload`] is one `ExportXServiceRequest` that was validated when it came
//! in; after that no stage can meet a malformed byte. It is a rope, so joining
//! copies nothing and splitting copies only the records of a resource that is
//! cut. No I/O, no async, no configuration, no budget in here.

pub mod edit;
mod frame;
pub mod json;
mod payload;
mod read;
mod signal;
mod validate;
mod wire;
pub mod write;

/// Limits of what is accepted.
pub mod limits {
    /// How deep values may nest: a text is 1 deep, an array of texts 2.
    ///
    /// `prost` and most protobuf decoders stop at 100 nested messages. A map
    /// costs three of them, and the attributes of an exemplar start at the
    /// ninth, so this is what everyone can read wherever the value is moved to.
    pub const MAX_VALUE_DEPTH: usize = 28;

    /// How many times its own size a payload may grow by the headers that
    /// splitting repeats.
    ///
    /// Without it, a request of 2 MiB, half of it one resource, could become
    /// gigabytes.
    pub const MAX_REPEATED: usize = 16;

    /// How many bytes of repeated headers are always allowed.
    pub const REPEATED_FREE: usize = 1 << 20;
}

pub use frame::count_items;
pub use payload::{Payload, Split, SplitLimits};
pub use read::{
    Attributes, Buckets, Data, EncodedValue, Event, Exemplar, ExponentialHistogramPoint,
    HistogramPoint, KeyValue, Link, LogRecord, Messages, Metric, NumberPoint, NumberValue,
    Quantile, Resource, ResourceLogs, ResourceMetrics, ResourceSpans, Scope, ScopeLogs,
    ScopeMetrics, ScopeSpans, Span, Status, SummaryPoint, Value, ValueKind, Values,
};
pub use signal::Signal;
pub use validate::{Invalid, Problem};
