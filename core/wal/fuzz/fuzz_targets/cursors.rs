//! Any bytes as the file of cursors: nothing panics, little is allocated, and the
//! log is read to its end from wherever a cursor says that it stands.
//!
//! The first byte says how the file is made of the rest: as it is; behind a whole
//! header; or from places with right checksums and whatever numbers the input
//! wants.

#![no_main]

#[path = "../log.rs"]
mod log;

use libfuzzer_sys::fuzz_target;
use log::{Base, Input};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

const PAGE: usize = 4096;
const SLOT: usize = 128;

fuzz_target!(|input: &[u8]| {
    let base = Base::get();
    let mut input = Input(input);
    let whole = base.cursors();
    let file = match input.byte() % 4 {
        0 => input.rest().to_vec(),
        1 => {
            let mut file = whole.to_vec();
            let at = input.number() as usize % file.len();
            let rest = input.rest();
            let length = rest.len().min(file.len() - at);
            file[at..at + length].copy_from_slice(&rest[..length]);
            file
        }
        _ => places(base, &mut input, whole.to_vec()),
    };
    base.survives(&MEMORY, "cursors", &file);
});

fn places(base: &Base, input: &mut Input<'_>, mut file: Vec<u8>) -> Vec<u8> {
    let pages = file.len() / PAGE;
    while !input.is_empty() {
        let at = usize::from(input.byte()) % pages * PAGE;
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&input.number().to_le_bytes());
        for number in slot[8..32].chunks_exact_mut(8) {
            let value = match input.byte() {
                255 => input.number(),
                small => u64::from(small),
            };
            number.copy_from_slice(&value.to_le_bytes());
        }
        slot[32] = input.byte() % 3;
        slot[33] = input.byte();
        let name = input.take(usize::from(slot[33]).min(64));
        slot[34..34 + name.len()].copy_from_slice(name);
        let crc = base.checksum(&slot[..SLOT - 4]);
        slot[SLOT - 4..].copy_from_slice(&crc.to_le_bytes());
        file[at..at + SLOT].copy_from_slice(&slot);
    }
    file
}
