//! Own logs, metrics and spans of the collector.

mod logs;
mod metrics;
mod process;
mod push;
mod resource;
mod sampling;
mod spans;

use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio_util::sync::CancellationToken;

use crate::configuration::telemetry::Telemetry;

/// Own telemetry at work.
pub(crate) struct Handle {
    loggers: Option<SdkLoggerProvider>,
    meters: Option<SdkMeterProvider>,
    tracers: Option<SdkTracerProvider>,
    scrape: CancellationToken,
}

/// Starts own logs first, so that everything else can complain.
///
/// # Errors
/// One line: a log file that cannot be opened, a taken port, a push endpoint
/// that is no URL.
pub(crate) async fn start(settings: &Telemetry) -> Result<Handle, String> {
    let resource = resource::resource(&settings.resource);
    let loggers = logs::start(settings, &resource)?;
    let scrape = CancellationToken::new();
    let meters = metrics::start(&settings.metrics, &resource, &scrape).await?;
    let tracers = spans::start(settings, &resource)?;
    Ok(Handle {
        loggers,
        meters,
        tracers,
        scrape,
    })
}

impl Handle {
    /// Sends what is left and stops: spans, metrics, logs last.
    pub(crate) async fn stop(self) {
        self.scrape.cancel();
        let Handle {
            loggers,
            meters,
            tracers,
            ..
        } = self;
        // The providers wait for their own threads.
        let stopped = tokio::task::spawn_blocking(move || {
            let spans = tracers.map(|tracers| tracers.shutdown());
            let metrics = meters.map(|meters| meters.shutdown());
            let logs = loggers.map(|loggers| loggers.shutdown());
            [spans, metrics, logs]
        });
        let results = stopped.await.unwrap_or_default();
        for error in results.into_iter().flatten().filter_map(Result::err) {
            tracing::debug!(%error, "Own telemetry did not stop cleanly");
        }
    }
}
