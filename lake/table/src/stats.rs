//! Statistics of a file for the Delta log, from the footer of the file.

use deltalake::parquet::file::metadata::ParquetMetaData;
use deltalake::parquet::file::statistics::Statistics;
use lake_layout::{TableSpec, date_text};
use serde_json::{Map, Value, json};

/// The `stats` of an Add action: records, and for the columns that the table is searched by the
/// smallest value, the largest value and how many are missing.
///
/// Texts are cut to 64 bytes by the Parquet writer so that they still bound. Timestamps have
/// milliseconds in the log: the smallest is rounded down, the largest up, so that no reader skips
/// a file wrongly. What JSON cannot say (NaN, infinities) is left out.
pub(crate) fn stats(spec: &TableSpec, file: &ParquetMetaData) -> String {
    let mut min = Map::new();
    let mut max = Map::new();
    let mut nulls = Map::new();
    let schema = file.file_metadata().schema_descr();
    for name in spec.statistics_columns() {
        let Some(index) =
            (0..schema.num_columns()).find(|&i| schema.column(i).path().string() == name)
        else {
            continue;
        };
        let timestamp = spec
            .schema()
            .field_with_name(name)
            .is_ok_and(|field| field.data_type().is_temporal());
        let Some(bounds) = Bounds::of(file, index) else {
            continue;
        };
        nulls.insert(name.to_owned(), json!(bounds.nulls));
        if let Some((low, high)) = bounds.ends {
            min.insert(name.to_owned(), low.json(timestamp, Round::Down));
            max.insert(name.to_owned(), high.json(timestamp, Round::Up));
        }
    }
    json!({
        "numRecords": file.file_metadata().num_rows(),
        "minValues": min,
        "maxValues": max,
        "nullCount": nulls,
    })
    .to_string()
}

#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Scalar {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

#[derive(Clone, Copy)]
enum Round {
    Down,
    Up,
}

impl Scalar {
    fn json(self, timestamp: bool, round: Round) -> Value {
        match self {
            Self::Int(micros) if timestamp => json!(timestamp_text(micros, round)),
            Self::Int(number) => json!(number),
            Self::Bool(value) => json!(value),
            Self::Double(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }
}

/// Microseconds since 1970 with milliseconds, as Delta writes timestamps.
fn timestamp_text(micros: i64, round: Round) -> String {
    let millis = match round {
        Round::Down => micros.div_euclid(1000),
        Round::Up => micros.div_euclid(1000) + i64::from(micros.rem_euclid(1000) != 0),
    };
    let (seconds, milli) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let date = date_text(i32::try_from(days).unwrap_or(i32::MAX));
    format!(
        "{date}T{:02}:{:02}:{:02}.{milli:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// What all row groups together say of a column.
struct Bounds {
    ends: Option<(Scalar, Scalar)>,
    nulls: u64,
}

impl Bounds {
    /// Nothing when a row group has no statistics of the column.
    fn of(file: &ParquetMetaData, index: usize) -> Option<Self> {
        let mut ends: Option<(Scalar, Scalar)> = None;
        let mut unknown = false;
        let mut nulls = 0;
        for group in file.row_groups() {
            let statistics = group.column(index).statistics()?;
            let missing = statistics.null_count_opt()?;
            nulls += missing;
            match scalars(statistics) {
                Some((low, high)) => {
                    ends = Some(match ends {
                        None => (low, high),
                        Some((a, b)) => (
                            if low < a { low } else { a },
                            if high > b { high } else { b },
                        ),
                    });
                }
                // A group of missing values only bounds nothing; one with values but without
                // bounds makes them unknown for the file.
                None if u64::try_from(group.num_rows()).ok() == Some(missing) => {}
                None => unknown = true,
            }
        }
        Some(Self {
            ends: ends.filter(|_| !unknown),
            nulls,
        })
    }
}

fn scalars(statistics: &Statistics) -> Option<(Scalar, Scalar)> {
    Some(match statistics {
        Statistics::Boolean(s) => (Scalar::Bool(*s.min_opt()?), Scalar::Bool(*s.max_opt()?)),
        Statistics::Int32(s) => (
            Scalar::Int((*s.min_opt()?).into()),
            Scalar::Int((*s.max_opt()?).into()),
        ),
        Statistics::Int64(s) => (Scalar::Int(*s.min_opt()?), Scalar::Int(*s.max_opt()?)),
        Statistics::Double(s) => {
            let (low, high) = (*s.min_opt()?, *s.max_opt()?);
            if !low.is_finite() || !high.is_finite() {
                return None;
            }
            (Scalar::Double(low), Scalar::Double(high))
        }
        Statistics::ByteArray(s) => {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().map(Scalar::Text);
            (text(s.min_opt()?.data())?, text(s.max_opt()?.data())?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_timestamps_enclose_them() {
        let micros = 1_795_261_352_123_456;
        assert_eq!(
            timestamp_text(micros, Round::Down),
            "2026-11-21T11:42:32.123Z"
        );
        assert_eq!(
            timestamp_text(micros, Round::Up),
            "2026-11-21T11:42:32.124Z"
        );
        assert_eq!(timestamp_text(0, Round::Up), "1970-01-01T00:00:00.000Z");
    }
}
