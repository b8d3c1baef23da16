//! All tests of the crate, over real tables.

#![allow(missing_docs, clippy::unwrap_used, reason = "test programs")]

mod explaining;
mod kit;
mod memory;
mod mistakes;
mod output;
mod parquet;
mod s3;
mod snapshots;
mod statements;
