//! The handle of an open log.

mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::backlog::{self, Backlog};
use crate::cursors::MAX_NAME;
use crate::disk::Disk;
use crate::engine::{Engine, Pending};
use crate::error::{AppendError, CursorError, OpenError, ReadError};
use crate::event::Observer;
use crate::expire::{self, Expired};
use crate::format::{LogId, MAX_SEQUENCE};
use crate::options::{Options, Start};
use crate::reader::Reader;
use crate::recover;
use crate::state::{CursorStatus, Position, Shared, Status};

/// Called once when positions are stored.
type Stored = Box<dyn FnOnce(Result<(), CursorError>) + Send>;

/// Something else for the writer's thread to do between two groups. Dropped if the
/// thread ends before.
type Errand = Box<dyn FnOnce(&mut Engine) + Send>;

/// What is to be appended.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// When it was accepted, in the unit of the caller's clock (the queue uses
    /// milliseconds since 1970); what [`Cursor::expire`] compares with.
    pub time: u64,
    /// Handed back with the entry; what kind of payload it is, for example.
    pub tag: u32,
    /// How many items the payload has, so that they can still be counted when it
    /// cannot be read.
    pub items: u32,
    /// The bytes, in any number of parts; written without joining them.
    pub payload: Vec<Bytes>,
}

#[derive(Default)]
struct Waiting {
    appends: Vec<Pending>,
    stores: Vec<Stored>,
    errands: Vec<Errand>,
    jump: u64,
    /// Some cursor moved.
    moved: bool,
    closing: bool,
    /// The thread is gone.
    gone: bool,
}

impl Waiting {
    /// Whether nobody waits for the writer.
    fn idle(&self) -> bool {
        let asked = !self.stores.is_empty() || !self.errands.is_empty();
        self.appends.is_empty() && !asked && !self.closing
    }
}

/// What the handles hand to the writer.
struct Door {
    waiting: Mutex<Waiting>,
    knock: Condvar,
}

/// An open log. Closes, storing where its cursors stand, when dropped.
pub struct Log {
    shared: Arc<Shared>,
    door: Arc<Door>,
    writer: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("id", &self.shared.id)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log in the directory of `disk`, or begins one.
    ///
    /// Reads the header of each segment and all headers of the newest, so it is
    /// quick however much is waiting. What a crash left is repaired, what cannot
    /// be read is set aside; `observer` hears of it. Fails without changing
    /// anything if another process has the log or a newer program wrote it.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let engine = recover::open(disk, options, observer)?;
        let shared = Arc::clone(&engine.shared);
        let door = Arc::new(Door {
            waiting: Mutex::default(),
            knock: Condvar::new(),
        });
        let inside = Arc::clone(&door);
        let writer = thread::Builder::new()
            .name("wal".to_owned())
            .spawn(move || writer::write(engine, &inside))
            .map_err(OpenError::io("start the writer of", "the log"))?;
        Ok(Self {
            shared,
            door,
            writer: Some(writer),
        })
    }

    /// The log's own id; never changes.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.shared.id
    }

    /// Hands an entry to the writer and returns.
    ///
    /// `done` is called once, on the writer's thread (so it must be quick and must
    /// not wait for this log): with the position when the entry is durable, or
    /// with why it was refused. Entries of one caller get their numbers in the
    /// order of the calls. What waits here is not bounded: the caller's budget is.
    pub fn append(
        &self,
        append: Append,
        done: impl FnOnce(Result<Position, AppendError>) + Send + 'static,
    ) {
        let pending = Pending::new(append, Box::new(done));
        let mut waiting = self.door.waiting.lock();
        if waiting.closing || waiting.gone {
            drop(waiting);
            (pending.done)(Err(AppendError::Closed));
            return;
        }
        waiting.appends.push(pending);
        drop(waiting);
        self.door.knock.notify_one();
    }

    /// As [`append`](Self::append), but waits for the answer.
    pub fn append_and_wait(&self, append: Append) -> Result<Position, AppendError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.append(append, move |answer| {
            // nobody else holds the other end, and it waits below
            let _ = sender.send(answer);
        });
        receiver.recv().unwrap_or(Err(AppendError::Closed))
    }

    /// The cursor of that name, made and stored if there is none.
    ///
    /// Waits for the disk when it is made.
    pub fn cursor(&self, name: &str, start: Start) -> Result<Cursor, CursorError> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(CursorError::Name { bytes: name.len() });
        }
        let (place, token, known) = self.shared.state.lock().cursor(name, start)?;
        if !known {
            self.door.store_and_wait()?;
        }
        Ok(Cursor {
            shared: Arc::clone(&self.shared),
            door: Arc::clone(&self.door),
            place,
            token,
        })
    }

    /// Forgets a cursor, so that the log no longer waits for it. Waits for the
    /// disk. Its handles answer [`CursorError::Unknown`] from then on.
    pub fn remove_cursor(&self, name: &str) -> Result<(), CursorError> {
        {
            let mut state = self.shared.state.lock();
            let place = state.place_of(name).ok_or(CursorError::Unknown)?;
            state.cursors[place] = None;
        }
        self.door.store_and_wait()
    }

    /// Makes what the cursor has not passed a log of its own in `directory`, and
    /// forgets the cursor: for a consumer that is gone and has a backlog. Waits for
    /// the writer, which does it between two groups; no entry is copied.
    ///
    /// Answers where that log is, none if nothing was left to read. It has the same
    /// id and numbers, one cursor of the same name, and takes no part in what is
    /// appended from now on: open it, read it to its end and delete it. It is made
    /// in `<directory>~tmp` and then renamed; if `directory` has an earlier backlog
    /// of this log, the name ends in `~2`, `~3` and so on.
    ///
    /// May be called again after a crash or an error: what was set aside before is
    /// found, and answered. `directory` must be on the same file system, which must
    /// know hard links.
    pub fn set_aside(
        &self,
        cursor: &str,
        directory: &Path,
    ) -> Result<Option<PathBuf>, CursorError> {
        let (cursor, directory) = (cursor.to_owned(), directory.to_owned());
        let (sender, receiver) = mpsc::sync_channel(1);
        let errand = move |engine: &mut Engine| {
            // nobody else holds the other end, and it waits below
            let _ = sender.send(engine.set_aside(&cursor, &directory));
        };
        {
            let mut waiting = self.door.waiting.lock();
            if waiting.closing || waiting.gone {
                return Err(CursorError::Closed);
            }
            waiting.errands.push(Box::new(errand));
        }
        self.door.knock.notify_one();
        receiver.recv().unwrap_or(Err(CursorError::Closed))
    }

    /// All cursors, also those that no consumer has asked for since the start:
    /// the log keeps their entries until they are removed.
    #[must_use]
    pub fn cursors(&self) -> Vec<CursorStatus> {
        let state = self.shared.state.lock();
        let cursors = state.cursors.iter().flatten();
        cursors
            .map(|cursor| CursorStatus {
                name: cursor.name.clone(),
                next: cursor.position.next,
                behind: state.next.saturating_sub(cursor.position.next),
                bytes: state.bytes_from(cursor.position),
            })
            .collect()
    }

    /// A reader from `sequence`, or from the oldest entry behind it. Holds nothing
    /// back: what all cursors are past may be gone.
    #[must_use]
    pub fn reader(&self, sequence: u64) -> Reader {
        let oldest = self.shared.state.lock().oldest();
        let at = Position::before(sequence.max(oldest));
        Reader::new(Arc::clone(&self.shared), None, at)
    }

    /// How the log is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = self.shared.state.lock();
        Status {
            oldest: state.oldest(),
            next: state.next,
            held: state.held(),
            segments: state.segments.len(),
            cached: state.cached,
        }
    }

    /// Lets the log continue at `sequence` at least, for a consumer that is ahead
    /// of it. Entries that are appended afterwards get larger numbers; none is
    /// skipped. Waits for the writer. The jump is on disk with the next append, so
    /// a consumer that may be ahead asks for it at each start.
    pub fn jump_to(&self, sequence: u64) -> Result<(), CursorError> {
        {
            let mut waiting = self.door.waiting.lock();
            waiting.jump = waiting.jump.max(sequence.min(MAX_SEQUENCE / 2));
        }
        self.door.store_and_wait()
    }

    /// Stops taking entries, writes what waits, stores where the cursors stand and
    /// lets the directory go. Dropping does the same, without the answer.
    pub fn close(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.door.waiting.lock().closing = true;
        self.door.knock.notify_one();
        if let Some(writer) = self.writer.take() {
            // it answered everybody even if a callback panicked
            let _ = writer.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.finish();
    }
}

/// One consumer's place in a log. Cheap to clone.
#[derive(Clone)]
pub struct Cursor {
    shared: Arc<Shared>,
    door: Arc<Door>,
    place: usize,
    token: u64,
}

impl Cursor {
    /// A reader behind what was acknowledged.
    pub fn reader(&self) -> Result<Reader, CursorError> {
        let at = self.position()?;
        let handle = Some((self.place, self.token));
        Ok(Reader::new(Arc::clone(&self.shared), handle, at))
    }

    /// What was acknowledged.
    pub fn position(&self) -> Result<Position, CursorError> {
        let mut state = self.shared.state.lock();
        let cursor = state
            .cursor_mut(self.place, self.token)
            .ok_or(CursorError::Unknown)?;
        Ok(cursor.position)
    }

    /// Everything up to `position` is done with. Positions behind the current one
    /// change nothing.
    ///
    /// It is stored when the writer has a moment, at the latest with every 32nd
    /// group: after a crash a little of what was acknowledged can come again.
    pub fn acknowledge(&self, position: Position) -> Result<(), CursorError> {
        self.advance(position)?;
        self.door.moved();
        Ok(())
    }

    /// As [`acknowledge`](Self::acknowledge), and calls `done` on the writer's
    /// thread when it is on stable storage.
    pub fn acknowledge_durably(
        &self,
        position: Position,
        done: impl FnOnce(Result<(), CursorError>) + Send + 'static,
    ) {
        match self.advance(position) {
            Ok(()) => self.door.store(Box::new(done)),
            Err(error) => done(Err(error)),
        }
    }

    /// Moves past the entries in front whose time is before `before`, and answers
    /// what was given up. Reads their headers, so call it from a thread that may
    /// wait. What the consumer has in hand meanwhile counts as given up too.
    pub fn expire(&self, before: u64) -> Result<Expired, ReadError> {
        let expired = expire::expire(&self.shared, (self.place, self.token), before)?;
        if expired.entries > 0 {
            self.door.moved();
        }
        Ok(expired)
    }

    /// What is between the cursor and the end of the log now, by the headers of the
    /// entries: milliseconds for thousands of large ones, on a thread that may
    /// wait. Exact if nobody acknowledges meanwhile. A cursor that was removed has
    /// none.
    pub fn backlog(&self) -> Result<Backlog, ReadError> {
        self.backlog_before(u64::MAX)
    }

    /// As [`backlog`](Self::backlog), but only what has a number before `sequence`.
    pub fn backlog_before(&self, sequence: u64) -> Result<Backlog, ReadError> {
        let (start, end) = {
            let mut state = self.shared.state.lock();
            let end = state.next.min(sequence);
            match state.cursor_mut(self.place, self.token) {
                Some(cursor) => (cursor.position, end),
                None => return Ok(Backlog::default()),
            }
        };
        let handle = Some((self.place, self.token));
        let mut reader = Reader::new(Arc::clone(&self.shared), handle, start);
        backlog::count(end, || reader.skim())
    }

    fn advance(&self, position: Position) -> Result<(), CursorError> {
        self.shared
            .state
            .lock()
            .advance(self.place, self.token, position)
    }
}

impl Door {
    fn moved(&self) {
        self.waiting.lock().moved = true;
        self.knock.notify_one();
    }

    fn store(&self, done: Stored) {
        let mut waiting = self.waiting.lock();
        if waiting.closing || waiting.gone {
            drop(waiting);
            done(Err(CursorError::Closed));
            return;
        }
        waiting.stores.push(done);
        drop(waiting);
        self.knock.notify_one();
    }

    fn store_and_wait(&self) -> Result<(), CursorError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.store(Box::new(move |answer| {
            // nobody else holds the other end, and it waits below
            let _ = sender.send(answer);
        }));
        receiver.recv().unwrap_or(Err(CursorError::Closed))
    }
}
