//! The cap by age: letting go of what is too old to be of use.

use std::sync::Arc;

use crate::error::ReadError;
use crate::reader::{Found, Reader};
use crate::state::Shared;

/// What one cursor gave up because of its age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expired {
    /// Entries that it will not see any more.
    pub entries: u64,
    /// The items in them.
    pub items: u64,
    /// Entries between the old ones whose headers could not be read anyway; may
    /// count more than there were behind a missing file.
    pub lost: u64,
}

/// Moves a cursor past the entries whose time is before `before`, as far as they
/// stand in front.
///
/// What cannot be read is given up together with an old entry behind it, else it
/// stays for the consumer to count. After an error behind old entries, those
/// count: the error comes again with the next call.
pub(crate) fn expire(
    shared: &Arc<Shared>,
    (place, token): (usize, u64),
    before: u64,
) -> Result<Expired, ReadError> {
    let mut given_up = Expired::default();
    let start = {
        let mut state = shared.state.lock();
        state.cursor_mut(place, token).map(|cursor| cursor.position)
    };
    let Some(start) = start else {
        return Ok(given_up);
    };
    let mut reader = Reader::new(Arc::clone(shared), Some((place, token)), start);
    let mut lost = 0;
    loop {
        let (header, position) = match reader.skim() {
            Ok(Found::Entry(header, (), position)) if header.time < before => (header, position),
            Ok(Found::Lost(range)) => {
                lost += range.to - range.from;
                continue;
            }
            Err(error) if given_up.entries == 0 => return Err(error),
            _ => break,
        };
        let mut state = shared.state.lock();
        match state.cursor_mut(place, token) {
            // acknowledged meanwhile, so it was not given up
            Some(live) if live.position >= position => {}
            Some(live) => {
                live.position = position;
                given_up.entries += 1;
                given_up.items += u64::from(header.items);
                given_up.lost += lost;
            }
            None => break,
        }
        lost = 0;
    }
    shared.state.lock().forget_acknowledged();
    Ok(given_up)
}
