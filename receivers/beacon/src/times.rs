//! The client's clock against ours.
//!
//! Clocks of visitors are wrong by hours more often than one would think. With
//! `sent_at` the error is known and taken out, so that the order inside a batch
//! stays; without it a time is believed as long as it can be true.

use std::borrow::Cow;

use crate::json::{Kind, Piece};

const SECOND: i64 = 1_000_000_000;
/// Up to here the difference is the network's.
const TOLERATED: i64 = 10 * SECOND;
/// Without `sent_at`: how old an event may be.
const OLDEST: u64 = 24 * 3600 * SECOND as u64;
/// Without `sent_at`: how far ahead a clock may be.
const AHEAD: u64 = 60 * SECOND as u64;

/// What is known about the clock of the sender of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientClock {
    /// When the request came, nanoseconds since 1970.
    pub(crate) received: u64,
    /// How far the client's clock is behind ours, when it said.
    pub(crate) skew: Option<i64>,
}

/// The time of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTime {
    /// Nanoseconds since 1970.
    pub(crate) nanos: u64,
    /// The client's own time could not be believed and is kept beside it.
    pub(crate) keep_original: bool,
}

impl ClientClock {
    pub(crate) fn new(received: u64, sent_at: Option<&str>) -> ClientClock {
        let sent = sent_at.and_then(read);
        let skew = sent.map(|sent| (i128::from(received) - i128::from(sent)) as i64);
        ClientClock { received, skew }
    }

    /// The difference that is corrected; small ones are none.
    pub(crate) fn corrected(&self) -> Option<i64> {
        self.skew.filter(|skew| skew.abs() > TOLERATED)
    }

    /// The time of an event that says `client`; `None` when it says nothing
    /// that can be read.
    pub(crate) fn event_time(&self, client: Option<u64>) -> EventTime {
        let now = EventTime {
            nanos: self.received,
            keep_original: true,
        };
        let Some(client) = client else { return now };
        if self.skew.is_some() {
            let skew = self.corrected().unwrap_or(0);
            let nanos = i128::from(client) + i128::from(skew);
            let nanos = nanos.clamp(0, i128::from(self.received)) as u64;
            return EventTime {
                nanos,
                keep_original: false,
            };
        }
        let oldest = self.received.saturating_sub(OLDEST);
        if client < oldest || client > self.received + AHEAD {
            return now;
        }
        EventTime {
            nanos: client.min(self.received),
            keep_original: false,
        }
    }
}

/// A time as clients write it: ISO 8601, or a number since 1970 in seconds,
/// milliseconds, microseconds or nanoseconds, told apart by its magnitude.
pub(crate) fn read(text: &str) -> Option<u64> {
    let first = *text.as_bytes().first()?;
    // A date is no number: to try would cost more than to read it.
    if first.is_ascii_digit()
        && !text.as_bytes().get(..5).is_some_and(is_date)
        && let Ok(number) = text.parse::<f64>()
    {
        return by_magnitude(text, number);
    }
    semconv::time::parse(text)
}

/// Whether it begins as dates do, and no number: with four digits and a hyphen.
fn is_date(text: &[u8]) -> bool {
    matches!(text, [year @ .., b'-'] if year.iter().all(u8::is_ascii_digit))
}

/// The time in a value.
pub(crate) fn of(piece: Piece, text: &str) -> Option<u64> {
    match piece.kind {
        Kind::Plain | Kind::Integer | Kind::Double => read(piece.raw(text)),
        _ => read(&piece.string(text).unwrap_or(Cow::Borrowed(""))),
    }
}

fn by_magnitude(text: &str, number: f64) -> Option<u64> {
    let scale: u64 = match number {
        n if n < 1e11 => 1_000_000_000,
        n if n < 1e14 => 1_000_000,
        n if n < 1e17 => 1_000,
        _ => 1,
    };
    if let Ok(whole) = text.parse::<u64>() {
        return whole.checked_mul(scale);
    }
    // A double of today has about 100 ns; its fraction is scaled apart.
    let whole = number.trunc();
    let fraction = ((number - whole) * scale as f64).round() as u64;
    (whole < 1.8e19).then(|| (whole as u64).checked_mul(scale)?.checked_add(fraction))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_735_689_600_000_000_000;
    const S: u64 = 1_000_000_000;

    #[test]
    fn numbers_are_told_apart_by_magnitude() {
        let table = [
            ("1735689600", Some(NOW)),
            ("1735689600.5", Some(NOW + S / 2)),
            ("1735689600000", Some(NOW)),
            ("1735689600123.5", Some(NOW + 123_500_000)),
            ("1735689600000000", Some(NOW)),
            ("1735689600000000000", Some(NOW)),
            ("2025-01-01T00:00:00Z", Some(NOW)),
            ("2025-01-01T01:00:00+01:00", Some(NOW)),
            ("yesterday", None),
            ("", None),
            ("99999999999999999999999", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_clock_is_corrected_when_it_is_known_and_doubted_when_it_is_not() {
        // sent_at, the event's time, what comes out, whether the original is kept
        let table = [
            (None, None, NOW, true),
            (None, Some(NOW - 5 * S), NOW - 5 * S, false),
            (None, Some(NOW + 30 * S), NOW, false),
            (None, Some(NOW + 61 * S), NOW, true),
            (None, Some(NOW - 24 * 3600 * S), NOW - 24 * 3600 * S, false),
            (None, Some(NOW - 24 * 3600 * S - 1), NOW, true),
            (Some(NOW - 10 * S), Some(NOW - 11 * S), NOW - 11 * S, false),
            (Some(NOW - 3600 * S), Some(NOW - 3601 * S), NOW - S, false),
            (
                Some(NOW + 3600 * S),
                Some(NOW + 3590 * S),
                NOW - 10 * S,
                false,
            ),
            (Some(NOW), Some(NOW + 5 * S), NOW, false),
            (
                Some(NOW),
                Some(NOW - 80 * 3600 * S),
                NOW - 80 * 3600 * S,
                false,
            ),
        ];
        for (sent, client, nanos, keep_original) in table {
            let sent = sent.map(|sent| sent.to_string());
            let clock = ClientClock::new(NOW, sent.as_deref());
            let expected = EventTime {
                nanos,
                keep_original,
            };
            assert_eq!(clock.event_time(client), expected, "{sent:?} {client:?}");
        }
    }
}
