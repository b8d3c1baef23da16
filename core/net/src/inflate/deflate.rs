//! gzip, zlib and raw deflate over one decompressor a thread.

use std::cell::RefCell;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::InflateError;
use super::output::Output;

thread_local! {
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// One or more gzip members; anything else behind a member is an error.
pub(super) fn gzip(mut input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    if let Some(size) = input.last_chunk::<4>() {
        // ISIZE: right for one member below 4 GiB, a mere hint otherwise
        out.expect(u32::from_le_bytes(*size) as usize)?;
    }
    loop {
        let header = gzip_header_len(input).ok_or_else(|| out.broken("no gzip header"))?;
        let begin = out.bytes.len();
        let used = run(&input[header..], out, false)?;
        input = &input[header + used..];
        let Some((trailer, rest)) = input.split_first_chunk::<8>() else {
            return Err(out.broken("it ends before its checksum"));
        };
        check_trailer(trailer, &out.bytes[begin..]).map_err(|why| out.broken(why))?;
        if rest.is_empty() {
            return Ok(());
        }
        input = rest;
    }
}

pub(super) fn zlib(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    whole(input, out, true)
}

/// HTTP's `deflate` should be zlib, but some senders mean raw deflate.
pub(super) fn zlib_or_raw(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    let zlib = match input {
        [cmf, flg, ..] => cmf & 0x0f == 8 && u16::from_be_bytes([*cmf, *flg]).is_multiple_of(31),
        _ => true,
    };
    whole(input, out, zlib)
}

fn whole(input: &[u8], out: &mut Output<'_>, zlib: bool) -> Result<(), InflateError> {
    let used = run(input, out, zlib)?;
    if used < input.len() {
        return Err(out.broken("there are bytes behind its end"));
    }
    Ok(())
}

/// Inflates one stream and says how many bytes of `input` it took.
fn run(input: &[u8], out: &mut Output<'_>, zlib: bool) -> Result<usize, InflateError> {
    DECOMPRESS.with_borrow_mut(|inflate| {
        inflate.reset(zlib);
        loop {
            out.room()?;
            let before = (inflate.total_in(), out.bytes.len());
            let used = inflate.total_in() as usize;
            let status = inflate
                .decompress_vec(&input[used..], &mut out.bytes, FlushDecompress::None)
                .map_err(|e| out.broken(e.to_string()))?;
            if status == Status::StreamEnd {
                out.settle()?;
                return Ok(inflate.total_in() as usize);
            }
            let stuck = (inflate.total_in(), out.bytes.len()) == before;
            if stuck && out.bytes.capacity() > out.bytes.len() {
                return Err(out.broken("it ends too early"));
            }
        }
    })
}

/// The length of the gzip header at the start of `input` (RFC 1952, 2.3).
fn gzip_header_len(input: &[u8]) -> Option<usize> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let [0x1f, 0x8b, 8, flags, ..] = *input else {
        return None;
    };
    let mut at = 10;
    if flags & EXTRA != 0 {
        let len = u16::from_le_bytes([*input.get(at)?, *input.get(at + 1)?]);
        at += 2 + usize::from(len);
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            at += memchr(0, input.get(at..)?)? + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        at += 2;
    }
    (at <= input.len()).then_some(at)
}

fn memchr(byte: u8, input: &[u8]) -> Option<usize> {
    input.iter().position(|b| *b == byte)
}

fn check_trailer(trailer: &[u8; 8], member: &[u8]) -> Result<(), &'static str> {
    let [a, b, c, d, e, f, g, h] = *trailer;
    let mut crc = Crc::new();
    crc.update(member);
    if crc.sum() != u32::from_le_bytes([a, b, c, d]) {
        return Err("its checksum is wrong");
    }
    if member.len() as u32 != u32::from_le_bytes([e, f, g, h]) {
        return Err("its length is wrong");
    }
    Ok(())
}
