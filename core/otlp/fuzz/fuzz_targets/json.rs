//! Any bytes as OTLP/JSON of any signal: refused with a place, or a valid
//! payload that comes back the same after being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otlp::{Payload, Signal, json};

fuzz_target!(|input: &[u8]| {
    for signal in Signal::ALL {
        let Ok(payload) = json::read(signal, input) else {
            continue;
        };
        let bytes = payload.clone().into_bytes();
        let again = Payload::validate(signal, bytes).expect("what is read is valid");
        assert_eq!(again.items(), payload.items());

        let mut text = Vec::new();
        json::write(&payload, &mut text);
        let back = json::read(signal, &text).expect("what is written can be read");
        assert_eq!(back.items(), payload.items());
        let mut twice = Vec::new();
        json::write(&back, &mut twice);
        assert_eq!(twice, text, "and is written the same");
    }
});
