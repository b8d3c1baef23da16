//! What a tail promises: nothing is lost, nothing is sent twice without cause,
//! everything is accounted for.

use std::sync::Arc;
use std::time::Duration;

use pipeline::consumer::hand_over;
use pipeline::tail::settings::{BatchSettings, RetryOnFailure, SendingQueue, Sizer, TailSettings};
use pipeline::tail::{Driver, Tail, TailReport};
use pipeline::{Ack, Batch, Client, Consumer, Host, Outcome, Refused, Signal};
use settings::ByteSize;
use test_kit::{Answer, RecordingExporter, RecordingSink, Step, logs, numbered_logs};
use tokio::time::Instant;

fn settings() -> TailSettings {
    TailSettings {
        queue: Some(SendingQueue {
            num_consumers: 2,
            ..SendingQueue::default()
        }),
        retry: Some(RetryOnFailure {
            randomization_factor: 0.0,
            ..RetryOnFailure::default()
        }),
        timeout: Some(Duration::from_secs(5)),
        ..TailSettings::default()
    }
}

fn batching(min_size: usize, max_size: usize, timeout: Duration) -> Option<BatchSettings> {
    Some(BatchSettings {
        timeout,
        min_size,
        max_size,
        sizer: Sizer::Items,
        metadata_keys: Vec::new(),
        metadata_limit: 1000,
    })
}

async fn start(driver: Driver, settings: TailSettings) -> (Tail, Arc<dyn Consumer>) {
    let host = Host::new(usize::MAX);
    let tail = Tail::start("test", Signal::Logs, driver, settings, &host)
        .await
        .expect("starts");
    let consumer = tail.consumer();
    (tail, consumer)
}

fn is_ready(ack: &Ack) -> bool {
    matches!(ack, Ack::Ready(_))
}

async fn stop(tail: Tail) -> TailReport {
    let report = tail.stop(Instant::now() + Duration::from_secs(3600)).await;
    assert_eq!(report.unaccounted(), 0, "{report:?}");
    report
}

fn send(consumer: &Arc<dyn Consumer>, bodies: &[&str]) -> Ack {
    hand_over(&**consumer, Batch::new(logs(bodies.iter().copied())))
}

async fn refusal(ack: Ack) -> Refused {
    ack.await.expect_err("should be refused")
}

#[tokio::test(start_paused = true)]
async fn an_offer_is_answered_at_once_and_delivered() {
    let exporter = RecordingExporter::new([]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    let ack = send(&consumer, &["a", "b"]);
    assert!(is_ready(&ack));
    ack.await.expect("taken");
    tail.flush().await;
    assert_eq!(exporter.sent_bodies(), ["a", "b"]);
    assert_eq!(stop(tail).await.sent, 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_destination_did_not_take_is_sent_again_and_nothing_else() {
    let exporter = RecordingExporter::new([Answer::Again(None), Answer::TakeFirst(1)]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    send(&consumer, &["a", "b", "c"]).await.expect("taken");
    tail.flush().await;
    assert_eq!(exporter.sent_bodies(), ["a", "b", "c"]);
    let attempts: Vec<usize> = exporter
        .attempts()
        .iter()
        .map(|batch| batch.payload.items())
        .collect();
    assert_eq!(attempts, [3, 3, 2]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_asks_to_wait_is_given_the_time() {
    let exporter = RecordingExporter::new([Answer::Again(Some(Duration::from_secs(90)))]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    let begun = Instant::now();
    send(&consumer, &["a"]).await.expect("taken");
    tail.flush().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(90));
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_counted_by_reason() {
    let endless = std::iter::repeat_n(Answer::Again(None), 1000);
    let exporter = RecordingExporter::new(endless);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    send(&consumer, &["a", "b"]).await.expect("taken");
    tail.flush().await;
    let report = stop(tail).await;
    assert_eq!(report.dropped, [("retry_time_exhausted".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn refused_records_are_not_tried_again() {
    let exporter = RecordingExporter::new([Answer::Refuse]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    send(&consumer, &["a"]).await.expect("taken by the queue");
    tail.flush().await;
    assert_eq!(exporter.attempts().len(), 1);
    assert_eq!(stop(tail).await.dropped, [("refused".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_exporter_costs_its_batch_and_is_counted() {
    let exporter = RecordingExporter::new([Answer::Panic]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    send(&consumer, &["a"]).await.expect("taken by the queue");
    send(&consumer, &["b"]).await.expect("taken by the queue");
    tail.flush().await;
    assert_eq!(exporter.sent_bodies(), ["b"]);
    assert_eq!(stop(tail).await.dropped, [("refused".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_ends_with_the_timeout() {
    let exporter = RecordingExporter::new([Answer::Hang]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    send(&consumer, &["a"]).await.expect("taken");
    tail.flush().await;
    assert_eq!(exporter.sent_bodies(), ["a"]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn small_requests_are_joined_and_large_ones_split() {
    let exporter = RecordingExporter::new([]);
    let settings = TailSettings {
        batch: batching(4, 5, Duration::from_secs(1)),
        ..settings()
    };
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    for number in 0..3 {
        hand_over(&*consumer, Batch::new(numbered_logs(number..number + 1)))
            .await
            .expect("taken");
    }
    hand_over(&*consumer, Batch::new(numbered_logs(3..12)))
        .await
        .expect("taken");
    tail.flush().await;
    assert_eq!(exporter.sent_sizes(), [5, 5, 2]);
    let expected: Vec<String> = (0..12).map(|number: i32| number.to_string()).collect();
    assert_eq!(exporter.sent_bodies(), expected);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn an_open_batch_leaves_when_its_time_is_up() {
    let exporter = RecordingExporter::new([]);
    let settings = TailSettings {
        batch: batching(1000, 0, Duration::from_secs(1)),
        ..settings()
    };
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    send(&consumer, &["a"]).await.expect("taken");
    tokio::time::sleep(Duration::from_millis(999)).await;
    assert!(exporter.attempts().is_empty());
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(exporter.sent_bodies(), ["a"]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn every_open_batch_leaves_in_its_own_time() {
    let exporter = RecordingExporter::new([]);
    let mut batch = batching(1000, 0, Duration::from_secs(1)).expect("batches");
    batch.metadata_keys = vec!["tenant".to_owned()];
    let settings = TailSettings {
        batch: Some(batch),
        ..settings()
    };
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    let send = async |tenant: &str, body: &str| {
        let metadata = [("tenant".to_owned(), vec![tenant.to_owned()])].into();
        let client = Client {
            metadata,
            ..Client::default()
        };
        let batch = Batch {
            client: Some(Arc::new(client)),
            ..Batch::new(logs([body]))
        };
        hand_over(&*consumer, batch).await.expect("taken");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    send("x", "a").await;
    send("y", "b").await; // another batch, while one is open
    send("x", "c").await; // joins the first
    assert!(exporter.attempts().is_empty());
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert_eq!(exporter.sent_bodies(), ["a", "c"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(exporter.sent_bodies(), ["a", "c", "b"]);
    send("y", "d").await; // the first again, after none was open
    tokio::time::sleep(Duration::from_millis(701)).await;
    assert_eq!(exporter.sent_bodies(), ["a", "c", "b", "d"]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_for_a_while_and_takes_again_later() {
    let exporter = RecordingExporter::gated([]);
    let mut settings = settings();
    settings.queue = Some(SendingQueue {
        queue_size: ByteSize::new(3),
        sizer: Sizer::Items,
        ..SendingQueue::default()
    });
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    send(&consumer, &["a", "b"]).await.expect("taken");
    let refused = refusal(send(&consumer, &["c", "d"])).await;
    assert!(
        matches!(refused, Refused::Later { after: Some(_), .. }),
        "{refused:?}"
    );
    send(&consumer, &["e"]).await.expect("fits");
    exporter.let_through(2);
    tail.flush().await;
    send(&consumer, &["f", "g", "h"])
        .await
        .expect("there is room again");
    exporter.let_through(1);
    tail.flush().await;
    assert_eq!(exporter.sent_bodies(), ["a", "b", "e", "f", "g", "h"]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_queue_is_refused_for_good() {
    let mut settings = settings();
    settings.queue = Some(SendingQueue {
        queue_size: ByteSize::new(3),
        sizer: Sizer::Items,
        ..SendingQueue::default()
    });
    let (tail, consumer) = start(Driver::Exporter(RecordingExporter::new([])), settings).await;
    let refused = refusal(send(&consumer, &["a", "b", "c", "d"])).await;
    assert!(!refused.is_retryable());
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn block_on_overflow_makes_callers_wait_and_loses_nothing_when_they_leave() {
    let exporter = RecordingExporter::gated([]);
    let mut settings = settings();
    settings.queue = Some(SendingQueue {
        queue_size: ByteSize::new(1),
        block_on_overflow: true,
        ..SendingQueue::default()
    });
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    assert!(is_ready(&send(&consumer, &["a"])));
    let waiting = send(&consumer, &["b"]);
    assert!(!is_ready(&waiting));
    drop(send(&consumer, &["c"]));
    exporter.let_through(3);
    waiting.await.expect("taken in the end");
    tokio::time::sleep(Duration::from_secs(1)).await;
    tail.flush().await;
    let mut sent = exporter.sent_bodies();
    sent.sort();
    assert_eq!(sent, ["a", "b", "c"]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_callers_get_the_answer_of_the_destination() {
    let exporter = RecordingExporter::new([Answer::Again(None), Answer::Take, Answer::Refuse]);
    let settings = TailSettings {
        queue: None,
        ..settings()
    };
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    let begun = Instant::now();
    send(&consumer, &["a"])
        .await
        .expect("taken at the second attempt");
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert!(!refusal(send(&consumer, &["b"])).await.is_retryable());
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn batching_without_a_queue_holds_its_callers() {
    let exporter = RecordingExporter::new([]);
    let settings = TailSettings {
        queue: None,
        batch: batching(2, 0, Duration::from_secs(1)),
        ..settings()
    };
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    let first = send(&consumer, &["a"]);
    assert!(!is_ready(&first));
    let second = send(&consumer, &["b"]);
    let (first, second): (Outcome, Outcome) = tokio::join!(first, second);
    first.and(second).expect("both taken");
    assert_eq!(exporter.sent_sizes(), [2]);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_delivers_what_it_can_and_reports_the_rest() {
    let exporter = RecordingExporter::gated([]);
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings()).await;
    for number in 0..5 {
        hand_over(&*consumer, Batch::new(numbered_logs(number..number + 1)))
            .await
            .expect("taken");
    }
    exporter.let_through(2);
    let report = tail.stop(Instant::now() + Duration::from_secs(3)).await;
    assert_eq!(report.unaccounted(), 0);
    assert_eq!((report.accepted, report.sent), (5, 2));
    assert_eq!(report.dropped, [("shutdown".to_owned(), 3)]);
    assert!(refusal(send(&consumer, &["late"])).await.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_sink_commits_by_time_and_by_size() {
    let sink = RecordingSink::new(Duration::from_secs(10), 400, []);
    let (tail, consumer) = start(Driver::Sink(sink.clone()), settings()).await;
    send(&consumer, &["a"]).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(sink.commits().is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(sink.commits(), [["a"]]);
    send(&consumer, &["x".repeat(500).as_str()])
        .await
        .expect("taken");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(sink.commits().len(), 2);
    stop(tail).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_repeated_until_it_lands_and_lands_once() {
    let sink = RecordingSink::new(
        Duration::from_secs(1),
        1 << 20,
        [Step::Fail, Step::LandUnheard, Step::Fail],
    );
    let (tail, consumer) = start(Driver::Sink(sink.clone()), settings()).await;
    send(&consumer, &["a", "b"]).await.expect("taken");
    tail.flush().await;
    assert_eq!(sink.commits(), [["a", "b"]]);
    let report = stop(tail).await;
    assert_eq!((report.accepted, report.sent), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_stays_away_until_the_deadline_is_reported() {
    let sink = RecordingSink::new(
        Duration::from_secs(1),
        1 << 20,
        std::iter::repeat_n(Step::Fail, 1000),
    );
    let (tail, consumer) = start(Driver::Sink(sink.clone()), settings()).await;
    send(&consumer, &["a", "b"]).await.expect("taken");
    let report = tail.stop(Instant::now() + Duration::from_secs(60)).await;
    assert_eq!(report.unaccounted(), 0, "{report:?}");
    assert_eq!(report.dropped, [("shutdown".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_never_answers_does_not_hold_a_shutdown() {
    let sink = RecordingSink::new(Duration::from_secs(1), 1 << 20, [Step::Hang]);
    let (tail, consumer) = start(Driver::Sink(sink.clone()), settings()).await;
    send(&consumer, &["a"]).await.expect("taken");
    let begun = Instant::now();
    let report = tail.stop(begun + Duration::from_secs(5)).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(report.dropped, [("shutdown".to_owned(), 1)]);
    assert_eq!(report.unaccounted(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_queue_was_closed_stays_with_its_caller() {
    let exporter = RecordingExporter::gated([]);
    let mut settings = settings();
    settings.queue = Some(SendingQueue {
        queue_size: ByteSize::new(1),
        block_on_overflow: true,
        ..SendingQueue::default()
    });
    let (tail, consumer) = start(Driver::Exporter(exporter.clone()), settings).await;
    send(&consumer, &["a"]).await.expect("taken");
    let waiting = send(&consumer, &["b"]);
    let late = Batch::new(logs(["c"]));
    let room = consumer
        .admit(&late.size())
        .expect("a place in the waiting list");
    let report = tail.stop(Instant::now() + Duration::from_secs(3)).await;
    assert_eq!(report.unaccounted(), 0, "{report:?}");
    assert_eq!(report.accepted, 1);
    assert!(refusal(waiting).await.is_retryable());
    assert!(refusal(consumer.offer(late, room)).await.is_retryable());
}
