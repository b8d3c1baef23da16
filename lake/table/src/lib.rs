//! Delta tables on a local disk or S3: files, commits, maintenance. Knows no pipeline.
//!
//! [`Lake::open`] opens or creates the tables; a [`Stager`] turns payloads into finished Parquet
//! files in memory (or in a temporary file beyond a cap); [`Stager::seal`] closes what was staged
//! into a [`Flush`]; [`Lake::commit`] uploads the flush and commits it, and may be called again
//! with the same flush after any error: files are written once, and the same files are committed
//! again, under an application transaction that lets them land only once.
//!
//! [`Storage`] is the same place for those who write files without a table, and [`ParquetFile`]
//! one of those files.

mod commit;
mod durable;
mod error;
mod file;
mod flush;
mod lake;
mod location;
mod maintenance;
mod schema;
mod spill;
mod stage;
mod stager;
mod stats;
mod storage;
mod table;
mod upload;

pub mod text;

pub use commit::{Outcome, Transaction};
pub use error::{Refused, TableError};
pub use file::ParquetFile;
pub use flush::{Flush, Landed};
pub use lake::{Lake, LakeSettings};
pub use location::Location;
pub use maintenance::{Maintained, Maintenance, MaintenanceSettings};
pub use spill::{MemoryCap, Spill, StagedBytes};
pub use stager::{Staged, Stager};
pub use storage::{Placed, Storage, StorageError};
pub use table::Table;
