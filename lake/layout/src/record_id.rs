//! Record ids: `<time>-<log id>-<sequence>-<index>`, the time as 16 hexadecimal digits of
//! nanoseconds, so that ids sort by time; the rest names the record once and for all. Encoding an
//! entry again gives the same ids, which is how a repeated record can be told from an equal one.

use crate::build::push_hex;

/// Appends the part that all records of an entry share: `-<log id>-<sequence>-`.
pub(crate) fn push_entry(log_id: &str, sequence: u64, out: &mut String) {
    out.push('-');
    out.push_str(log_id);
    out.push('-');
    push_short_hex(sequence, out);
    out.push('-');
}

/// Appends the id of the record at `index` of an entry.
#[inline]
pub(crate) fn push(nanos: i64, entry: &str, index: u64, out: &mut String) {
    // Times are never negative, see `EventTime`.
    push_hex(&nanos.to_be_bytes(), out);
    out.push_str(entry);
    push_short_hex(index, out);
}

/// Lower-case hexadecimal without leading zeros.
#[inline]
fn push_short_hex(number: u64, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        let nibble = (number >> (digit * 4)) & 15;
        out.push(char::from(DIGITS[nibble as usize]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(nanos: i64, sequence: u64, index: u64) -> String {
        let (mut entry, mut out) = (String::new(), String::new());
        push_entry("0badcafe", sequence, &mut entry);
        push(nanos, &entry, index, &mut out);
        out
    }

    #[test]
    fn ids_name_log_sequence_and_index() {
        assert_eq!(id(0x12, 0x1f, 0), "0000000000000012-0badcafe-1f-0");
        assert_eq!(id(i64::MAX, 0, 16), "7fffffffffffffff-0badcafe-0-10");
    }

    #[test]
    fn ids_sort_by_time() {
        assert!(id(99, 9, 9) < id(100, 1, 0));
        assert!(id(1_700_000_000_000_000_000, 9, 9) < id(1_700_000_000_000_000_001, 1, 0));
    }
}
