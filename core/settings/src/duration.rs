//! Spans of time as Go writes them: `1h30m`, `200ms`, `1.5s`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A span of time that is not negative, at most about 292 years (2^63
/// nanoseconds, Go's limit). Written with the units `ns us µs ms s m h`, which
/// may be combined, and also `d` for 24 hours. A bare number is refused except
/// for 0: upstream would take it as nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit.
    #[error("a duration needs a unit: write \"{0}s\" or \"{0}ms\"")]
    NoUnit(String),
    /// A unit that does not exist.
    #[error("unknown unit \"{0}\" in a duration; use ns, us, ms, s, m, h or d, as in \"1h30m\"")]
    Unit(String),
    /// A minus sign.
    #[error("a duration must not be negative")]
    Negative,
    /// Beyond 2^63 nanoseconds.
    #[error("a duration must be shorter than 292 years")]
    TooLong,
    /// Anything else.
    #[error("expected a duration such as \"5s\" or \"1h30m\", got \"{0}\"")]
    Form(String),
}

const MAX_NANOS: u128 = i64::MAX as u128;

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(std::time::Duration::ZERO);

    /// Wraps a standard duration.
    pub const fn new(inner: std::time::Duration) -> Self {
        Self(inner)
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// So many milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(std::time::Duration::from_millis(milliseconds))
    }

    /// The standard duration.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }

    /// Whether it is 0, which many settings read as "no limit".
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The standard duration, or nothing when it is 0.
    pub fn non_zero(self) -> Option<std::time::Duration> {
        (!self.is_zero()).then_some(self.0)
    }
}

impl From<std::time::Duration> for Duration {
    fn from(inner: std::time::Duration) -> Self {
        Self(inner)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let trimmed = text.trim();
        if let Some(rest) = trimmed.strip_prefix('-') {
            let span: Self = rest.parse()?;
            return match span.is_zero() {
                true => Ok(span),
                false => Err(DurationError::Negative),
            };
        }
        let mut rest = trimmed.strip_prefix('+').unwrap_or(trimmed);
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        let form = || DurationError::Form(text.to_owned());
        let mut nanos: u128 = 0;
        if rest.is_empty() {
            return Err(form());
        }
        while !rest.is_empty() {
            let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
            let (unit, after) = split_where(after, |c| c.is_ascii_digit() || c == '.');
            let bare = number.bytes().filter(u8::is_ascii_digit).count() == 0;
            if bare || number.matches('.').count() > 1 {
                return Err(form());
            }
            if unit.is_empty() {
                return Err(DurationError::NoUnit(trimmed.to_owned()));
            }
            let size = unit_nanos(unit).ok_or_else(|| DurationError::Unit(unit.to_owned()))?;
            nanos += scaled(number, size).ok_or(DurationError::TooLong)?;
            if nanos > MAX_NANOS {
                return Err(DurationError::TooLong);
            }
            rest = after;
        }
        let nanos = u64::try_from(nanos).map_err(|_| DurationError::TooLong)?;
        Ok(Self(std::time::Duration::from_nanos(nanos)))
    }
}

fn split_where(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    })
}

/// `number` (digits with at most one dot) times `size`, cut to whole units.
fn scaled(number: &str, size: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u128 = match whole {
        "" => 0,
        digits => digits.parse().ok()?,
    };
    // Beyond 18 digits a fraction is below a nanosecond even of a day.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let part = match fraction {
        "" => 0,
        digits => digits.parse::<u128>().ok()? * size / 10u128.pow(digits.len() as u32),
    };
    whole.checked_mul(size)?.checked_add(part)
}

impl fmt::Display for Duration {
    /// As Go prints: `1h30m0s`, `1.5s`, `200ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (size, unit) = match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let mut rest = nanos;
        if nanos >= 3_600_000_000_000 {
            write!(f, "{}h", nanos / 3_600_000_000_000)?;
            rest %= 3_600_000_000_000;
        }
        if nanos >= 60_000_000_000 {
            write!(f, "{}m", rest / 60_000_000_000)?;
            rest %= 60_000_000_000;
        }
        write!(f, "{}", rest / size)?;
        if !rest.is_multiple_of(size) {
            let width = size.ilog10() as usize;
            let digits = format!("{:0width$}", rest % size);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str(unit)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"5s\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Duration, E> {
        match number {
            0 => Ok(Duration::ZERO),
            _ => Err(E::invalid_type(de::Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Duration, E> {
        match number {
            0 => Ok(Duration::ZERO),
            _ => Err(E::invalid_type(de::Unexpected::Signed(number), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("-0s", 0),
            ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("200ms", 200_000_000),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("1μs", 1_000),
            ("7ns", 7),
            ("1m1ns", 60_000_000_001),
            ("365d", 31_536_000_000_000_000),
            (" 5s ", 5_000_000_000),
            ("0.100000000000000000000000001s", 100_000_000),
        ] {
            let parsed: Duration = text.parse().unwrap();
            assert_eq!(parsed.get().as_nanos(), nanos, "{text}");
        }
    }

    #[test]
    fn refuses_with_a_hint() {
        for (text, message) in [
            ("5", "a duration needs a unit: write \"5s\" or \"5ms\""),
            ("-1s", "a duration must not be negative"),
            (
                "5 s",
                "unknown unit \" s\" in a duration; use ns, us, ms, s, m, h or d, as in \"1h30m\"",
            ),
            (
                "1y",
                "unknown unit \"y\" in a duration; use ns, us, ms, s, m, h or d, as in \"1h30m\"",
            ),
            (
                "",
                "expected a duration such as \"5s\" or \"1h30m\", got \"\"",
            ),
            (
                "s",
                "expected a duration such as \"5s\" or \"1h30m\", got \"s\"",
            ),
            (
                ".s",
                "expected a duration such as \"5s\" or \"1h30m\", got \".s\"",
            ),
            (
                "1.2.3s",
                "expected a duration such as \"5s\" or \"1h30m\", got \"1.2.3s\"",
            ),
            ("300000000h", "a duration must be shorter than 292 years"),
            (
                "99999999999999999999999999999999999999999999s",
                "a duration must be shorter than 292 years",
            ),
        ] {
            let error = text.parse::<Duration>().unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    #[test]
    fn prints_as_go_does() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (200_000_000, "200ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (5_400_000_000_000, "1h30m0s"),
            (3_600_000_000_001, "1h0m0.000000001s"),
        ] {
            let span = Duration::new(std::time::Duration::from_nanos(nanos));
            assert_eq!(span.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn printed_durations_read_the_same(nanos in 0..=i64::MAX as u64) {
            let span = Duration::new(std::time::Duration::from_nanos(nanos));
            prop_assert_eq!(span.to_string().parse::<Duration>().unwrap(), span);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.a-zµ ]{0,40}") {
            let _ = text.parse::<Duration>();
        }
    }
}
