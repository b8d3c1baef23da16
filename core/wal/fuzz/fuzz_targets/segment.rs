//! Any bytes as a segment of a log: nothing panics, little is allocated, and only
//! entries whose checksums fit are handed out.
//!
//! The first byte says how the file is made of the rest: as it is; behind a whole
//! segment header; or from parts, of which some are entries with right header
//! checksums and whatever facts the input wants.

#![no_main]

#[path = "../log.rs"]
mod log;

use libfuzzer_sys::fuzz_target;
use log::{Base, Input};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Where the first entry of a segment begins.
const START: usize = 512;

fuzz_target!(|input: &[u8]| {
    let base = Base::get();
    let mut input = Input(input);
    let mode = input.byte();
    let (name, whole) = base.segment(usize::from(mode >> 2));
    let file = match mode % 4 {
        0 => input.rest().to_vec(),
        1 => [&whole[..START], input.rest()].concat(),
        2 => [&whole[..START], &parts(base, &mut input)].concat(),
        _ => [whole, &parts(base, &mut input)].concat(),
    };
    base.survives(&MEMORY, name, &file);
});

/// Entries that may lie, and bytes between them.
fn parts(base: &Base, input: &mut Input<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    while !input.is_empty() && out.len() < 1 << 16 {
        let kind = input.byte();
        let length = usize::from(input.byte());
        if kind % 4 == 0 {
            out.extend(input.take(length));
            continue;
        }
        let payload = input.take(length).to_vec();
        // most lengths are true, and most numbers near those that are expected
        let told = match kind % 4 {
            1 => input.number() as u32,
            _ => payload.len() as u32,
        };
        let sequence = match kind & 16 {
            0 => u64::from(input.byte()),
            _ => input.number(),
        };
        let crc = match kind & 32 {
            0 => crc32c::crc32c(&payload),
            _ => input.number() as u32,
        };
        let place = match kind & 64 {
            0 => u32::from(input.byte() % 4),
            _ => input.number() as u32,
        };
        out.extend(base.entry_header(told, sequence, crc, place));
        out.extend(payload);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}
