//! `Range: bytes=...` (RFC 9110, 14).

/// Which part of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it: no range, several, or one that cannot be read.
    Whole,
    /// From the first byte to the one behind the last.
    Part(usize, usize),
    /// Nothing of it.
    Outside,
}

/// Reads the header for a file of `size` bytes.
pub(super) fn range(header: &str, size: usize) -> Range {
    let Some((first, last)) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Range::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let (from, to) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(from), Ok(to)) if to >= from => (from, to.saturating_add(1).min(size)),
        (Ok(from), Err(_)) if last.is_empty() => (from, size),
        (Err(_), Ok(0)) if first.is_empty() => return Range::Outside,
        (Err(_), Ok(end)) if first.is_empty() => (size.saturating_sub(end), size),
        _ => return Range::Whole,
    };
    if from >= size {
        Range::Outside
    } else {
        Range::Part(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ten_bytes() {
        let table = [
            ("bytes=0-", Range::Part(0, 10)),
            ("bytes=0-0", Range::Part(0, 1)),
            ("bytes=3-5", Range::Part(3, 6)),
            ("bytes=3-99", Range::Part(3, 10)),
            ("bytes=-4", Range::Part(6, 10)),
            ("bytes=-99", Range::Part(0, 10)),
            ("bytes=10-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=5-3", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("lines=1-2", Range::Whole),
        ];
        for (header, expected) in table {
            assert_eq!(range(header, 10), expected, "{header}");
        }
    }
}
