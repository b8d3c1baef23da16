//! `protocols::grpc`.

use std::sync::Arc;

use net::tls::{ServerTlsSettings, TlsAcceptor};
use net::{Protocols, ServerOptions, Transport};
use pipeline::StartError;
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, Optional, Validate};

use super::{Auth, check_endpoint, warn_without_meaning};

/// OTLP over gRPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grpc {
    /// Where to listen. In a container `0.0.0.0:4317`.
    pub endpoint: String,
    /// `tcp` or `unix`.
    pub transport: Transport,
    /// TLS; with `client_ca_file` clients must show a certificate.
    pub tls: Optional<ServerTlsSettings>,
    /// Largest message in MiB, on the wire and inflated; 0 is the default of 4.
    pub max_recv_msg_size_mib: usize,
    /// Calls of one connection at a time; 0 is no limit.
    pub max_concurrent_streams: u32,
    /// Has no meaning here; accepted.
    pub read_buffer_size: ByteSize,
    /// Has no meaning here; accepted.
    pub write_buffer_size: ByteSize,
    /// Pings, and the age of connections.
    pub keepalive: Optional<Keepalive>,
    /// Who may send.
    pub auth: Optional<Auth>,
    /// Whether request headers travel with the data (`from_context`, `metadata_keys`).
    pub include_metadata: bool,
    /// Has no meaning here; accepted.
    pub middlewares: Vec<serde_json::Value>,
}

impl Default for Grpc {
    fn default() -> Grpc {
        Grpc {
            endpoint: "localhost:4317".to_owned(),
            transport: Transport::Tcp,
            tls: Optional::off(),
            max_recv_msg_size_mib: 0,
            max_concurrent_streams: 0,
            read_buffer_size: ByteSize::kib(512),
            write_buffer_size: ByteSize::new(0),
            keepalive: Optional::off(),
            auth: Optional::off(),
            include_metadata: false,
            middlewares: Vec::new(),
        }
    }
}

/// `keepalive`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keepalive {
    /// What the server does.
    pub server_parameters: ServerParameters,
    /// What clients may do. Accepted; clients are not punished for pings.
    pub enforcement_policy: EnforcementPolicy,
}

/// `keepalive::server_parameters`. 0 is no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerParameters {
    /// How long a connection may stay without a call.
    pub max_connection_idle: Duration,
    /// How old a connection may become; the usual way to rebalance behind a load balancer.
    pub max_connection_age: Duration,
    /// How long the calls of a connection that is too old may still take.
    pub max_connection_age_grace: Duration,
    /// A silent client is pinged that often.
    pub time: Duration,
    /// How long a ping may stay unanswered.
    pub timeout: Duration,
}

impl Default for ServerParameters {
    fn default() -> ServerParameters {
        ServerParameters {
            max_connection_idle: Duration::ZERO,
            max_connection_age: Duration::ZERO,
            max_connection_age_grace: Duration::ZERO,
            time: Duration::from_secs(2 * 60 * 60),
            timeout: Duration::from_secs(20),
        }
    }
}

/// `keepalive::enforcement_policy`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnforcementPolicy {
    /// Least time between pings of a client.
    pub min_time: Duration,
    /// Whether clients may ping without a call.
    pub permit_without_stream: bool,
}

impl Default for EnforcementPolicy {
    fn default() -> EnforcementPolicy {
        EnforcementPolicy {
            min_time: Duration::from_secs(300),
            permit_without_stream: false,
        }
    }
}

impl Validate for Grpc {
    fn validate(&self, at: &mut At<'_>) {
        check_endpoint(&self.endpoint, at);
        at.check_some("tls", self.tls.as_option());
        warn_without_meaning(
            &[
                "read_buffer_size",
                "write_buffer_size",
                "keepalive::enforcement_policy",
                "middlewares",
            ],
            at,
        );
    }
}

impl Grpc {
    /// Largest message in bytes.
    pub(crate) fn max_message(&self) -> usize {
        match self.max_recv_msg_size_mib {
            0 => net::grpc::DEFAULT_MAX_MESSAGE,
            mib => mib << 20,
        }
    }

    /// How the server treats its connections.
    pub(crate) fn server_options(&self) -> Result<ServerOptions, StartError> {
        let keepalive = self
            .keepalive
            .as_option()
            .cloned()
            .unwrap_or_default()
            .server_parameters;
        let tls = self
            .tls
            .as_option()
            .map(|tls| TlsAcceptor::new(tls.clone(), &["h2"]))
            .transpose();
        Ok(ServerOptions {
            protocols: Protocols::Http2,
            tls: tls
                .map_err(|error| StartError::new(format!("protocols::grpc::tls: {error}")))?
                .map(Arc::new),
            idle_timeout: keepalive.max_connection_idle.non_zero(),
            max_concurrent_streams: Some(self.max_concurrent_streams)
                .filter(|streams| *streams > 0),
            max_connection_age: keepalive.max_connection_age.non_zero(),
            max_connection_age_grace: keepalive.max_connection_age_grace.non_zero(),
            keepalive_time: keepalive.time.non_zero(),
            keepalive_timeout: keepalive.timeout.get(),
            ..ServerOptions::default()
        })
    }
}
