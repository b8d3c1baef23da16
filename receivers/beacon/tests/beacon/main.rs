//! The receiver over real sockets.

mod admission;
mod assets;
mod cases;
mod contract;
mod enrichment;
mod forms;
#[path = "../../../../core/semconv/tests/mapping/normal.rs"]
mod normal;
mod rig;
