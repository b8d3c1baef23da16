//! `compression` and `compression_params` of clients.

use serde::{Deserialize, Serialize};
use settings::At;

use crate::encoding::Encoding;

/// `compression` of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum CompressionName {
    /// Not compressed.
    #[serde(rename = "none", alias = "")]
    None,
    /// gzip.
    #[serde(rename = "gzip")]
    Gzip,
    /// zlib.
    #[serde(rename = "zlib")]
    Zlib,
    /// HTTP's deflate, which is zlib.
    #[serde(rename = "deflate")]
    Deflate,
    /// Snappy.
    #[serde(rename = "snappy")]
    Snappy,
    /// Snappy's framing format.
    #[serde(rename = "x-snappy-framed")]
    SnappyFramed,
    /// zstd.
    #[serde(rename = "zstd")]
    Zstd,
    /// LZ4 frames.
    #[serde(rename = "lz4")]
    Lz4,
}

impl CompressionName {
    /// The encoding; `None` is no compression.
    pub fn encoding(self) -> Option<Encoding> {
        match self {
            CompressionName::None => None,
            CompressionName::Gzip => Some(Encoding::Gzip),
            CompressionName::Zlib => Some(Encoding::Zlib),
            CompressionName::Deflate => Some(Encoding::Deflate),
            CompressionName::Snappy => Some(Encoding::Snappy),
            CompressionName::SnappyFramed => Some(Encoding::SnappyFramed),
            CompressionName::Zstd => Some(Encoding::Zstd),
            CompressionName::Lz4 => Some(Encoding::Lz4),
        }
    }
}

/// `compression_params`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompressionParams {
    /// gzip, zlib, deflate -1 to 9; zstd 1 to 22. The default is 6 for the
    /// former (as are 0 and -1) and 1 for zstd.
    pub level: i32,
}

impl CompressionParams {
    /// The level; `None` is the default.
    pub fn level(&self) -> Option<i32> {
        (self.level > 0).then_some(self.level)
    }

    pub(super) fn validate(&self, at: &mut At<'_>, compression: Option<CompressionName>) {
        let allowed = match compression {
            Some(CompressionName::Zstd) => 0..=22,
            _ => -1..=9,
        };
        if !allowed.contains(&self.level) {
            let (low, high) = allowed.into_inner();
            at.error(
                "compression_params::level",
                format!("expected {low} to {high}, got {}", self.level),
            );
        }
    }
}
