//! Event time: which of a record's times counts, and what the tables can hold.

use crate::reject::Reason;

const NANOS_A_DAY: i64 = 86_400_000_000_000;

/// A record's event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTime {
    /// Nanoseconds since 1970, never negative.
    pub(crate) nanos: i64,
}

impl EventTime {
    /// The first of `times` that is given (not 0), else `ingest`.
    ///
    /// # Errors
    /// When it lies behind 2262-04-11: nanoseconds since 1970 end there in 64 signed bits.
    #[inline]
    pub(crate) fn of(times: &[(&'static str, u64)], ingest: u64) -> Result<Self, Reason> {
        let (field, nanos) = times
            .iter()
            .copied()
            .find(|&(_, nanos)| nanos != 0)
            .unwrap_or(("ingest time", ingest));
        Ok(Self {
            nanos: nanos_of(field, nanos)?,
        })
    }

    /// Days since 1970: the partition.
    #[inline]
    pub(crate) fn day(self) -> i32 {
        // At most 106,751.
        i32::try_from(self.nanos / NANOS_A_DAY).unwrap_or(i32::MAX)
    }
}

/// Nanoseconds as microseconds.
#[inline]
pub(crate) fn micros(nanos: i64) -> i64 {
    nanos / 1000
}

/// A time field as a signed number.
///
/// # Errors
/// When it lies behind 2262-04-11.
#[inline]
pub(crate) fn nanos_of(field: &'static str, nanos: u64) -> Result<i64, Reason> {
    i64::try_from(nanos).map_err(|_| Reason::TimeOutOfRange { field, nanos })
}

/// A time field as a signed number, missing when it is not given (0).
#[inline]
pub(crate) fn optional_nanos(field: &'static str, nanos: u64) -> Result<Option<i64>, Reason> {
    match nanos {
        0 => Ok(None),
        _ => nanos_of(field, nanos).map(Some),
    }
}

/// A calendar day as `YYYY-MM-DD`, from days since 1970. Days before 1970 or after 9999 do not
/// occur in the tables.
pub fn date_text(day: i32) -> String {
    // Howard Hinnant's civil_from_days, for days from 0000-03-01 on.
    let days = i64::from(day) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_given_time_counts() {
        let time = EventTime::of(&[("time", 0), ("observed", 7_000)], 9).unwrap();
        assert_eq!((time.nanos, micros(time.nanos), time.day()), (7_000, 7, 0));
        assert_eq!(EventTime::of(&[("time", 0)], 9).unwrap().nanos, 9);
    }

    #[test]
    fn a_time_behind_2262_is_refused_by_name() {
        let reason = EventTime::of(&[("time_unix_nano", u64::MAX)], 1).unwrap_err();
        assert!(reason.to_string().contains("time_unix_nano"), "{reason}");
        assert_eq!(
            EventTime::of(&[("t", i64::MAX as u64)], 1).unwrap().day(),
            106_751
        );
    }

    #[test]
    fn days_read_as_dates() {
        for (day, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (19_782, "2024-02-29"),
            (20_778, "2026-11-21"),
            (106_751, "2262-04-11"),
        ] {
            assert_eq!(date_text(day), text);
        }
    }
}
