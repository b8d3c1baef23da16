//! What the writer and the readers share, in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::disk::Disk;
use crate::error::CursorError;
use crate::event::{Event, Observer};
use crate::format::{EntryHeader, LogId, SEGMENT_START};
use crate::options::{Options, Start};

/// Where an entry ends: what a consumer acknowledges.
///
/// It carries the place in the file, so that a restart reads on from there
/// without a search. Only meaningful for the log that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub(crate) next: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Position {
    /// Everything up to and including `sequence`, without the place: finding it
    /// again walks the headers of one segment. For consumers that keep the
    /// sequence elsewhere, such as a table that knows how far it got.
    #[must_use]
    pub fn through(sequence: u64) -> Self {
        Self::before(sequence.saturating_add(1))
    }

    /// The sequence of the last entry covered, 0 if there is none.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.next - 1
    }

    /// The place where `next` begins, without knowing where that is.
    pub(crate) fn before(next: u64) -> Self {
        Self {
            next: next.max(1),
            segment: 0,
            offset: 0,
        }
    }
}

/// How a log is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Sequence of the oldest entry that may still be there.
    pub oldest: u64,
    /// Sequence that the next entry gets.
    pub next: u64,
    /// Bytes that wait for the slowest cursor.
    pub held: u64,
    /// Number of segments.
    pub segments: usize,
    /// Bytes of entries in memory.
    pub cached: u64,
}

/// How one consumer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CursorStatus {
    /// Its name.
    pub name: String,
    /// First sequence not acknowledged.
    pub next: u64,
    /// Numbers between it and the end of the log.
    pub behind: u64,
    /// Bytes between it and the end of the log.
    pub bytes: u64,
}

/// One file of entries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) previous_end: u64,
    /// Where durable entries end.
    pub(crate) bytes: u64,
    /// Damage was found, so it is renamed instead of removed.
    pub(crate) damaged: bool,
}

/// A consumer's place.
#[derive(Debug, Clone)]
pub(crate) struct CursorState {
    pub(crate) name: String,
    pub(crate) position: Position,
    /// What the file says; only this decides what may be removed.
    pub(crate) stored: Position,
    /// Tells a cursor from a later one in the same place.
    pub(crate) token: u64,
}

/// An entry that was just written.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    pub(crate) header: EntryHeader,
    pub(crate) payload: Arc<[Bytes]>,
    pub(crate) position: Position,
}

/// The segment that covers a sequence.
pub(crate) enum Located {
    /// It stands in this one, which ends before the second number.
    In(Segment, u64),
    /// Nothing was written in between: continue there.
    SkipTo(u64),
    /// The entries up to there went with their file.
    MissingTo(u64),
    /// It has not been written yet.
    End,
}

pub(crate) struct State {
    pub(crate) segments: BTreeMap<u64, Segment>,
    /// Where durable entries end.
    pub(crate) end: u64,
    /// What the next entry gets; more than `end` after a jump that lost nothing.
    pub(crate) next: u64,
    pub(crate) cache: VecDeque<Cached>,
    pub(crate) cached: u64,
    /// By place in the file.
    pub(crate) cursors: Vec<Option<CursorState>>,
    pub(crate) wakers: Vec<Waker>,
    pub(crate) closed: bool,
    /// Token of the next cursor.
    pub(crate) tokens: u64,
}

impl State {
    /// The cursor in `place`, if it is still the one that got `token`.
    pub(crate) fn cursor_mut(&mut self, place: usize, token: u64) -> Option<&mut CursorState> {
        let cursor = self.cursors.get_mut(place)?.as_mut()?;
        (cursor.token == token).then_some(cursor)
    }

    /// Finds or makes a cursor; answers its place, its token and whether it was
    /// there.
    pub(crate) fn cursor(
        &mut self,
        name: &str,
        start: Start,
    ) -> Result<(usize, u64, bool), CursorError> {
        let cursors = self.cursors.iter().enumerate();
        let mut known = cursors.filter_map(|(place, c)| Some((place, c.as_ref()?)));
        if let Some((place, found)) = known.find(|(_, c)| c.name == name) {
            return Ok((place, found.token, true));
        }
        let free = self.cursors.iter().position(Option::is_none);
        let place = free.ok_or(CursorError::TooMany)?;
        let position = match start {
            Start::Oldest => Position::before(self.oldest()),
            Start::Newest => Position::before(self.end),
        };
        let token = self.tokens;
        self.tokens += 1;
        self.cursors[place] = Some(CursorState {
            name: name.to_owned(),
            position,
            stored: position,
            token,
        });
        Ok((place, token, false))
    }

    /// The place of the cursor with that name.
    pub(crate) fn place_of(&self, name: &str) -> Option<usize> {
        let named = |c: &Option<CursorState>| c.as_ref().is_some_and(|c| c.name == name);
        self.cursors.iter().position(named)
    }

    /// Moves a cursor on, never back.
    pub(crate) fn advance(
        &mut self,
        place: usize,
        token: u64,
        position: Position,
    ) -> Result<(), CursorError> {
        let next = self.next;
        let cursor = self.cursor_mut(place, token).ok_or(CursorError::Unknown)?;
        if position.next > next {
            return Err(CursorError::Ahead {
                position: position.next,
                next,
            });
        }
        if position.next > cursor.position.next {
            cursor.position = position;
            self.forget_acknowledged();
        }
        Ok(())
    }

    /// The place of the slowest cursor, by `of`; none without cursors.
    pub(crate) fn slowest(&self, of: impl Fn(&CursorState) -> Position) -> Option<Position> {
        self.cursors.iter().flatten().map(of).min()
    }

    /// First sequence of the oldest segment.
    pub(crate) fn oldest(&self) -> u64 {
        self.segments.keys().next().copied().unwrap_or(self.end)
    }

    /// Where the segment that begins at `first` ends.
    pub(crate) fn end_of(&self, first: u64) -> u64 {
        let behind = (std::ops::Bound::Excluded(first), std::ops::Bound::Unbounded);
        match self.segments.range(behind).next() {
            Some((_, next)) => next.previous_end.max(first),
            None => self.end,
        }
    }

    pub(crate) fn locate(&self, sequence: u64) -> Located {
        if sequence >= self.next {
            return Located::End;
        }
        if let Some((&first, &segment)) = self.segments.range(..=sequence).next_back() {
            let end = self.end_of(first);
            if sequence < end {
                return Located::In(segment, end);
            }
            let behind = self.segments.range(sequence..).next();
            return Located::SkipTo(behind.map_or(self.next, |(&first, _)| first));
        }
        match self.segments.iter().next() {
            Some((_, oldest)) if sequence < oldest.previous_end => {
                Located::MissingTo(oldest.previous_end)
            }
            Some((&first, _)) => Located::SkipTo(first),
            None if sequence < self.end => Located::MissingTo(self.end),
            None => Located::SkipTo(self.next),
        }
    }

    /// Bytes of entries from `position` to the end.
    pub(crate) fn bytes_from(&self, position: Position) -> u64 {
        if position.next >= self.end {
            return 0;
        }
        let first = match self.segments.range(..=position.next).next_back() {
            Some((&first, _)) => first,
            None => 0,
        };
        let all: u64 = self
            .segments
            .range(first..)
            .map(|(_, s)| s.bytes - SEGMENT_START)
            .sum();
        let passed = if position.segment == first && first != 0 {
            position.offset.saturating_sub(SEGMENT_START)
        } else {
            0
        };
        all.saturating_sub(passed)
    }

    /// Bytes that wait for the slowest cursor.
    pub(crate) fn held(&self) -> u64 {
        let slowest = self.slowest(|c| c.position);
        self.bytes_from(slowest.unwrap_or(Position::before(self.oldest())))
    }

    pub(crate) fn remember(&mut self, entry: Cached, limit: u64) {
        self.cached += u64::from(entry.header.length);
        self.cache.push_back(entry);
        while self.cached > limit {
            self.forget_oldest();
        }
    }

    /// Lets go what every cursor is past.
    pub(crate) fn forget_acknowledged(&mut self) {
        let Some(slowest) = self.slowest(|c| c.position) else {
            return;
        };
        while self
            .cache
            .front()
            .is_some_and(|e| e.header.sequence < slowest.next)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        match self.cache.pop_front() {
            Some(gone) => self.cached -= u64::from(gone.header.length),
            None => self.cached = 0,
        }
    }

    /// The entry, if it is in memory. Found by counting, which a jump can lead
    /// astray: then the file has it.
    pub(crate) fn recall(&self, sequence: u64) -> Option<&Cached> {
        let first = self.cache.front()?.header.sequence;
        let place = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.cache
            .get(place)
            .filter(|found| found.header.sequence == sequence)
    }
}

/// What all parts of an open log know.
pub(crate) struct Shared {
    pub(crate) id: LogId,
    pub(crate) options: Options,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) state: Mutex<State>,
    /// Rings when entries became durable and when the log closes.
    pub(crate) grown: Condvar,
}

impl Shared {
    pub(crate) fn tell(&self, event: &Event) {
        self.observer.event(event);
    }

    /// Wakes all readers that wait.
    pub(crate) fn wake(&self) {
        let wakers = std::mem::take(&mut self.state.lock().wakers);
        self.grown.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}
