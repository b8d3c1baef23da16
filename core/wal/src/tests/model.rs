//! Random work, faults and crashes against a model that is a map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::house::{House, bytes_of, drain, small};
use crate::testing::SimulatedDisk;
use crate::{Position, Read, Reader};

const NAMES: [&str; 2] = ["exporter/one", "exporter/two"];

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<usize>),
    Read(usize, usize),
    Acknowledge(usize),
    Persist,
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
        let mut house = House::open(&SimulatedDisk::default(), small()).expect("a new log");
        let consumers = consumers(&mut house, &[]);
        Self {
            house,
            entries: BTreeMap::new(),
            maybe: Vec::new(),
            consumers,
            made: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append(sizes) => self.append(&sizes),
            Step::Read(who, count) => (0..count).for_each(|_| self.read(who)),
            Step::Acknowledge(who) => self.acknowledge(who),
            Step::Persist => self.persist(),
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
                assert_eq!((entry.time, entry.tag, entry.items), (7, 3, 5));
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
        let before: Vec<_> = self
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
        self.house = match House::open(&disk, small()) {
            Ok(house) => house,
            // a disk that fails while opening; nothing else stops it
            Err(_) => {
                disk.crash(self.made);
                House::open(&disk, small()).expect("a disk without faults")
            }
        };
        self.consumers = consumers(&mut self.house, &before);
        self.compare();
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
