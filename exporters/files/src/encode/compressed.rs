//! Bytes on their way into a file, compressed or not.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use lake_table::{MemoryCap, Spill, StagedBytes};

use crate::encoding::Compression;

/// gzip's usual level, and zstd's.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

/// A file of text or requests.
pub(crate) enum Compressed {
    None(Spill),
    Gzip(Box<GzEncoder<Spill>>),
    Zstd(Box<zstd::Encoder<'static, Spill>>),
}

impl Compressed {
    pub(super) fn new(compression: Compression, cap: &MemoryCap) -> Result<Compressed, String> {
        let spill = Spill::new(cap.clone());
        Ok(match compression {
            Compression::None => Compressed::None(spill),
            Compression::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                Compressed::Gzip(Box::new(GzEncoder::new(spill, level)))
            }
            Compression::Zstd => {
                let encoder = zstd::Encoder::new(spill, ZSTD_LEVEL);
                Compressed::Zstd(Box::new(encoder.map_err(|error| error.to_string())?))
            }
        })
    }

    /// Bytes that came out so far.
    pub(super) fn written(&self) -> usize {
        match self {
            Compressed::None(spill) => spill.written(),
            Compressed::Gzip(encoder) => encoder.get_ref().written(),
            Compressed::Zstd(encoder) => encoder.get_ref().written(),
        }
    }

    pub(super) fn finish(self) -> Result<StagedBytes, String> {
        let spill = match self {
            Compressed::None(spill) => Ok(spill),
            Compressed::Gzip(encoder) => encoder.finish(),
            Compressed::Zstd(encoder) => encoder.finish(),
        };
        let spill = spill.map_err(|error| error.to_string())?;
        Ok(spill.finish())
    }
}

impl Write for Compressed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Compressed::None(spill) => spill.write(data),
            Compressed::Gzip(encoder) => encoder.write(data),
            Compressed::Zstd(encoder) => encoder.write(data),
        }
    }

    /// What a compressor holds back stays there until the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
