//! Where own telemetry is pushed to, by OTLP, and the client that does it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use net::client::Proxy;
use net::tls::{ClientTlsSettings, TlsConnector};
use net::{Body, HttpClientOptions};
use tokio::runtime::Handle;
use tonic::metadata::MetadataMap;

use crate::configuration::telemetry::Otlp;

/// Longest time for one push of spans or logs, as the SDK has it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// A URL for `grpc`, whose endpoint may come without a scheme.
pub(super) fn grpc_endpoint(push: &Otlp) -> String {
    match push.endpoint.contains("://") {
        true => push.endpoint.clone(),
        false if push.insecure => format!("http://{}", push.endpoint),
        false => format!("https://{}", push.endpoint),
    }
}

/// The URL of one signal; an endpoint without a path is a base URL.
pub(super) fn http_endpoint(push: &Otlp, signal: &str) -> String {
    let base = grpc_endpoint(push);
    let after_scheme = base
        .split_once("://")
        .map_or(base.as_str(), |(_, rest)| rest);
    match after_scheme.trim_end_matches('/').contains('/') {
        true => base,
        false => format!("{}/v1/{signal}", base.trim_end_matches('/')),
    }
}

/// The headers in clear, for an HTTP push.
pub(super) fn headers(push: &Otlp) -> HashMap<String, String> {
    push.headers
        .iter()
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect()
}

/// The headers in clear, for a gRPC push.
///
/// # Errors
/// A name or value that no header may have.
pub(super) fn metadata(push: &Otlp) -> Result<MetadataMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &push.headers {
        let name: HeaderName = name
            .parse()
            .map_err(|_| format!("service::telemetry: \"{name}\" is no header name"))?;
        let value = HeaderValue::from_str(value.expose())
            .map_err(|_| format!("service::telemetry: the value of header \"{name}\" has characters that no header may have"))?;
        headers.insert(name, value);
    }
    Ok(MetadataMap::from_headers(headers))
}

/// The client of all HTTP pushes. The SDK calls it from threads of its own,
/// while sockets and timers live on the runtime.
#[derive(Debug)]
pub(super) struct Client {
    client: net::HttpClient,
    runtime: Handle,
}

impl Client {
    /// A client whose requests may take `timeout`; called on the runtime.
    ///
    /// # Errors
    /// When the authorities of this machine cannot be read.
    pub(super) fn new(timeout: Duration) -> Result<Client, String> {
        let tls = TlsConnector::new(ClientTlsSettings::default(), &["h2", "http/1.1"]);
        let tls = tls.map_err(|error| format!("service::telemetry: {error}"))?;
        let options = HttpClientOptions {
            tls: Some(Arc::new(tls)),
            proxy: Proxy::from_environment(),
            timeout: Some(timeout),
            ..HttpClientOptions::default()
        };
        Ok(Client {
            client: net::HttpClient::new(options),
            runtime: Handle::current(),
        })
    }
}

#[async_trait]
impl opentelemetry_http::HttpClient for Client {
    async fn send_bytes(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, opentelemetry_http::HttpError> {
        let client = self.client.clone();
        let sending = self
            .runtime
            .spawn(async move { client.send(request.map(Body::from)).await });
        Ok(sending.await??)
    }
}
