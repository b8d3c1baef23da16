//! Borrowed readers: plain nested loops over a valid payload.
//!
//! Records are small `Copy` structs that are parsed in one forward pass; their
//! attributes and values stay encoded until asked for. Nothing here can fail:
//! the bytes were validated on entry.

mod logs;
mod messages;
mod metrics;
mod numbers;
mod points;
mod resource;
mod traces;
mod value;

pub use logs::LogRecord;
pub(crate) use messages::Decode;
pub use messages::Messages;
pub use metrics::{Data, Metric};
pub use points::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, NumberPoint, NumberValue,
    Quantile, SummaryPoint,
};
pub use resource::{
    Resource, ResourceLogs, ResourceMetrics, ResourceSpans, Scope, ScopeLogs, ScopeMetrics,
    ScopeSpans,
};
pub use traces::{Event, Link, Span, Status};
pub(crate) use value::next_field;
pub use value::{Attributes, EncodedValue, KeyValue, Value, ValueKind, Values};
