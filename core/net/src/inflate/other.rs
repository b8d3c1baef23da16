//! LZ4 frames and brotli, through their readers.

use std::cell::RefCell;
use std::io::Read;

use super::InflateError;
use super::output::Output;

const SCRATCH: usize = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reads a decoder to its end by way of a scratch buffer of the thread.
pub(super) fn read_all(mut from: impl Read, out: &mut Output<'_>) -> Result<(), InflateError> {
    BUFFER.with_borrow_mut(|scratch| {
        scratch.resize(SCRATCH, 0);
        loop {
            match from.read(scratch) {
                Ok(0) => return Ok(()),
                Ok(n) => out.extend(&scratch[..n])?,
                Err(e) => return Err(out.broken(e.to_string())),
            }
        }
    })
}

pub(super) fn lz4(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    if input.is_empty() {
        return Err(out.broken("it is empty"));
    }
    read_all(lz4_flex::frame::FrameDecoder::new(input), out)
}

pub(super) fn brotli(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    // the "large window" extension, outside RFC 7932: up to 1 GiB of window
    const LARGE_WINDOW: u8 = 0x11;
    match input.first() {
        None => return Err(out.broken("it is empty")),
        Some(first) if first & 0x7f == LARGE_WINDOW => {
            return Err(out.broken("it asks for a large window"));
        }
        Some(_) => {}
    }
    read_all(::brotli::Decompressor::new(input, 4 << 10), out)
}
