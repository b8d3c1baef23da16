//! Numbers of OTLP/JSON: 64-bit integers and doubles, as JSON numbers or in strings.

use super::scan::number_length;

/// An integer in the range that all integer fields together need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Integer {
    pub(super) negative: bool,
    pub(super) magnitude: u64,
}

impl Integer {
    pub(super) fn as_u64(self) -> Option<u64> {
        (!self.negative || self.magnitude == 0).then_some(self.magnitude)
    }

    pub(super) fn as_i64(self) -> Option<i64> {
        if self.negative {
            0i64.checked_sub_unsigned(self.magnitude)
        } else {
            i64::try_from(self.magnitude).ok()
        }
    }

    pub(super) fn as_u32(self) -> Option<u32> {
        u32::try_from(self.as_u64()?).ok()
    }

    pub(super) fn as_i32(self) -> Option<i32> {
        i32::try_from(self.as_i64()?).ok()
    }
}

/// An integer, as digits or in any other notation of JSON that has no fraction (`1.0`, `15e8`).
///
/// `None` when it has a fraction, is no number, or does not fit in 64 bits and a sign.
#[inline]
pub(super) fn integer(text: &[u8]) -> Option<Integer> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut magnitude = 0u64;
    for (index, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return other_notation(text);
        }
        // Nineteen digits always fit.
        magnitude = if index < 19 {
            magnitude * 10 + u64::from(digit)
        } else {
            magnitude.checked_mul(10)?.checked_add(u64::from(digit))?
        };
    }
    Some(Integer {
        negative,
        magnitude,
    })
}

#[cold]
fn other_notation(text: &[u8]) -> Option<Integer> {
    if number_length(text) != text.len() {
        return None;
    }
    let negative = text.first() == Some(&b'-');
    let text = std::str::from_utf8(&text[usize::from(negative)..]).ok()?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // An exponent beyond this puts every number but zero out of range, or makes it a fraction.
    const FAR: i64 = 1 << 40;
    let exponent = match exponent.parse::<i64>() {
        Ok(exponent) => exponent.clamp(-FAR, FAR),
        Err(_) if exponent.starts_with('-') => -FAR,
        Err(_) => FAR,
    };
    // The power of ten of the first digit, plus one.
    let mut places = i64::try_from(whole.len()).ok()? + exponent;
    let mut magnitude = 0u64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        places -= 1;
        if places >= 0 {
            magnitude = magnitude
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
        } else if digit != b'0' {
            return None;
        }
    }
    while places > 0 && magnitude > 0 {
        magnitude = magnitude.checked_mul(10)?;
        places -= 1;
    }
    Some(Integer {
        negative,
        magnitude,
    })
}

/// A finite double in JSON's notation; `None` when it is none or does not fit.
#[inline]
pub(super) fn double(text: &[u8]) -> Option<f64> {
    if number_length(text) != text.len() {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// A double in a string: a number, or one of the three that JSON has no number for.
pub(super) fn double_in_string(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => double(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_i128(text: &str) -> Option<i128> {
        let integer = integer(text.as_bytes())?;
        let magnitude = i128::from(integer.magnitude);
        Some(if integer.negative {
            -magnitude
        } else {
            magnitude
        })
    }

    #[test]
    fn integers_in_every_notation() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("1700000000000000000", Some(1_700_000_000_000_000_000)),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("18446744073709551616", None),
            ("-9223372036854775808", Some(i128::from(i64::MIN))),
            ("99999999999999999999999", None),
            ("0007", Some(7)),
            ("1.0", Some(1)),
            ("1.50", None),
            ("1.5e1", Some(15)),
            ("17e17", Some(1_700_000_000_000_000_000)),
            ("1e19", Some(10_000_000_000_000_000_000)),
            ("1e20", None),
            ("100e-2", Some(1)),
            ("1e-1", None),
            ("0e999999999999999999999", Some(0)),
            ("0.000e5", Some(0)),
            ("1e999999999999999999999", None),
            ("1e-999999999999999999999", None),
            ("", None),
            ("-", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("0x10", None),
            ("1.", None),
        ] {
            assert_eq!(as_i128(text), expected, "{text}");
        }
    }

    #[test]
    fn narrower_integers_are_checked() {
        let negative = integer(b"-1").unwrap();
        assert_eq!((negative.as_u64(), negative.as_i32()), (None, Some(-1)));
        let large = integer(b"4294967296").unwrap();
        assert_eq!(
            (large.as_u32(), large.as_i32(), large.as_i64()),
            (None, None, Some(1 << 32))
        );
        let most = integer(b"9223372036854775808").unwrap();
        assert_eq!((most.as_i64(), most.as_u64()), (None, Some(1 << 63)));
    }

    #[test]
    fn doubles_follow_the_grammar_of_json() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("-1.5e-3", Some(-0.0015)),
            ("1e400", None),
            ("inf", None),
            ("nan", None),
            (".5", None),
            ("5.", None),
            ("01", None),
            ("", None),
        ] {
            assert_eq!(double(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(double_in_string(b"-Infinity"), Some(f64::NEG_INFINITY));
        assert!(double_in_string(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(double_in_string(b"infinity"), None);
    }
}
