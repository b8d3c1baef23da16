//! ECS to OpenTelemetry and back: generated tables and the one mapper.
//!
//! - [`table`]: every name the mapping knows.
//! - [`flatten`]: nested events to dotted paths, for receivers.
//! - [`to_otel`]: an ECS event, as a log record of flat ECS attributes, to semantic conventions.
//! - [`from_otel`]: a log record to flat ECS.
//! - [`time`], [`severity`]: the pieces that others may want.
//!
//! The rules are in `MAPPING.md` beside this crate; "mapping, section N" in
//! comments means that page. Its tables and worked cases are in `data/`.

mod convert;
mod enums;
pub mod flatten;
pub mod from_otel;
#[path = "hash.rs"]
mod hash;
pub mod severity;
pub mod table;
pub mod time;
pub mod to_otel;

pub use from_otel::{EcsValue, ToEcs};
pub use to_otel::{Records, SCHEMA_URL, ToOtel};
