//! Borrowed readers: plain nested loops over a valid payload.
//!
//! Records are small `Copy` structs that are parsed in one forward pass; their
//! attributes and values stay encoded until asked for. Nothing here can fail:
//! the bytes were validated on entry.

mod value;

pub use value::{Attributes, KeyValue, Value, Values};
pub(crate) use value::{key_bytes, key_value, next_field};
