//! Settings of the receiver, under upstream's names and defaults.

mod grpc;
mod http;

use pipeline::registry::ReceiverConfig;
use pipeline::{Outputs, Receiver, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, OffByDefault, Validate};

pub(crate) use grpc::Grpc;
pub(crate) use http::Http;

use crate::serve::OtlpReceiver;

/// Settings of `otlp`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The protocols that are served. At least one must be named.
    pub protocols: Protocols,
}

/// `protocols`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protocols {
    /// OTLP over gRPC.
    pub grpc: OffByDefault<Grpc>,
    /// OTLP over HTTP.
    pub http: OffByDefault<Http>,
}

/// Who may send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Id of the extension that checks every request.
    pub authenticator: String,
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if !self.protocols.grpc.is_on() && !self.protocols.http.is_on() {
            at.error("protocols", "must name at least one protocol: grpc or http");
        }
        at.check_some("protocols::grpc", self.protocols.grpc.as_option());
        at.check_some("protocols::http", self.protocols.http.as_option());
    }
}

impl ReceiverConfig for Config {
    fn build(&self, id: &ComponentId, outputs: Outputs) -> Result<Box<dyn Receiver>, StartError> {
        Ok(Box::new(OtlpReceiver {
            id: id.to_string(),
            config: self.clone(),
            outputs,
        }))
    }
}

/// Reports an endpoint that is no `host:port`.
fn check_endpoint(endpoint: &str, at: &mut At<'_>) {
    if endpoint.is_empty() {
        at.error("endpoint", "must not be empty: expected host:port");
    }
}

/// Settings of upstream that have no meaning here.
fn warn_without_meaning(keys: &[&str], at: &mut At<'_>) {
    for key in keys {
        if at.is_set(key) {
            at.warn(key, "has no meaning in this collector and is ignored");
        }
    }
}
