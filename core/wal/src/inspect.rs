//! Looking at a log without its lock and without changing anything, also beside
//! the process that has it.

use std::sync::Arc;

use crate::backlog::{self, Backlog};
use crate::cursors::CursorFile;
use crate::cursors::Found as FoundCursors;
use crate::disk::Disk;
use crate::error::{OpenError, ReadError};
use crate::event::Event;
use crate::format::LogId;
use crate::reader::{Found, Lost, LostReason, Read, Reader};
use crate::recover::{self, Looked};
use crate::segments::{is_quarantined, name_of};
use crate::state::Position;

/// A log as it was at one moment. What is appended afterwards is not in it.
///
/// On a disk of [`OsDisk::read_only`](crate::OsDisk::read_only) nothing is ever
/// written, not even the lock. What a write that is under way has stored so far
/// counts neither as an entry nor as damage.
pub struct Inspection {
    looked: Looked,
    disk: Arc<dyn Disk>,
}

/// One file of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedSegment {
    /// Its name.
    pub file: String,
    /// Sequence of its first entry.
    pub first: u64,
    /// First sequence behind it.
    pub end: u64,
    /// What is in it; `lost` counts only what its headers tell.
    pub content: Backlog,
    /// Whether headers in it are unreadable. Damage of payloads is found by
    /// [`Inspection::verify`] alone.
    pub damaged: bool,
}

/// A consumer's place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedCursor {
    /// Its name.
    pub name: String,
    /// First sequence not acknowledged, as stored.
    pub next: u64,
    /// What it has still to see.
    pub backlog: Backlog,
}

/// A file that the next open sets aside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Entries that were durable and are no more, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The segment they stood in, unless it is gone.
    pub file: Option<String>,
    /// First sequence that is lost.
    pub from: u64,
    /// First sequence behind that is not.
    pub to: u64,
    /// Their items, if their header is readable.
    pub items: Option<u32>,
    /// How they got lost.
    pub reason: LostReason,
}

/// What reading everything showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Entries that are what was written.
    pub entries: u64,
    /// The items in them.
    pub items: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// What is not.
    pub damage: Vec<Damage>,
}

impl Inspection {
    /// Looks at the log in the directory of `disk`; none if there is no log.
    ///
    /// Reads the header of each segment and all headers of the newest. Fails if a
    /// newer program wrote it, or if the file system does.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Option<Self>, OpenError> {
        let looked = recover::look(&disk)?;
        Ok(looked.map(|looked| Self { looked, disk }))
    }

    /// The log's own id.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.looked.shared.id
    }

    /// Sequence that the next entry gets.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.looked.shared.state.lock().next
    }

    /// Files that were set aside because of damage.
    #[must_use]
    pub fn quarantined(&self) -> Vec<String> {
        let names = self.looked.names.iter();
        names.filter(|name| is_quarantined(name)).cloned().collect()
    }

    /// Files that are damaged as a whole.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        let events = self.looked.events.iter();
        events
            .filter_map(|event| match event {
                Event::Quarantined { file, reason } => Some(Unreadable {
                    file: file.clone(),
                    reason: reason.clone(),
                }),
                _ => None,
            })
            .collect()
    }

    /// Whether the places of consumers are unreadable, some or all, so that those
    /// begin at the oldest entry.
    #[must_use]
    pub fn cursors_lost(&self) -> bool {
        let lost = |e: &Event| matches!(e, Event::CursorsLost | Event::CursorLost { .. });
        self.looked.events.iter().any(lost)
    }

    /// All segments in order, by the headers of their entries.
    pub fn segments(&self) -> Result<Vec<InspectedSegment>, ReadError> {
        let ranges: Vec<_> = {
            let state = self.looked.shared.state.lock();
            let firsts = state.segments.keys();
            firsts.map(|&first| (first, state.end_of(first))).collect()
        };
        let mut all = Vec::new();
        for (first, end) in ranges {
            let content = self.count(Position::before(first), end)?;
            all.push(InspectedSegment {
                file: name_of(first),
                first,
                end,
                damaged: content.lost > 0,
                content,
            });
        }
        Ok(all)
    }

    /// All cursors, with what they have still to see.
    pub fn cursors(&self) -> Result<Vec<InspectedCursor>, ReadError> {
        let cursors = self.looked.shared.state.lock().cursors.clone();
        let mut all = Vec::new();
        for cursor in cursors.into_iter().flatten() {
            all.push(InspectedCursor {
                backlog: self.count(cursor.position, u64::MAX)?,
                name: cursor.name,
                next: cursor.position.next,
            });
        }
        Ok(all)
    }

    /// Everything that the files have, from the oldest entry on.
    pub fn content(&self) -> Result<Backlog, ReadError> {
        self.count(self.start(), u64::MAX)
    }

    /// Reads everything and compares all checksums.
    pub fn verify(&self) -> Result<Verified, ReadError> {
        let mut verified = Verified::default();
        let mut entries = self.from(self.start());
        loop {
            match entries.read()? {
                Read::Entry(entry) => {
                    verified.entries += 1;
                    verified.items += u64::from(entry.items);
                    verified.bytes += entry.length() as u64;
                }
                Read::Lost(lost) => verified.damage.push(self.damage(&lost)),
                Read::End => return Ok(verified),
            }
        }
    }

    /// The entries from `sequence` on, or from the oldest behind it.
    #[must_use]
    pub fn entries(&self, sequence: u64) -> Entries<'_> {
        self.from(self.start().max(Position::before(sequence)))
    }

    /// The entries that a cursor has not passed; none if there is no such cursor.
    #[must_use]
    pub fn entries_of(&self, cursor: &str) -> Option<Entries<'_>> {
        let position = {
            let state = self.looked.shared.state.lock();
            let place = state.place_of(cursor)?;
            state.cursors[place].as_ref()?.position
        };
        Some(self.from(position))
    }

    fn start(&self) -> Position {
        Position::before(self.looked.record.oldest)
    }

    fn from(&self, position: Position) -> Entries<'_> {
        Entries {
            inspection: self,
            reader: Reader::new(Arc::clone(&self.looked.shared), None, position),
        }
    }

    fn count(&self, from: Position, end: u64) -> Result<Backlog, ReadError> {
        let mut entries = self.from(from);
        backlog::count(end, || {
            if entries.reader.sequence() >= end {
                return Ok(Found::End);
            }
            entries.skim()
        })
    }

    fn damage(&self, lost: &Lost) -> Damage {
        let state = self.looked.shared.state.lock();
        let segment = state.segments.range(..=lost.from).next_back();
        Damage {
            file: segment
                .filter(|&(&first, _)| lost.from < state.end_of(first))
                .map(|(&first, _)| name_of(first)),
            from: lost.from,
            to: lost.to,
            items: lost.items,
            reason: lost.reason,
        }
    }

    /// Whether the log's process has removed everything before `sequence` since
    /// this was opened, because all its consumers are past it.
    fn removed(&self, sequence: u64) -> bool {
        match CursorFile::find(&self.disk) {
            Ok(FoundCursors::Some(file, _)) if file.id() == self.id() => {
                file.record().is_some_and(|r| r.oldest >= sequence)
            }
            _ => false,
        }
    }
}

/// Hands out entries in order; see [`Inspection::entries`].
pub struct Entries<'a> {
    inspection: &'a Inspection,
    reader: Reader,
}

impl Entries<'_> {
    /// The next entry, or what became of it, or the end.
    ///
    /// What the log's process removes meanwhile, because all consumers are past
    /// it, is left out.
    pub fn read(&mut self) -> Result<Read, ReadError> {
        loop {
            match self.reader.read()? {
                Read::Lost(lost) if self.is_removed(&lost) => {}
                found => return Ok(found),
            }
        }
    }

    fn skim(&mut self) -> Result<Found<()>, ReadError> {
        loop {
            match self.reader.skim()? {
                Found::Lost(lost) if self.is_removed(&lost) => {}
                found => return Ok(found),
            }
        }
    }

    fn is_removed(&self, lost: &Lost) -> bool {
        lost.reason == LostReason::Missing && self.inspection.removed(lost.to)
    }
}
