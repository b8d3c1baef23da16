//! Settings of `otlp_http`.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use http::Uri;
use net::HttpClient;
use net::config::{CompressionName, HttpClientSettings};
use otlp::Signal;
use pipeline::dead_letter::DeadLetterSettings;
use pipeline::registry::ExporterConfig;
use pipeline::tail::Driver;
use pipeline::tail::settings::{RetryOnFailure, SendingQueue, TailSettings};
use pipeline::{Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, Beside, ComponentId, OnByDefault, Validate};

use crate::deliver::Delivery;
use crate::http::HttpWire;

const TIMEOUT: StdDuration = StdDuration::from_secs(30);

/// Settings of `otlp_http`: its own beside those of every HTTP client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct HttpConfig {
    /// Paths, encoding, retry and queue.
    pub own: HttpOwn,
    /// Endpoint, TLS, proxy, compression and so on.
    pub client: HttpClientSettings,
}

type Written = Beside<HttpOwn, HttpClientSettings>;

/// What `otlp_http` has beside the settings of an HTTP client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpOwn {
    /// The whole URL for spans, instead of `endpoint` with `/v1/traces`.
    pub traces_endpoint: String,
    /// The whole URL for data points, instead of `endpoint` with `/v1/metrics`.
    pub metrics_endpoint: String,
    /// The whole URL for log records, instead of `endpoint` with `/v1/logs`.
    pub logs_endpoint: String,
    /// What requests are written in.
    pub encoding: Encoding,
    /// Waits between attempts.
    pub retry_on_failure: OnByDefault<RetryOnFailure>,
    /// What waits in front of the destination.
    pub sending_queue: OnByDefault<SendingQueue>,
    /// Where refused records are kept, so that `pharos replay` can send them again.
    pub dead_letter: DeadLetterSettings,
}

/// `encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Protobuf.
    #[default]
    Proto,
    /// OTLP/JSON.
    Json,
}

impl From<Written> for HttpConfig {
    fn from(written: Written) -> HttpConfig {
        let mut client = written.shared;
        client.compression.get_or_insert(CompressionName::Gzip);
        client.timeout.get_or_insert(TIMEOUT.into());
        HttpConfig {
            own: written.own,
            client,
        }
    }
}

impl From<HttpConfig> for Written {
    fn from(config: HttpConfig) -> Written {
        Beside {
            own: config.own,
            shared: config.client,
        }
    }
}

impl HttpConfig {
    fn own_endpoint(&self, signal: Signal) -> (&'static str, &str) {
        match signal {
            Signal::Traces => ("traces_endpoint", &self.own.traces_endpoint),
            Signal::Metrics => ("metrics_endpoint", &self.own.metrics_endpoint),
            Signal::Logs => ("logs_endpoint", &self.own.logs_endpoint),
        }
    }

    /// Where requests of `signal` go.
    ///
    /// # Errors
    /// One line that names the setting.
    pub(crate) fn url(&self, signal: Signal) -> Result<Uri, String> {
        let (key, own) = self.own_endpoint(signal);
        if !own.is_empty() {
            return url(own).map_err(|why| format!("{key}: {why}"));
        }
        let base = self.client.endpoint.trim_end_matches('/');
        if base.is_empty() {
            let signal = signal.name();
            return Err(format!("no endpoint for {signal}: set endpoint or {key}"));
        }
        url(&format!("{base}/v1/{}", signal.name())).map_err(|why| format!("endpoint: {why}"))
    }
}

fn url(text: &str) -> Result<Uri, String> {
    let expected = "expected a URL such as https://collector.example.com:4318";
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("\"{text}\" is no URL ({error}): {expected}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(format!("\"{text}\" is no URL: {expected}")),
    }
}

impl Validate for HttpConfig {
    fn validate(&self, at: &mut At<'_>) {
        self.client.validate(at);
        let endpoints = Signal::ALL.map(|signal| self.own_endpoint(signal));
        let all = [("endpoint", &*self.client.endpoint)]
            .into_iter()
            .chain(endpoints);
        let set: Vec<_> = all.filter(|(_, text)| !text.is_empty()).collect();
        if set.is_empty() {
            at.error(
                "endpoint",
                "is required, for example https://collector.example.com:4318 (or one of traces_endpoint, metrics_endpoint, logs_endpoint)",
            );
        }
        for (key, text) in set {
            if let Err(why) = url(text) {
                at.error(key, why);
            }
        }
        super::check_auth(&self.client.auth, at);
        at.check_some("retry_on_failure", self.own.retry_on_failure.as_option());
        at.check_some("sending_queue", self.own.sending_queue.as_option());
        at.check("dead_letter", &self.own.dead_letter);
    }
}

impl ExporterConfig for HttpConfig {
    fn build(&self, id: &ComponentId, signal: Signal, host: &Host) -> Result<Driver, StartError> {
        let url = self.url(signal).map_err(StartError::new)?;
        let settings = HttpClientSettings {
            endpoint: url.to_string(),
            ..self.client.clone()
        };
        let mut options = settings
            .options(&super::agent(), Some(TIMEOUT))
            .map_err(StartError::new)?;
        options.credentials = super::credentials(&self.client.auth, host)?;
        let wire = HttpWire {
            client: HttpClient::new(options),
            url,
            form: self.own.encoding,
            compression: settings.encoding(Some(net::Encoding::Gzip)),
            level: settings.compression_params.level(),
            clock: host.clock.clone(),
        };
        Ok(Driver::Exporter(Arc::new(Delivery::new(id, wire))))
    }

    fn tail(&self) -> TailSettings {
        super::tail(
            &self.own.sending_queue,
            &self.own.retry_on_failure,
            &self.own.dead_letter,
        )
    }
}
