//! Record ids.

/// Appends `<time>-<log id>-<sequence>-<index>`: the time as 16 hexadecimal digits of nanoseconds,
/// so that ids sort by time; the rest names the record once and for all. Encoding an entry again
/// gives the same ids, which is how a repeated record can be told from an equal one.
#[inline]
pub(crate) fn push(nanos: i64, log_id: &str, sequence: u64, index: u64, out: &mut Vec<u8>) {
    // Times are never negative, see `EventTime`.
    push_hex(nanos.cast_unsigned(), 16, out);
    out.push(b'-');
    out.extend_from_slice(log_id.as_bytes());
    out.push(b'-');
    push_hex(sequence, 1, out);
    out.push(b'-');
    push_hex(index, 1, out);
}

/// Lower-case hexadecimal with at least `width` digits.
#[inline]
fn push_hex(number: u64, width: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let needed = (u64::BITS - number.leading_zeros()).div_ceil(4) as usize;
    for digit in (0..needed.max(width)).rev() {
        let nibble = (number >> (digit * 4)) & 15;
        out.push(DIGITS[nibble as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(nanos: i64, sequence: u64, index: u64) -> String {
        let mut out = Vec::new();
        push(nanos, "0badcafe", sequence, index, &mut out);
        String::from_utf8(out).unwrap()
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
