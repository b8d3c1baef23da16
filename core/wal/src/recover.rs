//! Opening a log: finding out what is there, repairing what a crash left, and
//! setting aside what cannot be read.

mod look;

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::cursors::{self, CursorFile, Found, Record};
use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::engine::Engine;
use crate::error::OpenError;
use crate::event::{Event, Observer};
use crate::format::{
    EntryHeader, FORMAT_VERSION, JUMP, LogId, PREAMBLE, Preamble, SEGMENT_START, SegmentHeader,
};
use crate::options::Options;
use crate::scan::{Scanner, Step};
use crate::segments::{self, first_of, name_of};
use crate::state::{CursorState, Position, Segment, Shared, State};

pub(crate) use look::{Looked, look};

/// What a segment's file says about itself.
struct Candidate {
    first: u64,
    size: u64,
    preamble: Preamble<SegmentHeader>,
}

/// A segment that belongs to this log.
struct Readable {
    header: SegmentHeader,
    size: u64,
}

/// How the newest segment ends.
struct Tail {
    /// First sequence that it does not have.
    end: u64,
    /// Where the next entry would be.
    offset: u64,
    /// Entries that were durable cannot be read.
    damaged: bool,
}

/// Takes the directory and makes it ready for reading and writing.
///
/// Nothing is changed before it is known that no file is newer than this program.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    options: Options,
    observer: Arc<dyn Observer>,
) -> Result<Engine, OpenError> {
    options.check()?;
    let lock = disk.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked,
        _ => OpenError::io("lock", "the directory")(error),
    })?;
    let mut names = disk
        .list()
        .map_err(OpenError::io("list", "the directory"))?;
    names.sort_unstable();
    let candidates = candidates(&*disk, &names)?;
    let found = CursorFile::find(&disk)?;

    for name in names.iter().filter(|name| segments::is_temporary(name)) {
        disk.remove(name).map_err(OpenError::io("remove", name))?;
    }
    let recovery = Recovery {
        disk: &disk,
        options: &options,
        observer: &*observer,
        repair: true,
    };
    let mut cursors = recovery.cursors(found, &candidates)?;
    cursors
        .refresh()
        .and_then(|()| disk.sync_dir())
        .map_err(OpenError::io("write", cursors::FILE))?;
    let id = cursors.id();
    let known = cursors.record();
    let readable = recovery.readable(candidates, id, known.map_or(0, |r| r.oldest))?;
    let (state, record) = recovery.state(id, &readable, known, &cursors)?;
    let shared = Arc::new(Shared {
        id,
        options,
        disk: Arc::clone(&disk),
        observer,
        state: Mutex::new(state),
        grown: Condvar::new(),
    });
    let mut engine = Engine {
        shared,
        active: None,
        cursors,
        record,
        _lock: lock,
    };
    // from here on the numbers found are never used again, whatever happens
    engine
        .persist()
        .map_err(OpenError::io("write", cursors::FILE))?;
    if let Err(error) = cut_tail(&engine.shared) {
        engine.postponed("cut the newest segment", &error);
    }
    Ok(engine)
}

/// Reads the header of each segment, in order.
fn candidates(disk: &dyn Disk, names: &[String]) -> Result<Vec<Candidate>, OpenError> {
    let mut all = Vec::new();
    for name in names {
        let Some(first) = first_of(name) else {
            continue;
        };
        let file = disk.open(name).map_err(OpenError::io("open", name))?;
        let mut bytes = [0; PREAMBLE];
        let preamble = match read_full_at(&*file, 0, &mut bytes) {
            Ok(length) => SegmentHeader::decode(&bytes[..length]),
            Err(_) => Preamble::Unreadable("the disk cannot read its header"),
        };
        if let Preamble::Newer(found) = preamble {
            return Err(OpenError::Newer {
                file: name.clone(),
                found,
                known: FORMAT_VERSION,
            });
        }
        let size = file.size().map_err(OpenError::io("examine", name))?;
        all.push(Candidate {
            first,
            size,
            preamble,
        });
    }
    Ok(all)
}

struct Recovery<'a> {
    disk: &'a Arc<dyn Disk>,
    options: &'a Options,
    observer: &'a dyn Observer,
    /// Whether anything may be changed.
    repair: bool,
}

impl Recovery<'_> {
    /// The file of cursors, or an empty one under the id of the segments.
    fn cursors(&self, found: Found, segments: &[Candidate]) -> Result<CursorFile, OpenError> {
        let mut headers = segments.iter().filter_map(|c| match &c.preamble {
            Preamble::Ours(header) => Some(header.id),
            _ => None,
        });
        match found {
            Found::Some(file, broken) => {
                for place in broken {
                    self.observer.event(&Event::CursorLost { place });
                }
                return Ok(file);
            }
            Found::None => {}
            Found::Unreadable(reason) => self.quarantine(cursors::FILE, reason)?,
        }
        if !segments.is_empty() {
            self.observer.event(&Event::CursorsLost);
        }
        let id = match headers.next() {
            Some(id) => id,
            None => random_id()?,
        };
        Ok(CursorFile::empty(Arc::clone(self.disk), id))
    }

    fn quarantine(&self, name: &str, reason: &str) -> Result<(), OpenError> {
        let file = if self.repair {
            segments::quarantine(&**self.disk, name).map_err(OpenError::io("rename", name))?
        } else {
            name.to_owned()
        };
        let reason = reason.to_owned();
        self.observer.event(&Event::Quarantined { file, reason });
        Ok(())
    }

    /// The segments of this log; others are set aside, old ones removed.
    fn readable(
        &self,
        candidates: Vec<Candidate>,
        id: LogId,
        oldest: u64,
    ) -> Result<Vec<Readable>, OpenError> {
        let mut readable = Vec::new();
        for Candidate {
            first,
            size,
            preamble,
        } in candidates
        {
            let name = name_of(first);
            if first < oldest {
                // a crash came between writing that it is done with and removing it
                if self.repair {
                    self.disk
                        .remove(&name)
                        .map_err(OpenError::io("remove", &name))?;
                }
                continue;
            }
            let header = match preamble {
                Preamble::Ours(header) if header.id != id => Err("it belongs to another log"),
                Preamble::Ours(header) if header.first != first => {
                    Err("its name does not fit its header")
                }
                Preamble::Ours(header) => Ok(header),
                Preamble::Unreadable(why) => Err(why),
                Preamble::Newer(_) => Err("it is newer than this program"),
            };
            match header {
                Err(reason) => self.quarantine(&name, reason)?,
                Ok(header) => readable.push(Readable { header, size }),
            }
        }
        Ok(readable)
    }

    /// Puts together what is there and finds out what is not.
    fn state(
        &self,
        id: LogId,
        readable: &[Readable],
        known: Option<Record>,
        cursors: &CursorFile,
    ) -> Result<(State, Record), OpenError> {
        self.report_gaps(id, readable, known)?;
        let mut table = BTreeMap::new();
        for one in readable {
            let segment = Segment {
                first: one.header.first,
                previous_end: one.header.previous_end,
                bytes: one.size.max(SEGMENT_START),
                damaged: false,
            };
            table.insert(segment.first, segment);
        }
        let stored_end = known.map_or(1, |r| r.end).max(1);
        let newest = known.map_or(0, |r| r.newest);
        let mut end = stored_end;
        if let Some(last) = readable.last() {
            // what the record says may be about a newer segment that is gone
            let bound = if newest > last.header.first {
                newest
            } else {
                u64::MAX
            };
            let tail = self.tail(id, last, stored_end.min(bound))?;
            if let Some(segment) = table.get_mut(&last.header.first) {
                segment.bytes = tail.offset;
                segment.damaged = tail.damaged;
            }
            end = tail.end;
        }
        let last = readable.last().map_or(0, |last| last.header.first);
        if newest > last {
            // the newest segment is gone, and with it how far the numbers went
            let from = end.min(newest);
            end = end.max(newest.saturating_add(JUMP));
            self.observer.event(&Event::Missing { from, to: end });
        }
        let oldest = table.keys().next().copied().unwrap_or(end);
        let cursors = restore(cursors, known.map_or(1, |r| r.oldest));
        let ahead = cursors.iter().flatten().map(|c| c.position.next).max();
        let next = end.max(ahead.unwrap_or(0));
        if next > end {
            self.observer.event(&Event::Jumped {
                from: end,
                to: next,
            });
        }
        let record = Record {
            oldest: known.map_or(oldest, |r| r.oldest.max(1)).min(oldest),
            newest: last,
            end,
        };
        let state = State {
            segments: table,
            end,
            next,
            cache: Default::default(),
            cached: 0,
            tokens: cursors.len() as u64,
            cursors,
            wakers: Vec::new(),
            closed: false,
        };
        Ok((state, record))
    }

    /// Tells of segments that are missing before or between others.
    fn report_gaps(
        &self,
        id: LogId,
        readable: &[Readable],
        known: Option<Record>,
    ) -> Result<(), OpenError> {
        if let (Some(oldest), Some(known)) = (readable.first(), known)
            && oldest.header.previous_end > known.oldest
        {
            let (from, to) = (known.oldest, oldest.header.previous_end);
            self.observer.event(&Event::Missing { from, to });
        }
        for pair in readable.windows(2) {
            let [before, behind] = pair else { continue };
            if behind.header.previous_first == before.header.first {
                continue;
            }
            let mut scanner = self.scanner(id, before, behind.header.previous_end)?;
            loop {
                match scanner.step() {
                    Step::Header(header) => scanner.pass(&header),
                    Step::Lost { .. } => {}
                    Step::End => break,
                }
            }
            let (from, to) = (scanner.expected, behind.header.previous_end);
            self.observer.event(&Event::Missing { from, to });
        }
        Ok(())
    }

    fn scanner(&self, id: LogId, segment: &Readable, end: u64) -> Result<Scanner, OpenError> {
        let name = name_of(segment.header.first);
        let file = self
            .disk
            .open(&name)
            .map_err(OpenError::io("open", &name))?;
        Ok(Scanner::new(
            file,
            self.options.window_bytes,
            id,
            (SEGMENT_START, segment.header.first),
            (segment.size, end),
        ))
    }

    /// Finds the end of the newest segment and cuts off what was being written.
    ///
    /// What was synced before the last group began is durable: if it cannot be
    /// read, that is damage. Within the last group, the first entry that is not
    /// whole ends the log: nobody was told that this group is durable.
    fn tail(&self, id: LogId, last: &Readable, stored_end: u64) -> Result<Tail, OpenError> {
        let name = name_of(last.header.first);
        let mut scanner = self.scanner(id, last, u64::MAX)?;
        let mut durable = stored_end.max(last.header.first);
        let mut group: Vec<(EntryHeader, u64)> = Vec::new();
        let mut breaks = Vec::new();
        loop {
            let (from, offset) = (scanner.expected, scanner.offset);
            match scanner.step() {
                Step::Header(header) => {
                    if header.group() > durable {
                        durable = header.group();
                        group.clear();
                    }
                    if header.sequence >= durable {
                        group.push((header, offset));
                    }
                    scanner.pass(&header);
                }
                Step::Lost { to } => breaks.push((from, to, offset)),
                Step::End => break,
            }
        }
        let (reached, behind) = (scanner.expected, scanner.offset);
        let mut cut = (reached, behind);
        for &(from, to, offset) in &breaks {
            if to > durable {
                cut = cut.min((from.max(durable), offset));
            }
        }
        for (header, offset) in &group {
            scanner.offset = *offset;
            if header.sequence < cut.0 && scanner.payload(header).is_none() {
                cut = (header.sequence, *offset);
            }
        }
        let (until, offset) = cut;
        let mut damaged: Vec<(u64, u64)> = breaks
            .iter()
            .map(|&(from, to, _)| (from, to.min(durable)))
            .collect();
        damaged.push((until, durable));
        damaged.retain(|(from, to)| from < to);
        for &(from, to) in &damaged {
            let segment = name.clone();
            self.observer.event(&Event::Damaged { segment, from, to });
        }
        let tail = Tail {
            end: until.max(durable),
            offset,
            damaged: !damaged.is_empty(),
        };
        let file = self
            .disk
            .open(&name)
            .map_err(OpenError::io("open", &name))?;
        let reached = behind.max(offset);
        let bytes = reached - offset + begun_bytes(&*file, reached);
        if bytes > 0 {
            let segment = name.clone();
            self.observer.event(&Event::TornTail {
                segment,
                offset,
                bytes,
            });
        }
        if self.repair && tail.end > stored_end {
            // written by a process that died: perhaps only in memory until now
            let unsure = group.first().map_or(offset, |&(_, start)| start);
            write_again(&*file, unsure, offset)
                .and_then(|()| file.sync_data())
                .map_err(OpenError::io("sync", &name))?;
        }
        Ok(tail)
    }
}

/// Makes the system write a part of a file again. Its process may have seen a
/// sync fail; the system then calls what is only in memory clean, and the next
/// sync would skip it.
fn write_again(file: &dyn DiskFile, start: u64, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut at = start;
    while at < end {
        let length = usize::try_from(end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = read_full_at(file, at, &mut buffer[..length])?;
        if read == 0 {
            break;
        }
        write_all_at(file, at, &mut [IoSlice::new(&buffer[..read])])?;
        at += read as u64;
    }
    Ok(())
}

/// Takes off what is behind the last whole entry. Only after the end was stored:
/// what is cut off can be the proof of what was durable. A damaged file stays as
/// it is: it is set aside for somebody who can make more of it.
fn cut_tail(shared: &Shared) -> io::Result<()> {
    let last = shared.state.lock().segments.values().next_back().copied();
    let Some(last) = last.filter(|last| !last.damaged) else {
        return Ok(());
    };
    let file = shared.disk.open(&name_of(last.first))?;
    if file.size()? > last.bytes {
        file.set_len(last.bytes)?;
    }
    Ok(())
}

/// How many bytes from `offset` on are not zero, looking at one page.
fn begun_bytes(file: &dyn DiskFile, offset: u64) -> u64 {
    let mut page = [0; 4096];
    let read = read_full_at(file, offset, &mut page).unwrap_or(0);
    let last = page[..read].iter().rposition(|&byte| byte != 0);
    last.map_or(0, |at| at as u64 + 1)
}

/// The cursors of the file, none before what was removed on purpose.
fn restore(file: &CursorFile, oldest: u64) -> Vec<Option<CursorState>> {
    let places = file.cursors().iter().enumerate();
    places
        .map(|(place, slot)| {
            let [next, segment, offset] = slot.numbers;
            let stored = Position {
                next: next.max(1),
                segment,
                offset,
            };
            slot.used.then(|| CursorState {
                name: slot.name.clone(),
                position: stored.max(Position::before(oldest)),
                stored,
                token: place as u64,
            })
        })
        .collect()
}

fn random_id() -> Result<LogId, OpenError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| {
        let error = io::Error::other(error.to_string());
        OpenError::io("draw random bytes for", "the log's id")(error)
    })?;
    Ok(LogId(id))
}
