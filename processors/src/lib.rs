//! The processors: one module each, and in each `config.rs` for its settings.

pub mod attributes;
pub mod batch;
pub mod ecs;
pub mod memory_limiter;
pub mod resource;
