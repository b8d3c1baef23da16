//! Decompressing bodies of strangers: capped in size and in ratio while
//! inflating, charged to the budget as the output grows, contexts reused.
//!
//! Everything here is synchronous and takes longer than a socket thread may be
//! held for large bodies: see [`OFFLOAD_ABOVE`].

mod deflate;
mod other;
mod output;
mod snappy;
mod zstd;

use bytes::Bytes;

use crate::budget::{Budget, Refused};
use crate::encoding::Encoding;
use output::Output;

/// Bodies of more wire bytes than this belong on a worker thread (half a
/// millisecond of gunzip or more).
pub const OFFLOAD_ABOVE: usize = 256 << 10;

/// Output below this size is never called a bomb, however small its input.
const RATIO_FLOOR: usize = 4 << 20;

/// Limits of one decompression.
#[derive(Clone, Copy, Debug)]
pub struct InflateLimits {
    /// The most bytes that may come out.
    pub max: usize,
    /// The most bytes that may come out of one byte, once more than 4 MiB has come out.
    pub ratio: usize,
}

impl InflateLimits {
    /// At most `max` bytes and 1,000 bytes out of one: telemetry that repeats
    /// itself reaches some hundreds, deflate ends at 1,032; load generators that
    /// send the same record over and over pass that, which is what the 4 MiB are for.
    pub fn new(max: usize) -> InflateLimits {
        InflateLimits { max, ratio: 1000 }
    }
}

/// Why a body could not be inflated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// More than the limit comes out.
    #[error("the {encoding} body inflates to more than the limit of {limit} bytes")]
    TooLarge {
        /// How it was compressed.
        encoding: Encoding,
        /// The limit in bytes.
        limit: usize,
    },
    /// Inflates too far for what it is: a bomb.
    #[error("the {encoding} body of {wire} bytes inflates to more than {ratio} times its size")]
    Bomb {
        /// How it was compressed.
        encoding: Encoding,
        /// Bytes on the wire.
        wire: usize,
        /// The limit.
        ratio: usize,
    },
    /// Not what it claims to be.
    #[error("the body is not valid {encoding}: {why}")]
    Broken {
        /// How it claims to be compressed.
        encoding: Encoding,
        /// What the decompressor says.
        why: String,
    },
    /// The byte budget is spent.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Inflates a whole body. The result holds its own charge; the input's is given
/// back when the caller drops the input.
///
/// # Errors
/// See [`InflateError`]; memory never passes the limits by more than one step.
pub fn inflate(
    encoding: Encoding,
    input: &Bytes,
    limits: InflateLimits,
    budget: &dyn Budget,
) -> Result<Bytes, InflateError> {
    let mut out = Output::new(encoding, input.len(), limits, budget);
    match encoding {
        Encoding::Gzip => deflate::gzip(input, &mut out)?,
        Encoding::Zlib => deflate::zlib(input, &mut out)?,
        Encoding::Deflate => deflate::zlib_or_raw(input, &mut out)?,
        Encoding::Zstd => zstd::zstd(input, &mut out)?,
        Encoding::Snappy => snappy::either(input, &mut out)?,
        Encoding::SnappyFramed => snappy::framed(input, &mut out)?,
        Encoding::Lz4 => other::lz4(input, &mut out)?,
        Encoding::Brotli => other::brotli(input, &mut out)?,
    }
    Ok(out.finish())
}

#[cfg(test)]
mod tests;
