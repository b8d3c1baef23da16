//! Amounts of bytes: `1048576`, `4MiB`, `128MB`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// An amount of bytes. Written as a whole number of bytes, or with a unit:
/// `B`, `KiB MiB GiB TiB` (powers of 1024) or `KB MB GB TB` (powers of 1000),
/// in any case, with an optional space and an optional fraction (`1.5GiB`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Why a text is no amount of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteSizeError {
    /// No number, or no known unit.
    #[error("expected a size such as \"4MiB\", got \"{0}\"")]
    Form(String),
    /// A minus sign.
    #[error("a size must not be negative")]
    Negative,
    /// More than 2^63 - 1 bytes.
    #[error("a size must be below 8 EiB")]
    TooLarge,
}

impl ByteSize {
    /// So many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// So many MiB.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// So many GiB.
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of bytes as an index type; the largest one where it does
    /// not fit.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let form = || ByteSizeError::Form(text.to_owned());
        let trimmed = text.trim();
        if trimmed.starts_with('-') {
            return Err(ByteSizeError::Negative);
        }
        let end = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let factor: u128 = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(form()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (factor == 1 && number.contains('.')) {
            return Err(form());
        }
        let whole: u128 = whole.parse().map_err(|_| ByteSizeError::TooLarge)?;
        let part = match fraction {
            "" if number.contains('.') => return Err(form()),
            "" => 0,
            digits if digits.len() <= 18 => {
                let parsed: u128 = digits.parse().map_err(|_| form())?;
                parsed * factor / 10u128.pow(digits.len() as u32)
            }
            _ => return Err(form()),
        };
        let bytes = (whole.checked_mul(factor))
            .and_then(|bytes| bytes.checked_add(part))
            .filter(|bytes| *bytes <= i64::MAX as u128)
            .ok_or(ByteSizeError::TooLarge)?;
        u64::try_from(bytes)
            .map(Self)
            .map_err(|_| ByteSizeError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit of 1024 that divides the amount: `4MiB`, `1000B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if self.0 != 0 && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl Serialize for ByteSize {
    /// The number of bytes, as upstream prints sizes.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as \"4MiB\" or a number of bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ByteSize, E> {
        u64::try_from(number)
            .map(ByteSize)
            .map_err(|_| E::custom(ByteSizeError::Negative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_numbers_and_units() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("17B", 17),
            ("4MiB", 4 << 20),
            ("4 mib", 4 << 20),
            ("128MB", 128_000_000),
            ("50GiB", 50 << 30),
            ("1.5KiB", 1536),
            ("2TB", 2_000_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize::new(bytes)), "{text}");
        }
    }

    #[test]
    fn refuses_with_an_example() {
        for (text, message) in [
            ("4M", "expected a size such as \"4MiB\", got \"4M\""),
            ("MiB", "expected a size such as \"4MiB\", got \"MiB\""),
            ("", "expected a size such as \"4MiB\", got \"\""),
            ("1.5", "expected a size such as \"4MiB\", got \"1.5\""),
            ("1.MiB", "expected a size such as \"4MiB\", got \"1.MiB\""),
            (
                "1.2.3MiB",
                "expected a size such as \"4MiB\", got \"1.2.3MiB\"",
            ),
            ("-1", "a size must not be negative"),
            ("9000000TiB", "a size must be below 8 EiB"),
        ] {
            let error = text.parse::<ByteSize>().unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_sizes_read_the_same(bytes in 0..=i64::MAX as u64) {
            let size = ByteSize::new(bytes);
            prop_assert_eq!(size.to_string().parse::<ByteSize>(), Ok(size));
        }
    }
}
