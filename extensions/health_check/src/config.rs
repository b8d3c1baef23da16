//! Settings of `health_check`, under upstream's names and defaults: those of
//! its first version, and of the second with `use_v2`.

use net::tls::ServerTlsSettings;
use pipeline::registry::ExtensionConfig;
use pipeline::{Extension, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Duration, Optional, Validate};

use crate::judge::Rules;
use crate::probe::nanoseconds;
use crate::serve::HealthCheck;

/// Where health is told, and in which words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. In a container `0.0.0.0:13133`. With `use_v2` that is `http::endpoint`.
    pub endpoint: String,
    /// Path of the answer for probes.
    pub path: String,
    /// TLS. With `use_v2` that is `http::tls`.
    pub tls: Optional<ServerTlsSettings>,
    /// Bodies instead of the usual JSON.
    pub response_body: Optional<ResponseBody>,
    /// Never worked upstream; accepted and ignored.
    pub check_collector_pipeline: Option<serde_json::Value>,
    /// Takes where to listen, and which paths, from `http`.
    pub use_v2: bool,
    /// Which errors of components make the status page red.
    pub component_health: ComponentHealth,
    /// The server of the second version; only with `use_v2`.
    pub http: Option<Http>,
    /// Not served here.
    pub grpc: Option<serde_json::Value>,
}

/// `response_body`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseBody {
    /// While the pipelines are up.
    pub healthy: String,
    /// Before and after.
    pub unhealthy: String,
}

/// `component_health`: what makes the status page answer 500.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComponentHealth {
    /// Errors that somebody has to repair. Off with `use_v2`, as upstream; else on.
    pub include_permanent_errors: Option<bool>,
    /// Errors that pass by themselves, once they are older than
    /// `recovery_duration`, and full queues. Off with `use_v2`, as upstream; else on.
    pub include_recoverable_errors: Option<bool>,
    /// How long a component may try to get over an error.
    pub recovery_duration: Duration,
    /// From which share of its capacity on a sending queue is nearly full.
    pub queue_full_ratio: f64,
    /// How long a queue may be nearly full.
    pub queue_full_duration: Duration,
}

/// `http`: the server of the second version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where to listen.
    pub endpoint: String,
    /// TLS.
    pub tls: Optional<ServerTlsSettings>,
    /// The status page.
    pub status: StatusPath,
    /// The configuration, secrets redacted.
    pub config: ConfigPath,
}

/// `http::status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusPath {
    /// Whether it is served.
    pub enabled: bool,
    /// Where.
    pub path: String,
}

/// `http::config`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigPath {
    /// Whether it is served.
    pub enabled: bool,
    /// Where.
    pub path: String,
}

impl Config {
    /// Where to listen, and with which certificate.
    pub(crate) fn server(&self) -> (&str, Option<&ServerTlsSettings>) {
        match (self.use_v2, &self.http) {
            (true, Some(http)) => (&http.endpoint, http.tls.as_option()),
            (true, None) => (ENDPOINT, None),
            (false, _) => (&self.endpoint, self.tls.as_option()),
        }
    }

    /// The path of the status page, where it is served.
    pub(crate) fn status_path(&self) -> Option<&str> {
        match (self.use_v2, &self.http) {
            (true, Some(http)) => http.status.enabled.then_some(&*http.status.path),
            _ => Some("/status"),
        }
    }

    /// The path of the configuration, where it is served.
    pub(crate) fn config_path(&self) -> Option<&str> {
        let http = self.http.as_ref().filter(|_| self.use_v2)?;
        http.config.enabled.then_some(&*http.config.path)
    }

    /// What errors of components mean. Upstream's second version asks to opt in;
    /// the status page of the first is ours, and red when something is wrong.
    pub(crate) fn rules(&self) -> Rules {
        let health = &self.component_health;
        let default = !self.use_v2;
        Rules {
            include_permanent: health.include_permanent_errors.unwrap_or(default),
            include_recoverable: health.include_recoverable_errors.unwrap_or(default),
            recovery: nanoseconds(health.recovery_duration.get()),
        }
    }
}

const ENDPOINT: &str = "localhost:13133";

impl Default for Config {
    fn default() -> Config {
        Config {
            endpoint: ENDPOINT.to_owned(),
            path: "/".to_owned(),
            tls: Optional::off(),
            response_body: Optional::off(),
            check_collector_pipeline: None,
            use_v2: false,
            component_health: ComponentHealth::default(),
            http: None,
            grpc: None,
        }
    }
}

impl Default for ComponentHealth {
    fn default() -> ComponentHealth {
        ComponentHealth {
            include_permanent_errors: None,
            include_recoverable_errors: None,
            recovery_duration: Duration::from_secs(60),
            queue_full_ratio: 0.9,
            queue_full_duration: Duration::from_secs(10),
        }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http {
            endpoint: ENDPOINT.to_owned(),
            tls: Optional::off(),
            status: StatusPath::default(),
            config: ConfigPath::default(),
        }
    }
}

impl Default for StatusPath {
    fn default() -> StatusPath {
        StatusPath {
            enabled: true,
            path: "/status".to_owned(),
        }
    }
}

impl Default for ConfigPath {
    fn default() -> ConfigPath {
        ConfigPath {
            enabled: false,
            path: "/config".to_owned(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.endpoint.is_empty() {
            at.error("endpoint", "must not be empty: expected host:port");
        }
        if !self.path.starts_with('/') {
            at.error("path", "must start with /");
        }
        at.check_some("tls", self.tls.as_option());
        if self.check_collector_pipeline.is_some() {
            at.warn(
                "check_collector_pipeline",
                "never worked upstream and is ignored; see component_health",
            );
        }
        at.check("component_health", &self.component_health);
        match &self.http {
            Some(_) if !self.use_v2 => at.warn("http", "has no effect without use_v2: true"),
            _ => {}
        }
        at.check_some("http", self.http.as_ref());
        if self.grpc.is_some() {
            at.error(
                "grpc",
                "health over gRPC is not served: use http, and httpGet for the probes of Kubernetes",
            );
        }
        if !self.use_v2 && self.path == StatusPath::default().path {
            at.error("path", "/status is taken by the detailed answer");
        }
    }
}

impl Validate for ComponentHealth {
    fn validate(&self, at: &mut At<'_>) {
        if !(self.queue_full_ratio > 0.0 && self.queue_full_ratio <= 1.0) {
            at.error(
                "queue_full_ratio",
                "must be greater than 0 and not greater than 1 (0.9 is nine tenths)",
            );
        }
    }
}

impl Validate for Http {
    fn validate(&self, at: &mut At<'_>) {
        if self.endpoint.is_empty() {
            at.error("endpoint", "must not be empty: expected host:port");
        }
        at.check_some("tls", self.tls.as_option());
        for (key, enabled, path) in [
            ("status", self.status.enabled, &self.status.path),
            ("config", self.config.enabled, &self.config.path),
        ] {
            if enabled && !path.starts_with('/') {
                at.error(key, "path must start with /");
            }
        }
        if self.status.enabled && self.config.enabled && self.status.path == self.config.path {
            at.error("config", "path is taken by status");
        }
    }
}

impl ExtensionConfig for Config {
    fn build(&self, _: &ComponentId) -> Result<Box<dyn Extension>, StartError> {
        Ok(Box::new(HealthCheck::new(self.clone())))
    }
}
