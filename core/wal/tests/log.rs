//! The log as its owner sees it, on a real file system.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use wal::{
    Append, AppendError, CursorError, Event, Inspection, Log, OpenError, Options, OsDisk, Position,
    Read, Start,
};

fn open(directory: &Path, options: Options) -> Result<Log, OpenError> {
    let disk = OsDisk::new(directory).expect("a directory");
    Log::open(
        Arc::new(disk),
        options,
        Arc::new(|event: &Event| panic!("{event}")),
    )
}

fn small() -> Options {
    Options {
        segment_bytes: 16 << 10,
        ..Options::default()
    }
}

fn append(text: &str) -> Append {
    Append {
        time: 1,
        tag: 2,
        items: 3,
        payload: text
            .as_bytes()
            .chunks(7)
            .map(Bytes::copy_from_slice)
            .collect(),
    }
}

fn text(payload: &[Bytes]) -> String {
    String::from_utf8(payload.concat()).expect("text")
}

#[test]
fn many_writers_and_two_readers_meet() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path(), small()).expect("a new log");
    let cursors = ["one", "two"].map(|name| log.cursor(name, Start::Oldest).expect("a cursor"));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..50 {
                    let text = format!("{writer} {n} {}", "x".repeat(n * 13));
                    log.append_and_wait(append(&text)).expect("room");
                }
            });
        }
        for cursor in &cursors {
            scope.spawn(move || {
                let mut reader = cursor.reader().expect("a reader");
                let mut next = [0; 4];
                let mut seen = 0;
                while seen < 200 {
                    let Read::Entry(entry) = reader.read().expect("a disk that reads") else {
                        reader.wait(Duration::from_secs(1));
                        continue;
                    };
                    seen += 1;
                    assert_eq!(entry.sequence, seen);
                    let text = text(&entry.payload);
                    let mut words = text.split(' ').map(|word| word.parse::<usize>().ok());
                    let writer = words.next().flatten().expect("a writer");
                    assert_eq!(
                        words.next().flatten(),
                        Some(next[writer]),
                        "order of a writer"
                    );
                    next[writer] += 1;
                    cursor.acknowledge(entry.position).expect("a position");
                }
            });
        }
    });
    let id = log.id();
    log.close();
    let log = open(directory.path(), small()).expect("it opens");
    assert_eq!(log.id(), id);
    assert_eq!(log.status().next, 201);
    assert_eq!(log.status().held, 0);
    assert_eq!(log.status().segments, 1);
    assert!(log.cursors().iter().all(|c| c.behind == 0 && c.bytes == 0));
}

#[test]
fn a_durable_acknowledgement_survives_and_a_removed_cursor_does_not_hold_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path(), small()).expect("a new log");
    let one = log.cursor("one", Start::Oldest).expect("a cursor");
    log.cursor("gone", Start::Oldest).expect("a cursor");
    let mut last = Position::through(0);
    for n in 0..40 {
        last = log
            .append_and_wait(append(&format!("{n} {}", "y".repeat(1000))))
            .expect("room");
    }
    let (sender, receiver) = mpsc::channel();
    one.acknowledge_durably(last, move |stored| {
        sender.send(stored).expect("somebody waits")
    });
    receiver.recv().expect("an answer").expect("stored");
    assert!(log.status().segments > 2, "the other cursor needs them");
    log.remove_cursor("gone").expect("it is there");
    assert_eq!(log.status().segments, 1);
    assert!(matches!(
        log.remove_cursor("gone"),
        Err(CursorError::Unknown)
    ));
    assert_eq!(one.position().expect("its position"), last);
}

#[test]
fn what_a_gone_consumer_left_is_a_log_beside_the_living_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let aside = directory.path().join("set_aside/logs/gone");
    let log = open(&directory.path().join("logs"), small()).expect("a new log");
    let live = log.cursor("live", Start::Oldest).expect("a cursor");
    let gone = log.cursor("gone", Start::Oldest).expect("a cursor");
    let entry = |n: u64| append(&format!("{n} {}", "y".repeat(1000)));
    let mut last = Position::through(0);
    for n in 1..=40 {
        last = log.append_and_wait(entry(n)).expect("room");
        if n == 7 {
            gone.acknowledge(last).expect("a position");
        }
    }
    let backlog = gone.backlog().expect("a disk that reads");
    assert_eq!(
        (backlog.entries, backlog.items, backlog.oldest),
        (33, 99, Some(1))
    );
    let found = log.set_aside("gone", &aside).expect("hard links");
    assert_eq!(found, Some(aside.clone()));
    assert!(matches!(gone.position(), Err(CursorError::Unknown)));
    assert_eq!(log.append_and_wait(entry(41)).expect("room").sequence(), 41);
    live.acknowledge(last).expect("a position");
    let id = log.id();
    let beside = open(&aside, small()).expect("it opens while the other is open");
    assert_eq!((beside.id(), beside.status().next), (id, 41));
    let cursor = beside.cursor("gone", Start::Newest).expect("its cursor");
    let mut reader = cursor.reader().expect("a reader");
    for n in 8..=40 {
        let Ok(Read::Entry(entry)) = reader.read() else {
            panic!("entry {n} is not there");
        };
        assert_eq!(entry.sequence, n);
        assert!(text(&entry.payload).starts_with(&format!("{n} y")));
    }
    assert!(matches!(reader.read(), Ok(Read::End)));
    drop(beside);
    fs::remove_dir_all(&aside).expect("it is done with");
    // positions are stored, and segments go, when appends pause
    let begun = std::time::Instant::now();
    while log.status().segments > 1 {
        assert!(begun.elapsed().as_secs() < 60, "{:?}", log.status());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let again = log.set_aside("gone", &aside);
    assert!(matches!(again, Err(CursorError::Unknown)), "{again:?}");
    log.close();
    let log = open(&directory.path().join("logs"), small()).expect("it opens");
    let live = log.cursor("live", Start::Newest).expect("its cursor");
    let backlog = live.backlog().expect("a disk that reads");
    assert_eq!((backlog.entries, backlog.lost), (1, 0));
}

#[test]
fn a_log_is_looked_at_while_it_is_written_and_nothing_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let look = || Inspection::open(Arc::new(OsDisk::read_only(directory.path())));
    assert!(look().expect("an empty directory").is_none());
    let log = open(directory.path(), small()).expect("a new log");
    let cursor = log.cursor("one", Start::Oldest).expect("a cursor");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..400 {
                let text = "z".repeat(n * 7 % 3000);
                let position = log.append_and_wait(append(&text)).expect("room");
                cursor.acknowledge(position).expect("a position");
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            let seen = look().expect("it can be read").expect("a log");
            assert_eq!(seen.unreadable(), []);
            assert!(!seen.cursors_lost());
            let verified = seen.verify().expect("a disk that reads");
            assert_eq!(
                verified.damage,
                [],
                "beside a process that writes and trims"
            );
            let cursors = seen.cursors().expect("a disk that reads");
            assert_eq!((cursors.len(), cursors[0].backlog.lost), (1, 0));
        }
    });
    let seen = look().expect("it can be read").expect("a log");
    assert_eq!(seen.next(), 401);
    let disk = OsDisk::read_only(directory.path());
    assert!(wal::Disk::lock(&disk).is_err());
    assert!(wal::Disk::create(&disk, "file").is_err());
}

#[test]
fn a_second_process_is_kept_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path(), small()).expect("a new log");
    assert!(matches!(
        open(directory.path(), small()),
        Err(OpenError::Locked)
    ));
    drop(log);
    assert!(open(directory.path(), small()).is_ok());
}

#[test]
fn a_closed_log_refuses_and_wakes_its_readers() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path(), small()).expect("a new log");
    let cursor = log.cursor("one", Start::Newest).expect("a cursor");
    let reader = cursor.reader().expect("a reader");
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    assert_eq!(reader.poll_ready(&mut context), Poll::Pending);
    log.append_and_wait(append("entry")).expect("room");
    assert_eq!(reader.poll_ready(&mut context), Poll::Ready(()));
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    log.close();
    assert!(matches!(
        {
            let (sender, receiver) = mpsc::channel();
            cursor.acknowledge_durably(Position::through(1), move |s| {
                sender.send(s).expect("waits")
            });
            receiver.recv().expect("an answer")
        },
        Err(CursorError::Closed)
    ));
}

#[test]
fn what_is_too_large_is_said_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        max_bytes: Some(8192),
        ..small()
    };
    let log = open(directory.path(), options).expect("a new log");
    let refused = log.append_and_wait(append(&"z".repeat(9000)));
    assert!(
        matches!(refused, Err(AppendError::TooLarge { bytes: 9000, .. })),
        "{refused:?}"
    );
    assert!(log.append_and_wait(append("small")).is_ok());
}

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/version-{version}"))
}

/// What each fixture holds: 12 entries in several segments, a cursor behind the
/// fifth.
fn golden(n: u64) -> String {
    format!("entry {n} {}", "0123456789".repeat(n as usize * 10))
}

#[test]
fn files_of_every_version_open() {
    for version in 1..=wal::FORMAT_VERSION {
        let directory = tempfile::tempdir().expect("a directory");
        for file in fs::read_dir(fixture(version)).expect("a fixture") {
            let file = file.expect("a file");
            fs::copy(file.path(), directory.path().join(file.file_name())).expect("a copy");
        }
        let log = open(directory.path(), small()).expect("it opens");
        assert_eq!(log.id().to_string().len(), 32);
        let cursor = log
            .cursor("exporter/golden", Start::Newest)
            .expect("a cursor");
        assert_eq!(cursor.position().expect("its position").sequence(), 5);
        let mut reader = cursor.reader().expect("a reader");
        for n in 6..=12 {
            let Read::Entry(entry) = reader.read().expect("a disk that reads") else {
                panic!("entry {n} of version {version} is missing");
            };
            assert_eq!(
                (entry.sequence, entry.time, entry.tag, entry.items),
                (n, 1, 2, 3)
            );
            assert_eq!(text(&entry.payload), golden(n));
        }
        assert!(matches!(reader.read(), Ok(Read::End)));
        let next = log.append_and_wait(append("more")).expect("room");
        assert_eq!(next.sequence(), 13);
    }
}

/// Writes the fixture of the current version; run it once when the version
/// changes, and never again for that version.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_fixture() {
    let directory = fixture(wal::FORMAT_VERSION);
    assert!(!directory.exists(), "this version has its fixture");
    let options = Options {
        segment_bytes: 4096,
        ..Options::default()
    };
    let log = open(&directory, options).expect("a new log");
    let cursor = log
        .cursor("exporter/golden", Start::Oldest)
        .expect("a cursor");
    for n in 1..=12 {
        let position = log.append_and_wait(append(&golden(n))).expect("room");
        if n == 5 {
            cursor.acknowledge(position).expect("a position");
        }
    }
    log.close();
    fs::remove_file(directory.join("lock")).expect("the lock is not part of it");
}
