//! SQL over the tables of a lake: Delta tables and directories of Parquet files, on a local disk
//! or S3. Only reads.
//!
//! A [`Session`] holds the places where tables are ([`Source`]). Each statement looks up the
//! tables that it names and nothing else, reads their newest version, and keeps to it until its
//! last row; the next statement looks again. What a statement holds in memory is bounded, the
//! rest goes to temporary files. [`write`] prints an [`Answer`] as it arrives.

mod answer;
mod columns;
mod error;
mod explain;
mod json_get;
mod open;
mod output;
mod parquet;
mod session;
mod source;

pub use answer::Answer;
pub use columns::ColumnInfo;
pub use error::QueryError;
pub use explain::{Explanation, Scanned};
pub use output::{Format, write};
pub use session::{Session, SessionSettings};
pub use source::{Form, Source, TableInfo};
