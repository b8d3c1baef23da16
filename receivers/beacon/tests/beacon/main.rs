//! The receiver over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod assets;
mod cases;
mod cmcd;
mod contract;
mod enrichment;
mod forms;
mod geo;
mod governance;
mod hostile;
#[allow(
    dead_code,
    reason = "shared with the tests of the mapping, which use more of it"
)]
#[path = "../../../../core/semconv/tests/mapping/normal.rs"]
mod normal;
mod rig;
mod sessions;
