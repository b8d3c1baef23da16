//! Real Delta tables on a local disk, written, disturbed and read back.

#![allow(missing_docs, clippy::unwrap_used, reason = "test programs")]

mod exactly_once;
mod faulty;
mod kit;
mod maintaining;
mod opening;
mod s3;
mod staging;
mod writers;
