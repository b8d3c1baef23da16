//! The processors as a pipeline runs them: from YAML through a chain.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod actions;
mod chain;
mod conditions;
mod records;
mod settings;
