//! Bytes in strings: hex for ids, base64 for everything else.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be there or not; bits behind the last byte are ignored, as protobuf does.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Appends the bytes behind base64 text in either alphabet; whether it is such text.
pub(super) fn base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    let for_urls = memchr::memchr2(b'-', b'_', text).is_some();
    let engine = if for_urls { &FOR_URLS } else { &PLAIN };
    engine.decode_vec(text, out).is_ok()
}

/// Appends base64 text of the standard alphabet, padded.
pub(super) fn put_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // The space is exactly what is needed, so this cannot fail.
    let written = PLAIN.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written.ok(), Some(out.len() - start));
}

/// The value of each hex digit, 0xff for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// Appends the bytes behind an even number of hex digits of any case; whether they are such.
pub(super) fn hex(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut bad = 0;
    for pair in text.chunks_exact(2) {
        let (high, low) = (DIGITS[pair[0] as usize], DIGITS[pair[1] as usize]);
        bad |= high | low;
        out.push(high << 4 | low & 0x0f);
    }
    bad < 16
}

/// The two hex digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [
            b"0123456789abcdef"[byte >> 4],
            b"0123456789abcdef"[byte & 0x0f],
        ];
        byte += 1;
    }
    pairs
};

/// Appends lower-case hex digits.
#[inline]
pub(super) fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    let (pairs, _) = out[start..].as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = PAIRS[usize::from(*byte)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_are_their_own_inverse() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&all[..], &all[..1], &all[..2], &all[..3], &[]] {
            let (mut digits, mut back) = (Vec::new(), Vec::new());
            put_hex(bytes, &mut digits);
            assert!(hex(&digits, &mut back) && hex(&digits.to_ascii_uppercase(), &mut back));
            assert_eq!(back, [bytes, bytes].concat());

            let (mut text, mut back) = (b"\"".to_vec(), Vec::new());
            put_base64(bytes, &mut text);
            assert_eq!(text.len() - 1, bytes.len().div_ceil(3) * 4);
            assert!(base64(&text[1..], &mut back));
            assert_eq!(back, bytes);
        }
    }

    #[test]
    fn what_is_no_digit_is_refused() {
        for byte in 0..=255u8 {
            let digit = byte.is_ascii_hexdigit();
            assert_eq!(hex(&[b'0', byte], &mut Vec::new()), digit, "{byte}");
            assert_eq!(hex(&[byte, b'f'], &mut Vec::new()), digit, "{byte}");
        }
    }
}
