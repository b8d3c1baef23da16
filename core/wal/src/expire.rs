//! The cap by age: letting go of what is too old to be of use.

use std::sync::Arc;

use crate::error::ReadError;
use crate::reader::{Read, Reader};
use crate::state::Shared;

/// What one cursor gave up because of its age.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expired {
    /// Name of the cursor.
    pub cursor: String,
    /// Entries that it will not see any more.
    pub entries: u64,
    /// The items in them.
    pub items: u64,
    /// Entries among the old ones that could not be read anyway; may count more
    /// than there were behind a missing file.
    pub lost: u64,
}

/// Moves each cursor past the entries whose time is before `before`, as far as
/// they stand in front.
pub(crate) fn expire(shared: &Arc<Shared>, before: u64) -> Result<Vec<Expired>, ReadError> {
    let cursors: Vec<_> = {
        let state = shared.state.lock();
        let places = state.cursors.iter().enumerate();
        places
            .filter_map(|(place, c)| c.as_ref().map(|c| (place, c.clone())))
            .collect()
    };
    let mut all = Vec::new();
    for (place, cursor) in cursors {
        let handle = Some((place, cursor.token));
        let mut reader = Reader::new(Arc::clone(shared), handle, cursor.position);
        let mut given_up = Expired {
            cursor: cursor.name,
            entries: 0,
            items: 0,
            lost: 0,
        };
        loop {
            let mut step = given_up.clone();
            let position = match reader.read()? {
                Read::Entry(entry) if entry.time < before => {
                    step.entries += 1;
                    step.items += u64::from(entry.items);
                    entry.position
                }
                Read::Lost(lost) => {
                    step.lost += lost.to - lost.from;
                    lost.position
                }
                _ => break,
            };
            let mut state = shared.state.lock();
            match state.cursor_mut(place, cursor.token) {
                // acknowledged meanwhile, so it was not given up
                Some(live) if live.position >= position => continue,
                Some(live) => live.position = position,
                None => break,
            }
            given_up = step;
        }
        if given_up.entries + given_up.lost > 0 {
            all.push(given_up);
        }
    }
    shared.state.lock().forget_acknowledged();
    Ok(all)
}
