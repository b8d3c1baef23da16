//! Sends log requests or beacons, and says what the receiving process spent on them.
//!
//! `load --protocol grpc --to 127.0.0.1:24317 --connections 4 --requests 4000 --records 1000 --pid 1234 --tally 127.0.0.1:24320`
//!
//! - `--protocol`: `grpc`, `http` (OTLP over HTTP/1.1), `beacon` (one event a request), or `204` (beacons to any
//!   path, for servers that throw them away). Beacons are sent by one thread that never sleeps ([`benches::polled`]).
//! - `--window`: requests of a connection at a time (gRPC only).
//! - `--rate`: records a second, else as fast as answers come (not for beacons).
//! - `--pid`: whose CPU seconds are measured, from the first request to the last record in the sink.
//! - `--tally`: where the sink tells what it counted; without it the last answer ends the measurement.
//!
//! Prints one line: what was sent, answered, found, and spent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use benches::arguments::Arguments;
use benches::http1::{Connection, post};
use benches::input::{self, beacon};
use benches::tally::{self, Tally};
use benches::{Failure, cpu, polled};
use net::Code;
use net::grpc::{GrpcClient, GrpcClientOptions};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// How long the sink may be silent before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Grpc,
    Http,
    Beacon,
    NoContent,
}

/// What all connections share.
struct Load {
    protocol: Protocol,
    to: String,
    path: String,
    requests: u64,
    records: u64,
    rate: Option<f64>,
    begun: Instant,
    next: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Load {
    /// The number of the next request, once it is its turn.
    async fn turn(&self) -> Option<u64> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if turn >= self.requests {
            return None;
        }
        if let Some(rate) = self.rate {
            let due = Duration::from_secs_f64((turn * self.records) as f64 / rate);
            tokio::time::sleep_until(self.begun + due).await;
        }
        Some(turn)
    }

    fn request(&self, turn: u64) -> bytes::Bytes {
        input::request(turn, self.records as usize)
    }

    fn answered(&self, well: bool) {
        let counter = if well { &self.accepted } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends the same request again while the answer is "later", as clients of OTLP do.
    async fn grpc(&self, client: &GrpcClient) -> Result<(), Failure> {
        while let Some(turn) = self.turn().await {
            let request = [self.request(turn)];
            loop {
                match client
                    .call(LOGS, &request, Some(Duration::from_secs(60)))
                    .await
                {
                    Ok(_) => break self.answered(true),
                    Err(status) if status.code == Code::Unavailable => {
                        self.answered(false);
                        tokio::time::sleep(
                            status.retry_after.unwrap_or(Duration::from_millis(200)),
                        )
                        .await;
                    }
                    Err(status) => return Err(status.to_string().into()),
                }
            }
        }
        Ok(())
    }

    async fn http1(&self) -> Result<(), Failure> {
        let mut connection = Connection::open(&self.to).await?;
        while let Some(turn) = self.turn().await {
            let body = self.request(turn);
            let request = post(&self.to, &self.path, "application/x-protobuf", &body);
            let status = connection.send(&request).await?;
            self.answered(status == 200);
        }
        Ok(())
    }

    /// Beacons, written before the clock starts.
    fn beacons(&self) -> Option<polled::Requests> {
        if !matches!(self.protocol, Protocol::Beacon | Protocol::NoContent) {
            return None;
        }
        let mut requests = polled::Requests::default();
        for number in 0..self.requests {
            let body = beacon(number);
            requests.push(&post(
                &self.to,
                &self.path,
                "application/json",
                body.as_bytes(),
            ));
        }
        Some(requests)
    }

    fn polled(&self, requests: &polled::Requests, connections: usize) -> Result<(), Failure> {
        let answers = polled::run(&self.to, connections, requests, 204)?;
        self.accepted.store(answers.expected, Ordering::Relaxed);
        self.refused.store(answers.other, Ordering::Relaxed);
        Ok(())
    }
}

async fn run(load: &Arc<Load>, connections: usize, window: usize) -> Result<(), Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        if load.protocol != Protocol::Grpc {
            let load = load.clone();
            tasks.spawn(async move { load.http1().await });
            continue;
        }
        let options = GrpcClientOptions {
            connections: 1,
            ..GrpcClientOptions::default()
        };
        let client = Arc::new(GrpcClient::new(load.to.parse()?, options)?);
        for _ in 0..window {
            let (load, client) = (load.clone(), client.clone());
            tasks.spawn(async move { load.grpc(&client).await });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn protocol(name: &str) -> Result<(Protocol, &'static str), Failure> {
    match name {
        "grpc" => Ok((Protocol::Grpc, "")),
        "http" => Ok((Protocol::Http, "/v1/logs")),
        "beacon" => Ok((Protocol::Beacon, "/b")),
        "204" => Ok((Protocol::NoContent, "/")),
        other => Err(format!("--protocol {other}: expected grpc, http, beacon or 204").into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&[
        "protocol",
        "to",
        "path",
        "connections",
        "window",
        "requests",
        "records",
        "rate",
        "pid",
        "tally",
    ])?;
    let (protocol, path) = protocol(&arguments.get("protocol", "grpc".to_owned())?)?;
    let one_event = matches!(protocol, Protocol::Beacon | Protocol::NoContent);
    let records = if one_event {
        1
    } else {
        arguments.get("records", 1000)?
    };
    let sink: Option<String> = arguments.optional("tally")?;
    let before = match &sink {
        Some(sink) => tally::ask(sink).await?,
        None => Tally::default(),
    };
    let pid: Option<u32> = arguments.optional("pid")?;
    let mut load = Load {
        protocol,
        to: arguments.get("to", "127.0.0.1:24317".to_owned())?,
        path: arguments.get("path", path.to_owned())?,
        requests: arguments.get("requests", 2000)?,
        records,
        rate: arguments.optional("rate")?,
        begun: Instant::now(),
        next: AtomicU64::new(0),
        accepted: AtomicU64::new(0),
        refused: AtomicU64::new(0),
    };
    let beacons = load.beacons();
    let connections = arguments.get("connections", 4)?;
    let cpu_before = pid.map(cpu::seconds).transpose()?;
    load.begun = Instant::now();
    let load = Arc::new(load);
    match beacons {
        Some(beacons) => load.polled(&beacons, connections)?,
        None => run(&load, connections, arguments.get("window", 2)?).await?,
    }
    let sent = load.requests * load.records;
    let after = match &sink {
        Some(sink) => tally::wait_for(sink, before, sent, PATIENCE).await?,
        None => before,
    };
    let spent =
        pid.map(cpu::seconds).transpose()?.unwrap_or_default() - cpu_before.unwrap_or_default();
    println!(
        "records={sent} bytes={} accepted_requests={} refused_requests={} found={} distinct={} again={} wall_s={:.2} cpu_s={spent:.2} cpu_s_per_million={:.4}",
        // requests of one kind have the same length but for a digit here and there
        load.request(0).len() as u64 * load.requests,
        load.accepted.load(Ordering::Relaxed),
        load.refused.load(Ordering::Relaxed),
        after.records - before.records,
        after.distinct,
        after.again,
        load.begun.elapsed().as_secs_f64(),
        spent * 1e6 / sent as f64,
    );
    Ok(())
}
