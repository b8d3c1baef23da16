//! `health_check`: whether the pipelines take telemetry, over HTTP.
//!
//! The configured path (`/`) answers 200 while the pipelines are up and 503
//! before and after; it ignores sinks, so that an outage of a sink restarts no
//! pod. `/status` tells how each component is, from what really happened to
//! its batches.

mod answer;
mod config;
mod serve;

use pipeline::registry::{self, ExtensionConfig, Factory, Stability};

pub use config::Config;

/// The factory of `health_check`.
pub fn factory() -> Factory<dyn ExtensionConfig> {
    registry::extension::<Config>("health_check", &["healthcheck"], &[], Stability::Beta)
}
