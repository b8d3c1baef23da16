//! Random work, faults and crashes against a model that is a map.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::house::{House, bytes_of, drain, small};
use crate::testing::SimulatedDisk;
use crate::{CursorError, Disk, Inspection, OpenError, Position, Read, Reader, Start, expire};

const NAMES: [&str; 2] = ["exporter/one", "exporter/two"];

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<usize>),
    Read(usize, usize),
    Acknowledge(usize),
    Persist,
    Expire(usize, u64),
    SetAside(usize),
    Close,
    Crash(u64),
    CrashIn(u32),
    FailSyncs(u32),
    ShortWrites(bool),
    Full(bool),
    Reserve(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![4 => 0..200usize, 2 => 200..1500usize, 1 => 1500..6000usize];
    let step = prop_oneof![
        8 => prop::collection::vec(size, 1..6).prop_map(Step::Append),
        6 => (0..2usize, 1..8usize).prop_map(|(who, n)| Step::Read(who, n)),
        4 => (0..2usize).prop_map(Step::Acknowledge),
        3 => Just(Step::Persist),
        1 => (0..2usize, 0..60u64).prop_map(|(who, before)| Step::Expire(who, before)),
        1 => (0..2usize).prop_map(Step::SetAside),
        1 => Just(Step::Close),
        3 => any::<u64>().prop_map(Step::Crash),
        1 => (0..12u32).prop_map(Step::CrashIn),
        1 => (1..3u32).prop_map(Step::FailSyncs),
        1 => any::<bool>().prop_map(Step::ShortWrites),
        1 => any::<bool>().prop_map(Step::Full),
        1 => any::<bool>().prop_map(Step::Reserve),
    ];
    prop::collection::vec(step, 1..60)
}

fn aside_of(who: usize) -> PathBuf {
    Path::new("aside").join(["one", "two"][who])
}

struct Consumer {
    handle: (usize, u64),
    reader: Reader,
    /// What was read last.
    last: Position,
    /// What was acknowledged, and what of it is known to be stored.
    acknowledged: u64,
    stored: u64,
}

struct Model {
    house: House,
    /// What was durable when it was answered, or was found after a crash.
    entries: BTreeMap<u64, Vec<u8>>,
    /// What was refused: it may come back after a crash, but never twice.
    maybe: Vec<Vec<u8>>,
    consumers: Vec<Consumer>,
    made: u64,
    /// A consumer whose backlog is to be set aside, and the end of what it is owed
    /// at least: asked for until it is done.
    aside: Option<(usize, u64)>,
}

/// When an entry was made: its payload begins with that.
fn time_of(payload: &[u8]) -> u64 {
    let (time, _) = payload.split_first_chunk().expect("8 bytes");
    u64::from_le_bytes(*time)
}

fn opened(disk: &SimulatedDisk) -> Result<House, OpenError> {
    let mut house = House::open(disk, small())?;
    house.time_of = time_of;
    Ok(house)
}

fn consumers(house: &mut House, before: &[(u64, u64)]) -> Vec<Consumer> {
    let mut all = Vec::new();
    for (who, name) in NAMES.iter().enumerate() {
        let handle = house.cursor(name);
        let last = house.position(handle);
        let (stored, acknowledged) = before.get(who).copied().unwrap_or((1, 1));
        assert!(
            (stored..=acknowledged).contains(&last.next),
            "{name} resumes at {} but stored {stored} and acknowledged {acknowledged}",
            last.next
        );
        all.push(Consumer {
            handle,
            reader: house.reader(Some(handle)),
            last,
            acknowledged: last.next,
            // opening stores what it found
            stored: last.next,
        });
    }
    all
}

impl Model {
    fn new() -> Self {
        let mut house = opened(&SimulatedDisk::default()).expect("a new log");
        let consumers = consumers(&mut house, &[]);
        Self {
            house,
            entries: BTreeMap::new(),
            maybe: Vec::new(),
            consumers,
            made: 0,
            aside: None,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append(sizes) => self.append(&sizes),
            Step::Read(who, count) => (0..count).for_each(|_| self.read(who)),
            Step::Acknowledge(who) => self.acknowledge(who),
            Step::Persist => self.persist(),
            Step::Expire(who, age) => self.expire(who, age),
            Step::SetAside(who) => self.set_aside(who),
            Step::Close => {
                let closed = self.house.engine.close().is_ok();
                if closed {
                    self.consumers
                        .iter_mut()
                        .for_each(|c| c.stored = c.acknowledged);
                }
                self.reopen(None);
            }
            Step::Crash(seed) => self.reopen(Some(seed)),
            Step::CrashIn(operations) => self.house.disk.crash_in(operations),
            Step::FailSyncs(count) => self.house.disk.fail_syncs(count),
            Step::ShortWrites(on) => self.house.disk.short_writes(on),
            Step::Full(on) => {
                let used = self.house.disk.used();
                self.house.disk.capacity(on.then_some(used + 700));
            }
            Step::Reserve(on) => self.house.disk.no_reserve(!on),
        }
        if self.house.disk.is_off() {
            self.reopen(Some(self.made));
        }
    }

    fn append(&mut self, sizes: &[usize]) {
        let payloads: Vec<Vec<u8>> = sizes
            .iter()
            .map(|&size| {
                self.made += 1;
                let mut payload = self.made.to_le_bytes().to_vec();
                payload.resize(8 + size, self.made as u8);
                payload
            })
            .collect();
        let answers = self.house.append(&payloads);
        for (answer, payload) in answers.into_iter().zip(payloads) {
            match answer {
                Ok(position) => {
                    let sequence = position.sequence();
                    if let Some((&last, _)) = self.entries.last_key_value() {
                        assert!(sequence > last, "{sequence} after {last}");
                    }
                    self.entries.insert(sequence, payload);
                }
                Err(_) => self.maybe.push(payload),
            }
        }
    }

    fn read(&mut self, who: usize) {
        let consumer = &mut self.consumers[who];
        let found = match consumer.reader.read() {
            Ok(found) => found,
            Err(_) if self.house.disk.is_off() => return,
            Err(error) => panic!("{error}"),
        };
        let expected = self.entries.range(consumer.last.next..).next();
        match (found, expected) {
            (Read::End, None) => {}
            (Read::Entry(entry), Some((&sequence, payload))) => {
                assert_eq!(entry.sequence, sequence);
                assert_eq!(&bytes_of(&entry.payload), payload);
                assert_eq!((entry.tag, entry.items), (3, 5));
                assert_eq!(entry.time, time_of(payload));
                consumer.last = entry.position;
            }
            (Read::Lost(_), _) if self.house.disk.is_off() => {}
            (found, expected) => {
                panic!("found {found:?}, expected {:?}", expected.map(|(s, _)| s))
            }
        }
    }

    fn acknowledge(&mut self, who: usize) {
        let consumer = &mut self.consumers[who];
        self.house.acknowledge(consumer.handle, consumer.last);
        consumer.acknowledged = consumer.last.next;
    }

    fn persist(&mut self) {
        if self.house.engine.persist().is_ok() {
            self.consumers
                .iter_mut()
                .for_each(|c| c.stored = c.acknowledged);
        }
    }

    /// The process ends, with the machine or alone, and comes back.
    fn reopen(&mut self, crash: Option<u64>) {
        let mut before: Vec<_> = self
            .consumers
            .drain(..)
            .map(|c| (c.stored, c.acknowledged))
            .collect();
        let disk = self.house.disk.clone();
        // a killed process; the lock ends with it
        let new = House::open(&SimulatedDisk::default(), small()).expect("a new log");
        drop(std::mem::replace(&mut self.house, new));
        if let Some(seed) = crash {
            disk.crash(seed);
        }
        self.house = match opened(&disk) {
            Ok(house) => house,
            // a disk that fails while opening; nothing else stops it
            Err(_) => {
                disk.crash(self.made);
                opened(&disk).expect("a disk without faults")
            }
        };
        let pending = self.aside.take();
        let mut aside = None;
        if let Some((who, owed)) = pending {
            disk.calm();
            let found = self.house.engine.set_aside(NAMES[who], &aside_of(who));
            let next = self.newcomer(who).1.next;
            let was = std::mem::replace(&mut before[who], (next, next));
            aside = Some((who, owed, found, was));
        }
        self.consumers = consumers(&mut self.house, &before);
        self.compare();
        if let Some((who, owed, found, was)) = aside {
            self.check_aside(who, owed, found, was);
        }
    }

    /// Lets go what is old, as much of it as stands in front.
    fn expire(&mut self, who: usize, age: u64) {
        let before = self.made.saturating_sub(age);
        let consumer = &mut self.consumers[who];
        let ahead = self.entries.range(consumer.acknowledged..);
        let old = ahead.take_while(|(_, payload)| time_of(payload) < before);
        let old = old.count() as u64;
        let shared = Arc::clone(&self.house.engine.shared);
        let expired = expire::expire(&shared, consumer.handle, before).expect("a disk that reads");
        assert_eq!(
            (expired.entries, expired.items, expired.lost),
            (old, old * 5, 0)
        );
        let position = self.house.position(consumer.handle);
        consumer.acknowledged = position.next;
        consumer.last = consumer.last.max(position);
    }

    /// A consumer goes, and a new one of its name comes.
    fn set_aside(&mut self, who: usize) {
        let owed = self.house.engine.shared.state.lock().end;
        self.aside = Some((who, owed));
        let (name, path) = (NAMES[who], aside_of(who));
        let mut found = self.house.engine.set_aside(name, &path);
        if self.house.disk.is_off() {
            return;
        }
        self.house.disk.calm();
        if found.is_err() {
            found = self.house.engine.set_aside(name, &path);
        }
        self.aside = None;
        let was = (self.consumers[who].stored, self.consumers[who].acknowledged);
        let (handle, last) = self.newcomer(who);
        self.consumers[who] = Consumer {
            handle,
            reader: self.house.reader(Some(handle)),
            last,
            acknowledged: last.next,
            stored: last.next,
        };
        // the others were stored with it
        self.persist();
        self.check_aside(who, owed, found, was);
    }

    fn newcomer(&mut self, who: usize) -> ((usize, u64), Position) {
        let handle = self.house.cursor_at(NAMES[who], Start::Newest);
        (handle, self.house.position(handle))
    }

    /// The log that was set aside has what its consumer had not passed, and all of it.
    fn check_aside(
        &mut self,
        who: usize,
        owed: u64,
        found: Result<Option<PathBuf>, CursorError>,
        (stored, acknowledged): (u64, u64),
    ) {
        let path = match found {
            Ok(Some(path)) => path,
            Ok(None) | Err(CursorError::Unknown) => {
                assert!(acknowledged >= owed, "the backlog of {who} is nowhere");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let aside = self.house.disk.beside(&path);
        let look = Inspection::open(Arc::new(aside)).expect("it can be read");
        let look = look.expect("a log");
        let cursors = look.cursors().expect("a disk that reads");
        let from = cursors[0].next;
        assert_eq!((cursors.len(), cursors[0].name.as_str()), (1, NAMES[who]));
        // one that was delivered and removed, and that a crash brought back, has
        // nothing left; it may be the answer where nothing is owed
        let came_back = acknowledged >= owed && from == look.next();
        assert!(
            came_back || look.next() >= owed,
            "{} of {owed}",
            look.next()
        );
        assert!(
            came_back || (stored..=acknowledged).contains(&from),
            "{from}, stored {stored}, acknowledged {acknowledged}"
        );
        let mut entries = look.entries_of(NAMES[who]).expect("its cursor");
        for (sequence, payload) in self.entries.range(from..look.next()) {
            let Ok(Read::Entry(entry)) = entries.read() else {
                panic!("entry {sequence} is not in {}", path.display());
            };
            assert_eq!(entry.sequence, *sequence);
            assert_eq!(&bytes_of(&entry.payload), payload);
        }
        assert!(matches!(entries.read(), Ok(Read::End)));
        self.deliver_aside(who, &path);
        let removed = self.house.disk.remove_directory(&path);
        removed.expect("a disk without faults");
    }

    /// Reads the log to its end and stores that, as whoever removes one does before:
    /// a crash can bring back what was removed.
    fn deliver_aside(&self, who: usize, path: &Path) {
        let mut aside = House::open(&self.house.disk.beside(path), small()).expect("a log");
        let handle = aside.cursor(NAMES[who]);
        let mut reader = aside.reader(Some(handle));
        while let Read::Entry(entry) = reader.read().expect("a disk that reads") {
            aside.acknowledge(handle, entry.position);
        }
        aside.engine.persist().expect("a disk without faults");
    }

    /// Everything that any cursor still waits for is there, nothing is invented.
    fn compare(&mut self) {
        let (found, lost) = drain(&mut self.house.reader(None));
        assert_eq!(lost, [], "events: {:?}", self.house.events.lock());
        let found: BTreeMap<_, _> = found.into_iter().collect();
        for (sequence, payload) in &found {
            if let Some(known) = self.entries.get(sequence) {
                assert_eq!(known, payload, "entry {sequence}");
                continue;
            }
            let place = self.maybe.iter().position(|maybe| maybe == payload);
            let place = place.unwrap_or_else(|| panic!("entry {sequence} was invented"));
            self.maybe.remove(place);
            self.entries.insert(*sequence, payload.clone());
        }
        let slowest = self
            .consumers
            .iter()
            .map(|c| c.last.next)
            .min()
            .unwrap_or(1);
        for sequence in self.entries.range(slowest..).map(|(sequence, _)| sequence) {
            assert!(found.contains_key(sequence), "entry {sequence} is lost");
        }
        let next = self.house.engine.shared.state.lock().next;
        if let Some((&last, _)) = self.entries.last_key_value() {
            assert!(
                next > last,
                "numbers start again at {next}, {last} was used"
            );
        }
    }

    /// Without faults, everybody gets everything.
    fn finish(mut self) {
        self.reopen(Some(1));
        for who in 0..NAMES.len() {
            let from = self.consumers[who].last.next;
            for _ in 0..=self.entries.range(from..).count() {
                self.read(who);
            }
            self.acknowledge(who);
        }
        self.persist();
        let segments = self.house.engine.shared.state.lock().segments.len();
        assert!(
            segments <= 1,
            "{segments} segments stay after all is drained"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_answered_is_read_once_in_order_whatever_happens(steps in steps()) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
        }
        model.finish();
    }
}
