//! `protocols::http`.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use net::cors::CorsSettings;
use net::tls::{ServerTlsSettings, TlsAcceptor};
use net::{Encoding, Protocols, ServerOptions, Transport};
use otlp::Signal;
use pipeline::StartError;
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, Headers, Optional, Validate};

use super::{check_endpoint, warn_without_meaning};

/// OTLP over HTTP/1.1 and HTTP/2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where to listen. In a container `0.0.0.0:4318`.
    pub endpoint: String,
    /// `tcp` or `unix`.
    pub transport: Transport,
    /// Path for traces.
    pub traces_url_path: String,
    /// Path for metrics.
    pub metrics_url_path: String,
    /// Path for logs.
    pub logs_url_path: String,
    /// TLS; with `client_ca_file` clients must show a certificate.
    pub tls: Optional<ServerTlsSettings>,
    /// Which web pages may send.
    pub cors: Optional<CorsSettings>,
    /// Who may send.
    pub auth: Optional<HttpAuth>,
    /// Largest body, on the wire and inflated.
    pub max_request_body_size: ByteSize,
    /// Whether request headers travel with the data (`from_context`, `metadata_keys`).
    pub include_metadata: bool,
    /// Headers of every answer.
    pub response_headers: Headers,
    /// Content encodings that are inflated; an empty list inflates none.
    pub compression_algorithms: Vec<String>,
    /// How long a body may take to arrive; 0 is no limit.
    pub read_timeout: Duration,
    /// How long the head of a request may take to arrive; 0 is no limit.
    pub read_header_timeout: Duration,
    /// How long writing an answer may make no progress; 0 is no limit.
    pub write_timeout: Duration,
    /// How long a connection may stay without a request; 0 is no limit.
    pub idle_timeout: Duration,
    /// Whether connections serve more than one request.
    pub keep_alives_enabled: bool,
    /// Has no meaning here; accepted.
    pub middlewares: Vec<serde_json::Value>,
}

/// `auth` of an HTTP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpAuth {
    /// Id of the extension that checks every request.
    pub authenticator: String,
    /// Query parameters that are shown to the authenticator as headers.
    pub request_params: Vec<String>,
}

impl Default for Http {
    fn default() -> Http {
        let algorithms = [
            "",
            "gzip",
            "zstd",
            "zlib",
            "snappy",
            "deflate",
            "lz4",
            "x-snappy-framed",
        ];
        Http {
            endpoint: "localhost:4318".to_owned(),
            transport: Transport::Tcp,
            traces_url_path: "/v1/traces".to_owned(),
            metrics_url_path: "/v1/metrics".to_owned(),
            logs_url_path: "/v1/logs".to_owned(),
            tls: Optional::off(),
            cors: Optional::off(),
            auth: Optional::off(),
            max_request_body_size: ByteSize::mib(20),
            include_metadata: false,
            response_headers: Headers::new(),
            compression_algorithms: algorithms.map(str::to_owned).to_vec(),
            read_timeout: Duration::ZERO,
            read_header_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            keep_alives_enabled: true,
            middlewares: Vec::new(),
        }
    }
}

impl Validate for Http {
    fn validate(&self, at: &mut At<'_>) {
        check_endpoint(&self.endpoint, at);
        at.check_some("tls", self.tls.as_option());
        at.check_some("cors", self.cors.as_option());
        for (index, name) in self.compression_algorithms.iter().enumerate() {
            if !name.is_empty() && Encoding::from_http(name).is_err() {
                at.error(
                    &format!("compression_algorithms::{index}"),
                    format_args!("\"{name}\" is no known encoding"),
                );
            }
        }
        let paths: BTreeSet<String> = Signal::ALL
            .iter()
            .map(|signal| self.path(*signal))
            .collect();
        if paths.len() < Signal::ALL.len() {
            at.error(
                "",
                "traces_url_path, metrics_url_path and logs_url_path must differ",
            );
        }
        if let Err(error) = self.answer_headers() {
            at.error("response_headers", error);
        }
        warn_without_meaning(&["middlewares"], at);
    }
}

impl Http {
    /// The path of a signal; one without a leading slash gets it.
    pub(crate) fn path(&self, signal: Signal) -> String {
        let path = match signal {
            Signal::Logs => &self.logs_url_path,
            Signal::Traces => &self.traces_url_path,
            Signal::Metrics => &self.metrics_url_path,
        };
        if path.starts_with('/') {
            path.clone()
        } else {
            format!("/{path}")
        }
    }

    /// The headers of every answer.
    pub(crate) fn answer_headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.response_headers.iter() {
            let header: HeaderName = name
                .parse()
                .map_err(|_| format!("\"{name}\" is no header name"))?;
            let value = HeaderValue::from_str(value.expose())
                .map_err(|_| format!("the value of \"{name}\" is no header value"))?;
            headers.insert(header, value);
        }
        Ok(headers)
    }

    /// Encodings that are inflated.
    pub(crate) fn encodings(&self) -> Vec<Encoding> {
        let known = |name: &String| Encoding::from_http(name).ok().flatten();
        self.compression_algorithms
            .iter()
            .filter_map(known)
            .collect()
    }

    /// How the server treats its connections.
    pub(crate) fn server_options(&self) -> Result<ServerOptions, StartError> {
        let tls = self
            .tls
            .as_option()
            .map(|tls| TlsAcceptor::new(tls.clone(), &["h2", "http/1.1"]))
            .transpose();
        Ok(ServerOptions {
            protocols: Protocols::Http,
            tls: tls
                .map_err(|error| StartError::new(format!("protocols::http::tls: {error}")))?
                .map(Arc::new),
            header_timeout: self.read_header_timeout.non_zero(),
            idle_timeout: self.idle_timeout.non_zero(),
            write_timeout: self.write_timeout.non_zero(),
            keep_alives: self.keep_alives_enabled,
            ..ServerOptions::default()
        })
    }
}
