//! `pharos replay`: sends the records of dead letters again, through a pipeline.

mod progress;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pipeline::consumer::hand_over;
use pipeline::dead_letter::{Letters, ReadLetter};
use pipeline::sink::LogId;
use pipeline::tail::{Numbered, Tail, TailReport};
use pipeline::{Ack, Batch, Consumer, Host, Payload, Refused, Signal};
use settings::PipelineId;
use tokio::time::Instant;

use self::progress::{Part, Progress};
use super::Failure;
use crate::command_line::{self, Replay};
use crate::configuration::{Configuration, Pipeline};
use crate::graph::{self, cannot};
use crate::{extensions, memory, signal_of};

/// Records that get one number: a store has all of them or none.
const RECORDS: usize = 1000;
const BYTES: usize = 4 << 20;
/// How long a full queue is left alone.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the last records may take to be delivered: for ever, nearly.
const PATIENCE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Replays each file in turn.
pub(crate) fn run(arguments: &Replay) -> Result<(), Failure> {
    let (configuration, _) = super::load(&arguments.config);
    let configuration = configuration?;
    let id: PipelineId = arguments
        .pipeline
        .parse()
        .map_err(|error| Failure::new(format!("--pipeline {}: {error}", arguments.pipeline)))?;
    let known = &configuration.service.pipelines;
    let (_, pipeline) = known
        .iter()
        .find(|(known, _)| **known == id)
        .ok_or_else(|| {
            let known: Vec<String> = known.keys().map(ToString::to_string).collect();
            Failure::new(format!(
                "there is no pipeline \"{id}\" (configured: {})",
                known.join(", ")
            ))
        })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let mut host = Host::new(memory::budget());
        let started = extensions::start_offering(&configuration, &mut host).await;
        let started = started.map_err(Failure::new)?;
        let mut unreadable = 0;
        for file in &arguments.files {
            unreadable += replay(arguments, &configuration, (&id, pipeline), &host, file).await?;
        }
        for extension in started {
            extension.stop().await;
        }
        match unreadable {
            0 => Ok(()),
            lines => Err(Failure::new(format!(
                "{lines} lines could not be read and were not sent; the others were"
            ))),
        }
    })
}

/// Replays one file; answers how many lines are no letters.
async fn replay(
    arguments: &Replay,
    configuration: &Configuration,
    pipeline: (&PipelineId, &Pipeline),
    host: &Host,
    path: &Path,
) -> Result<usize, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot replay {}: {error}", path.display()))
    };
    let name = pipeline.0.to_string();
    let mut progress = Progress::load(path).map_err(|error| failed(&error))?;
    let part = progress
        .next(&name, arguments.again)
        .map_err(|error| failed(&error))?;
    let Some(part) = part else {
        say(format_args!(
            "{}: everything was replayed through {name} before; --again sends it once more",
            path.display()
        ));
        return Ok(0);
    };
    let log = LogId(format!("replay-{}", part.id).into());
    let mut replay = Pass::start(configuration, pipeline, host, log)
        .await
        .map_err(Failure::new)?;
    let read = replay
        .feed(path, &part)
        .await
        .map_err(|error| failed(&error))?;
    let reports = replay.stop().await;
    let is_done = reports.iter().all(is_settled);
    tell(path, &read, &reports);
    if !is_done {
        return Err(Failure::new(format!(
            "{}: not everything was delivered; the same command goes on where it ended",
            path.display()
        )));
    }
    progress.done(&part).map_err(|error| failed(&error))?;
    Ok(read.unreadable)
}

/// Nothing was given up for want of time.
fn is_settled(report: &TailReport) -> bool {
    report.unaccounted() == 0 && report.dropped.iter().all(|(reason, _)| reason == "refused")
}

/// What one file held.
#[derive(Default)]
struct Contents {
    letters: usize,
    records: usize,
    unreadable: usize,
    /// Letters of other signals than the pipeline's.
    passed_over: usize,
}

/// One pass of a file through a pipeline.
struct Pass {
    signal: Signal,
    head: Arc<dyn Consumer>,
    numbered: Vec<Arc<Numbered>>,
    tails: Vec<Tail>,
    number: u64,
}

impl Pass {
    async fn start(
        configuration: &Configuration,
        (id, pipeline): (&PipelineId, &Pipeline),
        host: &Host,
        log: LogId,
    ) -> Result<Pass, String> {
        let signal = signal_of(id);
        let processors = graph::processors(configuration, id, host)?;
        let mut tails = Vec::new();
        for exporter in &pipeline.exporters {
            let Some(configured) = configuration.exporters.get(exporter) else {
                continue;
            };
            let driver = configured.config.build(exporter, signal, host);
            let driver = driver.map_err(|error| cannot("build", exporter, "exporter", &error))?;
            let (name, settings) = (exporter.to_string(), configured.config.tail());
            let tail = Tail::start_replay(&name, signal, driver, settings, host, log.clone()).await;
            tails.push(tail.map_err(|error| cannot("start", exporter, "exporter", &error))?);
        }
        let numbered: Vec<Arc<Numbered>> = tails.iter().map(Tail::numbered).collect();
        let branches = numbered
            .iter()
            .map(|branch| Arc::clone(branch) as Arc<dyn Consumer>);
        let head = graph::line_up(signal, processors, branches.collect(), &host.clock);
        Ok(Pass {
            signal,
            head,
            numbered,
            tails,
            number: 0,
        })
    }

    /// Sends the letters of a part of a file, in order.
    async fn feed(&mut self, path: &Path, part: &Part) -> Result<Contents, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut file = File::open(path).map_err(text)?;
        file.seek(SeekFrom::Start(part.from)).map_err(text)?;
        let mut letters = Letters::new(BufReader::new(file.take(part.to - part.from)));
        let mut contents = Contents::default();
        let mut open = Payload::empty(self.signal);
        while let Some(letter) = letters.read_next().map_err(text)? {
            let letter: ReadLetter = match letter {
                Ok(letter) => letter,
                Err(unreadable) => {
                    command_line::complain(&format_args!("{}: {unreadable}", path.display()));
                    contents.unreadable += 1;
                    continue;
                }
            };
            if letter.payload.signal() != self.signal {
                contents.passed_over += 1;
                continue;
            }
            contents.letters += 1;
            contents.records += letter.payload.items();
            open.append(letter.payload);
            if open.items() >= RECORDS || open.size() >= BYTES {
                let full = std::mem::replace(&mut open, Payload::empty(self.signal));
                self.send(full).await?;
            }
        }
        self.send(open).await?;
        Ok(contents)
    }

    async fn send(&mut self, payload: Payload) -> Result<(), String> {
        if payload.is_empty() {
            return Ok(());
        }
        self.number += 1;
        for branch in &self.numbered {
            branch.set_number(self.number);
        }
        if self
            .numbered
            .iter()
            .all(|branch| self.number <= branch.stored())
        {
            return Ok(());
        }
        loop {
            let answer = hand_over(&*self.head, Batch::new(payload.clone()));
            match wait(answer).await {
                Ok(()) => return Ok(()),
                Err(Refused::Later { .. }) => tokio::time::sleep(PAUSE).await,
                Err(Refused::Never { why }) => return Err(why.to_string()),
            }
        }
    }

    async fn stop(self) -> Vec<TailReport> {
        let deadline = Instant::now() + PATIENCE;
        let stopping = self.tails.into_iter().map(|tail| tail.stop(deadline));
        futures::future::join_all(stopping).await
    }
}

async fn wait(answer: Ack) -> Result<(), Refused> {
    answer.await.map(drop)
}

fn tell(path: &Path, contents: &Contents, reports: &[TailReport]) {
    say(format_args!(
        "{}: {} letters with {} records",
        path.display(),
        contents.letters,
        contents.records
    ));
    if contents.passed_over > 0 {
        say(format_args!(
            "  {} letters are of another signal and were passed over",
            contents.passed_over
        ));
    }
    for report in reports {
        let refused: u64 = report.dropped.iter().map(|(_, items)| items).sum();
        say(format_args!(
            "  {}: {} sent, {} stored before, {} refused again and kept, {} refused",
            report.exporter,
            report.sent,
            (contents.records as u64).saturating_sub(report.accepted),
            report.dead_letters,
            refused
        ));
    }
}

fn say(line: std::fmt::Arguments<'_>) {
    command_line::print(&format_args!("{line}\n"));
}
