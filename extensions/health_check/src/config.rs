//! Settings of `health_check`, under upstream's names and defaults.

use net::tls::ServerTlsSettings;
use pipeline::registry::ExtensionConfig;
use pipeline::{Extension, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Optional, Validate};

use crate::serve::HealthCheck;

/// Where health is told, and in which words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. In a container `0.0.0.0:13133`.
    pub endpoint: String,
    /// Path of the answer for probes.
    pub path: String,
    /// TLS.
    pub tls: Optional<ServerTlsSettings>,
    /// Bodies instead of the usual JSON.
    pub response_body: Optional<ResponseBody>,
    /// Never worked upstream; accepted and ignored.
    pub check_collector_pipeline: Option<serde_json::Value>,
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

impl Default for Config {
    fn default() -> Config {
        Config {
            endpoint: "localhost:13133".to_owned(),
            path: "/".to_owned(),
            tls: Optional::off(),
            response_body: Optional::off(),
            check_collector_pipeline: None,
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
        if self.path == "/status" {
            at.error("path", "/status is taken by the detailed answer");
        }
        at.check_some("tls", self.tls.as_option());
        if self.check_collector_pipeline.is_some() {
            at.warn(
                "check_collector_pipeline",
                "never worked upstream and is ignored; see /status",
            );
        }
    }
}

impl ExtensionConfig for Config {
    fn build(&self, _: &ComponentId) -> Result<Box<dyn Extension>, StartError> {
        Ok(Box::new(HealthCheck::new(self.clone())))
    }
}
