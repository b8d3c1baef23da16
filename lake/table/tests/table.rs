//! Real Delta tables on a local disk, written, disturbed and read back.

#![allow(missing_docs, reason = "test programs")]

mod exactly_once;
mod faulty;
mod kit;
mod maintaining;
mod opening;
mod staging;
mod writers;
