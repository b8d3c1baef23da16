//! Any bytes as a request of any signal: accepted or refused as `prost` does,
//! less the stated rules; what is accepted reads the same and splits without
//! loss.

#![no_main]

#[path = "../../tests/agree.rs"]
mod agree;
#[path = "../../tests/structs.rs"]
mod structs;

use libfuzzer_sys::fuzz_target;
use otlp::Signal;

fuzz_target!(|input: &[u8]| {
    for signal in Signal::ALL {
        agree::agrees_with_prost(signal, input);
    }
});
