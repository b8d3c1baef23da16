//! Where the plain part of a string ends, for many bytes at once.

/// How many bytes are looked at together: one a bit.
pub(super) const BLOCK: usize = 64;

/// One bit for each of the first [`BLOCK`] bytes: whether it is a quote, a backslash or a control character. What is
/// behind the end counts as one.
pub(super) fn marks(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(block) => marks_of(block),
        None => {
            let mut block = [0; BLOCK];
            for (to, from) in block.iter_mut().zip(bytes) {
                *to = *from;
            }
            marks_of(&block)
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "the compiler asks for it even where every processor can do this"
)]
fn marks_of(block: &[u8; BLOCK]) -> u64 {
    // SAFETY: SSE2 is a part of x86-64.
    unsafe { sixteen_at_once(block) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sixteen_at_once(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };
    let mut marks = 0;
    let (parts, _) = block.as_chunks::<16>();
    for (at, part) in parts.iter().enumerate() {
        let whole = u128::from_le_bytes(*part);
        let bytes = _mm_set_epi64x((whole >> 64) as i64, whole as i64);
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        let special = _mm_or_si128(_mm_or_si128(quote, backslash), control);
        marks |= u64::from(_mm_movemask_epi8(special) as u16) << (at * 16);
    }
    marks
}

#[cfg(not(target_arch = "x86_64"))]
fn marks_of(block: &[u8; BLOCK]) -> u64 {
    portable(block)
}

/// The same, eight bytes at a time.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(block: &[u8; BLOCK]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The highest bit of each byte that is zero.
    let zeros = |word: u64| !(((word & LOW) + LOW) | word | LOW);
    let mut marks = 0;
    let (words, _) = block.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = zeros(word ^ (ONES * b'"' as u64))
            | zeros(word ^ (ONES * b'\\' as u64))
            | zeros(word & (ONES * 0xe0));
        // The eight bits side by side.
        let side_by_side = (special >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        marks |= side_by_side << (at * 8);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_by_one(bytes: &[u8]) -> u64 {
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        (0..BLOCK)
            .filter(|at| bytes.get(*at).is_none_or(|byte| special(*byte)))
            .fold(0, |marks, at| marks | 1 << at)
    }

    #[test]
    fn every_byte_is_marked_in_every_place() {
        for byte in 0..=255 {
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = byte;
                block[63 - at] = 0xff - byte;
                assert_eq!(marks(&block), one_by_one(&block), "{byte} at {at}");
                assert_eq!(portable(&block), one_by_one(&block), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn what_is_behind_the_end_is_marked() {
        for length in 0..=BLOCK + 1 {
            let text = vec![b'x'; length];
            assert_eq!(marks(&text), one_by_one(&text), "{length}");
        }
    }
}
