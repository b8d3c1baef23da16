//! The tables of the lake and how OTLP bytes become their rows.
//!
//! Pure: no files, no network, no clock. [`TableSpec`] says what a table looks like, [`Encoder`]
//! turns payloads into Arrow batches of one day each, sorted; [`parquet_properties`] says how
//! they are written. Loops over borrowed readers go straight into column builders: nothing is
//! allocated a record beyond the columns themselves, and what a resource or a scope says is
//! rendered once and copied for its records.

mod build;
mod column;
mod encode;
mod names;
mod parquet_settings;
mod promote;
mod record_id;
mod reject;
mod sort;
mod tables;
mod time;
mod value;

pub use column::{Column, Encoding};
pub use encode::{Appended, DayBatch, EcsName, EncodeError, Encoder, Entry, RowGroup};
pub use parquet_settings::{ParquetSettings, parquet_properties};
pub use promote::{BadPromotion, PRESETS, PromotedType, Promotion, Promotions, preset};
pub use reject::{Reason, Rejected};
pub use tables::{Kind, LAYOUT_VERSION, PARTITION, TableSpec};
pub use time::date_text;
