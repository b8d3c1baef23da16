//! An exporter on a queue on disk is replaced while data come.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use pipeline::consumer::hand_over;
use pipeline::durable::{Branch, DurableLog};
use pipeline::tail::settings::{RetryOnFailure, SendingQueue, TailSettings};
use pipeline::tail::{Driver, Logs, Tail, TailReport};
use pipeline::{Ack, Batch, Clock, Consumer, Host, Outcome, Refused, Signal};
use settings::ByteSize;
use test_kit::{Answer, RecordingExporter, RecordingSink, Step, logs};
use tokio::time::Instant;
use wal::testing::SimulatedDisk;

const PATIENCE: Duration = Duration::from_secs(60);

fn settings(queue_size: u64) -> TailSettings {
    TailSettings {
        queue: Some(SendingQueue {
            num_consumers: 2,
            queue_size: ByteSize::new(queue_size),
            storage: Some("file_storage".to_owned()),
            block_on_overflow: true,
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

fn open() -> Arc<DurableLog> {
    let disk = Arc::new(SimulatedDisk::default());
    let options = wal::Options {
        segment_bytes: 16 << 10,
        ..wal::Options::default()
    };
    DurableLog::open_with(disk, "logs", Clock::system(), options).expect("opens")
}

async fn start(
    log: &Arc<DurableLog>,
    name: &str,
    exporter: &Arc<RecordingExporter>,
    queue_size: u64,
) -> Tail {
    let driver = Driver::Exporter(exporter.clone());
    let logs = Logs {
        live: Arc::clone(log),
        set_aside: Vec::new(),
    };
    let host = Host::new(usize::MAX);
    let with = settings(queue_size);
    let tail = Tail::start_on_disk(name, Signal::Logs, driver, with, &host, logs).await;
    tail.expect("starts")
}

fn offer(branch: &Branch, body: &str) -> Ack {
    hand_over(branch, Batch::new(logs([body])))
}

async fn outcome(ack: Ack) -> Outcome {
    tokio::time::timeout(PATIENCE, ack.into_future())
        .await
        .expect("an answer")
}

async fn hand_back(tail: Tail) -> TailReport {
    let report = tail.hand_back(Instant::now() + PATIENCE).await;
    assert_eq!(report.unaccounted(), 0, "{report:?}");
    report
}

async fn stop(tail: Tail) -> TailReport {
    let report = tail.stop(Instant::now() + PATIENCE).await;
    assert_eq!(report.unaccounted(), 0, "{report:?}");
    report
}

fn down() -> Arc<RecordingExporter> {
    RecordingExporter::new(std::iter::repeat_n(Answer::Again(None), 1_000_000))
}

#[tokio::test]
async fn a_successor_has_what_waited_and_what_came_in_between_once() {
    let log = open();
    let old = start(&log, "a", &down(), 1000).await;
    let branch = Branch::new(Arc::clone(&log), [&old]);
    for body in ["1", "2", "3"] {
        outcome(offer(&branch, body)).await.expect("taken");
    }
    branch.pause().await;
    let mut held = match offer(&branch, "4") {
        Ack::Waiting(held) => held,
        Ack::Ready(outcome) => panic!("answered during the pause: {outcome:?}"),
    };
    let left = hand_back(old).await;
    assert_eq!((left.accepted, left.sent, left.stored), (3, 0, 3));
    let exporter = RecordingExporter::new([]);
    let new = start(&log, "a", &exporter, 1000).await;
    assert!((&mut held).now_or_never().is_none(), "it waits");
    branch.resume([&new]);
    held.await.expect("taken");
    outcome(offer(&branch, "5")).await.expect("taken");
    let report = stop(new).await;
    assert_eq!((report.found, report.accepted, report.sent), (3, 2, 5));
    let mut bodies = exporter.sent_bodies();
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn an_attempt_under_way_ends_before_the_successor_begins() {
    let log = open();
    let slow = RecordingExporter::gated([]);
    let old = start(&log, "a", &slow, 1000).await;
    let branch = Branch::new(Arc::clone(&log), [&old]);
    outcome(offer(&branch, "1")).await.expect("taken");
    let begun = Instant::now();
    while slow.attempts().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no attempt");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    branch.pause().await;
    slow.let_through(1);
    let left = hand_back(old).await;
    assert_eq!((left.sent, left.stored), (1, 0));
    let exporter = RecordingExporter::new([]);
    let new = start(&log, "a", &exporter, 1000).await;
    branch.resume([&new]);
    stop(new).await;
    assert!(exporter.attempts().is_empty(), "it was sent already");
}

#[tokio::test]
async fn who_waits_for_a_full_queue_is_served_by_its_successor() {
    let log = open();
    let old = start(&log, "a", &down(), 1).await;
    let branch = Branch::new(Arc::clone(&log), [&old]);
    outcome(offer(&branch, "1")).await.expect("taken");
    let mut waiting = match offer(&branch, "2") {
        Ack::Waiting(waiting) => waiting,
        Ack::Ready(outcome) => panic!("the queue is full, and there is an answer: {outcome:?}"),
    };
    assert!((&mut waiting).now_or_never().is_none());
    branch.pause().await;
    hand_back(old).await;
    let exporter = RecordingExporter::new([]);
    let new = start(&log, "a", &exporter, 1).await;
    branch.resume([&new]);
    waiting.await.expect("taken");
    stop(new).await;
    assert_eq!(exporter.sent_bodies().len(), 2);
}

#[tokio::test]
async fn a_newcomer_has_what_comes_from_now_on_and_room_of_its_own() {
    let log = open();
    let (first, second) = (RecordingExporter::new([]), RecordingExporter::new([]));
    let a = start(&log, "a", &first, 1000).await;
    let branch = Branch::new(Arc::clone(&log), [&a]);
    outcome(offer(&branch, "before")).await.expect("taken");
    let admitted = branch.admit(&Batch::new(logs(["across"])).size());
    let room = admitted.expect("there is room");
    branch.pause().await;
    let b = start(&log, "b", &second, 1000).await;
    branch.resume([&a, &b]);
    let across = branch.offer(Batch::new(logs(["across"])), room);
    outcome(across).await.expect("taken");
    let reports = [stop(a).await, stop(b).await];
    assert_eq!(reports.map(|report| report.accepted), [2, 1]);
    assert_eq!(first.sent_bodies(), ["before", "across"]);
    assert_eq!(second.sent_bodies(), ["across"]);
}

#[tokio::test]
async fn without_exporters_nothing_is_admitted_and_what_was_is_kept() {
    let log = open();
    let old = start(&log, "a", &RecordingExporter::new([]), 1000).await;
    let branch = Branch::new(Arc::clone(&log), [&old]);
    let across = Batch::new(logs(["across"]));
    let room = branch.admit(&across.size()).expect("there is room");
    branch.pause().await;
    let held = offer(&branch, "held");
    hand_back(old).await;
    branch.resume([]);
    outcome(held).await.expect("kept");
    outcome(branch.offer(across, room)).await.expect("kept");
    let refused = outcome(offer(&branch, "late")).await;
    assert!(matches!(refused, Err(Refused::Later { .. })), "{refused:?}");
    let exporter = RecordingExporter::new([]);
    let new = start(&log, "a", &exporter, 1000).await;
    assert_eq!(stop(new).await.found, 2);
    assert_eq!(exporter.sent_bodies(), ["held", "across"]);
}

#[tokio::test]
async fn what_landed_unheard_is_not_stored_again_by_the_successor() {
    let log = open();
    let sink = RecordingSink::new(Duration::from_millis(5), usize::MAX, [Step::LandUnheard]);
    let host = Host::new(usize::MAX);
    let start = async || {
        let driver = Driver::Sink(Arc::clone(&sink) as Arc<dyn pipeline::Sink>);
        let logs = Logs {
            live: Arc::clone(&log),
            set_aside: Vec::new(),
        };
        let mut with = settings(1000);
        // the attempt behind the one that landed does not come
        with.retry = Some(RetryOnFailure {
            initial_interval: ::settings::Duration::from_secs(3600),
            ..RetryOnFailure::default()
        });
        let tail = Tail::start_on_disk("lake", Signal::Logs, driver, with, &host, logs).await;
        tail.expect("starts")
    };
    let old = start().await;
    let branch = Branch::new(Arc::clone(&log), [&old]);
    outcome(offer(&branch, "1")).await.expect("taken");
    let begun = Instant::now();
    while sink.commits().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no commit");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    branch.pause().await;
    let left = hand_back(old).await;
    assert_eq!((left.sent, left.stored), (0, 1), "nobody told it");
    sink.forget_staged();
    let new = start().await;
    branch.resume([&new]);
    outcome(offer(&branch, "2")).await.expect("taken");
    stop(new).await;
    let stored: Vec<String> = sink.commits().into_iter().flatten().collect();
    assert_eq!(stored, ["1", "2"]);
}
