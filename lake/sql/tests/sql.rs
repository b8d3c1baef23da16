//! All tests of the crate, over real tables.

mod explaining;
mod kit;
mod memory;
mod mistakes;
mod output;
mod parquet;
mod s3;
mod snapshots;
mod statements;
