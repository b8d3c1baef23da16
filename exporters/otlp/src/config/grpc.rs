//! Settings of `otlp_grpc`.

use std::sync::Arc;

use net::Encoding;
use net::config::{CompressionName, GrpcClientSettings};
use net::grpc::GrpcClient;
use otlp::Signal;
use pipeline::dead_letter::DeadLetterSettings;
use pipeline::registry::ExporterConfig;
use pipeline::tail::Driver;
use pipeline::tail::settings::{RetryOnFailure, SendingQueue, TailSettings};
use pipeline::{Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, Beside, ComponentId, Duration, OnByDefault, Validate};

use crate::deliver::Delivery;
use crate::grpc::GrpcWire;

/// Settings of `otlp_grpc`: its own beside those of every gRPC client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct GrpcConfig {
    /// Timeout, retry and queue.
    pub own: GrpcOwn,
    /// Endpoint, TLS, compression and so on.
    pub client: GrpcClientSettings,
}

type Written = Beside<GrpcOwn, GrpcClientSettings>;

/// What `otlp_grpc` has beside the settings of a gRPC client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcOwn {
    /// For one attempt, from connecting to the answer; 0 is without limit.
    pub timeout: Duration,
    /// Waits between attempts.
    pub retry_on_failure: OnByDefault<RetryOnFailure>,
    /// What waits in front of the destination.
    pub sending_queue: OnByDefault<SendingQueue>,
    /// Where refused records are kept, so that `pharos replay` can send them again.
    pub dead_letter: DeadLetterSettings,
}

impl Default for GrpcOwn {
    fn default() -> GrpcOwn {
        GrpcOwn {
            timeout: Duration::from_secs(5),
            retry_on_failure: OnByDefault::default(),
            sending_queue: OnByDefault::default(),
            dead_letter: DeadLetterSettings::default(),
        }
    }
}

impl From<Written> for GrpcConfig {
    fn from(written: Written) -> GrpcConfig {
        let mut client = written.shared;
        client.compression.get_or_insert(CompressionName::Gzip);
        GrpcConfig {
            own: written.own,
            client,
        }
    }
}

impl From<GrpcConfig> for Written {
    fn from(config: GrpcConfig) -> Written {
        Beside {
            own: config.own,
            shared: config.client,
        }
    }
}

impl Validate for GrpcConfig {
    fn validate(&self, at: &mut At<'_>) {
        self.client.validate(at);
        super::check_auth(&self.client.auth, at);
        at.check_some("retry_on_failure", self.own.retry_on_failure.as_option());
        at.check_some("sending_queue", self.own.sending_queue.as_option());
        at.check("dead_letter", &self.own.dead_letter);
    }
}

impl ExporterConfig for GrpcConfig {
    fn build(&self, id: &ComponentId, signal: Signal, host: &Host) -> Result<Driver, StartError> {
        let options = self.client.options(&super::agent(), Some(Encoding::Gzip));
        let (target, mut options) = options.map_err(StartError::new)?;
        options.credentials = super::credentials(&self.client.auth, host)?;
        let client = GrpcClient::new(target, options)
            .map_err(|error| StartError::new(format!("endpoint: {error}")))?;
        let wire = GrpcWire::new(client, signal, self.own.timeout.non_zero());
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
