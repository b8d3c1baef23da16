//! Comparing secrets.

/// Whether two secrets are equal, in a time that depends on their length alone,
/// so that nobody can guess one byte after the other.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |difference, (left, right)| difference | (left ^ right))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_only_as_a_whole() {
        assert!(equal(b"token", b"token"));
        for other in [&b"token "[..], b"Token", b"", b"toke"] {
            assert!(!equal(b"token", other));
        }
    }
}
