//! Our validator and readers against those of `prost`, on any bytes.
//!
//! The rule: what we accept, `prost` accepts; what `prost` accepts and we
//! refuse, we refuse for one of the stated reasons. And every refusal names a
//! place inside the request. The fuzz target `wire` runs this too.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest as Metrics;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Traces;
use otlp::{Invalid, Payload, Problem, Signal, SplitLimits, count_items};
use prost::Message;

use crate::structs::{self, Explicit};

/// The request as `prost` reads it, encoded again.
fn prost(signal: Signal, bytes: &[u8]) -> Option<Vec<u8>> {
    match signal {
        Signal::Logs => Logs::decode(bytes)
            .ok()
            .map(|m| m.explicit().encode_to_vec()),
        Signal::Traces => Traces::decode(bytes)
            .ok()
            .map(|m| m.explicit().encode_to_vec()),
        Signal::Metrics => Metrics::decode(bytes)
            .ok()
            .map(|m| m.explicit().encode_to_vec()),
    }
}

/// Holds what we make of the bytes against what `prost` makes of them.
pub fn agrees_with_prost(signal: Signal, bytes: &[u8]) {
    let theirs = prost(signal, bytes);
    match Payload::validate(signal, Bytes::copy_from_slice(bytes)) {
        Ok(payload) => {
            let theirs = theirs.expect("we accept only what prost accepts");
            assert_eq!(structs::encode(&payload), theirs, "and read the same");
            assert_eq!(count_items(signal, bytes), Some(payload.items()));
            let limits = SplitLimits {
                max_items: 1,
                max_bytes: 0,
            };
            let pieces = payload.clone().split(limits).pieces;
            assert_eq!(
                pieces.iter().map(Payload::items).sum::<usize>(),
                payload.items()
            );
        }
        Err(invalid) => {
            assert!(invalid.offset <= bytes.len(), "{invalid}");
            assert!(!invalid.path.is_empty());
            assert!(
                theirs.is_none() || is_stated(&invalid),
                "prost accepts, and we say: {invalid}"
            );
        }
    }
}

/// Whether `prost` may accept what is refused for this reason.
fn is_stated(invalid: &Invalid) -> bool {
    match invalid.problem {
        Problem::IdLength { .. } | Problem::Twice | Problem::Depth | Problem::GroupDepth => true,
        Problem::Key | Problem::Value | Problem::WireType { .. } => false,
        Problem::Utf8 | Problem::Json => false,
    }
}
