//! What a queue on disk promises: an answered offer is delivered whatever
//! happens to the process or the machine, and a store holds it once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline::consumer::hand_over;
use pipeline::durable::{Branch, DurableLog};
use pipeline::tail::settings::{BatchSettings, RetryOnFailure, SendingQueue, Sizer, TailSettings};
use pipeline::tail::{Driver, Logs, Tail, TailReport};
use pipeline::{Batch, Clock, Consumer, Host, Outcome, Refused, Signal};
use settings::ByteSize;
use test_kit::{Answer, RecordingExporter, RecordingSink, Step, logs, numbered_logs};
use tokio::time::Instant;
use wal::Disk;
use wal::testing::SimulatedDisk;

const PATIENCE: Duration = Duration::from_secs(60);

fn settings() -> TailSettings {
    TailSettings {
        queue: Some(SendingQueue {
            num_consumers: 2,
            storage: Some("file_storage".to_owned()),
            ..SendingQueue::default()
        }),
        retry: Some(RetryOnFailure {
            initial_interval: ::settings::Duration::from_millis(5),
            max_interval: ::settings::Duration::from_millis(20),
            ..RetryOnFailure::default()
        }),
        timeout: Some(Duration::from_secs(5)),
        ..TailSettings::default()
    }
}

fn batching() -> TailSettings {
    TailSettings {
        batch: Some(BatchSettings {
            timeout: Duration::from_millis(20),
            min_size: 100,
            max_size: 0,
            sizer: Sizer::Items,
            metadata_keys: Vec::new(),
            metadata_limit: 1000,
        }),
        ..settings()
    }
}

/// One pipeline with some exporters on one log.
struct Rig {
    log: Arc<DurableLog>,
    tails: Vec<Tail>,
    branch: Arc<dyn Consumer>,
}

impl Rig {
    async fn start(disk: &SimulatedDisk, drivers: &[(&str, Driver)], with: &TailSettings) -> Rig {
        Rig::start_at(disk, drivers, with, Clock::system()).await
    }

    async fn start_at(
        disk: &SimulatedDisk,
        drivers: &[(&str, Driver)],
        with: &TailSettings,
        clock: Clock,
    ) -> Rig {
        let options = wal::Options {
            segment_bytes: 16 << 10,
            ..wal::Options::default()
        };
        let disk = Arc::new(disk.clone());
        let log = DurableLog::open_with(disk, "logs", clock.clone(), options).expect("opens");
        let mut host = Host::new(usize::MAX);
        host.clock = clock;
        let mut tails = Vec::new();
        for (name, driver) in drivers {
            let driver = match driver {
                Driver::Exporter(exporter) => Driver::Exporter(Arc::clone(exporter)),
                Driver::Sink(sink) => Driver::Sink(Arc::clone(sink)),
            };
            let logs = Logs {
                live: Arc::clone(&log),
                set_aside: Vec::new(),
            };
            let tail =
                Tail::start_on_disk(name, Signal::Logs, driver, with.clone(), &host, logs).await;
            tails.push(tail.expect("starts"));
        }
        let branch = Branch::new(Arc::clone(&log), &tails);
        Rig { log, tails, branch }
    }

    async fn send(&self, bodies: &[&str]) -> Outcome {
        hand_over(&*self.branch, Batch::new(logs(bodies.iter().copied()))).await
    }

    /// An orderly stop: everything is accounted for.
    async fn stop(self, deadline: Duration) -> Vec<TailReport> {
        drop(self.branch);
        let mut reports = Vec::new();
        for tail in self.tails {
            let report = tail.stop(Instant::now() + deadline).await;
            assert_eq!(report.unaccounted(), 0, "{report:?}");
            reports.push(report);
        }
        assert_eq!(Arc::strong_count(&self.log), 1, "nobody holds the log");
        reports
    }
}

/// A process that can end without a last word.
fn process() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("starts")
}

/// The machine loses its power in the middle of everything.
fn power_cut(process: tokio::runtime::Runtime, rig: Rig, disk: &SimulatedDisk, seed: u64) {
    disk.crash(seed);
    drop(process);
    drop(rig);
}

/// A copy of what is on the disk.
fn copy_of(disk: &SimulatedDisk) -> SimulatedDisk {
    let copy = SimulatedDisk::default();
    for name in disk.list().expect("lists") {
        if let Some(bytes) = disk.get(&name) {
            copy.put(&name, bytes);
        }
    }
    copy
}

/// Changes a bit of `text` wherever it stands on the disk.
fn damage(disk: &SimulatedDisk, text: &[u8]) {
    for name in disk.list().expect("lists") {
        let Some(mut bytes) = disk.get(&name) else {
            continue;
        };
        let place = bytes.windows(text.len()).position(|part| part == text);
        if let Some(place) = place {
            bytes[place] ^= 1;
            disk.put(&name, bytes);
        }
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn exporter(answers: impl IntoIterator<Item = Answer>) -> (Arc<RecordingExporter>, Driver) {
    let exporter = RecordingExporter::new(answers);
    (Arc::clone(&exporter), Driver::Exporter(exporter))
}

fn sink(steps: impl IntoIterator<Item = Step>) -> (Arc<RecordingSink>, Driver) {
    let sink = RecordingSink::new(Duration::from_millis(10), usize::MAX, steps);
    (Arc::clone(&sink), Driver::Sink(sink))
}

fn down() -> impl Iterator<Item = Answer> {
    std::iter::repeat_n(Answer::Again(None), 1_000_000)
}

#[tokio::test]
async fn what_was_answered_is_delivered_and_acknowledged() {
    let disk = SimulatedDisk::default();
    let (exporter, driver) = exporter([]);
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    rig.send(&["1", "2"]).await.expect("taken");
    rig.send(&["3"]).await.expect("taken");
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!((report.accepted, report.sent, report.stored), (3, 3, 0));
    let mut bodies = exporter.sent_bodies();
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "2", "3"]);
    // nothing of it comes again
    let (again, driver) = self::exporter([]);
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    assert_eq!(rig.stop(PATIENCE).await[0].found, 0);
    assert!(again.attempts().is_empty());
}

#[test]
fn a_power_cut_loses_nothing_that_was_answered() {
    for seed in 0..20 {
        let disk = SimulatedDisk::default();
        let first = process();
        let rig = first.block_on(async {
            let (_, driver) = exporter(down());
            let rig = Rig::start(&disk, &[("a", driver)], &batching()).await;
            for number in 0..10 {
                rig.send(&[&number.to_string()]).await.expect("taken");
            }
            rig
        });
        power_cut(first, rig, &disk, seed);
        process().block_on(async {
            let (exporter, driver) = exporter([]);
            let rig = Rig::start(&disk, &[("a", driver)], &batching()).await;
            rig.send(&["10"]).await.expect("taken");
            let report = rig.stop(PATIENCE).await.remove(0);
            assert_eq!((report.found, report.sent), (10, 11), "seed {seed}");
            let wanted: Vec<String> = (0..11).map(|number| number.to_string()).collect();
            let mut bodies = exporter.sent_bodies();
            bodies.sort_unstable_by_key(|body| body.parse::<u32>().expect("a number"));
            assert_eq!(bodies, wanted, "seed {seed}");
        });
    }
}

#[test]
fn a_store_has_each_entry_once_over_lost_answers_and_power_cuts() {
    for seed in 0..20 {
        let disk = SimulatedDisk::default();
        let (store, _) = sink([Step::LandUnheard, Step::Fail, Step::LandUnheard, Step::Land]);
        let mut wanted = Vec::new();
        for round in 0..4 {
            let running = process();
            store.forget_staged();
            let driver = Driver::Sink(Arc::clone(&store) as Arc<dyn pipeline::Sink>);
            let rig = running.block_on(async {
                let rig = Rig::start(&disk, &[("lake", driver)], &batching()).await;
                for number in 0..20 {
                    let body = format!("{round}-{number}");
                    rig.send(&[&body]).await.expect("taken");
                    wanted.push(body);
                    if number % 7 == seed % 7 {
                        tokio::time::sleep(Duration::from_millis(seed % 5 * 4)).await;
                    }
                }
                rig
            });
            match round {
                3 => drop(running.block_on(rig.stop(PATIENCE))),
                _ => power_cut(running, rig, &disk, seed * 10 + round),
            }
        }
        // A stop does not wait for a store that fails: the rest is on disk.
        for _ in 0..4 {
            store.forget_staged();
            process().block_on(async {
                let driver = Driver::Sink(Arc::clone(&store) as Arc<dyn pipeline::Sink>);
                let rig = Rig::start(&disk, &[("lake", driver)], &batching()).await;
                rig.stop(PATIENCE).await;
            });
        }
        let stored: Vec<String> = store.commits().into_iter().flatten().collect();
        assert_eq!(stored, wanted, "seed {seed}");
    }
}

#[tokio::test]
async fn a_store_that_fails_at_a_stop_gets_nothing_of_what_stands_behind() {
    let disk = SimulatedDisk::default();
    let store = RecordingSink::new(Duration::from_secs(3600), 1, [Step::Fail]);
    let mut with = settings();
    let retry = with.retry.as_mut().expect("on");
    retry.initial_interval = ::settings::Duration::from_secs(3600);
    let driver = Driver::Sink(Arc::clone(&store) as Arc<dyn pipeline::Sink>);
    let rig = Rig::start(&disk, &[("lake", driver)], &with).await;
    for number in 0..5 {
        rig.send(&[&number.to_string()]).await.expect("taken");
    }
    until("the first commit has failed", || store.attempts() == 1).await;
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!((report.sent, report.stored), (0, 5));
    assert!(
        store.commits().is_empty(),
        "a later commit claims the first entry"
    );
    store.forget_staged();
    let driver = Driver::Sink(Arc::clone(&store) as Arc<dyn pipeline::Sink>);
    let rig = Rig::start(&disk, &[("lake", driver)], &with).await;
    assert_eq!(rig.stop(PATIENCE).await[0].sent, 5);
    assert_eq!(store.commits().concat(), ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn exporters_share_one_log_and_each_gets_everything() {
    let disk = SimulatedDisk::default();
    let ((quick, a), (slow, b)) = (exporter([]), exporter(down()));
    let rig = Rig::start(&disk, &[("quick", a), ("slow", b)], &settings()).await;
    let body = "x".repeat(4000);
    let written = disk.written();
    rig.send(&[&body]).await.expect("taken");
    let once = disk.written() - written;
    until("the quick one has it", || {
        quick.sent_bodies() == [body.as_str()]
    })
    .await;
    let reports = rig.stop(PATIENCE).await;
    assert_eq!((reports[0].sent, reports[0].stored), (1, 0));
    assert_eq!((reports[1].sent, reports[1].stored), (0, 1));
    assert!(slow.sent_bodies().is_empty());
    assert!(once < 2 * 4000, "{once} bytes for an entry of 4000");
    let ((quick, a), (slow, b)) = (exporter([]), exporter([]));
    let rig = Rig::start(&disk, &[("quick", a), ("slow", b)], &settings()).await;
    until("the slow one has it", || {
        slow.sent_bodies() == [body.as_str()]
    })
    .await;
    rig.stop(PATIENCE).await;
    assert!(quick.attempts().is_empty());
}

#[tokio::test]
async fn a_failing_destination_does_not_hold_up_a_stop_and_loses_nothing() {
    let disk = SimulatedDisk::default();
    let (_, driver) = exporter(down());
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    for number in 0..50 {
        rig.send(&[&number.to_string()]).await.expect("taken");
    }
    // an hour: the test would not end if the stop waited for it
    let report = rig.stop(Duration::from_secs(3600)).await.remove(0);
    assert_eq!((report.sent, report.stored), (0, 50));
    assert_eq!(report.dropped, []);
}

#[tokio::test]
async fn the_deadline_of_a_stop_interrupts_a_destination_that_never_answers() {
    let disk = SimulatedDisk::default();
    let (_, driver) = exporter([Answer::Take, Answer::Hang, Answer::Hang, Answer::Hang]);
    let with = TailSettings {
        timeout: None,
        ..settings()
    };
    let rig = Rig::start(&disk, &[("a", driver)], &with).await;
    for number in 0..10 {
        rig.send(&[&number.to_string()]).await.expect("taken");
    }
    let report = rig.stop(Duration::from_millis(50)).await.remove(0);
    assert_eq!(report.sent + report.stored, 10, "{report:?}");
    assert_eq!(report.sent, 1, "{report:?}");
}

#[tokio::test]
async fn what_is_done_behind_an_entry_that_is_not_is_counted_as_sent_again() {
    let disk = SimulatedDisk::default();
    let (seen, driver) = exporter([Answer::Hang, Answer::Take, Answer::Hang]);
    let with = TailSettings {
        timeout: None,
        ..settings()
    };
    let rig = Rig::start(&disk, &[("a", driver)], &with).await;
    for number in 0..5 {
        rig.send(&[&number.to_string()]).await.expect("taken");
        until("an attempt", || seen.attempts().len() > number.min(2)).await;
    }
    let report = rig.stop(Duration::from_millis(50)).await.remove(0);
    assert_eq!((report.sent, report.stored, report.again), (1, 5, 1));
}

#[tokio::test]
async fn retries_have_no_end_on_disk() {
    let disk = SimulatedDisk::default();
    let answers = std::iter::repeat_n(Answer::Again(None), 100);
    let (exporter, driver) = exporter(answers);
    let mut with = settings();
    let retry = with.retry.as_mut().expect("on");
    retry.max_elapsed_time = ::settings::Duration::from_millis(30);
    let rig = Rig::start(&disk, &[("a", driver)], &with).await;
    rig.send(&["1"]).await.expect("taken");
    until("it arrived", || exporter.sent_bodies() == ["1"]).await;
    assert_eq!(rig.stop(PATIENCE).await[0].dropped, []);
}

#[tokio::test]
async fn what_is_too_old_is_given_up_and_counted() {
    let disk = SimulatedDisk::default();
    let clock = Clock::fixed(1_000_000_000_000);
    let (_, driver) = exporter(down());
    let mut with = settings();
    let queue = with.queue.as_mut().expect("on");
    queue.max_age = ::settings::Duration::from_secs(60);
    let rig = Rig::start_at(&disk, &[("a", driver)], &with, clock.clone()).await;
    rig.send(&["old", "old too"]).await.expect("taken");
    clock.set(1_000_000_000_000 + 61_000_000_000);
    rig.send(&["new"]).await.expect("taken");
    let stopped = rig.stop(PATIENCE).await.remove(0);
    let (exporter, driver) = exporter([]);
    let rig = Rig::start_at(&disk, &[("a", driver)], &with, clock).await;
    until("the new one arrived", || exporter.sent_bodies() == ["new"]).await;
    let report = rig.stop(PATIENCE).await.remove(0);
    let expired = |report: &TailReport| report.dropped.first().map_or(0, |(_, items)| *items);
    assert_eq!(expired(&stopped) + expired(&report), 2);
}

#[tokio::test]
async fn refused_records_are_dropped_by_reason_and_do_not_come_again() {
    let disk = SimulatedDisk::default();
    let (_, driver) = exporter([Answer::Refuse]);
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    rig.send(&["1", "2"]).await.expect("taken");
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!(report.dropped, [("refused".to_owned(), 2)]);
    assert_eq!(report.stored, 0);
}

#[tokio::test]
async fn a_full_queue_refuses_and_takes_again_when_there_is_room() {
    let disk = SimulatedDisk::default();
    let gated = RecordingExporter::gated([]);
    let mut with = settings();
    let queue = with.queue.as_mut().expect("on");
    queue.queue_size = ByteSize::new(3);
    queue.sizer = Sizer::Requests;
    let driver = Driver::Exporter(Arc::clone(&gated) as Arc<dyn pipeline::Exporter>);
    let rig = Rig::start(&disk, &[("a", driver)], &with).await;
    for body in ["1", "2", "3"] {
        rig.send(&[body]).await.expect("taken");
    }
    let refused = rig.send(&["4"]).await.expect_err("full");
    assert!(
        matches!(refused, Refused::Later { after: Some(_), .. }),
        "{refused}"
    );
    gated.let_through(10);
    until("all arrived", || gated.sent_bodies().len() == 3).await;
    until("there is room", || {
        rig.branch.admit(&Batch::new(logs(["4"])).size()).is_ok()
    })
    .await;
    rig.send(&["4"]).await.expect("taken");
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!((report.accepted, report.sent), (4, 4));
}

#[tokio::test]
async fn a_queue_that_was_full_at_the_stop_is_full_at_the_start() {
    let disk = SimulatedDisk::default();
    let mut with = settings();
    let queue = with.queue.as_mut().expect("on");
    queue.queue_size = ByteSize::new(2);
    queue.sizer = Sizer::Requests;
    let (_, driver) = exporter(down());
    let rig = Rig::start(&disk, &[("a", driver)], &with).await;
    rig.send(&["1"]).await.expect("taken");
    rig.send(&["2"]).await.expect("taken");
    rig.stop(PATIENCE).await;
    let (_, driver) = exporter(down());
    let rig = Rig::start(&disk, &[("a", driver)], &with).await;
    rig.send(&["3"]).await.expect_err("full");
    assert_eq!(rig.stop(PATIENCE).await[0].stored, 2);
}

#[tokio::test]
async fn a_disk_without_room_refuses_and_recovers() {
    let disk = SimulatedDisk::default();
    let (exporter, driver) = exporter([]);
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    rig.send(&["1"]).await.expect("taken");
    disk.capacity(Some(0));
    disk.no_reserve(true);
    let big = "x".repeat(1 << 20);
    let refused = rig.send(&[&big]).await.expect_err("no room");
    assert!(
        matches!(refused, Refused::Later { after: Some(_), .. }),
        "{refused}"
    );
    disk.capacity(None);
    until("it admits again", || {
        rig.branch.admit(&Batch::new(logs(["2"])).size()).is_ok()
    })
    .await;
    rig.send(&["2"]).await.expect("taken");
    rig.stop(PATIENCE).await;
    assert_eq!(exporter.sent_bodies(), ["1", "2"]);
}

#[tokio::test]
async fn a_backlog_larger_than_memory_is_read_in_order_and_bounded() {
    let disk = SimulatedDisk::default();
    let (_, driver) = exporter(down());
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    let padding = "y".repeat(1 << 20);
    for _ in 0..40 {
        rig.send(&[&padding]).await.expect("taken");
    }
    rig.stop(PATIENCE).await;
    let gated = RecordingExporter::gated([]);
    let driver = Driver::Exporter(Arc::clone(&gated) as Arc<dyn pipeline::Exporter>);
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    let before = disk.read();
    until("it reads", || disk.read() > before).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ahead = disk.read() - before;
    assert!(
        ahead < 24 << 20,
        "{ahead} bytes were read ahead of an exporter that waits"
    );
    gated.let_through(100);
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!((report.found, report.sent), (40, 40));
}

#[tokio::test]
async fn a_panic_of_a_read_repeats_the_read_and_loses_nothing() {
    let disk = SimulatedDisk::default();
    let (_, driver) = exporter(down());
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    let padding = "y".repeat(1 << 20);
    let bodies: Vec<String> = (100..140).map(|n| format!("{n} {padding}")).collect();
    for body in &bodies {
        rig.send(&[body]).await.expect("taken");
    }
    rig.stop(PATIENCE).await;
    let gated = RecordingExporter::gated([]);
    let driver = Driver::Exporter(Arc::clone(&gated) as Arc<dyn pipeline::Exporter>);
    let before = disk.read();
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    until("its window is full", || disk.read() - before > 16 << 20).await;
    disk.panic_at_reads(1);
    gated.let_through(100);
    until("a read panics", || disk.panics_left() == 0).await;
    until("everything is sent", || gated.sent_bodies().len() == 40).await;
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!((report.found, report.sent), (40, 40));
    let mut sent = gated.sent_bodies();
    sent.sort_unstable();
    assert!(sent == bodies, "each once");
}

#[tokio::test]
async fn a_store_ahead_of_its_log_skips_nothing_new() {
    let (store, driver) = sink([]);
    let old = SimulatedDisk::default();
    let rig = Rig::start(&old, &[("lake", driver)], &settings()).await;
    rig.send(&["1"]).await.expect("taken");
    rig.stop(PATIENCE).await;
    // a copy of the directory is restored after the store went on
    let copy = copy_of(&old);
    let driver = Driver::Sink(Arc::clone(&store) as Arc<dyn pipeline::Sink>);
    let rig = Rig::start(&old, &[("lake", driver)], &settings()).await;
    rig.send(&["2"]).await.expect("taken");
    rig.send(&["3"]).await.expect("taken");
    rig.stop(PATIENCE).await;
    let driver = Driver::Sink(Arc::clone(&store) as Arc<dyn pipeline::Sink>);
    let rig = Rig::start(&copy, &[("lake", driver)], &settings()).await;
    rig.send(&["4"]).await.expect("taken");
    rig.stop(PATIENCE).await;
    let stored: Vec<String> = store.commits().into_iter().flatten().collect();
    assert_eq!(stored, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_damaged_entry_costs_itself_and_is_counted() {
    let disk = SimulatedDisk::default();
    let (_, driver) = exporter(down());
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    for body in ["1", "2 damaged", "3"] {
        rig.send(&[body]).await.expect("taken");
    }
    rig.stop(PATIENCE).await;
    damage(&disk, b"2 damaged");
    let (exporter, driver) = exporter([]);
    let rig = Rig::start(&disk, &[("a", driver)], &settings()).await;
    until("the others arrive", || exporter.sent_bodies().len() == 2).await;
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!(report.dropped, [("damaged".to_owned(), 1)]);
    let mut bodies = exporter.sent_bodies();
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "3"]);
}

#[tokio::test]
async fn many_senders_at_once_are_all_delivered_once() {
    let disk = SimulatedDisk::default();
    let (exporter, driver) = exporter([]);
    let rig = Rig::start(&disk, &[("a", driver)], &batching()).await;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..16 {
        let branch = Arc::clone(&rig.branch);
        senders.spawn(async move {
            for request in 0..50 {
                let first = (sender * 50 + request) * 10;
                let batch = Batch::new(numbered_logs(first..first + 10));
                hand_over(&*branch, batch).await.expect("taken");
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.expect("no sender failed");
    }
    let report = rig.stop(PATIENCE).await.remove(0);
    assert_eq!((report.accepted, report.sent), (8000, 8000));
    let mut times = BTreeMap::new();
    for body in exporter.sent_bodies() {
        *times.entry(body).or_insert(0) += 1;
    }
    assert_eq!(times.len(), 8000);
    assert!(times.values().all(|times| *times == 1));
}
