//! `partition`: the folders that a time leads to.

use lake_layout::date_text;

/// Nanoseconds of a second and of a day.
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// A parsed template such as `year=!{timestamp:yyyy}/month=!{timestamp:MM}`. The tokens are those
/// of Firehose's prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    /// Times of one span of so many nanoseconds lead to the same folder.
    span: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Time(Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Unit {
    fn of(letters: &str) -> Option<Unit> {
        match letters {
            "yyyy" | "YYYY" | "uuuu" => Some(Unit::Year),
            "MM" => Some(Unit::Month),
            "dd" => Some(Unit::Day),
            "HH" => Some(Unit::Hour),
            "mm" => Some(Unit::Minute),
            "ss" => Some(Unit::Second),
            _ => None,
        }
    }

    fn span(self) -> u64 {
        match self {
            Unit::Year | Unit::Month | Unit::Day => DAY,
            Unit::Hour => 3600 * SECOND,
            Unit::Minute => 60 * SECOND,
            Unit::Second => SECOND,
        }
    }
}

impl Template {
    /// Reads a template. An empty one puts all files into one folder.
    ///
    /// # Errors
    /// What is wrong with it, and what is understood.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text.trim_matches('/');
        while let Some(start) = rest.find("!{") {
            literal(&rest[..start], &mut pieces);
            let token = &rest[start + 2..];
            let Some(end) = token.find('}') else {
                return Err(format!("\"{}\" has no closing brace", &rest[start..]));
            };
            token_pieces(&token[..end], &mut pieces)?;
            rest = &token[end + 1..];
        }
        literal(rest, &mut pieces);
        let span = pieces.iter().filter_map(|piece| match piece {
            Piece::Time(unit) => Some(unit.span()),
            Piece::Text(_) => None,
        });
        let template = Template {
            span: span.min().unwrap_or(DAY),
            pieces,
        };
        template.check()?;
        Ok(template)
    }

    /// Every folder must have a name that directories and buckets take alike.
    fn check(&self) -> Result<(), String> {
        let sample = self.folder(0);
        if sample.is_empty() {
            return Ok(());
        }
        for name in sample.split('/') {
            if matches!(name, "" | "." | "..") {
                return Err(format!("\"{name}\" is no name of a folder"));
            }
            let odd =
                |c: &char| c.is_control() || "\\{}^%`[]\"<>~#|*?".contains(*c) || !c.is_ascii();
            if let Some(odd) = name.chars().find(odd) {
                return Err(format!(
                    "{odd:?} cannot be in the name of a folder: use letters, digits and - _ . ="
                ));
            }
        }
        Ok(())
    }

    /// The number of the span that a time lies in, nanoseconds since 1970.
    pub(crate) fn span_of(&self, unix_nano: u64) -> u64 {
        unix_nano / self.span
    }

    /// The folder of a span, without slashes around it.
    pub(crate) fn folder(&self, span: u64) -> String {
        let unix_nano = span.saturating_mul(self.span);
        let day = i32::try_from(unix_nano / DAY).unwrap_or(i32::MAX);
        let date = date_text(day);
        let mut date = date.splitn(3, '-');
        let mut next = || date.next().unwrap_or_default().to_owned();
        let (year, month, day) = (next(), next(), next());
        let seconds = unix_nano % DAY / SECOND;
        let mut folder = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => folder.push_str(text),
                Piece::Time(Unit::Year) => folder.push_str(&year),
                Piece::Time(Unit::Month) => folder.push_str(&month),
                Piece::Time(Unit::Day) => folder.push_str(&day),
                Piece::Time(Unit::Hour) => folder.push_str(&two_digits(seconds / 3600)),
                Piece::Time(Unit::Minute) => folder.push_str(&two_digits(seconds / 60 % 60)),
                Piece::Time(Unit::Second) => folder.push_str(&two_digits(seconds % 60)),
            }
        }
        folder
    }
}

fn two_digits(number: u64) -> String {
    format!("{number:02}")
}

fn literal(text: &str, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// `timestamp:yyyy-MM-dd`: runs of letters are units, what is between them stays.
fn token_pieces(token: &str, pieces: &mut Vec<Piece>) -> Result<(), String> {
    let known = "known: !{timestamp:...} with yyyy MM dd HH mm ss";
    let Some(("timestamp", mut pattern)) = token.split_once(':') else {
        return Err(format!("unknown token \"!{{{token}}}\" ({known})"));
    };
    while let Some(first) = pattern.chars().next() {
        let alike = |c: char| c.is_ascii_alphabetic() == first.is_ascii_alphabetic();
        let same = |c: char| match first.is_ascii_alphabetic() {
            true => c == first,
            false => alike(c),
        };
        let end = pattern.find(|c| !same(c)).unwrap_or(pattern.len());
        let (run, rest) = pattern.split_at(end);
        match first.is_ascii_alphabetic() {
            true => pieces.push(Piece::Time(Unit::of(run).ok_or_else(|| {
                format!("unknown pattern \"{run}\" in \"!{{{token}}}\" ({known})")
            })?)),
            false => literal(&run.replace('\'', ""), pieces),
        }
        pattern = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2019-07-04T05:06:07Z
    const MOMENT: u64 = 1_562_216_767 * SECOND + 5;

    fn folder(template: &str) -> String {
        let template = Template::parse(template).expect("it is well formed");
        template.folder(template.span_of(MOMENT))
    }

    #[test]
    fn times_become_padded_numbers_of_utc() {
        let hourly =
            "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}";
        assert_eq!(folder(hourly), "year=2019/month=07/day=04/hour=05");
        assert_eq!(folder("!{timestamp:yyyy/MM/dd/HH}/"), "2019/07/04/05");
        assert_eq!(folder("dt=!{timestamp:yyyy-MM-dd}"), "dt=2019-07-04");
        assert_eq!(folder("t=!{timestamp:HHmmss}"), "t=050607");
        assert_eq!(folder("all"), "all");
        assert_eq!(folder(""), "");
    }

    #[test]
    fn the_finest_unit_says_what_is_in_one_folder() {
        for (template, seconds) in [
            ("!{timestamp:yyyy}", 86_400),
            ("!{timestamp:yyyyMMddHH}", 3600),
            ("!{timestamp:yyyy}/!{timestamp:mm}", 60),
            ("!{timestamp:ss}", 1),
        ] {
            let template = Template::parse(template).expect("it is well formed");
            assert_eq!(template.span, seconds * SECOND);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (template, part) in [
            ("year=!{timestamp:yyyy", "no closing brace"),
            ("!{timestamp:yy}", "unknown pattern \"yy\""),
            ("!{firehose:error-output-type}", "unknown token"),
            ("a//b", "no name of a folder"),
            ("../!{timestamp:yyyy}", "\"..\" is no name"),
            ("d=%", "'%' cannot be"),
        ] {
            let error = Template::parse(template).expect_err("it is malformed");
            assert!(error.contains(part), "{template}: {error}");
        }
    }
}
