//! Own logs: one line an event, as upstream prints them.

use std::fmt::{self, Write};
use std::fs::OpenOptions;
use std::io;
use std::sync::Mutex;

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::push;
use super::sampling::Sampler;
use crate::configuration::telemetry::{Encoding, LogLevel, Otlp, Telemetry};

/// Installs the log of the process. The provider is there when own logs are
/// pushed by OTLP too.
///
/// # Errors
/// When an output cannot be opened, or a push endpoint is no URL.
pub(super) fn start(
    telemetry: &Telemetry,
    resource: &Resource,
) -> Result<Option<SdkLoggerProvider>, String> {
    let settings = &telemetry.logs;
    let level = match settings.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    // Libraries have nothing to say to our users below a warning.
    let filter = EnvFilter::try_from_env("PHAROS_LOG").unwrap_or_else(|_| {
        EnvFilter::new(match settings.level {
            LogLevel::Debug => "debug,hyper=info,h2=info,rustls=info,datafusion=info,delta_kernel=warn,object_store=info".to_owned(),
            _ => format!("warn,{}", OURS.map(|name| format!("{name}={level}")).join(",")),
        })
    });
    let line = Line {
        encoding: settings.encoding,
        initial: settings.initial_fields.clone().into_iter().collect(),
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer(&settings.output_paths)?)
        .event_format(line)
        .with_filter(Sampler::new(&settings.sampling));
    let provider = provider(telemetry, resource)?;
    let push = provider.as_ref().map(OpenTelemetryTracingBridge::new);
    // A second start in one process (tests) keeps the first log.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .with(push)
        .try_init();
    Ok(provider)
}

fn provider(
    telemetry: &Telemetry,
    resource: &Resource,
) -> Result<Option<SdkLoggerProvider>, String> {
    let mut builder = SdkLoggerProvider::builder().with_resource(resource.clone());
    let mut pushes = telemetry.log_pushes().peekable();
    if pushes.peek().is_none() {
        return Ok(None);
    }
    for push in pushes {
        builder = builder.with_batch_exporter(exporter(push)?);
    }
    Ok(Some(builder.build()))
}

fn exporter(push: &Otlp) -> Result<LogExporter, String> {
    let built = match push.protocol.as_str() {
        "grpc" => LogExporter::builder()
            .with_tonic()
            .with_endpoint(push::grpc_endpoint(push))
            .with_metadata(push::metadata(push)?)
            .build(),
        _ => LogExporter::builder()
            .with_http()
            .with_endpoint(push::http_endpoint(push, "logs"))
            .with_headers(push::headers(push))
            .with_http_client(push::Client::new(push::TIMEOUT)?)
            .build(),
    };
    built.map_err(|error| {
        format!(
            "service::telemetry::logs: cannot push to {}: {error}",
            push.endpoint
        )
    })
}

/// Our crates, whose log lines are for users.
const OURS: [&str; 16] = [
    "pharos",
    "pipeline",
    "net",
    "otlp",
    "settings",
    "semconv",
    "processors",
    "receiver_otlp",
    "receiver_beacon",
    "exporter_otlp",
    "exporter_debug",
    "exporter_delta",
    "extension_health_check",
    "extension_auth",
    "lake_table",
    "lake_layout",
];

fn writer(paths: &[String]) -> Result<BoxMakeWriter, String> {
    let mut all: Option<BoxMakeWriter> = None;
    for path in paths {
        let one = match path.as_str() {
            "stderr" => BoxMakeWriter::new(io::stderr),
            "stdout" => BoxMakeWriter::new(io::stdout),
            path => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let file = file.map_err(|error| {
                    format!(
                        "service::telemetry::logs::output_paths: cannot open \"{path}\": {error}"
                    )
                })?;
                BoxMakeWriter::new(Mutex::new(file))
            }
        };
        all = Some(match all {
            Some(others) => BoxMakeWriter::new(others.and(one)),
            None => one,
        });
    }
    Ok(all.unwrap_or_else(|| BoxMakeWriter::new(io::sink)))
}

/// Formats one event.
struct Line {
    encoding: Encoding,
    initial: Map<String, Value>,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields {
            message: String::new(),
            fields: self.initial.clone(),
        };
        event.record(&mut fields);
        let time = timestamp(pipeline::Clock::system().unix_nano());
        let level = level_name(*event.metadata().level());
        match self.encoding {
            Encoding::Console => {
                write!(out, "{time}\t{level}\t{}", escaped(&fields.message))?;
                if !fields.fields.is_empty() {
                    write!(out, "\t{}", Value::Object(fields.fields))?;
                }
            }
            Encoding::Json => {
                let mut line = Map::new();
                line.insert("level".to_owned(), level.into());
                line.insert("ts".to_owned(), time.into());
                line.insert("msg".to_owned(), fields.message.into());
                line.extend(fields.fields);
                write!(out, "{}", Value::Object(line))?;
            }
        }
        writeln!(out)
    }
}

/// One event is one line, whatever a sender put into it.
fn escaped(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for character in message.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            character if character.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

/// Collects the fields of an event.
struct Fields {
    message: String,
    fields: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => {
                self.message = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            }
            name => drop(self.fields.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

/// RFC 3339 in UTC with milliseconds.
fn timestamp(unix_nano: u64) -> String {
    let (days, second) = (
        unix_nano / 1_000_000_000 / 86_400,
        unix_nano / 1_000_000_000 % 86_400,
    );
    // Days to date after Howard Hinnant's civil_from_days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let milli = unix_nano / 1_000_000 % 1000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milli:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_utc_dates() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            timestamp(1_709_210_096_789_000_000),
            "2024-02-29T12:34:56.789Z"
        );
        assert_eq!(
            timestamp(1_735_689_599_999_999_999),
            "2024-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(escaped("a\nb\u{1b}[31m"), "a\\nb\\u001b[31m");
    }
}
