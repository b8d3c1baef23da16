//! Payloads in, Arrow batches out.

#![allow(missing_docs, clippy::unwrap_used, reason = "test programs")]

mod ecs_events;
mod kit;
mod logs;
mod metrics;
mod parquet_files;
mod promotions;
mod rejects;
mod sorting;

mod traces;
