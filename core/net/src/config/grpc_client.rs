//! Settings of gRPC clients.

use std::sync::Arc;

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, Headers, Optional, Validate};

use super::compression::CompressionName;
use super::server::Middleware;
use super::{AuthSettings, BUFFERS, MIDDLEWARES, header_map, without_effect};
use crate::encoding::Encoding;
use crate::grpc::{GrpcClientOptions, GrpcTarget, Keepalive};
use crate::tls::{ClientTlsSettings, TlsConnector};

/// Upstream's `configgrpc` client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcClientSettings {
    /// `host:port`, with `http://`, `https://`, `dns:///` or `unix://` before it.
    pub endpoint: String,
    /// Compression of requests.
    pub compression: Option<CompressionName>,
    /// TLS is on unless `insecure` says otherwise.
    pub tls: ClientTlsSettings,
    /// Pings; none by default.
    pub keepalive: Optional<ClientKeepalive>,
    /// Accepted as upstream accepts it.
    pub read_buffer_size: ByteSize,
    /// Accepted as upstream accepts it.
    pub write_buffer_size: ByteSize,
    /// Waits for the peer instead of failing at once while it is away.
    pub wait_for_ready: bool,
    /// Headers of every call.
    pub headers: Headers,
    /// `round_robin` or `pick_first`: both spread over all addresses here.
    pub balancer_name: String,
    /// The `:authority` of calls, instead of the endpoint's.
    pub authority: String,
    /// The `User-Agent`, instead of ours.
    pub user_agent: String,
    /// Credentials.
    pub auth: Optional<AuthSettings>,
    /// Accepted as upstream accepts it.
    pub middlewares: Vec<Middleware>,
}

impl Default for GrpcClientSettings {
    fn default() -> GrpcClientSettings {
        GrpcClientSettings {
            endpoint: String::new(),
            compression: None,
            tls: ClientTlsSettings::default(),
            keepalive: Optional::off(),
            read_buffer_size: ByteSize::default(),
            write_buffer_size: ByteSize::default(),
            wait_for_ready: false,
            headers: Headers::new(),
            balancer_name: "round_robin".to_owned(),
            authority: String::new(),
            user_agent: String::new(),
            auth: Optional::off(),
            middlewares: Vec::new(),
        }
    }
}

/// `keepalive` of a gRPC client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientKeepalive {
    /// Pings after so much silence; at least 10s, as servers close
    /// connections that ping more often.
    pub time: Duration,
    /// How long a ping may stay unanswered; 0 is 20s.
    pub timeout: Duration,
    /// Pings also while no call runs.
    pub permit_without_stream: bool,
}

impl GrpcClientSettings {
    /// Where to call and how; `agent` is the `User-Agent` when none is set and
    /// `compression` what is used when none is set. Credentials and worker are
    /// the component's to set.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn options(
        &self,
        agent: &str,
        compression: Option<Encoding>,
    ) -> Result<(GrpcTarget, GrpcClientOptions), String> {
        let target: GrpcTarget = self.endpoint.parse().map_err(|e| format!("{e}"))?;
        let tls = if self.uses_tls(&target) {
            let connector =
                TlsConnector::new(self.tls.clone(), &["h2"]).map_err(|e| e.to_string())?;
            Some(Arc::new(connector))
        } else {
            None
        };
        let agent = if self.user_agent.is_empty() {
            agent
        } else {
            &self.user_agent
        };
        let options = GrpcClientOptions {
            tls,
            keepalive: self.keepalive.as_option().map(|k| Keepalive {
                time: k.time.get().max(std::time::Duration::from_secs(10)),
                timeout: k
                    .timeout
                    .non_zero()
                    .unwrap_or(std::time::Duration::from_secs(20)),
                permit_without_stream: k.permit_without_stream,
            }),
            wait_for_ready: self.wait_for_ready,
            compression: self
                .compression
                .map_or(compression, CompressionName::encoding),
            authority: (!self.authority.is_empty()).then(|| self.authority.clone()),
            user_agent: HeaderValue::try_from(agent).ok(),
            headers: header_map(&self.headers)?,
            ..GrpcClientOptions::default()
        };
        Ok((target, options))
    }

    /// `https://` always, `insecure` never; `http://` is plain text unless the
    /// `tls` block says something.
    fn uses_tls(&self, target: &GrpcTarget) -> bool {
        match target.tls {
            Some(true) => true,
            Some(false) => !self.tls.insecure && self.tls != ClientTlsSettings::default(),
            None => !self.tls.insecure,
        }
    }
}

impl Validate for GrpcClientSettings {
    fn validate(&self, at: &mut At<'_>) {
        if self.endpoint.is_empty() {
            at.error(
                "endpoint",
                "is required, for example collector.example.com:4317",
            );
        } else if let Err(e) = self.endpoint.parse::<GrpcTarget>() {
            at.error("endpoint", e);
        }
        at.check("tls", &self.tls);
        if let Err(why) = header_map(&self.headers) {
            at.error("headers", why);
        }
        use CompressionName::{Gzip, None as Nothing, Snappy, Zstd};
        if self
            .compression
            .is_some_and(|c| !matches!(c, Gzip | Snappy | Zstd | Nothing))
        {
            at.error("compression", "over gRPC use gzip, snappy, zstd or none");
        }
        if !matches!(
            self.balancer_name.as_str(),
            "" | "round_robin" | "pick_first"
        ) {
            at.error("balancer_name", "expected round_robin or pick_first");
        }
        without_effect(
            at,
            &[
                ("read_buffer_size", BUFFERS),
                ("write_buffer_size", BUFFERS),
                ("middlewares", MIDDLEWARES),
            ],
        );
    }
}
