// Hashes of names. Shared by `build.rs`, which fills the table of names, and
// by `table.rs`, which looks names up in it: both compile this very file.

/// Hashes a known name by its length and its first, middle and last eight bytes, of which at most four names have
/// all in common; 16 bits of it are the fingerprint and the low bits the place in the table.
#[inline(always)]
pub(crate) fn known(name: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let length = name.len() as u64;
    let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) else {
        let short = name
            .iter()
            .fold(length, |word, byte| word << 8 | u64::from(*byte));
        return fold(short ^ SPREAD, SPREAD.rotate_left(32));
    };
    let middle = name.get(name.len() / 2 - 4..).and_then(<[u8]>::first_chunk);
    let middle = middle.map_or(0, word);
    fold(
        word(first) ^ length.wrapping_mul(SPREAD),
        word(last) ^ middle.rotate_left(29) ^ SPREAD.rotate_left(32),
    )
}

/// Odd, and half of its bits are set.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes any name, all of it, eight bytes at a time.
#[inline]
#[allow(dead_code)] // not in `build.rs`
pub(crate) fn hash(name: &[u8]) -> u64 {
    let mut state = (name.len() as u64).wrapping_mul(SPREAD);
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), SPREAD);
    }
    if !rest.is_empty() {
        // The last eight bytes again rather than a partial word: no loop over
        // single bytes for names of eight bytes or more.
        let last = match name.last_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => {
                let mut word = [0; 8];
                for (to, from) in word.iter_mut().zip(rest) {
                    *to = *from;
                }
                u64::from_le_bytes(word)
            }
        };
        state = fold(state ^ last, SPREAD);
    }
    state
}

/// Multiplies to 128 bits and folds the halves, which spreads every input bit.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}
