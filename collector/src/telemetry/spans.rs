//! Own spans, off unless a processor is configured.

use opentelemetry::global;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::push;
use crate::configuration::telemetry::{Level, Otlp, Telemetry};

/// Starts own spans when they are wanted.
pub(super) fn start(
    settings: &Telemetry,
    resource: &Resource,
) -> Result<Option<SdkTracerProvider>, String> {
    if settings.traces.level == Level::None || settings.traces.processors.is_empty() {
        return Ok(None);
    }
    let mut builder = SdkTracerProvider::builder().with_resource(resource.clone());
    for push in settings.span_pushes() {
        builder = builder.with_batch_exporter(exporter(push)?);
    }
    let provider = builder.build();
    global::set_tracer_provider(provider.clone());
    pipeline::telemetry::spans::switch_on();
    Ok(Some(provider))
}

fn exporter(push: &Otlp) -> Result<SpanExporter, String> {
    let built = match push.protocol.as_str() {
        "grpc" => SpanExporter::builder()
            .with_tonic()
            .with_endpoint(push::grpc_endpoint(push))
            .with_metadata(push::metadata(push)?)
            .build(),
        _ => SpanExporter::builder()
            .with_http()
            .with_endpoint(push::http_endpoint(push, "traces"))
            .with_headers(push::headers(push))
            .with_http_client(push::Client::new(push::TIMEOUT)?)
            .build(),
    };
    built.map_err(|error| {
        format!(
            "service::telemetry::traces: cannot push to {}: {error}",
            push.endpoint
        )
    })
}
