//! The file of positions: written once, then only overwritten in place, so that
//! a full disk still drains.
//!
//! Each place has two pages that are written in turn, each with a generation and
//! a checksum: a torn write leaves the one before.

use std::io::{self, IoSlice};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::OpenError;
use crate::format::{
    FORMAT_VERSION, LogId, MAX_SEQUENCE, PREAMBLE, Preamble, decode_cursors_header,
    encode_cursors_header, seeded_crc, u32_at, u64_at,
};
use crate::segments;

/// How many consumers a log may have.
pub(crate) const MAX_CURSORS: usize = 31;

/// Bytes of a cursor's name.
pub(crate) const MAX_NAME: usize = 64;

/// Name of the file.
pub(crate) const FILE: &str = "cursors";

/// A page is the unit that a disk tears at worst.
pub(crate) const PAGE: usize = 4096;

/// Place 0 is the log's own.
const PLACES: usize = MAX_CURSORS + 1;
const SLOT: usize = 128;
const NAME_AT: usize = 34;

/// Length of the file.
const LENGTH: usize = PAGE * (1 + 2 * PLACES);

/// What one place holds. Place 0 has the facts of the log, the others a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) used: bool,
    pub(crate) name: String,
    pub(crate) numbers: [u64; 3],
}

/// What the log writes down about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    /// Everything before was removed on purpose.
    pub(crate) oldest: u64,
    /// First sequence of the newest segment, 0 for none.
    pub(crate) newest: u64,
    /// Everything before was durable when the log was last opened or closed.
    pub(crate) end: u64,
}

impl Record {
    fn slot(self) -> Slot {
        Slot {
            used: true,
            name: String::new(),
            numbers: [self.oldest, self.newest, self.end],
        }
    }
}

/// The open file.
pub(crate) struct CursorFile {
    disk: Arc<dyn Disk>,
    id: LogId,
    /// None after a failure: the file is then made anew instead of synced again.
    file: Option<Arc<dyn DiskFile>>,
    generations: Vec<u64>,
    slots: Vec<Slot>,
}

/// What was found of it.
pub(crate) enum Found {
    /// No such file.
    None,
    /// Readable; the places whose slots were both broken are listed.
    Some(CursorFile, Vec<usize>),
    /// Not readable.
    Unreadable(&'static str),
}

impl CursorFile {
    /// Reads the file, changing nothing.
    pub(crate) fn find(disk: &Arc<dyn Disk>) -> Result<Found, OpenError> {
        let file = match disk.open(FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::None),
            Err(error) => return Err(OpenError::io("open", FILE)(error)),
        };
        let mut bytes = vec![0; LENGTH];
        let length = read_full_at(&*file, 0, &mut bytes).map_err(OpenError::io("read", FILE))?;
        bytes.truncate(length);
        let id = match decode_cursors_header(&bytes) {
            Preamble::Ours(id) => id,
            Preamble::Unreadable(why) => return Ok(Found::Unreadable(why)),
            Preamble::Newer(found) => {
                return Err(OpenError::Newer {
                    file: FILE.to_owned(),
                    found,
                    known: FORMAT_VERSION,
                });
            }
        };
        if length < LENGTH {
            return Ok(Found::Unreadable("it was cut off"));
        }
        let mut found = Self::empty(Arc::clone(disk), id);
        found.file = Some(file);
        let broken = (0..PLACES)
            .filter(|&place| !found.read(place, &bytes))
            .collect();
        Ok(Found::Some(found, broken))
    }

    /// A file that is made when something is first stored.
    pub(crate) fn empty(disk: Arc<dyn Disk>, id: LogId) -> Self {
        Self {
            disk,
            id,
            file: None,
            generations: vec![0; PLACES],
            slots: vec![Slot::default(); PLACES],
        }
    }

    pub(crate) fn id(&self) -> LogId {
        self.id
    }

    /// What the log knows about itself, if it is there.
    pub(crate) fn record(&self) -> Option<Record> {
        let slot = self.slots.first().filter(|slot| slot.used)?;
        let [oldest, newest, end] = slot.numbers;
        Some(Record {
            oldest,
            newest,
            end,
        })
    }

    /// The cursors with their places, counted from 0.
    pub(crate) fn cursors(&self) -> &[Slot] {
        &self.slots[1..]
    }

    /// Writes what was read once more and syncs it: the process before may have
    /// seen a sync fail, and then only memory has what was read. In the same pages,
    /// so that the ones before stay.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        for (place, slot) in self.slots.iter().enumerate() {
            let generation = self.generations[place];
            if generation > 0 {
                put(&**file, place, generation, slot, self.id)?;
            }
        }
        file.sync_data()
    }

    /// Writes what differs and syncs once.
    pub(crate) fn store(&mut self, record: Record, cursors: Vec<Slot>) -> io::Result<()> {
        let wanted = std::iter::once(record.slot()).chain(cursors);
        let mut changed = Vec::new();
        for (place, slot) in wanted.enumerate().take(PLACES) {
            if self.slots[place] != slot {
                self.slots[place] = slot;
                changed.push(place);
            }
        }
        let Some(file) = self.file.clone() else {
            self.file = Some(self.make()?);
            return Ok(());
        };
        if changed.is_empty() {
            return Ok(());
        }
        let stored = changed
            .into_iter()
            .try_for_each(|place| self.write(&*file, place))
            .and_then(|()| file.sync_data());
        if stored.is_err() {
            self.file = None;
        }
        stored
    }

    fn write(&mut self, file: &dyn DiskFile, place: usize) -> io::Result<()> {
        self.generations[place] += 1;
        let generation = self.generations[place];
        put(file, place, generation, &self.slots[place], self.id)
    }

    /// Makes the file with everything that is known. Real zeros, not a hole: what
    /// is overwritten later must not need space.
    fn make(&mut self) -> io::Result<Arc<dyn DiskFile>> {
        let mut bytes = vec![0; LENGTH];
        bytes[..PREAMBLE].copy_from_slice(&encode_cursors_header(self.id));
        for (place, slot) in self.slots.iter().enumerate() {
            let generation = self.generations[place] + 1;
            self.generations[place] = generation;
            let at = page_of(place, (generation % 2) as usize) * PAGE;
            bytes[at..at + SLOT].copy_from_slice(&encode(slot, generation, self.id));
        }
        segments::create_durably(&*self.disk, FILE, |file| {
            write_all_at(file, 0, &mut [IoSlice::new(&bytes)])
        })
    }

    /// Takes the newer of the two slots; false if there was something and none of
    /// it is readable.
    fn read(&mut self, place: usize, bytes: &[u8]) -> bool {
        let mut empty = true;
        let mut best: Option<(u64, Slot)> = None;
        for side in 0..2 {
            let at = page_of(place, side) * PAGE;
            let slot = &bytes[at..at + SLOT];
            empty &= slot.iter().all(|&byte| byte == 0);
            if let Some((generation, slot)) = decode(slot, self.id)
                && best.as_ref().is_none_or(|(newest, _)| generation > *newest)
            {
                best = Some((generation, slot));
            }
        }
        let readable = best.is_some() || empty;
        if let Some((generation, slot)) = best {
            self.generations[place] = generation;
            self.slots[place] = slot;
        }
        readable
    }
}

fn put(
    file: &dyn DiskFile,
    place: usize,
    generation: u64,
    slot: &Slot,
    id: LogId,
) -> io::Result<()> {
    let bytes = encode(slot, generation, id);
    let at = page_of(place, (generation % 2) as usize) * PAGE;
    write_all_at(file, at as u64, &mut [IoSlice::new(&bytes)])
}

fn page_of(place: usize, side: usize) -> usize {
    1 + 2 * place + side
}

fn encode(slot: &Slot, generation: u64, id: LogId) -> [u8; SLOT] {
    let mut out = [0; SLOT];
    out[..8].copy_from_slice(&generation.to_le_bytes());
    for (at, number) in (8..32).step_by(8).zip(slot.numbers) {
        out[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    out[32] = u8::from(slot.used);
    let name = &slot.name.as_bytes()[..slot.name.len().min(MAX_NAME)];
    out[33] = name.len() as u8;
    out[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
    let crc = seeded_crc(id, &out[..124]);
    out[124..].copy_from_slice(&crc.to_le_bytes());
    out
}

fn decode(bytes: &[u8], id: LogId) -> Option<(u64, Slot)> {
    let generation = u64_at(bytes, 0);
    // the counter only goes up by one, so the top means damage
    if u32_at(bytes, 124) != seeded_crc(id, &bytes[..124]) || generation >= u64::MAX / 2 {
        return None;
    }
    let length = usize::from(bytes[33]).min(MAX_NAME);
    let name = std::str::from_utf8(&bytes[NAME_AT..NAME_AT + length]).ok()?;
    let slot = Slot {
        used: bytes[32] == 1,
        name: name.to_owned(),
        numbers: [u64_at(bytes, 8), u64_at(bytes, 16), u64_at(bytes, 24)],
    };
    let sane = slot.numbers.iter().all(|&number| number < MAX_SEQUENCE);
    sane.then_some((generation, slot))
}
