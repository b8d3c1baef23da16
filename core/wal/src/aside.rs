//! Setting aside: what a consumer that is gone had still to read becomes a log
//! of its own, so that the living one is no longer held back.
//!
//! The parts of the new log are hard links, so it costs no space and little time.
//! It is complete before it gets its name, and the cursor goes from the living log
//! only after that: whenever a crash comes, at least one of the two has the
//! backlog, and the next call sees which.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursors::{CursorFile, Record, Slot};
use crate::disk::read_full_at;
use crate::engine::Engine;
use crate::error::CursorError;
use crate::format::{PREAMBLE, Preamble, SEGMENT_START, SegmentHeader};
use crate::segments::{self, first_of, name_of};
use crate::state::Position;

/// What earlier calls left, and where the next log may go.
struct Earlier {
    /// The last log of this backlog that is there, and its end.
    covered: Option<(PathBuf, u64)>,
    /// A name that none has.
    free: PathBuf,
}

impl Engine {
    /// Makes what the cursor has not passed a log of its own and forgets the
    /// cursor; answers where that log is, none if nothing was left to read.
    pub(crate) fn set_aside(
        &mut self,
        name: &str,
        directory: &Path,
    ) -> Result<Option<PathBuf>, CursorError> {
        let failed = |error| CursorError::SetAside {
            directory: directory.to_owned(),
            error: Arc::new(error),
        };
        let earlier = self.earlier(directory).map_err(failed)?;
        let (found, end) = {
            let state = self.shared.state.lock();
            let place = state.place_of(name);
            let found = place.and_then(|place| {
                let cursor = state.cursors[place].as_ref()?;
                Some((place, cursor.position))
            });
            (found, state.end)
        };
        let Some((place, position)) = found else {
            // a call before came to its end
            let covered = earlier.covered.ok_or(CursorError::Unknown)?;
            return Ok(Some(covered.0));
        };
        let mut aside = None;
        let mut from = position;
        if let Some((path, covered)) = earlier.covered
            && covered > position.next
        {
            aside = Some(path);
            from = Position::before(covered);
        }
        if from.next < end {
            self.seal();
            let made = self.split(name, from, directory, &earlier.free);
            made.map_err(failed)?;
            aside = Some(earlier.free);
        }
        {
            let mut state = self.shared.state.lock();
            state.cursors[place] = None;
            state.forget_acknowledged();
        }
        self.record.end = end;
        let stored = self.persist();
        stored.map_err(|error| CursorError::Failed(Arc::new(error)))?;
        Ok(aside)
    }

    /// Finds the logs of this log that were set aside under `directory`.
    ///
    /// A consumer can come and go more than once before anybody reads what it
    /// left: later logs have names that end in `~2`, `~3` and so on.
    fn earlier(&self, directory: &Path) -> io::Result<Earlier> {
        let mut covered = None;
        let mut number = 1u32;
        loop {
            let path = match number {
                1 => directory.to_owned(),
                number => suffixed(directory, &format!("~{number}")),
            };
            if !self.shared.disk.has_directory(&path)? {
                return Ok(Earlier {
                    covered,
                    free: path,
                });
            }
            if let Some(end) = self.end_of(&path)? {
                covered = Some((path, end));
            }
            number += 1;
        }
    }

    /// Where a log that was set aside ends, if it is a part of this one: its last
    /// segment is empty and named after the end.
    fn end_of(&self, directory: &Path) -> io::Result<Option<u64>> {
        let disk = self.shared.disk.directory(directory)?;
        let names = disk.list()?;
        let Some(last) = names.iter().filter_map(|name| first_of(name)).max() else {
            return Ok(None);
        };
        let mut bytes = [0; PREAMBLE];
        let read = read_full_at(&*disk.open(&name_of(last))?, 0, &mut bytes)?;
        Ok(match SegmentHeader::decode(&bytes[..read]) {
            Preamble::Ours(header) if header.id == self.shared.id => Some(last),
            _ => None,
        })
    }

    /// Makes the new log under a name of its own, and gives it its place.
    fn split(&self, name: &str, from: Position, directory: &Path, target: &Path) -> io::Result<()> {
        let disk = &self.shared.disk;
        let making = suffixed(directory, "~tmp");
        if disk.has_directory(&making)? {
            disk.remove_directory(&making)?;
        }
        let aside = disk.directory(&making)?;
        let (segments, end) = {
            let state = self.shared.state.lock();
            let wanted = |&first: &u64| first < state.end && state.end_of(first) > from.next;
            let segments: Vec<u64> = state.segments.keys().copied().filter(wanted).collect();
            (segments, state.end)
        };
        for &first in &segments {
            match disk.link(&name_of(first), &making) {
                // its entries are missing there as they are here
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                linked => linked?,
            }
        }
        // an empty segment at the end: what a failed write left behind the last
        // entry is none, and its number may get another meaning in the living log
        let last = SegmentHeader {
            id: self.shared.id,
            first: end,
            previous_end: end,
            previous_first: segments.last().copied().unwrap_or(0),
        };
        segments::create(&*aside, &last, SEGMENT_START)?;
        let record = Record {
            oldest: segments.first().copied().unwrap_or(end).min(from.next),
            newest: end,
            end,
        };
        let cursor = Slot {
            used: true,
            name: name.to_owned(),
            numbers: [from.next, from.segment, from.offset],
        };
        let id = self.shared.id;
        CursorFile::empty(Arc::clone(&aside), id).store(record, vec![cursor])?;
        disk.rename_directory(&making, target)
    }
}

/// A path whose last part has something behind it.
fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
