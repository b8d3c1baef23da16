//! The order of the rows of a row group: better statistics, better compression.

/// Positions of rows in the order of their keys: ranks of texts, and the time. Rows of equal keys
/// stay in their order.
pub(crate) fn sorted<K: Ord + Copy>(keys: impl Iterator<Item = (K, i64)>) -> Vec<usize> {
    let mut rows: Vec<(K, i64, usize)> = keys
        .enumerate()
        .map(|(row, (rank, time))| (rank, time, row))
        .collect();
    // A stable sort, because it makes use of runs that are in order already, as the records of a
    // request mostly are.
    rows.sort();
    rows.into_iter().map(|(_, _, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_sort_by_rank_and_time_and_stay_when_equal() {
        let keys = [(1, 5), (0, 9), (1, 4), (0, 9), (0, 3)];
        assert_eq!(sorted(keys.into_iter()), [4, 1, 3, 2, 0]);
    }
}
