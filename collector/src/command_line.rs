//! What can be said on the command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use settings::Source;

/// An OpenTelemetry collector: browser beacons and OTLP in, a lake that answers SQL out.
#[derive(Debug, Parser)]
#[command(
    name = "pharos",
    version,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,

    /// Looks at the files of the configuration every second and reloads it when
    /// one has changed. SIGHUP reloads with and without this.
    #[arg(long)]
    pub(crate) watch: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Print the version.
    #[arg(short = 'v', long = "version", action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConfigArguments {
    /// A configuration: a path, or file:, env:, yaml: and what follows. May be
    /// repeated; later ones are merged over earlier ones.
    #[arg(long = "config", value_name = "URI")]
    config: Vec<String>,

    /// Sets one value, after all files: `--set exporters.delta.location=/data`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Accepted for upstream's sake; no gate exists yet.
    #[arg(long = "feature-gates", value_name = "GATES")]
    feature_gates: Option<String>,
}

impl ConfigArguments {
    /// The configurations as given, in order.
    pub(crate) fn sources(&self) -> Vec<Source> {
        self.config
            .iter()
            .map(|text| Source::new(text.as_str()))
            .collect()
    }

    /// The values of `--set`, in order.
    pub(crate) fn overrides(&self) -> &[String] {
        &self.set
    }

    /// Whether no configuration was named.
    pub(crate) fn is_empty(&self) -> bool {
        self.config.is_empty()
    }

    /// The same, with `config` where none was named.
    pub(crate) fn or(mut self, config: &str) -> ConfigArguments {
        if self.is_empty() {
            self.config.push(config.to_owned());
        }
        self
    }
}

/// Sub-commands; without one the collector runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks a configuration without starting anything; silent when it is good.
    Validate(ConfigArguments),
    /// Lists the components of this build as YAML.
    Components,
    /// Prints the configuration with all defaults filled in.
    #[command(alias = "print-initial-config")]
    PrintConfig(PrintConfig),
    /// Lists feature gates.
    Featuregate {
        /// One gate.
        id: Option<String>,
    },
    /// Looks into the sending queues on disk, also while a collector runs.
    Queue(Queue),
    /// Answers SQL over the tables of the lake.
    #[cfg(feature = "query")]
    Query(Query),
    /// Sends the records of dead letters again, through a pipeline.
    Replay(Replay),
}

/// `pharos replay`.
#[derive(Debug, Args)]
#[command(
    long_about = "Sends the records of dead letters again, through the processors and exporters of a pipeline.\n\n\
    What was replayed is noted beside each file (FILE.replayed): the same command goes on where it was\n\
    cut off, and sends only what came since. A file that was repaired meanwhile is sent whole. Delta\n\
    tables take each record of a file once, however often it is replayed.\n\n\
    Example: pharos replay --config otel-config.yaml --pipeline logs data/lake/dead_letter/delta-logs.ndjson"
)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The pipeline, for example logs or logs/backup.
    #[arg(long, value_name = "ID")]
    pub(crate) pipeline: String,
    /// Sends what was replayed before once more.
    #[arg(long)]
    pub(crate) again: bool,
    /// Files of dead letters.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<std::path::PathBuf>,
}

/// `pharos print-config`.
#[derive(Debug, Args)]
pub(crate) struct PrintConfig {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// Whether secrets are shown.
    #[arg(long, value_enum, default_value_t = Mode::Redacted)]
    pub(crate) mode: Mode,
    /// yaml or json.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    pub(crate) format: Format,
    /// Whether an invalid configuration is an error.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) validate: bool,
}

/// Whether secrets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// As `[REDACTED]`.
    Redacted,
    /// In clear.
    Unredacted,
}

/// Form of a printed configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// `pharos queue`.
#[derive(Debug, Args)]
#[command(
    long_about = "Looks into the sending queues that the file_storage extension keeps on disk.\n\n\
    The queues are those of the file_storage extensions of the configuration (otel-config.yaml in\n\
    the working directory unless --config names others), or those below --directory. A queue is\n\
    named after its pipeline: logs, traces/app. What an exporter left behind that was removed from\n\
    a pipeline is named set_aside/<pipeline>/<exporter>, as its directory.\n\n\
    Everything but purge only reads, takes no lock and is safe beside a running collector."
)]
pub(crate) struct Queue {
    #[command(subcommand)]
    pub(crate) action: QueueAction,
}

/// What is done with queues.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueAction {
    /// A line for each queue: how much waits, since when, for whom.
    List(QueueList),
    /// Everything about a queue, or about all: exporters, segments, damaged files.
    Inspect(QueueInspect),
    /// Reads everything and compares the checksums; exit code 1 if something is damaged.
    Verify(QueueVerify),
    /// Writes what a queue has as OTLP, and leaves it in the queue.
    Export(QueueExport),
    /// Lets go what waits in a queue, for good. Needs the queue for itself.
    Purge(QueuePurge),
}

/// Where the queues are.
#[derive(Debug, Args)]
pub(crate) struct QueueSource {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The directory of a file_storage extension, or of one queue, instead of those
    /// of the configuration.
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// `pharos queue list`.
#[derive(Debug, Args)]
pub(crate) struct QueueList {
    #[command(flatten)]
    pub(crate) source: QueueSource,
    /// table or json.
    #[arg(long, short = 'f', value_enum, default_value_t = QueueFormat::Table)]
    pub(crate) format: QueueFormat,
}

/// `pharos queue inspect`.
#[derive(Debug, Args)]
pub(crate) struct QueueInspect {
    /// One queue, by its name in the list; all without it.
    pub(crate) queue: Option<String>,
    #[command(flatten)]
    pub(crate) source: QueueSource,
    /// table or json.
    #[arg(long, short = 'f', value_enum, default_value_t = QueueFormat::Table)]
    pub(crate) format: QueueFormat,
}

/// `pharos queue verify`.
#[derive(Debug, Args)]
pub(crate) struct QueueVerify {
    /// One queue, by its name in the list; all without it.
    pub(crate) queue: Option<String>,
    #[command(flatten)]
    pub(crate) source: QueueSource,
}

/// `pharos queue export`.
#[derive(Debug, Args)]
pub(crate) struct QueueExport {
    /// The queue, by its name in the list; may be left out if there is only one.
    pub(crate) queue: Option<String>,
    #[command(flatten)]
    pub(crate) source: QueueSource,
    /// Only what this exporter has not sent; without it everything that the files still have.
    #[arg(long, value_name = "ID")]
    pub(crate) exporter: Option<String>,
    /// proto (each request behind its length, 4 bytes big endian) or json (a request a line).
    #[arg(long, short = 'f', value_enum, default_value_t = ExportFormat::Json)]
    pub(crate) format: ExportFormat,
    /// A new file instead of standard output.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `pharos queue purge`.
#[derive(Debug, Args)]
pub(crate) struct QueuePurge {
    /// The queue, by its name in the list.
    pub(crate) queue: String,
    #[command(flatten)]
    pub(crate) source: QueueSource,
    /// Only what waits for this exporter; without it what waits for any.
    #[arg(long, value_name = "ID")]
    pub(crate) exporter: Option<String>,
    /// Does not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

/// Form of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueueFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Form of exported telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Protobuf, as upstream's file exporter writes it.
    Proto,
    /// OTLP/JSON.
    Json,
}

/// `pharos query`.
#[cfg(feature = "query")]
#[derive(Debug, Args)]
#[command(
    long_about = "Answers SQL over the tables of the lake, or opens a prompt when no statement is given.\n\n\
    The tables are those of the delta exporters of the configuration (otel-config.yaml in the\n\
    working directory unless --config names others), or those at --location.\n\n\
    Example: pharos query \"select event_name, count(*) from otel_logs group by 1\""
)]
pub(crate) struct Query {
    #[command(flatten)]
    pub(crate) config: ConfigArguments,
    /// The statement; without it a prompt opens. `-` reads it from standard input.
    pub(crate) sql: Option<String>,
    /// Form of the answer: table, csv, json or ndjson.
    #[arg(long, short = 'f', default_value = "table")]
    pub(crate) format: lake_sql::Format,
    /// A lake (directory or s3:// URL) instead of those of the configuration.
    #[arg(long, value_name = "LAKE")]
    pub(crate) location: Option<String>,
    /// Prints which files and partitions would be read, and the plan, instead of the answer.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Most memory that sorting, grouping and joining may take, such as 512MiB; what does not fit
    /// goes to temporary files.
    #[arg(long, value_name = "SIZE", default_value = "512MiB")]
    pub(crate) memory: settings::ByteSize,
}

/// Answers a command line that is none, or that asks for help or the version.
pub(crate) fn answer(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print(&error.render());
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        complain(&error.render());
        return ExitCode::FAILURE;
    }
    // One line that can be acted on; nobody reads a page of usage for a typo.
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.trim_start_matches("error: ").replace("tip: ", "");
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    complain(&format!(
        "{} (see pharos --help)",
        lines.join("; ").replace(":;", ":")
    ));
    ExitCode::FAILURE
}

/// Prints an error as upstream does: `Error: ` and the message, on stderr.
#[expect(
    clippy::print_stderr,
    reason = "the one place that speaks to the terminal about errors"
)]
pub(crate) fn complain(error: &impl Display) {
    eprintln!("Error: {error}");
}

/// Prints a warning of a sub-command on stderr.
#[expect(
    clippy::print_stderr,
    reason = "warnings of sub-commands go beside their output"
)]
pub(crate) fn warn(warning: &impl Display) {
    eprintln!("Warning: {warning}");
}

/// Prints the output of a sub-command.
#[expect(clippy::print_stdout, reason = "the output of a sub-command")]
pub(crate) fn print(text: &impl Display) {
    print!("{text}");
}
