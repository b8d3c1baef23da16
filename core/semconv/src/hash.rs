// The hash of the name table. Shared by `build.rs`, which fills the table, and
// by `table.rs`, which looks names up in it: both compile this very file.

/// Hashes a name by eight bytes at a time; 16 bits of it are the fingerprint
/// and the low bits the place in the table.
#[inline]
pub(crate) fn hash(name: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = (name.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), MULTIPLIER);
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
        state = fold(state ^ last, MULTIPLIER);
    }
    state
}

/// Multiplies to 128 bits and folds the halves, which spreads every input bit.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}
