//! Validation of what comes in: once, on entry.
//!
//! What is accepted is what `prost` accepts, less what follows:
//! - trace ids have 16 bytes or none, span ids 8 or none;
//! - values nest at most [`MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH)
//!   deep, and groups (which only occur in unknown fields) at most 8 deep;
//! - a message or oneof that a message has one of occurs at most once: resource,
//!   scope, body, value, status, both sides of an exponential histogram, a
//!   metric's data. Protobuf would merge the repetitions, and no encoder makes
//!   them. Scalars may repeat; the last one wins.
//!
//! Unknown fields of any kind are accepted and kept, packed scalars may come
//! unpacked and the other way round, varints may be padded to ten bytes.

mod locate;
mod schema;
mod walk;

use schema::Schema;
use walk::Fault;
pub use walk::Problem;

use crate::Signal;

/// Bytes that are not a valid request of the signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}, byte {offset}: {problem}")]
pub struct Invalid {
    /// Where it is wrong, in bytes from the start of the request.
    pub offset: usize,
    /// The field where it is wrong, spelled as in OTLP/JSON:
    /// `resourceLogs[3].scopeLogs[0].logRecords[12].attributes[2].value`.
    pub path: String,
    /// What is wrong and what was expected.
    pub problem: Problem,
}

/// Checks that `bytes` are a request of `signal` and counts its items.
pub(crate) fn validate(signal: Signal, bytes: &[u8]) -> Result<usize, Invalid> {
    let schema = Schema::request(signal);
    walk::message(schema, bytes, 0).map_err(|fault| Invalid {
        offset: fault.offset,
        path: locate::path(signal, bytes, fault.offset),
        problem: match fault {
            // A brace opens a group that no JSON text closes.
            Fault {
                offset: 0,
                problem: Problem::Value,
            } if bytes.starts_with(b"{") => Problem::Json,
            Fault { problem, .. } => problem,
        },
    })
}
