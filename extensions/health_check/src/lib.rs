//! `health_check`: whether the pipelines take telemetry, over HTTP.
//!
//! The configured path (`/`) answers 200 while the pipelines are up and 503
//! before and after; it ignores sinks, so that an outage of a sink restarts no
//! pod. The status page tells how each component is, from what really happened
//! to its batches, in the words of upstream's second version; it is red when an
//! exporter has been failing for too long or a queue stays nearly full.

mod answer;
mod config;
mod full;
mod judge;
mod probe;
mod serve;

use pipeline::registry::{self, ExtensionConfig, Factory, Stability};

pub use config::Config;

/// The factory of `health_check`.
pub fn factory() -> Factory<dyn ExtensionConfig> {
    registry::extension::<Config>(
        "health_check",
        &["healthcheck", "healthcheckv2"],
        &[],
        Stability::Beta,
    )
}
