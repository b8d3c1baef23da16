//! `protocols::grpc`.

use net::config::GrpcServerSettings;
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Validate};

use super::{check_auth, check_endpoint};

/// Settings of a gRPC server, with the defaults of this receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "GrpcServerSettings")]
pub struct Grpc(pub GrpcServerSettings);

impl From<GrpcServerSettings> for Grpc {
    fn from(mut server: GrpcServerSettings) -> Grpc {
        server
            .endpoint
            .get_or_insert_with(|| "localhost:4317".to_owned());
        if server.read_buffer_size == ByteSize::new(0) {
            server.read_buffer_size = ByteSize::kib(512);
        }
        Grpc(server)
    }
}

impl Default for Grpc {
    fn default() -> Grpc {
        GrpcServerSettings::default().into()
    }
}

impl Grpc {
    /// Where to listen.
    pub(crate) fn endpoint(&self) -> &str {
        self.0.endpoint.as_deref().unwrap_or_default()
    }
}

impl Validate for Grpc {
    fn validate(&self, at: &mut At<'_>) {
        self.0.validate(at);
        check_endpoint(self.0.endpoint.as_deref(), self.0.transport, at);
        check_auth(&self.0.auth, at);
        if at.is_set("auth::request_params") {
            at.error(
                "auth::request_params",
                "is for http: gRPC calls have no query",
            );
        }
    }
}
