//! Own logs, metrics and spans of the collector.

mod logs;
mod metrics;
mod process;
mod resource;
mod sampling;
mod spans;

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio_util::sync::CancellationToken;

use crate::configuration::telemetry::Telemetry;

/// Own telemetry at work.
pub(crate) struct Handle {
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
    logs::start(&settings.logs)?;
    let scrape = CancellationToken::new();
    let meters = metrics::start(&settings.metrics, &resource, &scrape).await?;
    let tracers = spans::start(settings, &resource)?;
    Ok(Handle { meters, tracers, scrape })
}

impl Handle {
    /// Sends what is left and stops, spans before metrics.
    pub(crate) async fn stop(self) {
        self.scrape.cancel();
        let Handle { meters, tracers, .. } = self;
        // The providers wait for their own threads.
        let stopped = tokio::task::spawn_blocking(move || {
            let spans = tracers.map(|tracers| tracers.shutdown());
            let metrics = meters.map(|meters| meters.shutdown());
            (spans, metrics)
        });
        if let Ok((Some(Err(error)), _) | (_, Some(Err(error)))) = stopped.await {
            tracing::debug!(%error, "Own telemetry did not stop cleanly");
        }
    }
}
