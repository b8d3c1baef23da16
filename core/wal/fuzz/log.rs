//! A log whose files a target spoils, and what must hold afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use peak_alloc::PeakAlloc;
use wal::testing::SimulatedDisk;
use wal::{Append, Disk, Entry, Event, Inspection, Log, OpenError, Options, Read, Reader, Start};

/// What a look, an open and a read may need however large the input is: the file of
/// cursors, windows of files, copies of the simulated disk.
const ALLOWANCE: usize = 8 << 20;

/// Times the bytes of the input, in addition.
const MULTIPLE: usize = 64;

const HEADER: usize = 48;
const ALIGNMENT: usize = 8;

/// Hands out the bytes of an input; zeros when there are no more.
pub struct Input<'a>(pub &'a [u8]);

#[allow(dead_code, reason = "each target uses some")]
impl<'a> Input<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        let taken = self.take(8);
        bytes[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(bytes)
    }
}

/// The files of a log that was closed in order: 12 entries, 3 to a segment, two
/// cursors.
pub struct Base {
    files: BTreeMap<String, Vec<u8>>,
    id: [u8; 16],
}

fn options() -> Options {
    Options {
        segment_bytes: 4096,
        cache_bytes: 0,
        window_bytes: 512,
        ..Options::default()
    }
}

fn open(disk: &SimulatedDisk) -> Result<Log, OpenError> {
    Log::open(
        Arc::new(disk.clone()),
        options(),
        Arc::new(|event: &Event| drop(event.to_string())),
    )
}

#[allow(dead_code, reason = "each target uses some")]
impl Base {
    pub fn get() -> &'static Base {
        static BASE: OnceLock<Base> = OnceLock::new();
        BASE.get_or_init(Base::new)
    }

    fn new() -> Base {
        let disk = SimulatedDisk::default();
        let log = open(&disk).expect("a new log");
        let one = log.cursor("one", Start::Oldest).expect("a cursor");
        log.cursor("two", Start::Oldest).expect("a cursor");
        for n in 1..=12u8 {
            let append = Append {
                time: u64::from(n),
                tag: 1,
                items: 1,
                payload: vec![Bytes::from(vec![n; 1000])],
            };
            let position = log.append_and_wait(append).expect("room");
            if n == 2 {
                one.acknowledge(position).expect("a position");
            }
        }
        let id = log.id().0;
        log.close();
        let names = disk.list().expect("names");
        let files = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), disk.get(&name)?)));
        Base {
            files: files.collect(),
            id,
        }
    }

    pub fn cursors(&self) -> &[u8] {
        &self.files["cursors"]
    }

    /// One of the segments.
    pub fn segment(&self, n: usize) -> (&str, &[u8]) {
        let segments = self.files.iter().filter(|(name, _)| name.ends_with(".wal"));
        let segments: Vec<_> = segments.collect();
        let (name, bytes) = segments[n % segments.len()];
        (name, bytes)
    }

    pub fn checksum(&self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.id), bytes)
    }

    /// A header with a right checksum.
    pub fn entry_header(&self, length: u32, sequence: u64, crc: u32, place: u32) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..4].copy_from_slice(b"\xF5PWe");
        out[4..8].copy_from_slice(&length.to_le_bytes());
        out[8..16].copy_from_slice(&sequence.to_le_bytes());
        out[32..36].copy_from_slice(&crc.to_le_bytes());
        out[36..40].copy_from_slice(&place.to_le_bytes());
        let checksum = self.checksum(&out[..44]);
        out[44..].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Looks at the log, opens it, reads it from all its cursors, appends to it and
    /// opens it once more, with `bytes` as one of its files.
    pub fn survives(&self, memory: &PeakAlloc, name: &str, bytes: &[u8]) {
        let disk = SimulatedDisk::default();
        for (name, bytes) in &self.files {
            disk.put(name, bytes.clone());
        }
        disk.put(name, bytes.to_vec());
        let before = memory.current_usage();
        memory.reset_peak_usage();

        if let Ok(Some(inspection)) = Inspection::open(Arc::new(disk.clone())) {
            let verified = inspection.verify().expect("a disk that reads");
            let mut entries = inspection.entries(0);
            let mut whole = 0;
            loop {
                match entries.read().expect("a disk that reads") {
                    Read::Entry(entry) => {
                        self.is_written(&entry, name, bytes);
                        whole += 1;
                    }
                    Read::Lost(lost) => assert!(lost.from < lost.to),
                    Read::End => break,
                }
            }
            assert_eq!(verified.entries, whole);
            inspection.segments().expect("a disk that reads");
            inspection.cursors().expect("a disk that reads");
        }
        if let Ok(log) = open(&disk) {
            self.reads_on(&log, name, bytes);
            let next = log.status().next;
            let append = Append {
                payload: vec![Bytes::from_static(b"after")],
                ..Append::default()
            };
            let position = log.append_and_wait(append).expect("room");
            assert!(position.sequence() >= next);
            log.close();
            let log = open(&disk).expect("it was opened before");
            assert!(log.status().next > position.sequence());
            log.close();
        }
        let peak = memory.peak_usage().saturating_sub(before);
        let allowed = ALLOWANCE + MULTIPLE * bytes.len();
        assert!(peak <= allowed, "{peak} bytes for {}", bytes.len());
    }

    fn reads_on(&self, log: &Log, name: &str, bytes: &[u8]) {
        for status in log.cursors() {
            // a name that no program wrote may be one that none may have
            let Ok(cursor) = log.cursor(&status.name, Start::Oldest) else {
                continue;
            };
            cursor.backlog().expect("a disk that reads");
            self.drain(cursor.reader().expect("a cursor"), name, bytes);
        }
        self.drain(log.reader(0), name, bytes);
    }

    fn drain(&self, mut reader: Reader, name: &str, bytes: &[u8]) {
        let mut last = 0;
        loop {
            match reader.read().expect("a disk that reads") {
                Read::Entry(entry) => {
                    assert!(entry.sequence > last, "{} after {last}", entry.sequence);
                    last = entry.sequence;
                    self.is_written(&entry, name, bytes);
                }
                Read::Lost(lost) => {
                    assert!(lost.from < lost.to && lost.from > last);
                    last = lost.to - 1;
                }
                Read::End => return,
            }
        }
    }

    /// An entry that is handed out stands in one of the files, with checksums that
    /// fit.
    fn is_written(&self, entry: &Entry, name: &str, bytes: &[u8]) {
        let files = self.files.iter().map(|(known, whole)| match known == name {
            true => bytes,
            false => whole,
        });
        let payload = entry.payload.concat();
        let found = files
            .into_iter()
            .any(|file| self.has(file, entry, &payload));
        assert!(found, "entry {} was made up", entry.sequence);
    }

    fn has(&self, file: &[u8], entry: &Entry, payload: &[u8]) -> bool {
        let number = |header: &[u8], at: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&header[at..at + 4]);
            u32::from_le_bytes(bytes)
        };
        let places = (0..file.len().saturating_sub(HEADER - 1)).step_by(ALIGNMENT);
        places.into_iter().any(|at| {
            let header = &file[at..at + HEADER];
            header[8..16] == entry.sequence.to_le_bytes()
                && number(header, 44) == self.checksum(&header[..44])
                && number(header, 32) == crc32c::crc32c(payload)
                && file[at + HEADER..].starts_with(payload)
        })
    }
}
