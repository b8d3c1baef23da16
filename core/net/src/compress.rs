//! Compressing what we send: requests of exporters, large answers.

use std::cell::RefCell;
use std::io::Write;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use crate::encoding::Encoding;

/// zstd's level when none is set: the best bargain for OTLP (850 ns a record).
const ZSTD_LEVEL: i32 = 1;
/// gzip's and zlib's level when none is set, as upstream's.
const DEFLATE_LEVEL: u32 = 6;

/// Requests of more bytes than this belong on a worker thread: half a
/// millisecond of gzip.
pub const OFFLOAD_ABOVE: usize = 64 << 10;

/// Compressing failed; with valid settings that means out of memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot compress with {encoding}: {why}")]
pub struct CompressError {
    /// Which compression.
    pub encoding: Encoding,
    /// What the library says.
    pub why: String,
}

/// Compresses the concatenation of `pieces`. `level` counts as the format's
/// library counts it (gzip, zlib, deflate 0-9; zstd 1-22; brotli 0-11), `None`
/// is the default; the other formats have no levels.
///
/// `Snappy` is written as one block; gRPC wants [`Encoding::SnappyFramed`] under
/// the name `snappy`.
///
/// # Errors
/// [`CompressError`].
pub fn compress(
    encoding: Encoding,
    level: Option<i32>,
    pieces: &[Bytes],
) -> Result<Bytes, CompressError> {
    let total = pieces.iter().map(Bytes::len).sum();
    let result = match encoding {
        Encoding::Gzip => gzip(level, pieces, total),
        Encoding::Zlib | Encoding::Deflate => zlib(level, pieces, total),
        Encoding::Zstd => zstd(level, pieces, total),
        Encoding::Snappy => snappy_block(pieces, total),
        Encoding::SnappyFramed => snappy_framed(pieces, total),
        Encoding::Lz4 => lz4(pieces, total),
        Encoding::Brotli => brotli(level, pieces, total),
    };
    result
        .map(Bytes::from)
        .map_err(|why| CompressError { encoding, why })
}

struct Reused {
    compress: Compress,
    level: u32,
    zlib: bool,
}

thread_local! {
    static DEFLATE: RefCell<Option<Reused>> = const { RefCell::new(None) };
    static ZSTD: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static SNAPPY: RefCell<snap::raw::Encoder> = RefCell::new(snap::raw::Encoder::new());
}

fn gzip(level: Option<i32>, pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    // no name, no time, unknown system: the same input makes the same bytes
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut out = Vec::with_capacity(total / 4 + 64);
    out.extend_from_slice(&HEADER);
    deflate(level, false, pieces, &mut out)?;
    let mut crc = Crc::new();
    for piece in pieces {
        crc.update(piece);
    }
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&(total as u32).to_le_bytes());
    Ok(out)
}

fn zlib(level: Option<i32>, pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(total / 4 + 64);
    deflate(level, true, pieces, &mut out)?;
    Ok(out)
}

fn deflate(
    level: Option<i32>,
    zlib: bool,
    pieces: &[Bytes],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let level = level.map_or(DEFLATE_LEVEL, |l| l.clamp(0, 9).unsigned_abs());
    DEFLATE.with_borrow_mut(|slot| {
        let reused = match slot {
            Some(reused) if reused.level == level && reused.zlib == zlib => {
                reused.compress.reset();
                reused
            }
            other => other.insert(Reused {
                compress: Compress::new(Compression::new(level), zlib),
                level,
                zlib,
            }),
        };
        for piece in pieces {
            let begin = reused.compress.total_in();
            loop {
                let used = (reused.compress.total_in() - begin) as usize;
                if used == piece.len() {
                    break;
                }
                step(
                    &mut reused.compress,
                    &piece[used..],
                    out,
                    FlushCompress::None,
                )?;
            }
        }
        while step(&mut reused.compress, &[], out, FlushCompress::Finish)? != Status::StreamEnd {}
        Ok(())
    })
}

fn step(
    compress: &mut Compress,
    input: &[u8],
    out: &mut Vec<u8>,
    flush: FlushCompress,
) -> Result<Status, String> {
    if out.capacity() - out.len() < 64 {
        out.reserve(out.len().max(1 << 10));
    }
    compress
        .compress_vec(input, out, flush)
        .map_err(|e| e.to_string())
}

fn zstd(level: Option<i32>, pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    let fail = |code| get_error_name(code).to_owned();
    ZSTD.with_borrow_mut(|context| {
        context.reset(ResetDirective::SessionOnly).map_err(fail)?;
        context
            .set_parameter(CParameter::CompressionLevel(level.unwrap_or(ZSTD_LEVEL)))
            .map_err(fail)?;
        // lets the reader allocate once
        context
            .set_pledged_src_size(Some(total as u64))
            .map_err(fail)?;
        let mut out = Vec::with_capacity(total / 4 + 128);
        for piece in pieces {
            let mut from = InBuffer::around(piece);
            while from.pos() < piece.len() {
                room(&mut out);
                let len = out.len();
                let mut into = OutBuffer::around_pos(&mut out, len);
                context
                    .compress_stream(&mut into, &mut from)
                    .map_err(fail)?;
            }
        }
        loop {
            room(&mut out);
            let len = out.len();
            let mut into = OutBuffer::around_pos(&mut out, len);
            if context.end_stream(&mut into).map_err(fail)? == 0 {
                break;
            }
        }
        Ok(out)
    })
}

fn room(out: &mut Vec<u8>) {
    if out.capacity() - out.len() < 64 {
        out.reserve(out.len().max(1 << 10));
    }
}

fn snappy_block(pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    SNAPPY.with_borrow_mut(|encoder| match pieces {
        [one] => encoder.compress_vec(one).map_err(|e| e.to_string()),
        many => {
            let mut joined = Vec::with_capacity(total);
            many.iter()
                .for_each(|piece| joined.extend_from_slice(piece));
            encoder.compress_vec(&joined).map_err(|e| e.to_string())
        }
    })
}

fn snappy_framed(pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::with_capacity(total / 2 + 64));
    if total == 0 {
        // the encoder writes nothing for nothing, but a stream begins with its identifier
        return Ok(b"\xff\x06\x00\x00sNaPpY".to_vec());
    }
    write_all(&mut encoder, pieces)?;
    encoder.into_inner().map_err(|e| e.error().to_string())
}

fn lz4(pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::with_capacity(total / 2 + 64));
    write_all(&mut encoder, pieces)?;
    encoder.finish().map_err(|e| e.to_string())
}

fn brotli(level: Option<i32>, pieces: &[Bytes], total: usize) -> Result<Vec<u8>, String> {
    let quality = level.map_or(4, |l| l.clamp(0, 11).unsigned_abs());
    let out = Vec::with_capacity(total / 4 + 64);
    let mut encoder = ::brotli::CompressorWriter::new(out, 4 << 10, quality, 22);
    write_all(&mut encoder, pieces)?;
    encoder.flush().map_err(|e| e.to_string())?;
    Ok(encoder.into_inner())
}

fn write_all(to: &mut impl Write, pieces: &[Bytes]) -> Result<(), String> {
    pieces
        .iter()
        .try_for_each(|piece| to.write_all(piece))
        .map_err(|e| e.to_string())
}
