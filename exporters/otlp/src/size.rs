//! Requests that a destination finds too large.

use std::sync::atomic::{AtomicUsize, Ordering};

use net::{Code, Status};
use otlp::{Payload, SplitLimits};

/// Words with which servers of all languages refuse a message for its size:
/// grpc-go, grpc-java, tonic, grpc-node, upstream's OTLP receiver, proxies, and
/// our own.
const WORDS: [&str; 7] = [
    "inflates to more",
    "larger than",
    "too large",
    "maximum size",
    "max size",
    "message size",
    "size limit",
];

fn about_size(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    WORDS.iter().any(|word| message.contains(word))
}

/// Whether a call failed for the size of its message. A spent quota has the
/// same code, and smaller messages would not help then; tonic's servers say
/// OUT_OF_RANGE, which would be repeated for ever.
pub(crate) fn refuses_size(status: &Status) -> bool {
    match status.code {
        Code::ResourceExhausted => status.retry_after.is_none() && about_size(&status.message),
        Code::OutOfRange => about_size(&status.message),
        // a proxy in between that speaks plain HTTP
        Code::Unknown => status.message.starts_with("HTTP 413"),
        _ => false,
    }
}

/// Whether an HTTP answer refuses a body for its size. Upstream's receiver
/// says 400.
pub(crate) fn refuses_body(status: http::StatusCode, message: &str) -> bool {
    match status.as_u16() {
        413 => true,
        400 => about_size(message),
        _ => false,
    }
}

/// The payload in two halves, more or less; `None` when it is one record.
pub(crate) fn halves(payload: &Payload) -> Option<Vec<Payload>> {
    let items = payload.items();
    if items < 2 {
        return None;
    }
    let pieces = cut(
        payload.clone(),
        SplitLimits {
            max_items: items.div_ceil(2),
            max_bytes: 0,
        },
    );
    // or it would go on for ever
    pieces
        .iter()
        .all(|piece| piece.items() < items)
        .then_some(pieces)
}

fn cut(payload: Payload, limits: SplitLimits) -> Vec<Payload> {
    let split = payload.split(limits);
    let mut pieces = split.pieces;
    pieces.extend(split.oversize);
    pieces
}

/// What is known of the limit of a destination, so that a batch which is too
/// large for it is not sent twice each time.
#[derive(Debug)]
pub(crate) struct Ceiling(AtomicUsize);

impl Ceiling {
    pub(crate) fn unknown() -> Ceiling {
        Ceiling(AtomicUsize::new(usize::MAX))
    }

    /// A payload of `size` bytes was refused, and all of its pieces were taken.
    pub(crate) fn lower(&self, size: usize) {
        self.0.fetch_min(size.max(2), Ordering::Relaxed);
    }

    /// The payload, cut if it is known to be too large.
    pub(crate) fn cut(&self, payload: Payload) -> Vec<Payload> {
        let ceiling = self.0.load(Ordering::Relaxed);
        if payload.size() < ceiling {
            return vec![payload];
        }
        let limits = SplitLimits {
            max_items: 0,
            max_bytes: ceiling / 2,
        };
        cut(payload, limits)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refused_size_is_told_from_a_spent_quota() {
        for (code, message, size) in [
            (
                Code::ResourceExhausted,
                "grpc: received message larger than max (5000000 vs. 4194304)",
                true,
            ),
            (
                Code::ResourceExhausted,
                "gRPC message exceeds maximum size 4194304: 5000000",
                true,
            ),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes",
                true,
            ),
            (
                Code::ResourceExhausted,
                "quota of your plan is spent",
                false,
            ),
            (Code::OutOfRange, "offset past the end", false),
            (Code::Internal, "message larger than max", false),
            (
                Code::Unknown,
                "HTTP 413 Payload Too Large instead of a gRPC answer",
                true,
            ),
        ] {
            assert_eq!(refuses_size(&Status::new(code, message)), size, "{message}");
        }
        let busy = Status::new(Code::ResourceExhausted, "message larger than what is free");
        assert!(!refuses_size(
            &busy.retry_after(Some(Duration::from_secs(1)))
        ));
    }

    #[test]
    fn halves_end_at_one_record() {
        let payload = test_kit::numbered_logs(0..7);
        let pieces = halves(&payload).expect("several records");
        let sizes: Vec<_> = pieces.iter().map(Payload::items).collect();
        assert_eq!(sizes, [4, 3]);
        assert!(halves(&test_kit::logs(["one"])).is_none());
    }

    #[test]
    fn a_known_ceiling_cuts_before_sending() {
        let ceiling = Ceiling::unknown();
        let payload = test_kit::numbered_logs(0..1000);
        assert_eq!(ceiling.cut(payload.clone()).len(), 1);
        ceiling.lower(payload.size());
        let pieces = ceiling.cut(payload.clone());
        assert!(
            pieces
                .iter()
                .all(|piece| piece.size() <= payload.size() / 2)
        );
        assert_eq!(pieces.iter().map(Payload::items).sum::<usize>(), 1000);
        ceiling.lower(usize::MAX);
        assert!(ceiling.cut(payload).len() > 1, "it never rises");
    }
}
