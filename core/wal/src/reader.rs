//! Reading entries in order, from memory when they are recent, else from files.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use crate::error::ReadError;
use crate::format::{EntryHeader, SEGMENT_START};
use crate::scan::{Scanner, Step};
use crate::segments::name_of;
use crate::state::{Cached, Located, Position, Segment, Shared};

/// What is read of a file first when only headers are wanted.
const SKIM_WINDOW: usize = 4096;

/// One durable entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number; unique within the log's id, for ever.
    pub sequence: u64,
    /// What the writer gave as time.
    pub time: u64,
    /// What the writer gave as tag.
    pub tag: u32,
    /// What the writer gave as number of items.
    pub items: u32,
    /// The bytes, in as many parts as they were written (from memory) or one
    /// (from the file; small ones then share the reader's window).
    pub payload: Arc<[Bytes]>,
    /// What to acknowledge when it is done with.
    pub position: Position,
}

impl Entry {
    /// Length of the payload in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.payload.iter().map(Bytes::len).sum()
    }
}

/// Entries that were durable and are no more, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// First sequence that is lost.
    pub from: u64,
    /// First sequence behind that is not. Behind a missing file the range may be
    /// wider than what was there.
    pub to: u64,
    /// Their items, if their header is readable.
    pub items: Option<u32>,
    /// How they got lost.
    pub reason: LostReason,
    /// What to acknowledge when it was counted.
    pub position: Position,
}

/// How entries got lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostReason {
    /// The payload is not what was written.
    Payload,
    /// The headers are not readable.
    Header,
    /// Their file is gone or ends too early.
    Missing,
}

/// What a reader found next.
#[derive(Debug, Clone)]
pub enum Read {
    /// The next entry.
    Entry(Entry),
    /// There was one, or several.
    Lost(Lost),
    /// Nothing more is durable yet.
    End,
}

/// What stands next, with what was wanted of it.
pub(crate) enum Found<T> {
    Entry(EntryHeader, T, Position),
    Lost(Lost),
    End,
}

/// Hands out entries in order. Reads files on the calling thread.
///
/// A reader of a cursor begins behind what was acknowledged and never stands
/// before the cursor: what expires meanwhile is not handed out.
pub struct Reader {
    shared: Arc<Shared>,
    cursor: Option<(usize, u64)>,
    /// Where the next entry is, as far as known.
    at: Position,
    open: Option<(u64, Scanner)>,
    /// Bytes that are read from a file at a time.
    window: usize,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, cursor: Option<(usize, u64)>, at: Position) -> Self {
        let window = shared.options.window_bytes;
        Self {
            shared,
            cursor,
            at,
            open: None,
            window,
        }
    }

    /// The sequence that is looked for next.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.at.next
    }

    /// Where it stands: what another reader of the same log [`skip`](Self::skip)s
    /// to in order to go on here.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// Passes over everything up to `position`: the caller has it already, from
    /// where it was appended. Positions behind the current one change nothing.
    pub fn skip(&mut self, position: Position) {
        if position.next > self.at.next {
            self.at = position;
        }
    }

    /// The next entry, or what became of it, or the end. Never waits for appends.
    ///
    /// After an error the reader stands where it stood.
    pub fn read(&mut self) -> Result<Read, ReadError> {
        let found = self.find(
            |cached| Arc::clone(&cached.payload),
            |scanner, header| {
                let bytes = scanner.payload(header)?;
                Some(Arc::new([bytes]) as Arc<[Bytes]>)
            },
        )?;
        Ok(match found {
            Found::Entry(header, payload, position) => {
                Read::Entry(entry(&header, payload, position))
            }
            Found::Lost(lost) => Read::Lost(lost),
            Found::End => Read::End,
        })
    }

    /// As [`read`](Self::read), but looks at headers only: a few bytes of the file
    /// for each large entry. A payload that is not what was written goes unnoticed.
    pub(crate) fn skim(&mut self) -> Result<Found<()>, ReadError> {
        self.window = self.window.min(SKIM_WINDOW);
        self.find(
            |_| (),
            |scanner, header| {
                scanner.stride(header);
                Some(())
            },
        )
    }

    /// The next entry and what `recent` or `stored` take of it; lost if `stored`
    /// finds nothing to take.
    fn find<T>(
        &mut self,
        recent: impl Fn(&Cached) -> T,
        stored: impl Fn(&mut Scanner, &EntryHeader) -> Option<T>,
    ) -> Result<Found<T>, ReadError> {
        loop {
            let located = {
                let mut state = self.shared.state.lock();
                if let Some((place, token)) = self.cursor
                    && let Some(cursor) = state.cursor_mut(place, token)
                    && cursor.position.next > self.at.next
                {
                    self.at = cursor.position;
                }
                if let Some(cached) = state.recall(self.at.next) {
                    self.at = cached.position;
                    let taken = recent(cached);
                    return Ok(Found::Entry(cached.header, taken, cached.position));
                }
                state.locate(self.at.next)
            };
            match located {
                Located::End => return Ok(Found::End),
                Located::SkipTo(next) => self.at = Position::before(next),
                Located::MissingTo(to) => {
                    let lost = self.lost(LostReason::Missing, None, Position::before(to));
                    return Ok(Found::Lost(lost));
                }
                Located::In(segment, end) => {
                    if let Some(found) = self.find_in(&segment, end, &stored)? {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Blocks until there is something to [`read`](Self::read), the log closes or
    /// the time is over; true if there is something.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut state = self.shared.state.lock();
        let at = self.at.next;
        self.shared.grown.wait_while_for(
            &mut state,
            |state| at >= state.next && !state.closed,
            at_most,
        );
        at < state.next
    }

    /// Whether the log was closed: no more entries come, those there can still be
    /// read.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().closed
    }

    /// Ready when there is something to [`read`](Self::read) or the log closed;
    /// else the task is woken when that changes.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.state.lock();
        if self.at.next < state.next || state.closed {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|w| w.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// What stands next in a segment that covers it; none if the segment went
    /// away meanwhile.
    fn find_in<T>(
        &mut self,
        segment: &Segment,
        end: u64,
        stored: &impl Fn(&mut Scanner, &EntryHeader) -> Option<T>,
    ) -> Result<Option<Found<T>>, ReadError> {
        let mut scanner = match self.open.take() {
            Some((first, scanner))
                if first == segment.first && scanner.expected <= self.at.next =>
            {
                scanner
            }
            _ => match self.open_segment(segment, end)? {
                Some(scanner) => scanner,
                None if self
                    .shared
                    .state
                    .lock()
                    .segments
                    .contains_key(&segment.first) =>
                {
                    let lost = self.lost(LostReason::Missing, None, Position::before(end));
                    return Ok(Some(Found::Lost(lost)));
                }
                None => return Ok(None),
            },
        };
        scanner.limit = segment.bytes;
        scanner.end = end;
        if scanner.expected < self.at.next && self.at.segment == segment.first {
            self.leap(&mut scanner, segment);
        }
        let found = self.advance(&mut scanner, segment, end, stored);
        self.open = Some((segment.first, scanner));
        Ok(Some(found))
    }

    /// Opens the file at its first entry; none if it does not exist.
    fn open_segment(&self, segment: &Segment, end: u64) -> Result<Option<Scanner>, ReadError> {
        let name = name_of(segment.first);
        let file = match self.shared.disk.open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(ReadError {
                    action: "open",
                    segment: name,
                    error,
                });
            }
        };
        Ok(Some(Scanner::new(
            file,
            self.window,
            self.shared.id,
            (SEGMENT_START, segment.first),
            (segment.bytes, end),
        )))
    }

    /// Goes to where the position says that the next entry is, if it is there.
    fn leap(&self, scanner: &mut Scanner, segment: &Segment) {
        let before = (scanner.offset, scanner.expected);
        if self.at.offset < SEGMENT_START || self.at.offset > segment.bytes {
            return;
        }
        (scanner.offset, scanner.expected) = (self.at.offset, self.at.next);
        if !matches!(scanner.step(), Step::Header(_)) {
            (scanner.offset, scanner.expected) = before;
        }
    }

    fn advance<T>(
        &mut self,
        scanner: &mut Scanner,
        segment: &Segment,
        end: u64,
        stored: &impl Fn(&mut Scanner, &EntryHeader) -> Option<T>,
    ) -> Found<T> {
        loop {
            match scanner.step() {
                Step::Header(header) if header.sequence < self.at.next => scanner.pass(&header),
                Step::Header(header) => {
                    let taken = stored(scanner, &header);
                    scanner.pass(&header);
                    let position = Position {
                        next: header.sequence + 1,
                        segment: segment.first,
                        offset: scanner.offset,
                    };
                    return match taken {
                        Some(taken) => {
                            self.at = position;
                            Found::Entry(header, taken, position)
                        }
                        None => {
                            self.mark(segment.first);
                            Found::Lost(self.lost(
                                LostReason::Payload,
                                Some(header.items),
                                position,
                            ))
                        }
                    };
                }
                Step::Lost { to } if to <= self.at.next => {}
                Step::Lost { to } => {
                    let position = Position {
                        next: to,
                        segment: segment.first,
                        offset: scanner.offset,
                    };
                    self.mark(segment.first);
                    return Found::Lost(self.lost(LostReason::Header, None, position));
                }
                Step::End => {
                    // A file that ends with a whole entry is not to blame: what is missing
                    // went with the file behind it.
                    if scanner.offset < segment.bytes {
                        self.mark(segment.first);
                    }
                    scanner.expected = end;
                    let position = Position::before(end);
                    return Found::Lost(self.lost(LostReason::Missing, None, position));
                }
            }
        }
    }

    /// Goes on behind what is lost.
    fn lost(&mut self, reason: LostReason, items: Option<u32>, position: Position) -> Lost {
        let from = self.at.next;
        self.at = position;
        Lost {
            from,
            to: position.next,
            items,
            reason,
            position,
        }
    }

    /// Keeps the file when it is done with.
    fn mark(&self, segment: u64) {
        if let Some(segment) = self.shared.state.lock().segments.get_mut(&segment) {
            segment.damaged = true;
        }
    }
}

fn entry(header: &EntryHeader, payload: Arc<[Bytes]>, position: Position) -> Entry {
    Entry {
        sequence: header.sequence,
        time: header.time,
        tag: header.tag,
        items: header.items,
        payload,
        position,
    }
}
