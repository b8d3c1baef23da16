//! `service::telemetry`: own logs, metrics and spans, under upstream's names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use settings::{At, Secret, Validate};

/// `service::telemetry`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telemetry {
    pub(crate) logs: Logs,
    pub(crate) metrics: Metrics,
    pub(crate) traces: Traces,
    /// Attributes of the resource of all own telemetry; null removes one.
    pub(crate) resource: BTreeMap<String, serde_json::Value>,
}

/// `service::telemetry::logs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Logs {
    pub(crate) level: LogLevel,
    pub(crate) encoding: Encoding,
    /// `stderr`, `stdout` or a file.
    pub(crate) output_paths: Vec<String>,
    /// Accepted for upstream's sake; failures of the log itself go to stderr.
    pub(crate) error_output_paths: Vec<String>,
    pub(crate) sampling: Sampling,
    /// No meaning here; accepted.
    pub(crate) development: bool,
    /// No meaning here; accepted.
    pub(crate) disable_caller: bool,
    /// No meaning here; accepted.
    pub(crate) disable_stacktrace: bool,
    /// No meaning here; accepted.
    pub(crate) disable_zap_resource: bool,
    /// Fields of every line.
    pub(crate) initial_fields: BTreeMap<String, serde_json::Value>,
    /// Sends own logs by OTLP too.
    pub(crate) processors: Vec<Processor>,
}

impl Default for Logs {
    fn default() -> Logs {
        Logs {
            level: LogLevel::Info,
            encoding: Encoding::Console,
            output_paths: vec!["stderr".to_owned()],
            error_output_paths: vec!["stderr".to_owned()],
            sampling: Sampling::default(),
            development: false,
            disable_caller: false,
            disable_stacktrace: false,
            disable_zap_resource: false,
            initial_fields: BTreeMap::new(),
            processors: Vec::new(),
        }
    }
}

/// Least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    #[serde(alias = "DEBUG")]
    Debug,
    #[serde(alias = "INFO")]
    Info,
    #[serde(alias = "WARN")]
    Warn,
    #[serde(alias = "ERROR")]
    Error,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Console,
    Json,
}

/// `service::telemetry::logs::sampling`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sampling {
    pub(crate) enabled: bool,
    /// Length of the window.
    pub(crate) tick: settings::Duration,
    /// Lines of one message and level that pass in a window.
    pub(crate) initial: u64,
    /// Of the rest, each n-th passes; 0 none.
    pub(crate) thereafter: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling {
            enabled: true,
            tick: settings::Duration::from_secs(10),
            initial: 10,
            thereafter: 100,
        }
    }
}

/// How much the collector tells about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    #[serde(alias = "None")]
    None,
    #[serde(alias = "Basic")]
    Basic,
    #[default]
    #[serde(alias = "Normal")]
    Normal,
    #[serde(alias = "Detailed")]
    Detailed,
}

/// `service::telemetry::metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) level: Level,
    pub(crate) readers: Vec<Reader>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let exporter = PullExporter {
            prometheus: Some(Prometheus::default()),
        };
        Metrics {
            level: Level::Normal,
            readers: vec![Reader {
                pull: Some(Pull { exporter }),
                periodic: None,
            }],
        }
    }
}

/// One way by which own metrics leave: `pull` or `periodic`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reader {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<Pull>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) periodic: Option<Periodic>,
}

/// A scrape endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pull {
    pub(crate) exporter: PullExporter,
}

/// `pull::exporter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PullExporter {
    pub(crate) prometheus: Option<Prometheus>,
}

/// `pull::exporter::prometheus`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prometheus {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Leaves the labels of the instrumentation scope out.
    pub(crate) without_scope_info: bool,
    /// Leaves `_total` out.
    pub(crate) without_type_suffix: bool,
    /// Leaves unit suffixes out.
    pub(crate) without_units: bool,
    /// Accepted for upstream's sake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) with_resource_constant_labels: Option<serde_json::Value>,
}

impl Default for Prometheus {
    fn default() -> Prometheus {
        Prometheus {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: true,
            without_type_suffix: true,
            without_units: true,
            with_resource_constant_labels: None,
        }
    }
}

/// Pushes own metrics at intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Periodic {
    /// Milliseconds between pushes.
    pub(crate) interval: u64,
    /// Milliseconds that one push may take.
    pub(crate) timeout: u64,
    pub(crate) exporter: PushExporter,
}

impl Default for Periodic {
    fn default() -> Periodic {
        Periodic {
            interval: 60_000,
            timeout: 30_000,
            exporter: PushExporter::default(),
        }
    }
}

/// `exporter` of a push: by OTLP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PushExporter {
    pub(crate) otlp: Option<Otlp>,
}

/// Where own telemetry is pushed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Otlp {
    /// `grpc` or `http/protobuf`.
    pub(crate) protocol: String,
    /// URL, or host:port for `grpc`.
    pub(crate) endpoint: String,
    /// No TLS for an endpoint without scheme.
    pub(crate) insecure: bool,
    pub(crate) headers: BTreeMap<String, Secret>,
}

impl Default for Otlp {
    fn default() -> Otlp {
        Otlp {
            protocol: "http/protobuf".to_owned(),
            endpoint: String::new(),
            insecure: false,
            headers: BTreeMap::new(),
        }
    }
}

/// One way by which own spans or logs leave: `batch` or `simple`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Processor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<Push>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) simple: Option<Push>,
}

/// Body of a processor of own spans or logs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Push {
    pub(crate) exporter: PushExporter,
}

/// `service::telemetry::traces`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Traces {
    pub(crate) level: Level,
    /// `tracecontext`, `b3`.
    pub(crate) propagators: Vec<String>,
    /// Own spans are off unless there is one.
    pub(crate) processors: Vec<Processor>,
}

impl Telemetry {
    /// Where own spans go.
    pub(crate) fn span_pushes(&self) -> impl Iterator<Item = &Otlp> {
        pushes(&self.traces.processors)
    }

    /// Where own logs go besides the console.
    pub(crate) fn log_pushes(&self) -> impl Iterator<Item = &Otlp> {
        pushes(&self.logs.processors)
    }
}

fn pushes(processors: &[Processor]) -> impl Iterator<Item = &Otlp> {
    processors
        .iter()
        .flat_map(|processor| [&processor.batch, &processor.simple])
        .filter_map(|push| push.as_ref()?.exporter.otlp.as_ref())
}

impl Telemetry {
    /// Settings of upstream that are accepted and change nothing.
    fn remark_what_has_no_meaning(&self, at: &mut At<'_>) {
        let (logs, defaults) = (&self.logs, Logs::default());
        for (key, given) in [
            ("logs::development", logs.development),
            ("logs::disable_caller", logs.disable_caller),
            ("logs::disable_stacktrace", logs.disable_stacktrace),
            ("logs::disable_zap_resource", logs.disable_zap_resource),
            (
                "logs::error_output_paths",
                logs.error_output_paths != defaults.error_output_paths,
            ),
            ("traces::propagators", !self.traces.propagators.is_empty()),
        ] {
            if given {
                at.warn(key, "has no effect here");
            }
        }
    }
}

impl Validate for Telemetry {
    fn validate(&self, at: &mut At<'_>) {
        self.remark_what_has_no_meaning(at);
        if self.metrics.level != Level::None && self.metrics.readers.is_empty() {
            at.error(
                "metrics::readers",
                "must not be empty unless the level is none",
            );
        }
        for (index, reader) in self.metrics.readers.iter().enumerate() {
            check_reader(reader, &format!("metrics::readers::{index}"), at);
        }
        for (name, processors) in [
            ("traces", &self.traces.processors),
            ("logs", &self.logs.processors),
        ] {
            for (index, processor) in processors.iter().enumerate() {
                let place = format!("{name}::processors::{index}");
                match processor.batch.as_ref().or(processor.simple.as_ref()) {
                    Some(push) => check_push(&push.exporter, &format!("{place}::exporter"), at),
                    None => at.error(&place, "expected one of batch and simple"),
                }
            }
        }
    }
}

fn check_reader(reader: &Reader, place: &str, at: &mut At<'_>) {
    match (&reader.pull, &reader.periodic) {
        (Some(pull), None) if pull.exporter.prometheus.is_some() => {}
        (Some(_), None) => at.error(&format!("{place}::pull::exporter"), "expected prometheus"),
        (None, Some(periodic)) => check_push(
            &periodic.exporter,
            &format!("{place}::periodic::exporter"),
            at,
        ),
        _ => at.error(place, "expected exactly one of pull and periodic"),
    }
}

fn check_push(push: &PushExporter, place: &str, at: &mut At<'_>) {
    let Some(otlp) = &push.otlp else {
        at.error(place, "expected otlp");
        return;
    };
    if !["grpc", "http/protobuf"].contains(&otlp.protocol.as_str()) {
        at.error(
            &format!("{place}::otlp::protocol"),
            "expected grpc or http/protobuf",
        );
    }
    if otlp.endpoint.is_empty() {
        at.error(&format!("{place}::otlp::endpoint"), "must not be empty");
    } else if otlp.protocol == "grpc" && !otlp.insecure && !otlp.endpoint.starts_with("http://") {
        let why = "own telemetry goes over gRPC without TLS only: use protocol http/protobuf, an http:// URL, or insecure: true";
        at.error(&format!("{place}::otlp::endpoint"), why);
    }
}
