//! The order in which rows leave the builders.

use std::collections::HashMap;
use std::ops::Range;

use super::Text;

/// Rows in the order in which they are to leave, as runs of neighbours: rows that are in order
/// already are copied in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    runs: Vec<Range<usize>>,
    rows: usize,
}

impl Order {
    /// These rows.
    pub(crate) fn of_rows(rows: impl IntoIterator<Item = usize>) -> Self {
        let mut order = Self::default();
        for row in rows {
            order.push(row..row + 1);
        }
        order
    }

    /// Adds neighbouring rows behind all others.
    #[inline]
    pub(crate) fn push(&mut self, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        self.rows += rows.len();
        match self.runs.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => self.runs.push(rows),
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The runs, none of them empty.
    #[inline]
    pub(crate) fn runs(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.runs.iter().cloned()
    }
}

/// Numbers that sort as texts do.
pub(crate) struct Ranks(Vec<u32>);

impl Ranks {
    /// For every row of `texts`; a missing text sorts as an empty one.
    pub(crate) fn of(texts: &Text) -> Self {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut distinct: Vec<&str> = Vec::new();
        let mut ranks: Vec<u32> = Vec::with_capacity(texts.len());
        let mut last: Option<(&str, u32)> = None;
        for row in 0..texts.len() {
            let text = texts.get(row);
            let number = match last {
                Some((before, number)) if before == text => number,
                _ => *known.entry(text).or_insert_with(|| {
                    distinct.push(text);
                    u32::try_from(distinct.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            last = Some((text, number));
            ranks.push(number);
        }
        let mut sorted: Vec<u32> = (0..).take(distinct.len()).collect();
        sorted.sort_unstable_by_key(|&number| distinct.get(number as usize));
        let mut rank_of = vec![0; distinct.len()];
        for (rank, &number) in (0..).zip(&sorted) {
            rank_of[number as usize] = rank;
        }
        for rank in &mut ranks {
            *rank = rank_of[*rank as usize];
        }
        Self(ranks)
    }

    /// The rank of a row.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> u32 {
        self.0.get(row).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Ends;

    #[test]
    fn neighbours_are_one_run() {
        let order = Order::of_rows([4, 5, 6, 0, 1, 9]);
        assert_eq!(order.rows(), 6);
        assert_eq!(order.runs().collect::<Vec<_>>(), [4..7, 0..2, 9..10]);
    }

    #[test]
    fn items_follow_their_rows() {
        let order = Order::of_rows([2, 0, 1]);
        let (offsets, items) = Ends(vec![0, 3, 3, 5]).gather(&order).unwrap();
        assert_eq!(offsets[..], [0, 2, 5, 5]);
        assert_eq!(items.runs().collect::<Vec<_>>(), [3..5, 0..3]);
        assert!(Ends(vec![0, 3, -1, -1]).gather(&order).is_err());
    }

    #[test]
    fn ranks_sort_as_texts_do() {
        let mut texts = Text::default();
        for text in ["b", "a", "b", "", "ab"] {
            texts.push(text);
        }
        texts.push_null();
        let ranks = Ranks::of(&texts);
        let ranks: Vec<_> = (0..6).map(|row| ranks.at(row)).collect();
        assert_eq!(ranks, [3, 1, 3, 0, 2, 0]);
    }
}
