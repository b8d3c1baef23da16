//! Which numbers came, and which came twice.

/// A set of numbers from 0 on, a bit each.
#[derive(Debug, Default)]
pub struct Numbers {
    words: Vec<u64>,
    /// How many came for the first time.
    pub distinct: u64,
    /// How many had come before.
    pub again: u64,
}

impl Numbers {
    /// Takes note of a number.
    pub fn add(&mut self, number: u64) {
        let at = (number / 64) as usize;
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (number % 64);
        if self.words[at] & bit == 0 {
            self.words[at] |= bit;
            self.distinct += 1;
        } else {
            self.again += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_twice_is_told_apart() {
        let mut numbers = Numbers::default();
        for number in [0, 63, 64, 1000, 64, 0] {
            numbers.add(number);
        }
        assert_eq!((numbers.distinct, numbers.again), (4, 2));
    }
}
