//! Names of compressions on the wire: HTTP `Content-Encoding` and gRPC `grpc-encoding`.

use std::fmt;

/// One way to compress a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// RFC 1952.
    Gzip,
    /// HTTP's `deflate`: zlib by the RFC, raw deflate from some senders; both are read.
    Deflate,
    /// RFC 1950.
    Zlib,
    /// RFC 8878, windows up to 8 MiB.
    Zstd,
    /// Snappy: written as one block over HTTP and framed over gRPC, as upstream
    /// does; both forms are recognised when read.
    Snappy,
    /// Snappy's framing format.
    SnappyFramed,
    /// LZ4 frame format.
    Lz4,
    /// RFC 7932.
    Brotli,
}

const HTTP: [(&str, Encoding); 8] = [
    ("gzip", Encoding::Gzip),
    ("zstd", Encoding::Zstd),
    ("zlib", Encoding::Zlib),
    ("snappy", Encoding::Snappy),
    ("deflate", Encoding::Deflate),
    ("lz4", Encoding::Lz4),
    ("x-snappy-framed", Encoding::SnappyFramed),
    ("br", Encoding::Brotli),
];

/// The gRPC encodings that a server of this crate reads.
pub const GRPC_ACCEPT_ENCODING: &str = "identity,gzip,zstd,snappy";

impl Encoding {
    /// Every encoding under its HTTP name.
    pub fn all() -> impl Iterator<Item = (&'static str, Encoding)> {
        HTTP.into_iter()
    }

    /// Reads one `Content-Encoding` token, in any case. `Ok(None)` is an
    /// identity (empty or `identity`).
    ///
    /// # Errors
    /// [`UnknownEncoding`] for anything else.
    pub fn from_http(name: &str) -> Result<Option<Encoding>, UnknownEncoding> {
        let name = name.trim();
        if name.is_empty() || name.eq_ignore_ascii_case("identity") {
            return Ok(None);
        }
        let name = if name.eq_ignore_ascii_case("x-gzip") {
            "gzip"
        } else {
            name
        };
        HTTP.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, encoding)| Some(*encoding))
            .ok_or_else(|| UnknownEncoding {
                name: name.chars().take(64).collect(),
            })
    }

    /// Reads `grpc-encoding`.
    ///
    /// # Errors
    /// [`UnknownEncoding`]; the server answers UNIMPLEMENTED then.
    pub fn from_grpc(name: &str) -> Result<Option<Encoding>, UnknownEncoding> {
        match name {
            "identity" | "" => Ok(None),
            "gzip" => Ok(Some(Encoding::Gzip)),
            "zstd" => Ok(Some(Encoding::Zstd)),
            "snappy" => Ok(Some(Encoding::Snappy)),
            "deflate" => Ok(Some(Encoding::Deflate)),
            other => Err(UnknownEncoding {
                name: other.chars().take(64).collect(),
            }),
        }
    }

    /// The name in HTTP and gRPC headers.
    pub fn name(self) -> &'static str {
        HTTP.iter()
            .find(|(_, encoding)| *encoding == self)
            .map_or("identity", |(name, _)| *name)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A body is compressed in a way that nobody here can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown encoding {name:?}: use gzip, zstd, zlib, deflate, snappy, x-snappy-framed, lz4, br or none"
)]
pub struct UnknownEncoding {
    /// The name that was sent, shortened.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (name, encoding) in Encoding::all() {
            assert_eq!(encoding.name(), name);
            assert_eq!(
                Encoding::from_http(&name.to_uppercase()),
                Ok(Some(encoding))
            );
        }
        assert_eq!(Encoding::from_http(" identity "), Ok(None));
        assert_eq!(Encoding::from_http(""), Ok(None));
        assert_eq!(Encoding::from_http("x-gzip"), Ok(Some(Encoding::Gzip)));
        assert!(Encoding::from_http("compress").is_err());
        for name in GRPC_ACCEPT_ENCODING.split(',') {
            assert!(Encoding::from_grpc(name).is_ok(), "{name}");
        }
        assert!(Encoding::from_grpc("lzma").is_err());
    }
}
