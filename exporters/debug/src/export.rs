//! Where the text goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use futures::future::BoxFuture;
use otlp::{Payload, Signal};
use parking_lot::Mutex;
use pipeline::{Batch, Exporter, Report, StartError};
use settings::ComponentId;
use tokio::time::{Duration, Instant};

use crate::config::{Config, Verbosity};
use crate::{detailed, normal};

/// Prints batches.
pub(crate) struct Debug {
    id: String,
    verbosity: Verbosity,
    /// `None` prints through the log of the collector.
    outputs: Option<Vec<Output>>,
    sampling: Mutex<Sampling>,
}

enum Output {
    Stdout,
    Stderr,
    File(Mutex<File>),
}

struct Sampling {
    initial: u64,
    thereafter: u64,
    since: Option<Instant>,
    count: u64,
}

impl Sampling {
    /// Of each second the first few pass, then each n-th.
    fn passes(&mut self, now: Instant) -> bool {
        if self
            .since
            .is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1))
        {
            (self.since, self.count) = (Some(now), 0);
        }
        self.count += 1;
        self.count <= self.initial
            || (self.thereafter > 0 && (self.count - self.initial).is_multiple_of(self.thereafter))
    }
}

impl Debug {
    /// Opens the outputs.
    pub(crate) fn open(id: &ComponentId, config: &Config) -> Result<Debug, StartError> {
        let outputs = match config.use_internal_logger {
            true => None,
            false => Some(
                config
                    .output_paths
                    .iter()
                    .map(|path| Output::open(path))
                    .collect::<Result<_, _>>()?,
            ),
        };
        Ok(Debug {
            id: id.to_string(),
            verbosity: config.verbosity,
            outputs,
            sampling: Mutex::new(Sampling {
                initial: config.sampling_initial,
                thereafter: config.sampling_thereafter,
                since: None,
                count: 0,
            }),
        })
    }

    fn print(&self, payload: &Payload) -> io::Result<()> {
        self.summary(payload)?;
        let text = match self.verbosity {
            Verbosity::Basic => return Ok(()),
            Verbosity::Normal => normal::text(payload),
            Verbosity::Detailed => detailed::text(payload),
        };
        self.put(&text)
    }

    fn put(&self, text: &str) -> io::Result<()> {
        match &self.outputs {
            // One line of the log a line of text: a sender cannot forge other lines.
            None => text
                .lines()
                .for_each(|line| tracing::info!(target: "exporter_debug", "{line}")),
            Some(outputs) => outputs.iter().try_for_each(|output| output.write(text))?,
        }
        Ok(())
    }

    /// The line a batch that every verbosity has.
    fn summary(&self, payload: &Payload) -> io::Result<()> {
        let resources = match payload.signal() {
            Signal::Logs => payload.logs().count(),
            Signal::Traces => payload.traces().count(),
            Signal::Metrics => payload.metrics().count(),
        };
        let items = payload.items();
        let id = &*self.id;
        if self.outputs.is_some() {
            return self.put(&summary_line(payload, resources));
        }
        match payload.signal() {
            Signal::Logs => tracing::info!(
                otelcol.component.id = id,
                otelcol.component.kind = "exporter",
                otelcol.signal = "logs",
                { "resource logs" } = resources,
                { "log records" } = items,
                "Logs"
            ),
            Signal::Traces => tracing::info!(
                otelcol.component.id = id,
                otelcol.component.kind = "exporter",
                otelcol.signal = "traces",
                { "resource spans" } = resources,
                spans = items,
                "Traces"
            ),
            Signal::Metrics => tracing::info!(
                otelcol.component.id = id,
                otelcol.component.kind = "exporter",
                otelcol.signal = "metrics",
                { "resource metrics" } = resources,
                metrics = metrics(payload),
                { "data points" } = items,
                "Metrics"
            ),
        }
        Ok(())
    }
}

fn metrics(payload: &Payload) -> usize {
    payload
        .metrics()
        .flat_map(|resource| resource.scopes())
        .map(|scope| scope.metrics().count())
        .sum()
}

fn summary_line(payload: &Payload, resources: usize) -> String {
    let items = payload.items();
    match payload.signal() {
        Signal::Logs => {
            format!("Logs\t{{\"resource logs\": {resources}, \"log records\": {items}}}\n")
        }
        Signal::Traces => {
            format!("Traces\t{{\"resource spans\": {resources}, \"spans\": {items}}}\n")
        }
        Signal::Metrics => {
            let metrics = metrics(payload);
            format!(
                "Metrics\t{{\"resource metrics\": {resources}, \"metrics\": {metrics}, \"data points\": {items}}}\n"
            )
        }
    }
}

impl Output {
    fn open(path: &str) -> Result<Output, StartError> {
        match path {
            "stdout" => Ok(Output::Stdout),
            "stderr" => Ok(Output::Stderr),
            path => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let file = file.map_err(|error| {
                    StartError::new(format!("output_paths: cannot open \"{path}\": {error}"))
                })?;
                Ok(Output::File(Mutex::new(file)))
            }
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        match self {
            Output::Stdout => io::stdout().lock().write_all(text.as_bytes()),
            Output::Stderr => io::stderr().lock().write_all(text.as_bytes()),
            Output::File(file) => file.lock().write_all(text.as_bytes()),
        }
    }
}

impl Exporter for Debug {
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Report> {
        let passes = self.sampling.lock().passes(Instant::now());
        let report = match passes.then(|| self.print(&batch.payload)) {
            Some(Err(error)) => Report::refused(batch, format!("cannot print: {error}")),
            _ => Report::sent(batch),
        };
        Box::pin(std::future::ready(report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debug(config: Config) -> Debug {
        Debug::open(&"debug".parse().expect("an id"), &config).expect("opens")
    }

    #[test]
    fn a_second_has_its_first_batches_then_each_nth() {
        let debug = debug(Config {
            sampling_initial: 1,
            sampling_thereafter: 3,
            ..Config::default()
        });
        let now = Instant::now();
        let mut sampling = debug.sampling.lock();
        let passed: Vec<bool> = (0..7).map(|_| sampling.passes(now)).collect();
        assert_eq!(passed, [true, false, false, true, false, false, true]);
        assert!(sampling.passes(now + Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn prints_into_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.txt");
        let debug = debug(Config {
            use_internal_logger: false,
            output_paths: vec![path.display().to_string()],
            verbosity: Verbosity::Normal,
            ..Config::default()
        });
        let batch = Batch::new(test_kit::logs(["hello"]));
        assert_eq!(debug.export(&batch).await.sent, 1);
        let text = std::fs::read_to_string(path).expect("a file");
        assert!(
            text.starts_with("Logs\t{\"resource logs\": 1, \"log records\": 1}\n"),
            "{text}"
        );
        assert!(text.contains("\nhello\n"), "{text}");
    }
}
