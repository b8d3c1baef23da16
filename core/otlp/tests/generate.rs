//! Strategies for complete requests of all three signals, as `prost` structs.
//!
//! `logs()`, `traces()`, `metrics()` make requests that are valid by all our
//! rules: every field of the protocol is set now and then, texts are of any
//! script, values nest, ids have the right length.

pub mod common;
pub mod logs;
pub mod metrics;
pub mod traces;

pub use logs::logs;
pub use metrics::metrics;
pub use traces::traces;
