//! Looking at a log that somebody else has, or nobody.

use std::sync::Arc;

use super::house::{House, bytes_of, small};
use crate::segments::name_of;
use crate::testing::SimulatedDisk;
use crate::{Disk, Entries, Inspection, LostReason, OpenError, Position, Read};

fn payload(n: u64) -> Vec<u8> {
    let mut payload = n.to_le_bytes().to_vec();
    payload.resize(600, n as u8);
    payload
}

/// 20 entries, 6 to a segment (the first ends behind 5), of which "one" has
/// acknowledged 7.
fn filled() -> House {
    let mut house = House::open(&SimulatedDisk::default(), small()).expect("a new log");
    let (one, _two) = (house.cursor("one"), house.cursor("two"));
    house.append(&(1..=20).map(payload).collect::<Vec<_>>());
    house.acknowledge(one, Position::through(7));
    house.engine.persist().expect("a disk that writes");
    house
}

fn look(disk: &SimulatedDisk) -> Inspection {
    let found = Inspection::open(Arc::new(disk.clone())).expect("it can be read");
    found.expect("a log")
}

fn numbers(mut entries: Entries<'_>) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    loop {
        match entries.read().expect("a disk that reads") {
            Read::Entry(entry) => {
                assert_eq!(bytes_of(&entry.payload), payload(entry.sequence));
                found.push(entry.sequence);
            }
            Read::Lost(range) => lost.push((range.from, range.to)),
            Read::End => return (found, lost),
        }
    }
}

fn files(disk: &SimulatedDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let names = disk.list().expect("names");
    names
        .into_iter()
        .map(|n| (n.clone(), disk.get(&n)))
        .collect()
}

#[test]
fn a_log_in_use_is_described_and_left_as_it_is() {
    let mut house = filled();
    let disk = house.disk.clone();
    let (before, syncs) = (files(&disk), disk.syncs());
    let look = look(&disk);
    assert_eq!((look.id(), look.next()), (house.engine.shared.id, 21));
    let segments = look.segments().expect("a disk that reads");
    let ranges: Vec<_> = segments
        .iter()
        .map(|s| (s.file.clone(), s.first, s.end, s.content.entries))
        .collect();
    assert_eq!(
        ranges,
        [
            (name_of(1), 1, 6, 5),
            (name_of(6), 6, 11, 5),
            (name_of(11), 11, 16, 5),
            (name_of(16), 16, 21, 5)
        ]
    );
    assert!(
        segments
            .iter()
            .all(|s| !s.damaged && s.content.bytes == 3000)
    );
    let cursors = look.cursors().expect("a disk that reads");
    let behind: Vec<_> = cursors
        .iter()
        .map(|c| {
            let b = c.backlog;
            (
                c.name.as_str(),
                c.next,
                b.entries,
                b.items,
                b.bytes,
                b.oldest,
            )
        })
        .collect();
    assert_eq!(
        behind,
        [
            ("one", 8, 13, 65, 7800, Some(7)),
            ("two", 1, 20, 100, 12_000, Some(7))
        ]
    );
    let verified = look.verify().expect("a disk that reads");
    assert_eq!((verified.entries, verified.items), (20, 100));
    assert_eq!((verified.bytes, verified.damage), (12_000, vec![]));
    let of = |name| numbers(look.entries_of(name).expect("a cursor"));
    assert_eq!(of("one"), ((8..=20).collect(), vec![]));
    assert_eq!(of("two"), ((1..=20).collect(), vec![]));
    assert!(look.entries_of("three").is_none());
    assert_eq!(numbers(look.entries(15)), ((15..=20).collect(), vec![]));
    assert_eq!((files(&disk), disk.syncs()), (before, syncs));
    assert!(house.append(&[payload(21)])[0].is_ok(), "it goes on");
}

#[test]
fn without_a_log_there_is_nothing_to_see() {
    let disk = SimulatedDisk::default();
    let found = Inspection::open(Arc::new(disk)).expect("it can be read");
    assert!(found.is_none());
}

#[test]
fn a_newer_log_is_refused() {
    let disk = filled().close();
    let mut bytes = disk.get("cursors").expect("its bytes");
    bytes[8] = 9;
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    disk.put("cursors", bytes);
    let refused = Inspection::open(Arc::new(disk)).err();
    assert!(matches!(refused, Some(OpenError::Newer { found: 9, .. })));
}

#[test]
fn damage_is_found_by_range_and_left_as_it_is() {
    let disk = filled().close();
    let mut bytes = disk.get(&name_of(6)).expect("its bytes");
    bytes[512 + 648 + 300] ^= 1; // the payload of 7
    bytes[512 + 3 * 648 + 9] ^= 1; // the header of 9
    disk.put(&name_of(6), bytes);
    let mut bytes = disk.get(&name_of(11)).expect("its bytes");
    bytes[20] ^= 1;
    disk.put(&name_of(11), bytes);
    let before = files(&disk);
    let look = look(&disk);
    let segments = look.segments().expect("a disk that reads");
    let damaged: Vec<_> = segments.iter().map(|s| s.damaged).collect();
    assert_eq!(damaged, [false, true, false], "headers alone");
    let damage = look.verify().expect("a disk that reads").damage;
    let ranges: Vec<_> = damage
        .iter()
        .map(|d| (d.file.clone(), d.from, d.to, d.items, d.reason))
        .collect();
    assert_eq!(
        ranges,
        [
            (Some(name_of(6)), 7, 8, Some(5), LostReason::Payload),
            (Some(name_of(6)), 9, 10, None, LostReason::Header),
            (Some(name_of(6)), 11, 16, None, LostReason::Missing),
        ]
    );
    let unreadable = look.unreadable();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].file, name_of(11));
    assert!(unreadable[0].reason.contains("checksum"), "{unreadable:?}");
    assert!(!look.cursors_lost());
    assert_eq!(files(&disk), before);
}

#[test]
fn lost_cursors_are_told() {
    let disk = filled().close();
    disk.take("cursors");
    let look = look(&disk);
    assert!(look.cursors_lost());
    assert_eq!(look.cursors().expect("a disk that reads"), []);
    assert_eq!(numbers(look.entries(0)).0.len(), 20);
}

/// A write that is under way is neither an entry nor damage, however much of it
/// is there.
#[test]
fn what_is_being_written_is_not_damage() {
    let mut house = filled();
    let disk = house.disk.clone();
    let file = name_of(16);
    let before = disk.get(&file).expect("its bytes");
    house.append(&[vec![9; 100], vec![8; 100]]);
    let after = disk.get(&file).expect("its bytes");
    assert_ne!(before, after, "in the same segment");
    drop(house);
    let start = 512 + 5 * 648;
    for written in start..start + 2 * 152 {
        let mut bytes = before.clone();
        bytes[start..written].copy_from_slice(&after[start..written]);
        disk.put(&file, bytes);
        let look = look(&disk);
        let verified = look.verify().expect("a disk that reads");
        assert_eq!(verified.damage, [], "{written}");
        assert!((20..=22).contains(&verified.entries));
    }
}

/// What the log's process removes after the look is not missing.
#[test]
fn what_is_removed_meanwhile_is_not_damage() {
    let mut house = filled();
    let look = look(&house.disk);
    let (one, two) = (house.cursor("one"), house.cursor("two"));
    house.acknowledge(one, Position::through(12));
    house.acknowledge(two, Position::through(12));
    house.engine.persist().expect("a disk that writes");
    let verified = look.verify().expect("a disk that reads");
    assert_eq!((verified.entries, verified.damage), (10, vec![]));
    assert_eq!(numbers(look.entries(0)), ((11..=20).collect(), vec![]));
}

#[test]
fn a_file_that_was_set_aside_is_listed() {
    let disk = filled().close();
    disk.put(&format!("{}.quarantined", name_of(3)), vec![1, 2, 3]);
    assert_eq!(
        look(&disk).quarantined(),
        [format!("{}.quarantined", name_of(3))]
    );
}
