//! Looking at a log without its lock and without changing it.

use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::{Candidate, Recovery, candidates};
use crate::cursors::{CursorFile, Found, Record};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::event::Event;
use crate::options::Options;
use crate::state::Shared;

/// How often a directory is listed again because its process changed it meanwhile.
const LOOKS: usize = 16;

/// A log as its files are, for somebody who does not have its lock.
pub(crate) struct Looked {
    /// Nobody writes to it.
    pub(crate) shared: Arc<Shared>,
    pub(crate) record: Record,
    /// Names of all files.
    pub(crate) names: Vec<String>,
    /// What an open would report.
    pub(crate) events: Vec<Event>,
}

/// Finds out what is there and changes nothing; none if there is no log.
///
/// The process that has the log may go on meanwhile. A file that it removed or
/// made between two looks is no reason to believe that one is missing.
pub(crate) fn look(disk: &Arc<dyn Disk>) -> Result<Option<Looked>, OpenError> {
    let mut left = LOOKS;
    loop {
        left -= 1;
        match look_once(disk, left == 0) {
            Err(OpenError::Io { error, .. })
                if left > 0 && error.kind() == io::ErrorKind::NotFound => {}
            Ok(Look::Changed) => {}
            Ok(Look::At(looked)) => return Ok(Some(*looked)),
            Ok(Look::Nothing) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

enum Look {
    At(Box<Looked>),
    /// A segment was begun while the directory was listed.
    Changed,
    /// There is no log.
    Nothing,
}

fn look_once(disk: &Arc<dyn Disk>, last: bool) -> Result<Look, OpenError> {
    let mut names = disk
        .list()
        .map_err(OpenError::io("list", "the directory"))?;
    names.sort_unstable();
    let candidates = candidates(&**disk, &names)?;
    let found = CursorFile::find(disk)?;
    if candidates.is_empty() && matches!(found, Found::None) {
        return Ok(Look::Nothing);
    }
    if let Found::Some(file, _) = &found
        && let Some(record) = file.record()
        && record.newest > candidates.last().map_or(0, |last| last.first)
        && !last
    {
        return Ok(Look::Changed);
    }
    put_together(disk, names, candidates, found).map(|looked| Look::At(Box::new(looked)))
}

fn put_together(
    disk: &Arc<dyn Disk>,
    names: Vec<String>,
    candidates: Vec<Candidate>,
    found: Found,
) -> Result<Looked, OpenError> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let observer = move |event: &Event| heard.lock().push(event.clone());
    let options = Options::default();
    let recovery = Recovery {
        disk,
        options: &options,
        observer: &observer,
        repair: false,
    };
    let cursors = recovery.cursors(found, &candidates)?;
    let (id, known) = (cursors.id(), cursors.record());
    let readable = recovery.readable(candidates, id, known.map_or(0, |r| r.oldest))?;
    let (state, record) = recovery.state(id, &readable, known, &cursors)?;
    let events = std::mem::take(&mut *events.lock());
    let shared = Shared {
        id,
        options,
        disk: Arc::clone(disk),
        observer: Arc::new(|_: &Event| {}),
        state: Mutex::new(state),
        grown: Condvar::new(),
    };
    Ok(Looked {
        shared: Arc::new(shared),
        record,
        names,
        events,
    })
}
