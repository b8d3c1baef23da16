//! Own metrics: scraped, pushed, or both.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use net::answer::Body;
use net::listen::{Listener, Transport};
use net::server::{self, Peer, ServerOptions};
use opentelemetry::global;
use opentelemetry_otlp::{MetricExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};
use tokio_util::sync::CancellationToken;

use super::process;
use super::push::{Client, grpc_endpoint, headers, http_endpoint, metadata};
use crate::configuration::telemetry::{Level, Metrics, Periodic, Prometheus};

/// Starts the readers. They must be there before the first instrument is made.
pub(super) async fn start(
    settings: &Metrics,
    resource: &Resource,
    stop: &CancellationToken,
) -> Result<Option<SdkMeterProvider>, String> {
    if settings.level == Level::None {
        return Ok(None);
    }
    let mut builder = SdkMeterProvider::builder().with_resource(resource.clone());
    for reader in &settings.readers {
        if let Some(prometheus) = reader
            .pull
            .as_ref()
            .and_then(|pull| pull.exporter.prometheus.as_ref())
        {
            builder = scrape(builder, prometheus, stop).await?;
        }
        if let Some(periodic) = &reader.periodic {
            builder = push(builder, periodic)?;
        }
    }
    let provider = builder.build();
    global::set_meter_provider(provider.clone());
    process::observe();
    Ok(Some(provider))
}

async fn scrape(
    builder: MeterProviderBuilder,
    settings: &Prometheus,
    stop: &CancellationToken,
) -> Result<MeterProviderBuilder, String> {
    let registry = Registry::new();
    let mut exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(!settings.without_scope_info);
    if settings.without_units {
        exporter = exporter.without_units();
    }
    if settings.without_type_suffix {
        exporter = exporter.without_counter_suffixes();
    }
    let reader = exporter
        .build()
        .map_err(|error| format!("service::telemetry::metrics: {error}"))?;
    let endpoint = format!("{}:{}", settings.host, settings.port);
    serve(&endpoint, registry, stop.clone())
        .await
        .map_err(|error| format!("service::telemetry::metrics::readers: {error}"))?;
    Ok(builder.with_reader(reader))
}

async fn serve(endpoint: &str, registry: Registry, stop: CancellationToken) -> Result<(), String> {
    let listener = Listener::bind(endpoint, Transport::Tcp)
        .await
        .map_err(|error| error.to_string())?;
    let answer = move |request: Request<net::Incoming>, _: Arc<Peer>| {
        let response = exposition(request.method(), request.uri().path(), &registry);
        std::future::ready(response)
    };
    let server = server::serve(listener, ServerOptions::default(), Arc::new(answer))
        .map_err(|error| error.to_string())?;
    tracing::info!(endpoint = %server.local_address(), "Serving own metrics at /metrics");
    tokio::spawn(async move {
        stop.cancelled().await;
        server.stop(Duration::from_secs(1)).await;
    });
    Ok(())
}

fn exposition(method: &Method, path: &str, registry: &Registry) -> Response<Body> {
    let (status, text) = match (path, method) {
        ("/metrics", &Method::GET | &Method::HEAD) => {
            match TextEncoder::new().encode_to_string(&registry.gather()) {
                Ok(text) => (StatusCode::OK, text),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            }
        }
        ("/metrics", _) => (StatusCode::METHOD_NOT_ALLOWED, "use GET\n".to_owned()),
        _ => (
            StatusCode::NOT_FOUND,
            "metrics are at /metrics\n".to_owned(),
        ),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn push(
    builder: MeterProviderBuilder,
    settings: &Periodic,
) -> Result<MeterProviderBuilder, String> {
    let Some(push) = &settings.exporter.otlp else {
        return Ok(builder);
    };
    let timeout = Duration::from_millis(settings.timeout);
    let built = match push.protocol.as_str() {
        "grpc" => MetricExporter::builder()
            .with_tonic()
            .with_endpoint(grpc_endpoint(push))
            .with_metadata(metadata(push)?)
            .with_timeout(timeout)
            .build(),
        _ => MetricExporter::builder()
            .with_http()
            .with_endpoint(http_endpoint(push, "metrics"))
            .with_headers(headers(push))
            .with_http_client(Client::new(timeout)?)
            .build(),
    };
    let exporter = built.map_err(|error| {
        format!(
            "service::telemetry::metrics: cannot push to {}: {error}",
            push.endpoint
        )
    })?;
    let reader = PeriodicReader::builder(exporter)
        .with_interval(Duration::from_millis(settings.interval))
        .build();
    Ok(builder.with_reader(reader))
}
