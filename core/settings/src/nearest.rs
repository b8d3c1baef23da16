//! The nearest of some known words, for "did you mean".

/// The candidate nearest to `word` by edit distance (a swap of neighbours is
/// one edit), or nothing when none is near: at most a third of the longer
/// word, and at least one edit, may differ. Case, `-` and `_` do not count.
/// Ties go to the first in alphabetical order.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = folded(candidate);
        let longer = wanted.len().max(other.len());
        let limit = (longer / 3).max(1);
        if wanted.len().abs_diff(other.len()) > limit {
            continue;
        }
        let distance = distance(&wanted, &other);
        let near = distance <= limit && distance < longer;
        if near && best.is_none_or(|known| (distance, candidate) < known) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Vec<char> {
    // Long keys are cut: the distance is quadratic and this is only a hint.
    (word.chars().take(64))
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut cost = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typos_and_leaves_strangers_alone() {
        let keys = ["endpoint", "timeout", "tls", "sending_queue", "compression"];
        for (word, expected) in [
            ("endpont", Some("endpoint")),
            ("endopint", Some("endpoint")),
            ("Endpoint", Some("endpoint")),
            ("sending-queue", Some("sending_queue")),
            ("sendingQueue", Some("sending_queue")),
            ("timout", Some("timeout")),
            ("tsl", Some("tls")),
            ("retry", None),
            ("x", None),
            ("tls2", Some("tls")),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), expected, "{word}");
        }
    }

    #[test]
    fn ties_do_not_depend_on_the_order_of_candidates() {
        assert_eq!(nearest("cat", ["hat", "bat"]), Some("bat"));
        assert_eq!(nearest("cat", ["bat", "hat"]), Some("bat"));
        assert_eq!(nearest("a", ["b", "c"]), None);
    }

    #[test]
    fn long_words_are_bounded() {
        let long = "a".repeat(100_000);
        assert_eq!(nearest(&long, ["endpoint"]), None);
    }
}
