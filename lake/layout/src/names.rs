//! Finding one of a few known names among many attribute keys.

/// Known names and their positions. Most keys are turned away by their length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    by_length: Vec<Vec<(String, usize)>>,
}

impl Names {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut by_length: Vec<Vec<(String, usize)>> = Vec::new();
        for (position, name) in names.into_iter().enumerate() {
            if by_length.len() <= name.len() {
                by_length.resize(name.len() + 1, Vec::new());
            }
            by_length[name.len()].push((name.to_owned(), position));
        }
        Self { by_length }
    }

    #[inline]
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        self.by_length
            .get(key.len())?
            .iter()
            .find(|(name, _)| name == key)
            .map(|&(_, position)| position)
    }
}
