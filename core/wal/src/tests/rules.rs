//! One rule a test.

use std::io::IoSlice;
use std::sync::Arc;

use super::house::{House, drain, small};
use crate::format::EntryHeader;
use crate::testing::SimulatedDisk;
use crate::{AppendError, Disk, Event, OpenError, Options, Position, backlog, expire};

fn house(options: Options) -> House {
    House::open(&SimulatedDisk::default(), options).expect("a new log")
}

fn reopened(house: House, options: Options) -> House {
    let disk = house.close();
    House::open(&disk, options).expect("it opens")
}

fn names(disk: &SimulatedDisk) -> Vec<String> {
    let mut names = disk.list().expect("names");
    names.retain(|name| name.ends_with(".wal"));
    names
}

#[test]
fn a_group_costs_one_sync() {
    let mut house = house(Options::default());
    house.append(&[vec![1; 100]]);
    let before = house.disk.syncs();
    let group: Vec<_> = (0..500).map(|n| vec![n as u8; 1000]).collect();
    assert!(house.append(&group).iter().all(Result::is_ok));
    assert_eq!(house.disk.syncs(), before + 1);
}

#[test]
fn large_entries_cost_little_more_than_themselves() {
    let mut house = house(Options::default());
    let before = house.disk.written();
    for _ in 0..8 {
        house.append(&[vec![1; 400_000]]);
    }
    let written = house.disk.written() - before;
    assert!(written < 3_200_000 * 11 / 10, "{written} bytes");
}

#[test]
fn after_a_failed_sync_the_waiters_are_refused_and_a_new_segment_begins() {
    let mut house = house(small());
    house.append(&[b"kept".to_vec()]);
    house.disk.fail_syncs(1);
    let refused = house.append(&[b"gone".to_vec(), b"gone too".to_vec()]);
    assert!(
        refused
            .iter()
            .all(|r| matches!(r, Err(AppendError::Failed(_)))),
        "{refused:?}"
    );
    assert_eq!(names(&house.disk).len(), 1);
    let answers = house.append(&[b"next".to_vec()]);
    assert_eq!(answers[0].as_ref().expect("a new file").sequence(), 2);
    assert_eq!(names(&house.disk).len(), 2, "the file is not used again");
    let failed = |e: &Event| matches!(e, Event::SegmentFailed { .. });
    assert_eq!(house.events.lock().iter().filter(|e| failed(e)).count(), 1);
    let house = reopened(house, small());
    let (entries, lost) = drain(&mut house.reader(None));
    assert_eq!(entries, [(1, b"kept".to_vec()), (2, b"next".to_vec())]);
    assert_eq!(lost, []);
}

#[test]
fn a_full_disk_refuses_drains_and_recovers() {
    let mut house = house(small());
    let cursor = house.cursor("one");
    let first = house.append(&[vec![1; 3000]]);
    house.disk.capacity(Some(house.disk.used()));
    let refused = house.append(&[vec![2; 3000]]);
    assert!(
        matches!(refused[0], Err(AppendError::DiskFull(_))),
        "{refused:?}"
    );
    // what is left of the segment can still be used
    assert!(house.append(&[vec![3; 200]])[0].is_ok());
    house.acknowledge(cursor, *first[0].as_ref().expect("room"));
    house.engine.persist().expect("in place");
    let mut house = reopened(house, small());
    let cursor = house.cursor("one");
    assert_eq!(
        house.position(cursor).next,
        2,
        "acknowledged on a full disk"
    );
    let (entries, lost) = drain(&mut house.reader(Some(cursor)));
    assert_eq!((entries, lost), (vec![(2, vec![3; 200])], vec![]));
    house.disk.capacity(None);
    assert!(house.append(&[vec![4; 3000]])[0].is_ok());
}

#[test]
fn the_cap_refuses_until_the_slowest_moves() {
    let options = Options {
        max_bytes: Some(10_000),
        ..small()
    };
    let mut house = house(options);
    let (slow, fast) = (house.cursor("slow"), house.cursor("fast"));
    let answers = house.append(&vec![vec![1; 1000]; 12]);
    let taken: Vec<_> = answers.iter().filter_map(|a| a.as_ref().ok()).collect();
    assert_eq!(taken.len(), 9);
    assert!(
        matches!(
            answers[9],
            Err(AppendError::Full {
                held: 9432,
                limit: 10_000
            })
        ),
        "{:?}",
        answers[9]
    );
    house.acknowledge(fast, *taken[8]);
    assert!(house.append(&[vec![1; 1000]])[0].is_err());
    house.acknowledge(slow, *taken[0]);
    assert!(house.append(&[vec![1; 1000]])[0].is_ok());
    assert!(matches!(
        house.append(&[vec![1; 10_000]])[0],
        Err(AppendError::TooLarge { .. })
    ));
}

#[test]
fn files_go_when_the_slowest_is_past_them() {
    let mut house = house(small());
    let (slow, fast) = (house.cursor("slow"), house.cursor("fast"));
    let answers = house.append(&vec![vec![1; 1000]; 30]);
    let last = *answers[29].as_ref().expect("room");
    assert_eq!(names(&house.disk).len(), 10);
    house.acknowledge(fast, last);
    house.engine.persist().expect("a disk that writes");
    assert_eq!(names(&house.disk).len(), 10, "the slow one needs them");
    house.acknowledge(slow, last);
    house.engine.persist().expect("a disk that writes");
    assert_eq!(names(&house.disk).len(), 1);
    let mut house = reopened(house, small());
    assert_eq!(
        house.append(&[vec![1]])[0]
            .as_ref()
            .expect("room")
            .sequence(),
        31
    );
}

#[test]
fn old_entries_of_one_cursor_expire_and_are_counted() {
    let mut house = house(small());
    let (one, two) = (house.cursor("one"), house.cursor("two"));
    let answers = house.append(&vec![vec![1; 1000]; 10]);
    house.acknowledge(one, *answers[3].as_ref().expect("room"));
    let mut reader = house.reader(Some(two));
    let expired = |house: &House, cursor, before| {
        let expired = expire::expire(&house.engine.shared, cursor, before).expect("reads");
        (expired.entries, expired.items, expired.lost)
    };
    // the house writes 7 as time and 5 items
    assert_eq!(expired(&house, two, 7), (0, 0, 0));
    assert_eq!(expired(&house, two, 8), (10, 50, 0));
    assert_eq!(
        drain(&mut reader),
        (vec![], vec![]),
        "a reader skips what expired"
    );
    house.engine.persist().expect("a disk that writes");
    assert!(names(&house.disk).len() > 1, "the other needs them");
    assert_eq!(expired(&house, one, 8), (6, 30, 0));
    house.engine.persist().expect("a disk that writes");
    assert_eq!(names(&house.disk).len(), 1);
}

#[test]
fn what_is_unreadable_expires_only_in_front_of_what_is_old() {
    let mut house = house(Options {
        cache_bytes: 0,
        ..small()
    });
    let cursor = house.cursor("one");
    house.append(&vec![vec![1; 1000]; 3]);
    let name = names(&house.disk)[0].clone();
    let mut bytes = house.disk.get(&name).expect("its bytes");
    for entry in [1, 2] {
        bytes[512 + entry * 1048 + 9] ^= 1;
    }
    house.disk.put(&name, bytes);
    let shared = Arc::clone(&house.engine.shared);
    let expired = expire::expire(&shared, cursor, 8).expect("reads");
    assert_eq!((expired.entries, expired.lost), (1, 0));
    assert_eq!(
        drain(&mut house.reader(Some(cursor))),
        (vec![], vec![(2, 4)])
    );
    house.append(&vec![vec![1; 3000]; 1]);
    let expired = expire::expire(&shared, cursor, 8).expect("reads");
    assert_eq!((expired.entries, expired.items, expired.lost), (1, 5, 2));
}

#[test]
fn a_backlog_is_counted_by_headers_alone() {
    let mut house = house(Options::default());
    let cursor = house.cursor("one");
    let answers = house.append(&vec![vec![1; 100_000]; 200]);
    house.acknowledge(cursor, *answers[49].as_ref().expect("room"));
    let mut house = reopened(house, Options::default());
    let cursor = house.cursor("one");
    let before = house.disk.read();
    let mut reader = house.reader(Some(cursor));
    let counted = backlog::count(u64::MAX, || reader.skim()).expect("reads");
    assert_eq!(
        (counted.entries, counted.items, counted.bytes),
        (150, 750, 15_000_000)
    );
    assert_eq!((counted.lost, counted.oldest), (0, Some(7)));
    let read = house.disk.read() - before;
    assert!(read <= 150 * 48 + 2 * 4096, "{read} bytes were read");
}

#[test]
fn small_entries_are_counted_in_few_reads_and_damage_is_in_the_count() {
    let mut house = house(Options::default());
    house.cursor("one");
    house.append(&vec![vec![1; 100]; 1000]);
    let disk = house.close();
    let name = names(&disk)[0].clone();
    let mut bytes = disk.get(&name).expect("its bytes");
    bytes[512 + 152 * 10 + 5] ^= 1;
    disk.put(&name, bytes);
    let mut house = House::open(&disk, Options::default()).expect("it opens");
    let cursor = house.cursor("one");
    let mut reader = house.reader(Some(cursor));
    let counted = backlog::count(u64::MAX, || reader.skim()).expect("reads");
    assert_eq!(
        (counted.entries, counted.items, counted.lost),
        (999, 4995, 1)
    );
}

#[test]
fn a_consumer_that_is_ahead_makes_the_log_jump_and_nothing_is_skipped() {
    let mut house = house(small());
    let cursor = house.cursor("one");
    house.append(&[b"before".to_vec()]);
    house.engine.jump(500);
    house.append(&[b"behind".to_vec()]);
    let (entries, lost) = drain(&mut house.reader(Some(cursor)));
    assert_eq!(
        entries,
        [(1, b"before".to_vec()), (500, b"behind".to_vec())]
    );
    assert_eq!(lost, []);
    let house = reopened(house, small());
    let (entries, lost) = drain(&mut house.reader(None));
    assert_eq!((entries.len(), lost), (2, vec![]));
    assert_eq!(house.events.lock().len(), 0);
}

#[test]
fn a_position_beyond_the_end_is_refused() {
    let mut house = house(small());
    let (place, token) = house.cursor("one");
    let mut state = house.engine.shared.state.lock();
    assert!(state.advance(place, token, Position::through(1)).is_err());
    assert!(state.advance(place, token, Position::through(0)).is_ok());
}

#[test]
fn the_cache_is_bounded_and_lets_go_of_what_is_acknowledged() {
    let mut house = house(Options {
        cache_bytes: 2500,
        ..small()
    });
    let cursor = house.cursor("one");
    let answers = house.append(&vec![vec![1; 1000]; 10]);
    assert_eq!(house.engine.shared.state.lock().cached, 2000);
    house.acknowledge(cursor, *answers[9].as_ref().expect("room"));
    assert_eq!(house.engine.shared.state.lock().cached, 0);
}

#[test]
fn a_second_owner_is_kept_out() {
    let house = house(small());
    let refused = House::open(&house.disk, small()).err().expect("refused");
    assert!(matches!(refused, OpenError::Locked));
    let disk = house.close();
    assert!(House::open(&disk, small()).is_ok());
}

#[test]
fn an_entry_larger_than_a_segment_gets_its_own() {
    let mut house = house(small());
    let large = vec![9; 20_000];
    house.append(&[vec![1; 10], large.clone(), vec![2; 10]]);
    let house = reopened(house, small());
    let (entries, lost) = drain(&mut house.reader(None));
    assert_eq!(entries, [(1, vec![1; 10]), (2, large), (3, vec![2; 10])]);
    assert_eq!(lost, []);
}

#[test]
fn a_write_that_was_cut_off_is_repaired_and_nothing_counts_as_lost() {
    let mut house = house(small());
    house.append(&[vec![1; 100]]);
    let disk = house.disk.clone();
    let name = names(&disk)[0].clone();
    let whole = disk.get(&name).expect("its bytes");
    house.append(&[vec![2; 700], vec![3; 700]]);
    let mut torn = disk.get(&name).expect("its bytes");
    drop(house);
    // of the last group, the end reached the disk and the start did not
    torn[512 + 152..512 + 152 + 300].copy_from_slice(&whole[512 + 152..512 + 152 + 300]);
    disk.put(&name, torn);
    let mut house = House::open(&disk, small()).expect("it opens");
    let (entries, lost) = drain(&mut house.reader(None));
    assert_eq!((entries, lost), (vec![(1, vec![1; 100])], vec![]));
    let events = house.events.lock().clone();
    assert!(
        matches!(events[..], [Event::TornTail { offset: 664, .. }]),
        "{events:?}"
    );
    assert_eq!(
        house.append(&[vec![4]])[0]
            .as_ref()
            .expect("room")
            .sequence(),
        2
    );
    let house = reopened(house, small());
    assert_eq!(
        drain(&mut house.reader(None)).0,
        [(1, vec![1; 100]), (2, vec![4])]
    );
}

#[test]
fn opening_reads_headers_only_however_much_waits() {
    let mut house = house(small());
    house.append(&vec![vec![1; 1000]; 300]);
    let disk = house.close();
    let before = disk.syncs();
    let house = House::open(&disk, small()).expect("it opens");
    assert!(disk.syncs() - before <= 3);
    assert_eq!(house.engine.shared.state.lock().segments.len(), 100);
    let shared = Arc::clone(&house.engine.shared);
    assert_eq!(shared.state.lock().cached, 0);
}

/// The process before wrote an entry, saw its sync fail and was killed: memory
/// has it, the disk does not, and the system believes that it does.
#[test]
fn what_only_memory_has_is_stored_before_anybody_reads_it() {
    let mut house = house(small());
    house.append(&[vec![1; 100]]);
    let disk = house.disk.clone();
    let name = names(&disk)[0].clone();
    let header = EntryHeader {
        length: 4,
        sequence: 2,
        time: 0,
        tag: 0,
        items: 0,
        payload_crc: crc32c::crc32c(b"late"),
        place: 0,
    };
    let mut entry = header.encode(house.engine.shared.id).to_vec();
    entry.extend(b"late");
    let file = disk.open(&name).expect("the segment");
    file.write_at(512 + 152, &[IoSlice::new(&entry)])
        .expect("room");
    disk.fail_syncs(1);
    assert!(file.sync_data().is_err());
    drop(house);
    let found = [(1, vec![1; 100]), (2, b"late".to_vec())];
    let house = House::open(&disk, small()).expect("it opens");
    assert_eq!(drain(&mut house.reader(None)).0, found);
    drop(house);
    for seed in 0..20 {
        disk.crash(seed);
        let house = House::open(&disk, small()).expect("it opens");
        assert_eq!(drain(&mut house.reader(None)), (found.to_vec(), vec![]));
    }
}
