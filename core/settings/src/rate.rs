//! How often something may happen: `20/s`, `100/m`, `5/10s`.

use crate::Duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A count for a span of time, both above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u64,
    period: Duration,
}

/// Why a text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// No slash, or no number before it.
    #[error("expected a rate such as \"20/s\" or \"100/m\", got \"{0}\"")]
    Form(String),
    /// No good duration after the slash.
    #[error("in the rate \"{0}\" the part after / must be s, m, h, d or a duration above 0")]
    Period(String),
    /// Never.
    #[error("the rate \"{0}\" must be above 0")]
    Zero(String),
}

impl Rate {
    /// `count` a second, at least one.
    pub fn per_second_of(count: u64) -> Self {
        Self {
            count: count.max(1),
            period: Duration::from_secs(1),
        }
    }

    /// How many in one period.
    pub const fn count(self) -> u64 {
        self.count
    }

    /// The period.
    pub const fn period(self) -> std::time::Duration {
        self.period.get()
    }

    /// How many a second.
    pub fn per_second(self) -> f64 {
        self.count as f64 / self.period().as_secs_f64()
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let own = || text.to_owned();
        let (count, period) = text.split_once('/').ok_or_else(|| RateError::Form(own()))?;
        let count = count.trim();
        let digits = count.bytes().all(|b| b.is_ascii_digit());
        let count: u64 = match count.parse() {
            Ok(count) if digits => count,
            _ => return Err(RateError::Form(own())),
        };
        if count == 0 {
            return Err(RateError::Zero(own()));
        }
        let period = period.trim();
        let parsed = match period.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            true => period.parse::<Duration>(),
            false => format!("1{period}").parse(),
        };
        match parsed {
            Ok(period) if !period.is_zero() => Ok(Self { count, period }),
            _ => Err(RateError::Period(own())),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period().as_nanos() {
            1_000_000_000 => "s",
            60_000_000_000 => "m",
            3_600_000_000_000 => "h",
            86_400_000_000_000 => "d",
            _ => return write!(f, "{}/{}", self.count, self.period),
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rate such as \"20/s\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_printed() {
        for (text, per_second, printed) in [
            ("20/s", 20.0, "20/s"),
            ("20 / s", 20.0, "20/s"),
            ("60/m", 1.0, "60/m"),
            ("60/1m", 1.0, "60/m"),
            ("5/10s", 0.5, "5/10s"),
            ("86400/d", 1.0, "86400/d"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert!((rate.per_second() - per_second).abs() < 1e-9, "{text}");
            assert_eq!(rate.to_string(), printed);
            assert_eq!(printed.parse(), Ok(rate));
        }
    }

    #[test]
    fn bad_rates_say_why() {
        for (text, error) in [
            ("20", RateError::Form("20".to_owned())),
            ("x/s", RateError::Form("x/s".to_owned())),
            ("-1/s", RateError::Form("-1/s".to_owned())),
            ("0/s", RateError::Zero("0/s".to_owned())),
            ("1/y", RateError::Period("1/y".to_owned())),
            ("1/", RateError::Period("1/".to_owned())),
            ("1/0s", RateError::Period("1/0s".to_owned())),
        ] {
            assert_eq!(text.parse::<Rate>(), Err(error));
        }
    }
}
