//! OTLP/JSON: requests as text, to and from OTLP bytes.
//!
//! The rules are those of the OTLP specification, read as leniently as upstream
//! reads them and written as strictly as it writes them:
//!
//! | | read | written |
//! |---|---|---|
//! | keys | lowerCamelCase, or as in the `.proto` files, in any order | lowerCamelCase |
//! | unknown keys | skipped with their values, whatever is in them | |
//! | `null` | as if the key were not there; in an array value, an empty value; in lists of objects, skipped | never |
//! | ids | hex of any case and the exact length, or empty | lower-case hex, left out when empty |
//! | 64-bit integers | number or string | string |
//! | 32-bit integers | number or string | number |
//! | doubles | number, or string with a number, `NaN`, `Infinity`, `-Infinity` | number, or one of these three |
//! | bytes | base64, standard or for URLs, padded or not | standard, padded |
//! | enumerations | number or name; numbers without a name are kept | number |
//! | defaults | | left out |
//! | a key twice in an object, two members of a `oneof` | the last one wins; lists are joined | never |
//! | half a surrogate pair | U+FFFD | never |
//! | values nested deeper than [`MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH) | refused | never |
//!
//! Integers may be written in any way JSON has, as long as they are integers:
//! `1.5e3` is one. `stringValueStrindex` and `keyStrindex` belong to the
//! profiles signal and count as unknown.

mod error;
mod ids;
mod number;
mod read;
mod scan;
mod seen;
mod shape;
mod string;
mod write;

pub use error::JsonError;

use crate::{Payload, Signal};

/// Reads an OTLP/JSON request straight into OTLP bytes: one pass, no tree.
///
/// Memory: the output, at most a small multiple of the text, and nothing else
/// that grows with it but a copy of the longest string with escapes.
///
/// # Errors
///
/// The whole text is refused for the first thing that is wrong with it, which
/// the error names with its place and what was expected there.
pub fn read(signal: Signal, text: &[u8]) -> Result<Payload, JsonError> {
    read::read(signal, text)
}

/// Appends a request as compact OTLP/JSON to `out`.
///
/// Fields that are unknown to this version of the protocol are left out.
pub fn write(payload: &Payload, out: &mut Vec<u8>) {
    write::write(payload, out);
}
