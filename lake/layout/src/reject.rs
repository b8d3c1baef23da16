//! Records that a table cannot hold.

use otlp::{Payload, SplitLimits};

/// Why a table cannot hold a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A time behind 2262-04-11, the last day that 64 signed bits of nanoseconds reach.
    #[error(
        "{field} is {nanos} ns since 1970, behind 2262-04-11T23:47:16Z, the last time a table holds"
    )]
    TimeOutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        nanos: u64,
    },
    /// A value nests deeper than the limit.
    #[error("{field} nests deeper than {limit} levels")]
    TooDeep {
        /// The field.
        field: &'static str,
        /// Levels that are accepted; a plain text is one.
        limit: usize,
    },
    /// A count that does not fit a signed 64-bit column.
    #[error("{field} is {value}, above 9223372036854775807, the largest number a table holds")]
    NumberTooLarge {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
}

impl Reason {
    /// A name of few values, for counting by reason.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TimeOutOfRange { .. } => "time_out_of_range",
            Self::TooDeep { .. } => "nesting",
            Self::NumberTooLarge { .. } => "number_too_large",
        }
    }
}

/// Records that were not encoded: keep them elsewhere.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The records, mostly one, with their resource and scope; neighbours that were rejected for
    /// the same [name](Reason::name) of reason are together.
    pub payload: Payload,
    /// Position of the first among the records of the entry.
    pub index: usize,
    /// Why the first was rejected.
    pub reason: Reason,
}

/// How many parts a payload is cut into at a time: each repeats the headers, and beyond 16 times
/// the payload's size cutting stops.
const PARTS: usize = 8;

/// Cuts the refused records (by position, ascending) out of their payload.
pub(crate) fn isolate(payload: &Payload, refused: &[(usize, Reason)]) -> Vec<Rejected> {
    let mut rejected = Vec::new();
    if !refused.is_empty() {
        cut(payload.clone(), 0, refused, &mut rejected);
    }
    rejected
}

/// `refused` lie in `payload`, whose first record has the position `first`.
fn cut(payload: Payload, first: usize, refused: &[(usize, Reason)], rejected: &mut Vec<Rejected>) {
    let Some((index, reason)) = refused.first() else {
        return;
    };
    let alike = refused.iter().all(|(_, r)| r.name() == reason.name());
    let items = payload.items();
    if items <= 1 || (alike && refused.len() == items) {
        rejected.push(Rejected {
            payload,
            index: *index,
            reason: reason.clone(),
        });
        return;
    }
    let limits = SplitLimits {
        max_items: items.div_ceil(PARTS),
        max_bytes: 0,
    };
    let mut rest = refused;
    let mut start = first;
    for piece in payload.split(limits).pieces {
        let end = start + piece.items();
        let inside = rest.partition_point(|(index, _)| *index < end);
        let (here, behind) = rest.split_at(inside);
        cut(piece, start, here, rejected);
        (rest, start) = (behind, end);
    }
}
