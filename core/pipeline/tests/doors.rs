//! Two receivers and one exporter that is stuck: neither locks out the other.

use std::sync::Arc;
use std::time::Duration;

use otlp::edit::{Edit, Facts, LogDraft, Touches, Verdict};
use pipeline::tail::settings::{BatchSettings, SendingQueue, Sizer, TailSettings};
use pipeline::tail::{Driver, Tail};
use pipeline::telemetry::ProcessorMetrics;
use pipeline::transform::Chain;
use pipeline::{Ack, Batch, Budget, Host, Outlet, Payload, Refused, Signal};
use test_kit::{RecordingExporter, logs};
use tokio::time::Instant;

/// A receiver: it charges what it reads to its door and hands it over.
struct Door {
    budget: Budget,
    outlet: Outlet,
}

impl Door {
    fn new(host: &Host, doors: usize, outlet: &Outlet) -> Door {
        let budget = host.at_door(doors).budget;
        let outlet = outlet.charged_to(&budget);
        Door { budget, outlet }
    }

    /// Takes a request of one record with a body of `size` bytes.
    fn take(&self, size: usize) -> Result<Ack, &'static str> {
        let body = "x".repeat(size);
        let bytes = logs([&*body]).into_bytes();
        let charge = self.budget.charge(bytes.len()).ok_or("budget")?;
        let payload = Payload::validate(Signal::Logs, charge.attach(bytes)).expect("valid");
        match self.outlet.send(Batch::new(payload)) {
            Ack::Ready(Err(Refused::Later { .. })) => Err("pipeline"),
            ack => Ok(ack),
        }
    }

    /// Takes as many requests as it can get in; returns how many, and what refused the next.
    fn fill(&self, size: usize) -> (usize, &'static str) {
        for taken in 0..100_000 {
            if let Err(full) = self.take(size) {
                return (taken, full);
            }
        }
        panic!("nothing is ever refused");
    }
}

fn settings(queue_size: usize, batch: Option<BatchSettings>) -> TailSettings {
    TailSettings {
        queue: Some(SendingQueue {
            num_consumers: 1,
            queue_size: settings::ByteSize::new(queue_size as u64),
            ..SendingQueue::default()
        }),
        retry: None,
        timeout: None,
        batch,
        ..TailSettings::default()
    }
}

async fn stuck(host: &Host, settings: TailSettings) -> (Tail, Arc<RecordingExporter>, Outlet) {
    let exporter = RecordingExporter::gated([]);
    let tail = Tail::start(
        "stuck",
        Signal::Logs,
        Driver::Exporter(exporter.clone()),
        settings,
        host,
    )
    .await
    .expect("starts");
    let outlet = Outlet::new(tail.consumer());
    (tail, exporter, outlet)
}

async fn drain(host: &Host, tail: Tail, exporter: Arc<RecordingExporter>) {
    exporter.let_through(1 << 20);
    let report = tail.stop(Instant::now() + Duration::from_secs(60)).await;
    assert_eq!(report.unaccounted(), 0);
    drop(exporter);
    assert_eq!(host.budget.used(), 0, "everything is given back");
}

#[tokio::test]
async fn a_sender_that_spends_the_budget_leaves_others_their_part() {
    let host = Host::new(1 << 20);
    let (tail, exporter, outlet) = stuck(&host, settings(100_000, None)).await;
    let (huge, small) = (Door::new(&host, 2, &outlet), Door::new(&host, 2, &outlet));
    let (taken, full) = huge.fill(10_000);
    assert_eq!(full, "budget");
    assert!(taken > 80, "it gets all that nobody is promised: {taken}");
    let (taken, full) = small.fill(500);
    assert_eq!(full, "budget");
    assert!(taken > 200, "an eighth of the budget is its own: {taken}");
    let crumbs = 11_000; // what was too little for the huge one is left over
    assert!(small.budget.held() <= small.budget.guarantee() + crumbs);
    drain(&host, tail, exporter).await;
    assert!(huge.take(10_000).is_err(), "the tail is gone");
}

#[tokio::test]
async fn a_sender_that_fills_the_queue_does_not_keep_others_out() {
    let host = Host::new(1 << 20);
    let (tail, exporter, outlet) = stuck(&host, settings(40, None)).await;
    let (huge, small) = (Door::new(&host, 2, &outlet), Door::new(&host, 2, &outlet));
    let (taken, full) = huge.fill(1000);
    assert_eq!((taken, full), (40, "pipeline"));
    let (taken, full) = small.fill(10);
    assert_eq!((taken, full), (10, "pipeline"), "a quarter more, no more");
    assert_eq!(huge.take(1000).err(), Some("pipeline"));
    drain(&host, tail, exporter).await;
}

#[tokio::test]
async fn a_single_receiver_meets_the_queue_as_it_is_set() {
    let host = Host::new(1 << 20);
    let (tail, exporter, outlet) = stuck(&host, settings(40, None)).await;
    assert_eq!(Door::new(&host, 1, &outlet).fill(10), (40, "pipeline"));
    drain(&host, tail, exporter).await;
}

/// Small requests that a batch copies together are charged as long as it waits.
#[tokio::test]
async fn batches_of_small_requests_stay_charged() {
    let host = Host::new(100_000);
    let batch = BatchSettings {
        timeout: Duration::from_secs(3600),
        min_size: 50,
        max_size: 0,
        sizer: Sizer::Items,
        metadata_keys: Vec::new(),
        metadata_limit: 1000,
    };
    let (tail, exporter, outlet) = stuck(&host, settings(100_000, Some(batch))).await;
    let door = Door::new(&host, 1, &outlet);
    let (taken, full) = door.fill(1000);
    assert_eq!(full, "budget", "after {taken}");
    assert!((80..100).contains(&taken), "{taken} requests of 1 KB");
    drain(&host, tail, exporter).await;
}

/// Makes every record three times as large.
struct Grow;

impl Edit for Grow {
    fn touches(&self) -> Touches {
        Touches {
            logs: true,
            ..Touches::default()
        }
    }

    fn log(&self, _: &Facts<'_>, record: &mut LogDraft<'_, '_>) -> Verdict {
        let long = "y".repeat(2000);
        record.attributes().set("more", otlp::Value::String(&long));
        Verdict::Keep
    }
}

#[tokio::test]
async fn what_transforms_make_is_charged_to_the_door_it_came_in_by() {
    let host = Host::new(100_000);
    let (tail, exporter, outlet) = stuck(&host, settings(100_000, None)).await;
    drop(outlet);
    let chain = Chain::new(
        vec![Box::new(Grow) as Box<dyn pipeline::Transform>],
        tail.consumer(),
        host.clock.clone(),
        ProcessorMetrics::new("grow", Signal::Logs),
    );
    let door = Door::new(&host, 1, &Outlet::new(Arc::new(chain)));
    let (taken, full) = door.fill(1000);
    assert_eq!(full, "budget", "after {taken}");
    assert!((25..35).contains(&taken), "{taken} records of 3 KB");
    assert!(door.budget.held() > 80_000);
    drain(&host, tail, exporter).await;
}
