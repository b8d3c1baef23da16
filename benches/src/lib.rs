//! What the bench programs share: inputs, arguments, and the clock that counts
//! CPU instead of time.
//!
//! Everything is measured in CPU seconds of the measured process, so that
//! other work on the machine disturbs as little as it can. The scripts beside
//! this crate alternate what they compare and report medians.

pub mod arguments;
pub mod cpu;
pub mod http1;
pub mod input;
pub mod numbers;
pub mod polled;
pub mod tally;

/// What a bench program ends with: a sentence for whoever started it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
