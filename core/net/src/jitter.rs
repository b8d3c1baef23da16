//! A little chance, so that many clients do not act at the same moment.

use std::hash::{BuildHasher, RandomState};

/// A number around 1, at most `spread` more or less.
pub(crate) fn around_one(spread: f64) -> f64 {
    // the keys of a hash map are random, which is enough for this
    let random = RandomState::new().hash_one(0_u8) % 4096;
    1.0 - spread + 2.0 * spread * random as f64 / 4096.0
}
