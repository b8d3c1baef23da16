//! OTLP/JSON: requests as text, to and from OTLP bytes.

mod error;
mod ids;
mod number;
mod read;
mod scan;
mod seen;
mod shape;

pub use error::JsonError;

use crate::{Payload, Signal};

/// Reads an OTLP/JSON request straight into OTLP bytes, without a tree in between.
///
/// # Errors
///
/// The whole text is refused with the first thing that is wrong.
pub fn read(signal: Signal, text: &[u8]) -> Result<Payload, JsonError> {
    read::read(signal, text)
}
