//! Times as ECS writes them, to and from nanoseconds since 1970.

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;
/// Nanoseconds in a millisecond.
const MILLISECOND: i128 = 1_000_000;

/// Reads `YYYY-MM-DD`, then optionally `T`, `t` or a blank, `HH:MM`, optional `:SS`, an optional fraction after
/// `.` or `,` (digits after the ninth are cut), and an optional `Z`, `z`, `+hh:mm`, `+hhmm` or `+hh`. Without an
/// offset it is UTC. A text of digits only, with an optional fraction, is epoch milliseconds.
///
/// `None` for anything else, and for a time that `timeUnixNano` cannot hold: before 1970 or after 2554.
pub fn parse(text: &str) -> Option<u64> {
    if let Some(nanos) = plain(text.as_bytes()) {
        return Some(nanos);
    }
    let nanos = match text.as_bytes() {
        [_, _, _, _, b'-', ..] => date_time(text.as_bytes())?,
        _ => milliseconds_text(text)?,
    };
    u64::try_from(nanos).ok()
}

/// What `toISOString` of a browser writes, `2025-01-01T00:00:00.000Z`, with or without its milliseconds. `None` for
/// any other spelling, and for what is no time.
fn plain(text: &[u8]) -> Option<u64> {
    let (first, rest) = text.split_first_chunk()?;
    let (second, third) = rest.split_first_chunk()?;
    let third = match *third {
        [b':', s, e, b'Z'] => [b':', s, e, b'.', b'0', b'0', b'0', b'Z'],
        [b':', s, e, b'.', m, i, l, b'Z'] => [b':', s, e, b'.', m, i, l, b'Z'],
        _ => return None,
    };
    let [y, e, a, r, _, mo, nth, _] = digits(first, b"0000-00-")?;
    let [da, ay, _, ho, ur, _, mi, nu] = digits(second, b"00T00:00")?;
    let [_, se, co, _, milli, lli, li, _] = digits(&third, b":00.000Z")?;
    let two = |tens: u8, ones: u8| u64::from(tens) * 10 + u64::from(ones);
    let (hour, minute, second) = (two(ho, ur), two(mi, nu), two(se, co));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (year, month, day) = (two(y, e) * 100 + two(a, r), two(mo, nth), two(da, ay));
    let days = days_from_civil(year as i64, month as i64, day as i64)?;
    let seconds = u64::try_from(days).ok()? * 86_400 + hour * 3600 + minute * 60 + second;
    let millis = two(milli, lli) * 10 + u64::from(li);
    (seconds * 1000 + millis).checked_mul(1_000_000)
}

/// The values of eight characters that must be digits where `shape` has a zero, and what it has elsewhere.
#[inline(always)]
fn digits(text: &[u8; 8], shape: &[u8; 8]) -> Option<[u8; 8]> {
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    // What must be added to reach the highest bit of a byte: to 10, or to 1.
    let mut room = [0x7f; 8];
    for (room, shape) in room.iter_mut().zip(shape) {
        if *shape == b'0' {
            *room = 0x80 - 10;
        }
    }
    let values = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*shape);
    let sums = (values & !HIGHEST) + u64::from_le_bytes(room);
    ((sums | values) & HIGHEST == 0).then(|| values.to_le_bytes())
}

/// Epoch milliseconds to nanoseconds; `None` before 1970 and after 2554.
pub fn from_millis(millis: i64) -> Option<u64> {
    u64::try_from(millis).ok()?.checked_mul(1_000_000)
}

/// Epoch milliseconds with a fraction to nanoseconds; `None` before 1970, after 2554, and for NaN.
pub fn from_millis_f64(millis: f64) -> Option<u64> {
    u64::try_from(nanos_of(millis)?).ok()
}

/// The fraction apart from the whole, so that a double of today keeps what it has of it.
fn nanos_of(millis: f64) -> Option<i128> {
    if !millis.is_finite() || millis.abs() >= 1e18 {
        return None;
    }
    let whole = millis.trunc();
    let fraction = ((millis - whole) * 1e6).round();
    Some(whole as i128 * MILLISECOND + fraction as i128)
}

fn milliseconds_text(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    whole
        .checked_mul(MILLISECOND)?
        .checked_add(scaled(fraction.as_bytes(), 6))
}

/// The first `places` digits of a fraction, as if it had exactly that many.
fn scaled(fraction: &[u8], places: usize) -> i128 {
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0'));
    digits
        .take(places)
        .fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))
}

/// A cursor over the bytes of a date.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(digits)?;
        let mut number = 0;
        for byte in head {
            if !byte.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(byte - b'0');
        }
        self.0 = rest;
        Some(number)
    }

    fn take(&mut self, any: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        any.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn offset_seconds(&mut self) -> Option<i64> {
        if self.take(b"Zz").is_some() || self.0.is_empty() {
            return Some(0);
        }
        let sign = if self.take(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.number(2)?;
        let minutes = if self.0.is_empty() {
            0
        } else {
            self.take(b":");
            self.number(2)?
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

fn date_time(text: &[u8]) -> Option<i128> {
    let mut c = Cursor(text);
    let year = c.number(4)?;
    c.take(b"-")?;
    let month = c.number(2)?;
    c.take(b"-")?;
    let day = c.number(2)?;
    let days = days_from_civil(year, month, day)?;
    if c.0.is_empty() {
        return Some(i128::from(days) * 86_400 * SECOND);
    }
    c.take(b"Tt ")?;
    let hour = c.number(2)?;
    c.take(b":")?;
    let minute = c.number(2)?;
    let second = if c.take(b":").is_some() {
        c.number(2)?
    } else {
        0
    };
    let mut nanos = 0;
    if c.take(b".,").is_some() {
        let digits = c.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (fraction, rest) = c.0.split_at_checked(digits)?;
        if fraction.is_empty() {
            return None;
        }
        nanos = scaled(fraction, 9);
        c.0 = rest;
    }
    let offset = c.offset_seconds()?;
    if !c.0.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * SECOND + nanos)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar; `None` when there is no such day.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > last {
        return None;
    }
    // Years that begin in March, in eras of 400 years (Howard Hinnant, `days_from_civil`).
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

/// A time written as ISO 8601 in UTC with 3, 6 or 9 digits after the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iso {
    bytes: [u8; 30],
    len: u8,
}

impl Iso {
    /// From nanoseconds since 1970.
    pub fn from_nanos(nanos: u64) -> Iso {
        // The year of the largest one is 2554.
        Iso::from_wide(i128::from(nanos)).unwrap_or(Iso {
            bytes: [b'0'; 30],
            len: 0,
        })
    }

    /// From epoch milliseconds; `None` outside the years 0 to 9999.
    pub fn from_millis(millis: i64) -> Option<Iso> {
        Iso::from_wide(i128::from(millis) * MILLISECOND)
    }

    /// From epoch milliseconds with a fraction; `None` outside the years 0 to 9999.
    pub fn from_millis_f64(millis: f64) -> Option<Iso> {
        Iso::from_wide(nanos_of(millis)?)
    }

    fn from_wide(nanos: i128) -> Option<Iso> {
        let seconds = i64::try_from(nanos.div_euclid(SECOND)).ok()?;
        let fraction = nanos.rem_euclid(SECOND) as u32;
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        if !(0..=9999).contains(&year) {
            return None;
        }
        let of_day = seconds.rem_euclid(86_400) as u32;
        let mut iso = Iso {
            bytes: [0; 30],
            len: 0,
        };
        iso.digits(year as u32, 4);
        iso.push(b'-');
        iso.digits(u32::from(month), 2);
        iso.push(b'-');
        iso.digits(u32::from(day), 2);
        iso.push(b'T');
        iso.digits(of_day / 3600, 2);
        iso.push(b':');
        iso.digits(of_day / 60 % 60, 2);
        iso.push(b':');
        iso.digits(of_day % 60, 2);
        iso.push(b'.');
        match fraction {
            f if f % 1_000_000 == 0 => iso.digits(f / 1_000_000, 3),
            f if f % 1_000 == 0 => iso.digits(f / 1_000, 6),
            f => iso.digits(f, 9),
        }
        iso.push(b'Z');
        Some(iso)
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }

    fn digits(&mut self, number: u32, count: u32) {
        for place in (0..count).rev() {
            self.push(b'0' + (number / 10_u32.pow(place) % 10) as u8);
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 1_563_062_400_000_000_000;

    #[test]
    fn reads_every_spelling() {
        for text in [
            "2019-07-14",
            "2019-07-14T00:00Z",
            "2019-07-14T00:00:00",
            "2019-07-14t00:00:00z",
            "2019-07-14 00:00:00.0Z",
            "2019-07-14T05:30:00+05:30",
            "2019-07-13T17:00:00-0700",
            "2019-07-14T02:00:00,000+02",
            "1563062400000",
            "1563062400000.0",
        ] {
            assert_eq!(parse(text), Some(DAY), "{text}");
        }
        assert_eq!(
            parse("2019-07-14T00:00:00.1234567899999Z"),
            Some(DAY + 123_456_789)
        );
        assert_eq!(parse("1563062400000.5"), Some(DAY + 500_000));
        assert_eq!(parse("2554-07-21T23:34:33.709551615Z"), Some(u64::MAX));
        assert_eq!(parse("2000-02-29"), Some(951_782_400_000_000_000));
        assert_eq!(parse("1970-01-01"), Some(0));
    }

    #[test]
    fn refuses_what_cannot_be_a_time() {
        for text in [
            "",
            "yesterday",
            "-5",
            "1e3",
            "2019-02-29",
            "1900-02-29",
            "2019-13-01",
            "2019-00-10",
            "2019-07-14T24:00:00Z",
            "2019-07-14T00:60:00Z",
            "2019-07-14T00:00:60Z",
            "2019-07-14T00:00:00.Z",
            "2019-07-14T",
            "2019-07-14T00",
            "2019-07-14T00:00:00+1",
            "2019-07-14T00:00:00+25:00",
            "2019-07-14T00:00:00Zx",
            "2019-07-14X00:00:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "2554-07-21T23:34:33.709551616Z",
            "99999999999999999999999999",
            "2019-07-1",
            "+2019-07-14",
            "5.",
            ".5",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_milliseconds() {
        assert_eq!(from_millis(1_563_062_400_123), Some(DAY + 123_000_000));
        assert_eq!(from_millis(-1), None);
        assert_eq!(from_millis(i64::MAX), None);
        assert_eq!(
            from_millis_f64(1_563_062_400_123.5),
            Some(DAY + 123_500_000)
        );
        assert_eq!(from_millis_f64(-0.5), None);
        assert_eq!(from_millis_f64(f64::NAN), None);
        assert_eq!(from_millis_f64(1e30), None);
    }

    #[test]
    fn writes_3_6_or_9_digits() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (DAY + 250_000_000, "2019-07-14T00:00:00.250Z"),
            (DAY + 250_001_000, "2019-07-14T00:00:00.250001Z"),
            (DAY + 1, "2019-07-14T00:00:00.000000001Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            assert_eq!(Iso::from_nanos(nanos).as_str(), text);
        }
        assert_eq!(
            Iso::from_millis(-1).unwrap().as_str(),
            "1969-12-31T23:59:59.999Z"
        );
        assert_eq!(Iso::from_millis(i64::MAX), None);
        assert_eq!(
            Iso::from_millis_f64(0.5).unwrap().as_str(),
            "1970-01-01T00:00:00.000500Z"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut nanos: u64 = 3;
        for _ in 0..5_000 {
            nanos = nanos
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            assert_eq!(parse(Iso::from_nanos(nanos).as_str()), Some(nanos));
        }
    }
}
