//! Figures and columns for people.

use std::fmt::Write as _;

/// Bytes with three significant digits: `1.23 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => rounded(size, unit),
            };
        }
        size /= 1024.0;
    }
    rounded(size, "TiB")
}

fn rounded(size: f64, unit: &str) -> String {
    let decimals = match size {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{size:.decimals$} {unit}")
}

/// An age in its two largest units: `2d 3h`, `12s`.
pub(super) fn age(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = UNITS.iter().position(|(size, _)| seconds >= *size);
    let Some(first) = first.filter(|first| *first < 3) else {
        return format!("{seconds}s");
    };
    let ((large, unit), (small, next)) = (UNITS[first], UNITS[first + 1]);
    match seconds % large / small {
        0 => format!("{}{unit}", seconds / large),
        rest => format!("{}{unit} {rest}{next}", seconds / large),
    }
}

/// `1 entry`, `2 entries`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Entries by their numbers: `entry 7`, `entries 7 to 9`.
pub(super) fn range(from: u64, to: u64) -> String {
    match to.saturating_sub(from) {
        ..=1 => format!("entry {from}"),
        _ => format!("entries {from} to {}", to - 1),
    }
}

/// Columns; those in which all rows have a figure are flushed right.
pub(super) fn columns(indent: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let is_figure = |cell: &str| cell == "-" || cell.starts_with(|c: char| c.is_ascii_digit());
    let right: Vec<bool> = (0..head.len())
        .map(|column| column > 0 && rows.iter().all(|row| is_figure(&row[column])))
        .collect();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = indent.to_owned();
        for (column, cell) in row.iter().enumerate() {
            let (width, gap) = (widths[column], if column == 0 { "" } else { "  " });
            // writing to a String cannot fail
            let _ = match right[column] {
                true => write!(line, "{gap}{cell:>width$}"),
                false => write!(line, "{gap}{cell:<width$}"),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{age, bytes, columns};

    #[test]
    fn figures_are_short() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.50 KiB");
        assert_eq!(bytes(300 << 20), "300 MiB");
        assert_eq!(bytes(25 << 40), "25.0 TiB");
        assert_eq!(age(0), "0s");
        assert_eq!(age(59), "59s");
        assert_eq!(age(60), "1m");
        assert_eq!(age(3_725), "1h 2m");
        assert_eq!(age(90_000), "1d 1h");
    }

    #[test]
    fn columns_of_figures_are_flushed_right() {
        let rows = [
            vec!["logs".to_owned(), "7".to_owned(), "b".to_owned()],
            vec!["traces/x".to_owned(), "-".to_owned(), String::new()],
        ];
        assert_eq!(
            columns(" ", &["QUEUE", "ITEMS", "X"], &rows),
            " QUEUE     ITEMS  X\n logs          7  b\n traces/x      -\n"
        );
    }
}
