//! zstd over one context a thread.

use std::cell::RefCell;

use zstd::zstd_safe::{
    DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, find_frame_compressed_size,
    get_error_name, get_frame_content_size,
};

use super::InflateError;
use super::output::Output;

/// 8 MiB: what RFC 8878 asks every decoder for. A frame that wants a larger
/// window would cost that much memory before its first byte.
const WINDOW_LOG_MAX: u32 = 23;

thread_local! {
    static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(context());
}

fn context() -> DCtx<'static> {
    let mut context = DCtx::create();
    // refused only for values outside 10..=31
    let _ = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX));
    context
}

pub(super) fn zstd(input: &[u8], out: &mut Output<'_>) -> Result<(), InflateError> {
    CONTEXT.with_borrow_mut(|context| {
        // a context that failed must not be used again as it is
        let _ = context.reset(ResetDirective::SessionOnly);
        if let Some(size) = one_sized_frame(input)
            && size <= input.len().saturating_mul(64)
        {
            return at_once(context, input, size, out);
        }
        in_steps(context, input, out)
    })
}

/// The content size of the only frame in `input`. A size is decoded straight
/// into the result, without a window.
fn one_sized_frame(input: &[u8]) -> Option<usize> {
    let size = get_frame_content_size(input).ok()??;
    let frame = find_frame_compressed_size(input).ok()?;
    (frame == input.len()).then(|| usize::try_from(size).ok())?
}

fn at_once(
    context: &mut DCtx<'_>,
    input: &[u8],
    size: usize,
    out: &mut Output<'_>,
) -> Result<(), InflateError> {
    out.exactly(size)?;
    context
        .decompress(&mut out.bytes, input)
        .map_err(|code| out.broken(get_error_name(code)))?;
    out.settle()
}

fn in_steps(
    context: &mut DCtx<'_>,
    input: &[u8],
    out: &mut Output<'_>,
) -> Result<(), InflateError> {
    let mut from = InBuffer::around(input);
    let mut frame_is_open = true;
    while frame_is_open || from.pos() < input.len() {
        out.room()?;
        let before = (from.pos(), out.bytes.len());
        let mut into = OutBuffer::around_pos(&mut out.bytes, before.1);
        let hint = context.decompress_stream(&mut into, &mut from);
        let hint = hint.map_err(|code| out.broken(get_error_name(code)))?;
        frame_is_open = hint != 0;
        let stuck = (from.pos(), out.bytes.len()) == before;
        if stuck && frame_is_open && out.bytes.capacity() > out.bytes.len() {
            return Err(out.broken("it ends too early"));
        }
    }
    out.settle()
}
