//! Another configuration for a collector at work: where it comes from, when it
//! is looked for, and what is told about it.

mod watch;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use pipeline::Host;
use pipeline::health::Status;
use pipeline::telemetry::meter;
use settings::Problems;

use self::watch::Watch;
use crate::command_line::ConfigArguments;
use crate::commands::{self, Failure};
use crate::configuration::Configuration;
use crate::configuration::telemetry::Telemetry;
use crate::graph::Changes;

/// Under this name health tells how the last reload went.
const COMPONENT: &str = "configuration";

/// Where the configuration comes from.
pub(crate) struct Source {
    arguments: ConfigArguments,
    watch: Watch,
}

impl Source {
    /// The configuration that the arguments name; its files are watched if asked for.
    pub(crate) fn new(arguments: ConfigArguments, watched: bool) -> Source {
        Source {
            arguments,
            watch: Watch::new(watched),
        }
    }

    /// Reads it. Warnings come beside it.
    pub(crate) fn load(&mut self) -> (Result<Configuration, Failure>, Problems) {
        let files = watch::Files::default();
        let loaded = commands::load_from(&self.arguments, &files);
        self.watch.look_at(files);
        loaded
    }

    /// Waits until a file of the last [load](Source::load) has changed.
    pub(crate) async fn changed(&mut self) {
        self.watch.changed().await;
    }
}

/// Tells the world how reloads go: metrics, health and log lines.
pub(crate) struct Reporter {
    reloads: Counter<u64>,
    successful: Gauge<u64>,
    at: Gauge<f64>,
    host: Host,
    /// The settings of the own telemetry, which a reload does not change.
    telemetry: Telemetry,
}

impl Reporter {
    /// A reporter for a collector that has started with this own telemetry.
    pub(crate) fn new(host: &Host, telemetry: &Telemetry) -> Reporter {
        let meter = meter();
        let reloads = meter
            .u64_counter("otelcol_config_reloads")
            .with_description("Number of reloads of the configuration, by outcome");
        let successful = meter
            .u64_gauge("otelcol_config_last_reload_successful")
            .with_description("Whether the last reload of the configuration succeeded");
        let at = meter
            .f64_gauge("otelcol_config_last_reload_success_timestamp_seconds")
            .with_description("When the configuration at work was loaded");
        let reporter = Reporter {
            reloads: reloads.build(),
            successful: successful.build(),
            at: at.build(),
            host: host.clone(),
            telemetry: telemetry.clone(),
        };
        for outcome in ["success", "failure"] {
            reporter
                .reloads
                .add(0, &[KeyValue::new("outcome", outcome)]);
        }
        reporter.good();
        reporter
    }

    /// The configuration was loaded from the start, or again with success.
    fn good(&self) {
        let now = self.host.clock.unix_nano();
        self.successful.record(1, &[]);
        self.at.record(now as f64 / 1e9, &[]);
        self.host.health.report(COMPONENT, Status::Ok, now);
    }

    /// What is worth knowing about a configuration that is going to be used.
    pub(crate) fn remarks(&self, configuration: &Configuration, problems: &Problems) {
        for warning in problems.warnings() {
            tracing::warn!("{warning}");
        }
        if configuration.service.telemetry != self.telemetry {
            tracing::warn!(
                "service::telemetry has changed: restart the collector for that, a reload goes on with the own telemetry of the start"
            );
        }
    }

    /// The configuration is in service.
    pub(crate) fn succeeded(&self, changes: &Changes) {
        self.reloads.add(1, &[KeyValue::new("outcome", "success")]);
        self.good();
        tracing::info!(
            started = changes.started.join(", "),
            stopped = changes.stopped.join(", "),
            kept = changes.kept,
            "Configuration reloaded."
        );
    }

    /// The configuration cannot be used.
    pub(crate) fn failed(&self, why: &str) {
        self.reloads.add(1, &[KeyValue::new("outcome", "failure")]);
        self.successful.record(0, &[]);
        let status = Status::RecoverableError(format!("reload failed: {why}").into());
        let now = self.host.clock.unix_nano();
        self.host.health.report(COMPONENT, status, now);
        tracing::error!(
            error = why,
            "Reloading the configuration failed. The one before goes on running; correct this and reload again."
        );
    }
}
