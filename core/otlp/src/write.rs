//! Writing telemetry from scratch, straight into OTLP bytes.
//!
//! For receivers that make records of something that is not OTLP (beacons,
//! Lambda events, lines of files) and for the JSON reader. A writer owns one
//! growing buffer; nothing is allocated for a record, and no tree is built even
//! for nested values. What comes out is valid by construction.
//!
//! ```
//! use otlp::{Value, write::LogsWriter};
//!
//! let mut writer = LogsWriter::new();
//! writer.resource(|r| r.attribute("service.name", Value::String("shop")));
//! writer.scope(|s| s.name("web"));
//! writer.record(|log| {
//!     log.time_unix_nano(1_700_000_000_000_000_000);
//!     log.body(Value::String("added to basket"));
//!     log.attribute_with("basket.items", |value| {
//!         value.array(|items| {
//!             items.push(Value::String("apple"));
//!             items.push_with(|item| item.map(|m| m.attribute("count", Value::Int(2))));
//!         });
//!     });
//! });
//! let payload = writer.finish();
//! assert_eq!(payload.items(), 1);
//! ```
//!
//! A field that is set twice keeps its last value; attributes are appended and
//! their keys are not compared. Defaults (zero, empty text) are left out, as
//! protobuf does.

mod attributes;
pub(crate) mod envelope;
mod logs;
mod metrics;
pub(crate) mod nest;
mod nested;
mod points;
mod resource;
mod traces;
pub(crate) mod value;

pub use logs::{LogWriter, LogsWriter};
pub use metrics::{MetricWriter, MetricsWriter};
pub(crate) use nested::Sink;
pub use nested::{ArrayWriter, MapWriter, ValueWriter};
pub use points::{
    ExemplarWriter, ExponentialHistogramPointWriter, ExponentialHistogramPointsWriter,
    HistogramPointWriter, HistogramPointsWriter, NumberPointWriter, NumberPointsWriter,
    SummaryPointWriter, SummaryPointsWriter,
};
pub use resource::{EntityWriter, ResourceWriter, ScopeWriter};
pub use traces::{EventWriter, LinkWriter, SpanWriter, TracesWriter};
