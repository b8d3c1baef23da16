//! Snappy as one block or framed.

use std::cell::RefCell;

use super::InflateError;
use super::other::read_all;
use super::output::Output;

/// The first chunk of every framed stream.
const STREAM_IDENTIFIER: &[u8] = b"\xff\x06\x00\x00sNaPpY";

thread_local! {
    static DECODER: RefCell<snap::raw::Decoder> = RefCell::new(snap::raw::Decoder::new());
}

/// Old clients send the framed form under the name of the block form.
pub(super) fn either(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    if input.starts_with(STREAM_IDENTIFIER) {
        framed(input, out)
    } else {
        block(input, out)
    }
}

fn block(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    let size = snap::raw::decompress_len(input).map_err(|e| out.broken(e.to_string()))?;
    // three bytes make 64 at most: a length beyond that is a lie that would be allocated
    if out.fits(size) && size > input.len().saturating_mul(22) + 64 {
        return Err(out.broken("its announced length is impossible"));
    }
    out.exactly(size)?;
    out.bytes.resize(size, 0);
    DECODER
        .with_borrow_mut(|decoder| decoder.decompress(input, &mut out.bytes))
        .map_err(|e| out.broken(e.to_string()))?;
    Ok(())
}

pub(super) fn framed(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    if !input.starts_with(STREAM_IDENTIFIER) {
        return Err(out.broken("no snappy stream identifier"));
    }
    read_all(snap::read::FrameDecoder::new(input), out)
}
