//! Broken, cut and missing files: everything else survives, damage is counted.

use proptest::prelude::*;

use super::house::{House, drain, small};
use crate::segments::{first_of, name_of};
use crate::testing::SimulatedDisk;
use crate::{Disk, Event, OpenError, format};

/// What is in the log: entries of about 600 bytes, 6 to a segment.
fn payload(n: u64) -> Vec<u8> {
    let mut payload = n.to_le_bytes().to_vec();
    payload.resize(600, n as u8);
    payload
}

const ENTRIES: u64 = 20;

/// A log that was closed in order, with one cursor at the start.
fn filled() -> SimulatedDisk {
    let mut house = House::open(&SimulatedDisk::default(), small()).expect("a new log");
    house.cursor("one");
    for n in 1..=ENTRIES {
        let answers = house.append(&[payload(n)]);
        assert_eq!(answers[0].as_ref().expect("room").sequence(), n);
    }
    house.close()
}

fn segments(disk: &SimulatedDisk) -> Vec<u64> {
    let names = disk.list().expect("names");
    names.iter().filter_map(|name| first_of(name)).collect()
}

/// Opens, reads everything from the cursor, and checks that each sequence comes
/// once or is accounted for, with what was written.
fn survivors(disk: &SimulatedDisk) -> (Vec<u64>, Vec<(u64, u64)>, Vec<Event>) {
    let mut house = House::open(disk, small()).expect("a log that is damaged opens");
    let cursor = house.cursor("one");
    let (entries, lost) = drain(&mut house.reader(Some(cursor)));
    for (sequence, bytes) in &entries {
        assert_eq!(bytes, &payload(*sequence), "entry {sequence}");
    }
    let covers = |n: u64| lost.iter().any(|&(from, to)| (from..to).contains(&n));
    let found: Vec<u64> = entries.into_iter().map(|(sequence, _)| sequence).collect();
    for n in 1..=ENTRIES {
        assert!(
            found.contains(&n) != covers(n),
            "entry {n}: {found:?}, lost {lost:?}"
        );
    }
    let answers = house.append(&[b"after".to_vec()]);
    let next = answers[0].as_ref().expect("it goes on").sequence();
    assert!(next > ENTRIES, "number {next} was used before");
    let events = house.events.lock().clone();
    (found, lost, events)
}

fn all_but(gone: std::ops::Range<u64>) -> Vec<u64> {
    (1..=ENTRIES).filter(|n| !gone.contains(n)).collect()
}

#[test]
fn nothing_is_lost_without_damage() {
    let (found, lost, events) = survivors(&filled());
    assert_eq!((found, lost, events), (all_but(0..0), vec![], vec![]));
}

#[test]
fn a_flipped_payload_costs_one_entry_wherever_it_is() {
    for n in 1..=ENTRIES {
        let disk = filled();
        let first = segments(&disk)
            .into_iter()
            .rfind(|&first| first <= n)
            .expect("a segment");
        let mut bytes = disk.get(&name_of(first)).expect("its bytes");
        let at = 512 + (n - first) as usize * 648 + 48 + 300;
        bytes[at] ^= 4;
        disk.put(&name_of(first), bytes);
        let (found, lost, _) = survivors(&disk);
        assert_eq!(found, all_but(n..n + 1));
        assert_eq!(lost, [(n, n + 1)]);
    }
}

#[test]
fn a_flipped_entry_header_costs_one_entry_wherever_it_is() {
    for n in 1..=ENTRIES {
        let disk = filled();
        let first = segments(&disk)
            .into_iter()
            .rfind(|&first| first <= n)
            .expect("a segment");
        let mut bytes = disk.get(&name_of(first)).expect("its bytes");
        bytes[512 + (n - first) as usize * 648 + 9] ^= 1;
        disk.put(&name_of(first), bytes);
        let (found, lost, _) = survivors(&disk);
        assert_eq!(found, all_but(n..n + 1));
        assert_eq!(lost, [(n, n + 1)]);
    }
}

#[test]
fn a_flipped_segment_header_costs_the_segment_which_is_set_aside() {
    let disk = filled();
    let all = segments(&disk);
    let (first, next) = (all[1], all[2]);
    let mut bytes = disk.get(&name_of(first)).expect("its bytes");
    bytes[20] ^= 1;
    disk.put(&name_of(first), bytes);
    let (found, lost, events) = survivors(&disk);
    assert_eq!(found, all_but(first..next));
    assert_eq!(lost, [(first, next)]);
    assert!(matches!(&events[0], Event::Quarantined { file, .. } if disk.get(file).is_some()));
    assert_eq!(
        events[1],
        Event::Missing {
            from: first,
            to: next
        }
    );
}

#[test]
fn a_deleted_segment_is_reported_with_its_range() {
    for place in 0..3 {
        let disk = filled();
        let all = segments(&disk);
        let (first, next) = (all[place], all[place + 1]);
        disk.take(&name_of(first));
        let (found, lost, events) = survivors(&disk);
        assert_eq!(found, all_but(first..next));
        assert_eq!(lost, [(first, next)]);
        assert_eq!(
            events,
            [Event::Missing {
                from: first,
                to: next
            }]
        );
    }
}

#[test]
fn without_its_newest_segment_the_log_jumps() {
    let disk = filled();
    let first = *segments(&disk).last().expect("segments");
    disk.take(&name_of(first));
    let (found, lost, events) = survivors(&disk);
    let to = first + format::JUMP;
    assert_eq!(found, all_but(first..ENTRIES + 1));
    assert_eq!(lost, [(first, to)]);
    assert_eq!(events, [Event::Missing { from: first, to }]);
}

#[test]
fn without_any_segment_the_log_jumps() {
    let disk = filled();
    for first in segments(&disk) {
        disk.take(&name_of(first));
    }
    let (found, lost, _) = survivors(&disk);
    assert_eq!((found, lost.len(), lost[0].0), (vec![], 1, 1));
}

#[test]
fn a_segment_cut_anywhere_costs_what_was_cut_off() {
    for place in 0..4 {
        for keep in [0, 10, 63, 64, 511, 512, 530, 600, 1159, 1160, 1161, 1500] {
            let disk = filled();
            let all = segments(&disk);
            let first = all[place];
            let next = all.get(place + 1).copied().unwrap_or(ENTRIES + 1);
            let mut bytes = disk.get(&name_of(first)).expect("its bytes");
            bytes.truncate(keep);
            disk.put(&name_of(first), bytes);
            let whole = keep.saturating_sub(512) as u64 / 648;
            let (found, lost, _) = survivors(&disk);
            assert_eq!(
                found,
                all_but(first + whole..next),
                "segment {place} cut at {keep}"
            );
            assert_eq!(lost[0].0, first + whole);
        }
    }
}

#[test]
fn a_damaged_segment_is_kept_when_it_is_done_with() {
    let disk = filled();
    let mut bytes = disk.get(&name_of(1)).expect("its bytes");
    bytes[700] ^= 1;
    disk.put(&name_of(1), bytes);
    let mut house = House::open(&disk, small()).expect("it opens");
    let cursor = house.cursor("one");
    let mut reader = house.reader(Some(cursor));
    drain(&mut reader);
    let end = crate::Position::through(ENTRIES);
    house.acknowledge(cursor, end);
    house.engine.persist().expect("a disk that writes");
    assert_eq!(disk.get(&name_of(1)), None);
    assert!(disk.get(&format!("{}.quarantined", name_of(1))).is_some());
    assert_eq!(segments(&disk).len(), 1);
}

#[test]
fn a_lost_file_of_cursors_costs_nothing_but_repetition() {
    for damage in [None, Some(3), Some(5000)] {
        let disk = filled();
        match damage {
            None => disk.take("cursors"),
            Some(at) => {
                let mut bytes = disk.get("cursors").expect("its bytes");
                bytes[at] ^= 1;
                bytes.truncate(100_000);
                disk.put("cursors", bytes);
            }
        }
        let (found, lost, events) = survivors(&disk);
        assert_eq!((found, lost), (all_but(0..0), vec![]));
        assert!(events.contains(&Event::CursorsLost));
    }
}

#[test]
fn a_newer_format_is_refused_with_a_sentence_and_left_alone() {
    for name in ["cursors".to_owned(), name_of(1)] {
        let disk = filled();
        let mut bytes = disk.get(&name).expect("its bytes");
        bytes[8] = 9;
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        disk.put(&name, bytes.clone());
        let names = disk.list().expect("names");
        let refused = House::open(&disk, small()).err().expect("refused");
        assert!(matches!(
            refused,
            OpenError::Newer {
                found: 9,
                known: 1,
                ..
            }
        ));
        assert_eq!(
            refused.to_string(),
            format!(
                "{name} has format version 9, this program knows versions up to 1: it was written by a newer \
                 program; start that one, or move the directory away to begin a new log"
            )
        );
        assert_eq!(disk.get(&name), Some(bytes));
        assert_eq!(disk.list().expect("names"), names);
    }
}

#[test]
fn a_segment_of_another_log_is_set_aside() {
    let (disk, other) = (filled(), filled());
    let first = segments(&disk)[1];
    disk.put(
        &name_of(first),
        other.get(&name_of(first)).expect("its bytes"),
    );
    let (_, lost, events) = survivors(&disk);
    assert_eq!(lost, [(first, segments(&filled())[2])]);
    assert!(
        matches!(&events[0], Event::Quarantined { reason, .. } if reason.contains("another log"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// One flipped bit anywhere costs at most the segment that it is in.
    #[test]
    fn any_flipped_bit_is_survived(place in 0..4usize, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let disk = filled();
        let all = segments(&disk);
        let mut bytes = disk.get(&name_of(all[place])).expect("its bytes");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        disk.put(&name_of(all[place]), bytes);
        let (found, _, _) = survivors(&disk);
        let next = all.get(place + 1).copied().unwrap_or(ENTRIES + 1);
        let missing = ENTRIES - found.len() as u64;
        prop_assert!(missing <= next - all[place]);
        if at >= 512 {
            prop_assert!(missing <= 1);
        }
    }

    /// Whatever is in the files, nothing panics and no entry is made up.
    #[test]
    fn arbitrary_bytes_are_survived(
        place in 0..5usize,
        start in 0..4000usize,
        junk in prop::collection::vec(any::<u8>(), 0..3000),
        cut in any::<bool>(),
    ) {
        let disk = filled();
        let mut names: Vec<_> = segments(&disk).into_iter().map(name_of).collect();
        names.push("cursors".to_owned());
        let name = &names[place.min(names.len() - 1)];
        let mut bytes = disk.get(name).expect("its bytes");
        let start = start.min(bytes.len());
        let end = (start + junk.len()).min(bytes.len());
        bytes.splice(start..end, junk);
        if cut {
            bytes.truncate(end);
        }
        disk.put(name, bytes);
        survivors(&disk);
    }

    /// Headers with right checksums and wrong facts: nothing panics, and no
    /// buffer is larger than the file.
    #[test]
    fn entries_that_lie_are_survived(
        length in any::<u32>(),
        sequence in any::<u64>(),
        place in any::<u32>(),
        at in 0..6u64,
        segment in 0..4usize,
    ) {
        let disk = filled();
        let first = segments(&disk)[segment];
        let mut bytes = disk.get(&name_of(first)).expect("its bytes");
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[12..28]);
        let lie = format::EntryHeader { length, sequence, time: 0, tag: 0, items: 0, payload_crc: 0, place };
        let start = 512 + at as usize * 648;
        if start + 48 <= bytes.len() {
            bytes[start..start + 48].copy_from_slice(&lie.encode(crate::LogId(id)));
            disk.put(&name_of(first), bytes);
        }
        let mut house = House::open(&disk, small()).expect("it opens");
        let cursor = house.cursor("one");
        let (entries, _) = drain(&mut house.reader(Some(cursor)));
        for (sequence, bytes) in entries.iter().filter(|(sequence, _)| *sequence <= ENTRIES) {
            prop_assert_eq!(bytes, &payload(*sequence));
        }
    }
}

#[test]
fn the_segment_before_a_missing_one_is_not_set_aside() {
    for gone in [1, 3] {
        let disk = filled();
        let all = segments(&disk);
        disk.take(&name_of(all[gone]));
        let mut house = House::open(&disk, small()).expect("it opens");
        let cursor = house.cursor("one");
        let (_, lost) = drain(&mut house.reader(Some(cursor)));
        assert_eq!(lost.len(), 1);
        house.append(&[b"after".to_vec()]);
        house.acknowledge(cursor, crate::Position::through(lost[0].1.max(ENTRIES + 1)));
        house.engine.persist().expect("a disk that writes");
        let names = disk.list().expect("names");
        let aside = names.iter().filter(|name| name.ends_with(".quarantined"));
        assert_eq!(aside.count(), 0, "segment {gone} of {all:?}: {names:?}");
    }
}

#[test]
fn the_newest_segment_is_set_aside_as_it_was_found() {
    let disk = filled();
    let newest = name_of(*segments(&disk).last().expect("segments"));
    let mut bytes = disk.get(&newest).expect("its bytes");
    // in the middle of its second entry
    bytes.truncate(512 + 648 + 300);
    disk.put(&newest, bytes.clone());
    let mut house = House::open(&disk, small()).expect("it opens");
    let cursor = house.cursor("one");
    let (_, lost) = drain(&mut house.reader(Some(cursor)));
    assert_eq!(lost.len(), 1);
    let answers = house.append(&[b"after".to_vec()]);
    house.acknowledge(cursor, answers[0].clone().expect("room"));
    house.engine.persist().expect("a disk that writes");
    assert_eq!(disk.get(&format!("{newest}.quarantined")), Some(bytes));
}
