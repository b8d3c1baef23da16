//! Settings of the receiver, under upstream's names and defaults.

mod grpc;
mod http;

use net::Transport;
use net::config::AuthSettings;
use pipeline::registry::ReceiverConfig;
use pipeline::{Outputs, Receiver, StartError};
use serde::{Deserialize, Serialize};
use settings::{Address, At, ComponentId, OffByDefault, Optional, Validate};

pub use grpc::Grpc;
pub use http::{Http, Paths};

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
    /// OTLP over HTTP/1.1 and HTTP/2.
    pub http: OffByDefault<Http>,
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

/// Reports an endpoint that nobody can listen on.
fn check_endpoint(endpoint: Option<&str>, transport: Transport, at: &mut At<'_>) {
    let endpoint = endpoint.unwrap_or_default();
    if transport == Transport::Unix {
        if endpoint.is_empty() {
            at.error("endpoint", "expected the path of a socket");
        }
        return;
    }
    match endpoint.parse::<Address>() {
        Err(error) => at.error("endpoint", error),
        Ok(Address::Unix(_)) => at.error(
            "endpoint",
            "for a Unix socket write its path here and transport: unix beside it",
        ),
        Ok(Address::Tcp { .. }) => {}
    }
}

/// Reports `auth` that names nobody: it would let everybody in.
fn check_auth(auth: &Optional<AuthSettings>, at: &mut At<'_>) {
    if auth
        .as_option()
        .is_some_and(|auth| auth.authenticator.is_none())
    {
        at.error(
            "auth::authenticator",
            "is required: the id of an extension such as bearertokenauth",
        );
    }
}
