//! The writing half: everything that changes files after the log was opened.
//! Runs on one thread, so that nothing here needs an order of locks.

use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;

use crate::cursors::{CursorFile, Record, Slot};
use crate::disk::{DiskFile, write_all_at};
use crate::error::AppendError;
use crate::event::Event;
use crate::format::{
    ALIGNMENT, ENTRY_HEADER, EntryHeader, MAX_PAYLOAD, SEGMENT_START, SegmentHeader, entry_span,
};
use crate::log::Append;
use crate::segments;
use crate::state::{Cached, Position, Segment, Shared};

/// Called once with what became of an entry.
pub(crate) type Done = Box<dyn FnOnce(Result<Position, AppendError>) + Send>;

/// Entries synced as one at most: the place in a group has to fit its field, and
/// one `pwritev` its array.
const GROUP: usize = 16 << 10;

/// An entry that waits for the writer.
pub(crate) struct Pending {
    pub(crate) time: u64,
    pub(crate) tag: u32,
    pub(crate) items: u32,
    pub(crate) payload: Arc<[Bytes]>,
    pub(crate) length: u64,
    pub(crate) crc: u32,
    pub(crate) done: Done,
}

impl Pending {
    /// On the caller's thread, so that the checksums of many callers are computed
    /// side by side.
    pub(crate) fn new(append: Append, done: Done) -> Self {
        let parts = &append.payload;
        let crc = parts
            .iter()
            .fold(0, |crc, part| crc32c::crc32c_append(crc, part));
        Self {
            time: append.time,
            tag: append.tag,
            items: append.items,
            length: parts.iter().map(|part| part.len() as u64).sum(),
            crc,
            payload: append.payload.into(),
            done,
        }
    }
}

/// The segment that is being written.
pub(crate) struct Active {
    first: u64,
    file: Arc<dyn DiskFile>,
    /// Where the next entry goes; everything before is durable.
    offset: u64,
    capacity: u64,
}

pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) active: Option<Active>,
    pub(crate) cursors: CursorFile,
    pub(crate) record: Record,
    /// Keeps other processes out for as long as this lives.
    pub(crate) _lock: Box<dyn Send + Sync>,
}

impl Engine {
    /// Writes and syncs what waits, in as few groups as the segments allow, and
    /// tells everyone.
    pub(crate) fn commit(&mut self, waiting: Vec<Pending>) {
        let mut waiting = waiting.into_iter().peekable();
        while let Some(next) = waiting.peek() {
            let length = next.length;
            if let Err(refused) = self.prepare(length) {
                let Some(next) = waiting.next() else { return };
                (next.done)(Err(refused));
                continue;
            }
            let (mut offset, capacity) = match &self.active {
                Some(active) => (active.offset, active.capacity),
                None => return,
            };
            let mut room = self.room();
            let mut group = Vec::new();
            while group.len() < GROUP
                && let Some(next) = waiting.next_if(|next| {
                    let span = entry_span(next.length);
                    offset + span <= capacity && span <= room
                })
            {
                let span = entry_span(next.length);
                offset += span;
                room -= span;
                group.push(next);
            }
            self.write_group(group);
        }
    }

    /// Continues at `next` at least. Nothing is lost by it.
    pub(crate) fn jump(&mut self, next: u64) {
        let mut state = self.shared.state.lock();
        if next > state.next {
            let from = state.next;
            state.next = next;
            drop(state);
            self.shared.tell(&Event::Jumped { from, to: next });
        }
    }

    /// Stores where the cursors stand, then removes what all are past.
    pub(crate) fn persist(&mut self) -> io::Result<()> {
        let positions: Vec<_> = {
            let state = self.shared.state.lock();
            state.cursors.clone()
        };
        let slots = positions.iter().map(|cursor| match cursor {
            None => Slot::default(),
            Some(cursor) => Slot {
                used: true,
                name: cursor.name.clone(),
                numbers: [
                    cursor.position.next,
                    cursor.position.segment,
                    cursor.position.offset,
                ],
            },
        });
        let slots = slots.collect();
        self.cursors.store(self.record, slots)?;
        {
            let mut state = self.shared.state.lock();
            for (place, cursor) in positions.into_iter().enumerate() {
                let Some(cursor) = cursor else { continue };
                if let Some(live) = state.cursor_mut(place, cursor.token) {
                    live.stored = cursor.position;
                }
            }
        }
        self.trim();
        Ok(())
    }

    /// Ends the active segment: the next append begins one.
    pub(crate) fn seal(&mut self) {
        if let Some(active) = self.active.take() {
            // gives the reserved space back; if not, the next open does
            let _ = active.file.set_len(active.offset);
        }
    }

    /// Writes down that everything is durable, so that the next open can tell
    /// damage from a write that was cut off.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.seal();
        self.record.end = self.shared.state.lock().end;
        self.persist()
    }

    /// Whether an entry of `length` may be appended, and a segment that has room
    /// for it.
    fn prepare(&mut self, length: u64) -> Result<(), AppendError> {
        let span = entry_span(length);
        let limit = self.shared.options.max_bytes;
        let most = MAX_PAYLOAD.min(
            limit
                .unwrap_or(u64::MAX)
                .saturating_sub(ENTRY_HEADER as u64 + ALIGNMENT),
        );
        if length > most {
            return Err(AppendError::TooLarge {
                bytes: length,
                limit: most,
            });
        }
        if let Some(limit) = limit.filter(|_| self.room() < span) {
            let held = self.shared.state.lock().held();
            return Err(AppendError::Full { held, limit });
        }
        self.make_room(span).map_err(AppendError::of)
    }

    /// Bytes that may still be appended under the cap.
    fn room(&self) -> u64 {
        match self.shared.options.max_bytes {
            None => u64::MAX,
            Some(limit) => limit.saturating_sub(self.shared.state.lock().held()),
        }
    }

    /// Begins a new segment unless the active one has room.
    fn make_room(&mut self, span: u64) -> io::Result<()> {
        let (first, end, previous) = {
            let state = self.shared.state.lock();
            let previous = state.segments.range(..state.next).next_back();
            (
                state.next,
                state.end,
                previous.map_or(0, |(&first, _)| first),
            )
        };
        if let Some(active) = &self.active
            && first == end
            && active.offset + span <= active.capacity
        {
            return Ok(());
        }
        let header = SegmentHeader {
            id: self.shared.id,
            first,
            previous_end: end,
            previous_first: previous,
        };
        let capacity = self.shared.options.segment_for(span);
        let file = segments::create(&*self.shared.disk, &header, capacity)?;
        let active = Active {
            first,
            file,
            offset: SEGMENT_START,
            capacity,
        };
        if let Some(full) = self.active.replace(active) {
            // gives back what was reserved and not used
            let _ = full.file.set_len(full.offset);
        }
        {
            let mut state = self.shared.state.lock();
            state.end = first;
            let segment = Segment {
                first,
                previous_end: end,
                bytes: SEGMENT_START,
                damaged: false,
            };
            state.segments.insert(first, segment);
        }
        self.record.newest = first;
        if let Err(error) = self.persist() {
            self.postponed("store the positions of the cursors", &error);
        }
        Ok(())
    }

    /// One write, one sync, and all answers.
    fn write_group(&mut self, group: Vec<Pending>) {
        let Some(active) = &mut self.active else {
            return;
        };
        let first = self.shared.state.lock().next;
        let headers: Vec<_> = group
            .iter()
            .enumerate()
            .map(|(place, entry)| EntryHeader {
                length: entry.length as u32,
                sequence: first + place as u64,
                time: entry.time,
                tag: entry.tag,
                items: entry.items,
                payload_crc: entry.crc,
                place: place as u32,
            })
            .collect();
        let written = write_entries(
            &*active.file,
            active.offset,
            self.shared.id,
            &headers,
            &group,
        )
        .and_then(|()| active.file.sync_data());
        if let Err(error) = written {
            self.abandon(&error);
            let refused = AppendError::of(error);
            for entry in group {
                (entry.done)(Err(refused.clone()));
            }
            return;
        }
        let (segment, mut offset) = (active.first, active.offset);
        let mut answers = Vec::with_capacity(group.len());
        {
            let mut state = self.shared.state.lock();
            for (header, entry) in headers.into_iter().zip(group) {
                offset += header.span();
                let position = Position {
                    next: header.sequence + 1,
                    segment,
                    offset,
                };
                let cached = Cached {
                    header,
                    payload: entry.payload,
                    position,
                };
                state.remember(cached, self.shared.options.cache_bytes);
                state.end = position.next;
                state.next = position.next;
                answers.push((entry.done, position));
            }
            if let Some(segment) = state.segments.get_mut(&segment) {
                segment.bytes = offset;
            }
        }
        active.offset = offset;
        self.shared.wake();
        for (done, position) in answers {
            done(Ok(position));
        }
    }

    /// Never touches this file again: after a failed sync nobody knows what of it
    /// is on disk, and the next sync would lie.
    fn abandon(&mut self, error: &io::Error) {
        let Some(active) = self.active.take() else {
            return;
        };
        // numbers from here on belong to the next segment, so what was written
        // behind is never read; cutting it only gives the space back
        let _ = active.file.set_len(active.offset);
        self.shared.tell(&Event::SegmentFailed {
            segment: segments::name_of(active.first),
            error: error.to_string(),
        });
    }

    /// Removes the segments that every stored cursor is past, except the newest,
    /// which remembers the sequence.
    fn trim(&mut self) {
        let (done, oldest) = {
            let state = self.shared.state.lock();
            let Some(slowest) = state.slowest(|cursor| cursor.stored) else {
                return;
            };
            let mut done: Vec<Segment> = Vec::new();
            let mut segments = state.segments.values().peekable();
            while let Some(segment) = segments.next()
                && let Some(behind) = segments.peek()
                && behind.previous_end <= slowest.next
            {
                done.push(*segment);
            }
            let kept = state.segments.values().nth(done.len());
            (done, kept.map_or(state.end, |segment| segment.first))
        };
        if done.is_empty() {
            return;
        }
        if let Err(error) = self.remove_before(oldest, &done) {
            self.postponed("remove segments that are done with", &error);
        }
    }

    /// Writes down that they are gone on purpose, then lets them go.
    fn remove_before(&mut self, oldest: u64, done: &[Segment]) -> io::Result<()> {
        self.record.oldest = oldest;
        let slots = self.cursors.cursors().to_vec();
        self.cursors.store(self.record, slots)?;
        for segment in done {
            let name = segments::name_of(segment.first);
            if segment.damaged {
                let file = segments::quarantine(&*self.shared.disk, &name)?;
                let reason = "entries in it were unreadable".to_owned();
                self.shared.tell(&Event::Quarantined { file, reason });
            } else {
                match self.shared.disk.remove(&name) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            self.shared.state.lock().segments.remove(&segment.first);
        }
        self.shared.disk.sync_dir()
    }

    pub(crate) fn postponed(&self, action: &'static str, error: &io::Error) {
        self.shared.tell(&Event::Postponed {
            action,
            error: error.to_string(),
        });
    }
}

/// Writes headers, payloads and padding in one go, without joining them.
fn write_entries(
    file: &dyn DiskFile,
    offset: u64,
    id: crate::LogId,
    headers: &[EntryHeader],
    group: &[Pending],
) -> io::Result<()> {
    const PADDING: [u8; ALIGNMENT as usize] = [0; ALIGNMENT as usize];
    let encoded: Vec<_> = headers.iter().map(|header| header.encode(id)).collect();
    let mut parts = Vec::with_capacity(group.len() * 3);
    for ((bytes, header), entry) in encoded.iter().zip(headers).zip(group) {
        parts.push(IoSlice::new(bytes));
        parts.extend(entry.payload.iter().map(|part| IoSlice::new(part)));
        let padding = header.span() - ENTRY_HEADER as u64 - entry.length;
        parts.push(IoSlice::new(&PADDING[..padding as usize]));
    }
    write_all_at(file, offset, &mut parts)
}
