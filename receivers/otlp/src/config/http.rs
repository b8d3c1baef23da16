//! `protocols::http`.

use std::collections::BTreeSet;

use http::HeaderName;
use net::config::HttpServerSettings;
use otlp::Signal;
use serde::{Deserialize, Serialize};
use settings::{At, Beside, ByteSize, Duration, Validate};

use super::{check_auth, check_endpoint};

/// Settings of an HTTP server, with the defaults of this receiver, and beside
/// them the paths of the signals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Beside<Paths, HttpServerSettings>")]
pub struct Http(pub Beside<Paths, HttpServerSettings>);

/// Where each signal is taken. A path without a leading slash gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// Path for traces.
    pub traces_url_path: String,
    /// Path for metrics.
    pub metrics_url_path: String,
    /// Path for logs.
    pub logs_url_path: String,
}

impl Default for Paths {
    fn default() -> Paths {
        Paths {
            traces_url_path: "/v1/traces".to_owned(),
            metrics_url_path: "/v1/metrics".to_owned(),
            logs_url_path: "/v1/logs".to_owned(),
        }
    }
}

/// Content encodings that are inflated, in upstream's order; the empty name is
/// a body that is not compressed.
const ALGORITHMS: [&str; 8] = [
    "",
    "gzip",
    "zstd",
    "zlib",
    "snappy",
    "deflate",
    "lz4",
    "x-snappy-framed",
];

impl From<Beside<Paths, HttpServerSettings>> for Http {
    fn from(mut settings: Beside<Paths, HttpServerSettings>) -> Http {
        let server = &mut settings.shared;
        server
            .endpoint
            .get_or_insert_with(|| "localhost:4318".to_owned());
        server
            .max_request_body_size
            .get_or_insert(ByteSize::mib(20));
        server
            .compression_algorithms
            .get_or_insert_with(|| ALGORITHMS.map(str::to_owned).to_vec());
        // Upstream's server has limits here by default, upstream's receiver has none.
        for timeout in [
            &mut server.read_timeout,
            &mut server.read_header_timeout,
            &mut server.write_timeout,
            &mut server.idle_timeout,
        ] {
            timeout.get_or_insert(Duration::ZERO);
        }
        Http(settings)
    }
}

impl Default for Http {
    fn default() -> Http {
        Beside::default().into()
    }
}

impl Http {
    /// Where to listen.
    pub(crate) fn endpoint(&self) -> &str {
        self.0.shared.endpoint.as_deref().unwrap_or_default()
    }

    /// The path of a signal.
    pub(crate) fn path(&self, signal: Signal) -> String {
        let paths = &self.0.own;
        let path = match signal {
            Signal::Logs => &paths.logs_url_path,
            Signal::Traces => &paths.traces_url_path,
            Signal::Metrics => &paths.metrics_url_path,
        };
        format!("/{}", path.strip_prefix('/').unwrap_or(path))
    }

    /// Query parameters that an authenticator sees as headers.
    ///
    /// # Errors
    /// The first that cannot be a header.
    pub(crate) fn auth_parameters(&self) -> Result<Vec<HeaderName>, String> {
        let auth = self.0.shared.auth.as_option();
        let names = auth.map(|auth| auth.request_params.as_slice());
        let parse = |name: &String| name.parse().map_err(|_| name.clone());
        names.unwrap_or_default().iter().map(parse).collect()
    }
}

impl Validate for Http {
    fn validate(&self, at: &mut At<'_>) {
        let server = &self.0.shared;
        server.validate(at);
        check_endpoint(server.endpoint.as_deref(), server.transport, at);
        check_auth(&server.auth, at);
        let paths: BTreeSet<String> = Signal::ALL.map(|signal| self.path(signal)).into();
        if paths.len() < Signal::ALL.len() {
            at.error(
                "",
                "traces_url_path, metrics_url_path and logs_url_path must differ",
            );
        }
        if let Err(name) = self.auth_parameters() {
            let message = format_args!("\"{name}\" cannot stand for a header");
            at.error("auth::request_params", message);
        }
    }
}
