//! Counting what waits, without reading it.

use crate::error::ReadError;
use crate::reader::Found;

/// What a consumer has still to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// Entries whose headers are readable.
    pub entries: u64,
    /// The items in them.
    pub items: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Numbers whose entries are gone or have headers that cannot be read; more
    /// than there were behind a missing file.
    pub lost: u64,
    /// When the first of the entries was accepted, in the writer's unit.
    pub oldest: Option<u64>,
}

/// Counts what `next` finds before `end`.
pub(crate) fn count(
    end: u64,
    mut next: impl FnMut() -> Result<Found<()>, ReadError>,
) -> Result<Backlog, ReadError> {
    let mut backlog = Backlog::default();
    loop {
        match next()? {
            Found::Entry(header, (), _) if header.sequence < end => {
                backlog.entries += 1;
                backlog.items += u64::from(header.items);
                backlog.bytes += u64::from(header.length);
                backlog.oldest.get_or_insert(header.time);
            }
            Found::Lost(lost) if lost.from < end => backlog.lost += lost.to.min(end) - lost.from,
            _ => return Ok(backlog),
        }
    }
}
