//! Nanoseconds of CPU a record of the jobs on the hot path, for a machine that is too busy for `cargo bench`: CPU
//! of this process, jobs in turn, medians.
//!
//! `records --rounds 9`

use std::hint::black_box;

use benches::arguments::Arguments;
use benches::input;
use benches::{Failure, cpu};
use bytes::Bytes;
use otlp::edit::{Edit, Facts, LogDraft, Scratch, Touches, Verdict, run};
use otlp::write::{LogWriter, LogsWriter};
use otlp::{Payload, Signal, Value, count_items};
use semconv::ToOtel;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORDS: usize = 1000;
/// CPU of one measurement; steps of the clock are 10 ms.
const ENOUGH: f64 = 0.3;

/// Three renames.
struct Rename;

impl Edit for Rename {
    fn touches(&self) -> Touches {
        Touches {
            logs: true,
            ..Touches::default()
        }
    }

    fn log(&self, _: &Facts<'_>, log: &mut LogDraft<'_, '_>) -> Verdict {
        let mut attributes = log.attributes();
        attributes.rename("http.request.method", "http.method");
        attributes.rename("client.address", "net.peer.ip");
        attributes.rename("session.id", "enduser.session");
        Verdict::Keep
    }
}

/// Ten fields of a page view, as the beacon receiver writes them.
fn beacon(record: &mut LogWriter<'_>) {
    record.observed_time_unix_nano(1_735_689_600_000_000_000);
    for (key, value) in [
        ("@timestamp", "2019-07-14T09:30:00.250Z"),
        ("event.action", "pageview"),
        ("event.kind", "event"),
        (
            "http.request.referrer",
            "https://news.example.org/item?id=1",
        ),
        ("client.ip", "203.0.113.7"),
        (
            "url.full",
            "https://blog.example.com/posts/serverless-telemetry/",
        ),
        (
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0",
        ),
        ("session.id", "0123456789abcdef"),
        ("page.title", "Serverless telemetry"),
    ] {
        record.attribute(key, Value::String(value));
    }
    record.attribute("event.duration", Value::Int(42_000_000_000));
}

fn beacons() -> Payload {
    let mut logs = LogsWriter::new();
    for _ in 0..RECORDS {
        logs.record(beacon);
    }
    logs.finish()
}

/// Nanoseconds of CPU a record.
fn measure(mut job: impl FnMut(usize)) -> Result<f64, Failure> {
    let begun = cpu::own_seconds()?;
    let mut turns = 0;
    loop {
        for _ in 0..100 {
            job(turns);
            turns += 1;
        }
        let spent = cpu::own_seconds()? - begun;
        if spent >= ENOUGH {
            return Ok(spent * 1e9 / (turns * RECORDS) as f64);
        }
    }
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&["rounds"])?;
    let rounds: usize = arguments.get("rounds", 9)?;
    let payloads: Vec<Payload> = (0..32).map(|seed| input::logs(seed, RECORDS)).collect();
    let bytes: Vec<Bytes> = payloads
        .iter()
        .map(|payload| payload.clone().into_bytes())
        .collect();
    let events = beacons();
    let names = [
        "count",
        "validate",
        "rename 3",
        "validate, rename 3",
        "ecs: nothing to map",
        "ecs: beacon of 10 fields",
    ];
    let mut figures: Vec<Vec<f64>> = names.iter().map(|_| Vec::new()).collect();
    let mut scratch = Scratch::default();
    let mapper = ToOtel::default();
    let valid = |turn: usize| Payload::validate(Signal::Logs, bytes[turn % 32].clone());
    for _ in 0..rounds {
        figures[0].push(measure(|turn| {
            black_box(count_items(Signal::Logs, &bytes[turn % 32]));
        })?);
        figures[1].push(measure(|turn| drop(black_box(valid(turn))))?);
        figures[2].push(measure(|turn| {
            drop(black_box(run(
                &payloads[turn % 32],
                &[&Rename],
                &mut scratch,
                0,
            )))
        })?);
        figures[3].push(measure(|turn| {
            if let Ok(payload) = valid(turn) {
                black_box(run(&payload, &[&Rename], &mut scratch, 0));
            }
        })?);
        figures[4].push(measure(|turn| {
            drop(black_box(run(
                &payloads[turn % 32],
                &[&mapper],
                &mut scratch,
                0,
            )))
        })?);
        figures[5].push(measure(|_| {
            drop(black_box(run(&events, &[&mapper], &mut scratch, 0)))
        })?);
    }
    for (name, mut figures) in names.iter().zip(figures) {
        figures.sort_by(f64::total_cmp);
        println!(
            "{name}: {:.0} ns a record ({:.0} to {:.0})",
            figures[rounds / 2],
            figures[0],
            figures[rounds - 1]
        );
    }
    Ok(())
}
