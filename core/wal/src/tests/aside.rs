//! What a consumer that is gone had still to read becomes a log of its own.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use super::house::{Entries, House, drain, small};
use crate::format::EntryHeader;
use crate::segments::{first_of, name_of};
use crate::testing::SimulatedDisk;
use crate::{CursorError, Disk, Options};

const ASIDE: &str = "aside/gone";

fn payload(n: u64) -> Vec<u8> {
    let mut payload = n.to_le_bytes().to_vec();
    payload.resize(600, n as u8);
    payload
}

fn entries(range: std::ops::RangeInclusive<u64>) -> Entries {
    range.map(|n| (n, payload(n))).collect()
}

/// 20 entries, 6 to a segment; one cursor has acknowledged nothing and one, which
/// nobody uses any more, `acknowledged`.
fn filled(acknowledged: u64) -> House {
    let mut house = House::open(&SimulatedDisk::default(), small()).expect("a new log");
    house.cursor("live");
    let gone = house.cursor("gone");
    for n in 1..=20 {
        let answers = house.append(&[payload(n)]);
        let position = *answers[0].as_ref().expect("room");
        if n == acknowledged {
            house.acknowledge(gone, position);
        }
    }
    house.engine.persist().expect("a disk that writes");
    house
}

fn set_aside(house: &mut House) -> Result<Option<PathBuf>, CursorError> {
    house.engine.set_aside("gone", Path::new(ASIDE))
}

fn cursors(house: &House) -> Vec<String> {
    let state = house.engine.shared.state.lock();
    let cursors = state.cursors.iter().flatten();
    cursors.map(|cursor| cursor.name.clone()).collect()
}

/// Opens a log that was set aside and reads it to its end.
fn read(disk: &SimulatedDisk, path: &Path) -> Entries {
    let mut house = House::open(&disk.beside(path), small()).expect("it opens");
    assert_eq!(cursors(&house), ["gone"]);
    let cursor = house.cursor("gone");
    let (entries, lost) = drain(&mut house.reader(Some(cursor)));
    assert_eq!(lost, []);
    assert_eq!(house.events.lock().clone(), []);
    entries
}

/// The living log goes on, held back by its own cursor alone.
fn goes_on(mut house: House, next: u64) {
    assert_eq!(cursors(&house), ["live"]);
    let answers = house.append(&[payload(next)]);
    let position = *answers[0].as_ref().expect("room");
    assert_eq!(position.sequence(), next);
    let live = house.cursor("live");
    let (found, lost) = drain(&mut house.reader(Some(live)));
    assert_eq!((found, lost), (entries(1..=next), vec![]));
    house.acknowledge(live, position);
    house.engine.persist().expect("a disk that writes");
    let names = house.disk.list().expect("names");
    let segments: Vec<_> = names.iter().filter_map(|name| first_of(name)).collect();
    assert_eq!(segments.len(), 1, "{names:?}");
}

#[test]
fn what_a_cursor_has_not_passed_becomes_a_log_of_its_own() {
    for acknowledged in [0, 1, 6, 7, 13, 19] {
        let mut house = filled(acknowledged);
        let disk = house.disk.clone();
        let id = house.engine.shared.id;
        let found = set_aside(&mut house).expect("a disk that writes");
        assert_eq!(found.as_deref(), Some(Path::new(ASIDE)));
        goes_on(house, 21);
        assert_eq!(
            read(&disk, Path::new(ASIDE)),
            entries(acknowledged + 1..=20)
        );
        assert_eq!(disk.directories(), [Path::new(ASIDE)]);
        let aside = House::open(&disk.beside(Path::new(ASIDE)), small()).expect("it opens");
        assert_eq!(aside.engine.shared.id, id);
        assert_eq!(aside.engine.shared.state.lock().next, 21);
    }
}

#[test]
fn only_the_segments_that_are_needed_are_linked() {
    let mut house = filled(13);
    let disk = house.disk.beside(Path::new(ASIDE));
    set_aside(&mut house).expect("a disk that writes");
    let names = disk.list().expect("names");
    let segments: Vec<_> = names.iter().filter_map(|name| first_of(name)).collect();
    assert_eq!(segments, [11, 16, 21]);
}

#[test]
fn without_a_backlog_only_the_cursor_goes() {
    let mut house = filled(20);
    assert_eq!(set_aside(&mut house).expect("a disk that writes"), None);
    assert_eq!(house.disk.directories(), [] as [PathBuf; 0]);
    goes_on(house, 21);
}

#[test]
fn an_unknown_cursor_is_refused() {
    let mut house = filled(3);
    let refused = house.engine.set_aside("nobody", Path::new("aside/nobody"));
    assert!(matches!(refused, Err(CursorError::Unknown)), "{refused:?}");
}

#[test]
fn a_log_that_was_set_aside_is_read_in_parts_and_trimmed() {
    let mut house = filled(2);
    set_aside(&mut house).expect("a disk that writes");
    let disk = house.disk.beside(Path::new(ASIDE));
    for upto in [5, 11, 20] {
        let mut aside = House::open(&disk, small()).expect("beside the living log");
        let cursor = aside.cursor("gone");
        let (found, _) = drain(&mut aside.reader(Some(cursor)));
        assert_eq!(found.last().map(|(n, _)| *n), Some(20));
        aside.acknowledge(cursor, crate::Position::through(upto));
        aside.close();
    }
    assert_eq!(read(&house.disk, Path::new(ASIDE)), []);
    let names = disk.list().expect("names");
    assert_eq!(names, [name_of(21), "cursors".to_owned()]);
    goes_on(house, 21);
}

/// Wherever the machine stops, the same call after the restart ends it, and every
/// entry is in the one log or in the other.
#[test]
fn a_crash_at_any_step_loses_nothing() {
    let mut finished = false;
    for operations in 0.. {
        if finished {
            break;
        }
        for seed in 1..12 {
            let mut house = filled(8);
            let disk = house.disk.clone();
            disk.crash_in(operations);
            let answer = set_aside(&mut house);
            finished = !disk.is_off();
            assert_eq!(answer.is_ok(), finished, "{answer:?}");
            drop(house);
            disk.crash(seed);
            let mut house = House::open(&disk, small()).expect("it opens");
            let found = set_aside(&mut house).expect("it ends what was begun");
            assert_eq!(found.as_deref(), Some(Path::new(ASIDE)));
            assert_eq!(disk.directories(), [Path::new(ASIDE)]);
            assert_eq!(read(&disk, Path::new(ASIDE)), entries(9..=20));
            goes_on(house, 21);
        }
    }
}

/// What cannot be stored is refused as a whole, and can be tried again.
#[test]
fn a_disk_that_fails_or_is_full_changes_nothing() {
    for fault in 0..6 {
        let mut house = filled(8);
        match fault {
            0 => house.disk.capacity(Some(house.disk.used() + 1000)),
            fault => house.disk.fail_syncs(fault),
        }
        let refused = set_aside(&mut house);
        assert!(
            matches!(refused, Err(CursorError::SetAside { .. })),
            "{refused:?}"
        );
        assert_eq!(cursors(&house), ["live", "gone"]);
        house.disk.capacity(None);
        house.disk.fail_syncs(0);
        let found = set_aside(&mut house).expect("a disk that writes");
        let disk = house.disk.clone();
        goes_on(house, 21);
        assert_eq!(read(&disk, &found.expect("a backlog")), entries(9..=20));
    }
}

#[test]
fn a_consumer_that_came_back_and_went_again_has_two() {
    let mut house = filled(8);
    set_aside(&mut house).expect("a disk that writes");
    let found = set_aside(&mut house).expect("the same again");
    assert_eq!(found.as_deref(), Some(Path::new(ASIDE)));
    house.cursor("gone");
    let position = crate::Position::through(20);
    let cursor = house.cursor("gone");
    house.acknowledge(cursor, position);
    house.append(&[payload(21), payload(22)]);
    let second = set_aside(&mut house).expect("a disk that writes");
    assert_eq!(second.as_deref(), Some(Path::new("aside/gone~2")));
    let disk = house.disk.clone();
    goes_on(house, 23);
    assert_eq!(read(&disk, Path::new(ASIDE)), entries(9..=20));
    assert_eq!(read(&disk, Path::new("aside/gone~2")), entries(21..=22));
}

#[test]
fn a_directory_of_another_log_is_left_alone() {
    let mut other = filled(1);
    set_aside(&mut other).expect("a disk that writes");
    let there = other.disk.beside(Path::new(ASIDE));
    let mut house = filled(8);
    let copy = house.disk.beside(Path::new(ASIDE));
    house.disk.directory(Path::new(ASIDE)).expect("a directory");
    for name in there.list().expect("names") {
        copy.put(&name, there.get(&name).expect("its bytes"));
    }
    let found = set_aside(&mut house).expect("a disk that writes");
    assert_eq!(found.as_deref(), Some(Path::new("aside/gone~2")));
    assert_eq!(read(&house.disk, Path::new(ASIDE)), entries(2..=20));
    assert_eq!(
        read(&house.disk, Path::new("aside/gone~2")),
        entries(9..=20)
    );
}

/// What a failed write left in the file was refused, and the living log gives its
/// number to another entry: the log that was set aside must not have it.
#[test]
fn what_was_refused_does_not_come_back_in_it() {
    let mut house = filled(8);
    let disk = house.disk.clone();
    house.disk.fail_syncs(1);
    assert!(house.append(&[payload(99)])[0].is_err());
    let name = name_of(16);
    let size = disk.get(&name).expect("its bytes").len() as u64;
    let stray = EntryHeader {
        length: 5,
        sequence: 21,
        time: 7,
        tag: 3,
        items: 5,
        payload_crc: crc32c::crc32c(b"stray"),
        place: 0,
    };
    let mut bytes = stray.encode(house.engine.shared.id).to_vec();
    bytes.extend(b"stray");
    let file = disk.open(&name).expect("the segment");
    file.write_at(size, &[IoSlice::new(&bytes)]).expect("room");
    file.sync_data().expect("a disk that writes");
    set_aside(&mut house).expect("a disk that writes");
    assert_eq!(read(&disk, Path::new(ASIDE)), entries(9..=20));
    goes_on(house, 21);
    assert_eq!(read(&disk, Path::new(ASIDE)), entries(9..=20));
}

#[test]
fn damage_is_told_by_the_log_that_has_it() {
    let mut house = House::open(
        &SimulatedDisk::default(),
        Options {
            cache_bytes: 0,
            ..small()
        },
    )
    .expect("a new log");
    house.cursor("gone");
    house.append(&(1..=12).map(payload).collect::<Vec<_>>());
    let first = name_of(1);
    let mut bytes = house.disk.get(&first).expect("its bytes");
    bytes[512 + 648 + 100] ^= 1;
    house.disk.put(&first, bytes);
    house.disk.take(&name_of(6));
    set_aside(&mut house).expect("a disk that writes");
    let mut aside = House::open(&house.disk.beside(Path::new(ASIDE)), small()).expect("it opens");
    let cursor = aside.cursor("gone");
    let (found, lost) = drain(&mut aside.reader(Some(cursor)));
    let numbers: Vec<_> = found.iter().map(|(n, _)| *n).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 11, 12]);
    assert_eq!(lost, [(2, 3), (6, 11)]);
}
