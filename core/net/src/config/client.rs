//! Settings of HTTP and gRPC clients.

use std::sync::Arc;

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, Headers, Optional, Secret, Validate};

use super::server::Middleware;
use super::{AuthSettings, BUFFERS, MIDDLEWARES, header_map, without_effect};
use crate::client::{HttpClientOptions, Proxy};
use crate::encoding::Encoding;
use crate::grpc::{GrpcClientOptions, GrpcTarget, Keepalive};
use crate::tls::{ClientTlsSettings, TlsConnector, TlsError};

/// `compression` of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum CompressionName {
    /// Not compressed.
    #[serde(rename = "none", alias = "")]
    None,
    /// gzip.
    #[serde(rename = "gzip")]
    Gzip,
    /// zlib.
    #[serde(rename = "zlib")]
    Zlib,
    /// HTTP's deflate, which is zlib.
    #[serde(rename = "deflate")]
    Deflate,
    /// Snappy.
    #[serde(rename = "snappy")]
    Snappy,
    /// Snappy's framing format.
    #[serde(rename = "x-snappy-framed")]
    SnappyFramed,
    /// zstd.
    #[serde(rename = "zstd")]
    Zstd,
    /// LZ4 frames.
    #[serde(rename = "lz4")]
    Lz4,
}

impl CompressionName {
    /// The encoding; `None` is no compression.
    pub fn encoding(self) -> Option<Encoding> {
        match self {
            CompressionName::None => None,
            CompressionName::Gzip => Some(Encoding::Gzip),
            CompressionName::Zlib => Some(Encoding::Zlib),
            CompressionName::Deflate => Some(Encoding::Deflate),
            CompressionName::Snappy => Some(Encoding::Snappy),
            CompressionName::SnappyFramed => Some(Encoding::SnappyFramed),
            CompressionName::Zstd => Some(Encoding::Zstd),
            CompressionName::Lz4 => Some(Encoding::Lz4),
        }
    }
}

/// `compression_params`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompressionParams {
    /// gzip, zlib, deflate -1 to 9; zstd 1 to 22. The default is 6 for the
    /// former (as are 0 and -1) and 1 for zstd.
    pub level: i32,
}

impl CompressionParams {
    /// The level; `None` is the default.
    pub fn level(&self) -> Option<i32> {
        (self.level > 0).then_some(self.level)
    }

    fn validate(&self, at: &mut At<'_>, compression: Option<CompressionName>) {
        let allowed = match compression {
            Some(CompressionName::Zstd) => 0..=22,
            _ => -1..=9,
        };
        if !allowed.contains(&self.level) {
            let (low, high) = allowed.into_inner();
            at.error(
                "compression_params::level",
                format!("expected {low} to {high}, got {}", self.level),
            );
        }
    }
}

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

/// Upstream's `confighttp` client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClientSettings {
    /// The URL that requests go to.
    pub endpoint: String,
    /// `http://[user:password@]host:port`; without it the environment's
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` count.
    pub proxy_url: Option<Secret>,
    /// TLS for `https` URLs.
    pub tls: ClientTlsSettings,
    /// Accepted as upstream accepts it.
    pub read_buffer_size: ByteSize,
    /// Accepted as upstream accepts it.
    pub write_buffer_size: ByteSize,
    /// For a request; the component has a default.
    pub timeout: Option<Duration>,
    /// Headers of every request.
    pub headers: Headers,
    /// Credentials.
    pub auth: Optional<AuthSettings>,
    /// Compression of requests.
    pub compression: Option<CompressionName>,
    /// Its level.
    pub compression_params: CompressionParams,
    /// Idle connections that are kept.
    pub max_idle_conns: u32,
    /// Idle connections kept for one host; 0 is `max_idle_conns`.
    pub max_idle_conns_per_host: u32,
    /// Accepted as upstream accepts it.
    pub max_conns_per_host: u32,
    /// How long idle connections are kept; 0 is for ever.
    pub idle_conn_timeout: Duration,
    /// A new connection for every request.
    pub disable_keep_alives: bool,
    /// Pings a silent HTTP/2 server that often; 0 is never.
    pub http2_read_idle_timeout: Duration,
    /// How long such a ping may stay unanswered; 0 is 15s.
    pub http2_ping_timeout: Duration,
    /// HTTP/2 is always attempted; accepted as upstream accepts it.
    pub force_attempt_http2: bool,
    /// Accepted as upstream accepts it.
    pub cookies: Cookies,
    /// Accepted as upstream accepts it.
    pub middlewares: Vec<Middleware>,
}

/// `cookies` of an HTTP client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cookies {
    /// Cookies are not kept here.
    pub enabled: bool,
}

impl Default for HttpClientSettings {
    fn default() -> HttpClientSettings {
        HttpClientSettings {
            endpoint: String::new(),
            proxy_url: None,
            tls: ClientTlsSettings::default(),
            read_buffer_size: ByteSize::default(),
            write_buffer_size: ByteSize::default(),
            timeout: None,
            headers: Headers::new(),
            auth: Optional::off(),
            compression: None,
            compression_params: CompressionParams::default(),
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            max_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            http2_read_idle_timeout: Duration::ZERO,
            http2_ping_timeout: Duration::ZERO,
            force_attempt_http2: true,
            cookies: Cookies::default(),
            middlewares: Vec::new(),
        }
    }
}

impl HttpClientSettings {
    /// How to send; `agent` is the `User-Agent`, `timeout` counts when none is
    /// set. Credentials are the component's to set.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn options(
        &self,
        agent: &str,
        timeout: Option<std::time::Duration>,
    ) -> Result<HttpClientOptions, String> {
        let tls = TlsConnector::new(self.tls.clone(), &["h2", "http/1.1"])
            .map(|c| Some(Arc::new(c)))
            .or_else(|e| {
                if self.needs_no_tls() {
                    Ok(None)
                } else {
                    Err(e)
                }
            })
            .map_err(|e: TlsError| e.to_string())?;
        let proxy = match &self.proxy_url {
            Some(url) if !url.is_empty() => {
                Proxy::new(url.expose(), "").map_err(|e| e.to_string())?
            }
            _ => Proxy::from_environment(),
        };
        let idle = match (self.disable_keep_alives, self.max_idle_conns_per_host) {
            (true, _) => 0,
            (false, 0) => self.max_idle_conns,
            (false, n) => n,
        };
        let defaults = HttpClientOptions::default();
        Ok(HttpClientOptions {
            tls,
            proxy,
            timeout: self.timeout.map_or(timeout, Duration::non_zero),
            max_idle_conns: idle as usize,
            idle_conn_timeout: self.idle_conn_timeout.non_zero(),
            http2_read_idle_timeout: self.http2_read_idle_timeout.non_zero(),
            http2_ping_timeout: self
                .http2_ping_timeout
                .non_zero()
                .unwrap_or(defaults.http2_ping_timeout),
            user_agent: HeaderValue::try_from(agent).ok(),
            headers: header_map(&self.headers)?,
            ..defaults
        })
    }

    /// A machine without authorities can still send plain text.
    fn needs_no_tls(&self) -> bool {
        self.endpoint.starts_with("http://") && self.tls == ClientTlsSettings::default()
    }

    /// How request bodies are compressed; `default` when none is set.
    pub fn encoding(&self, default: Option<Encoding>) -> Option<Encoding> {
        self.compression.map_or(default, CompressionName::encoding)
    }
}

impl Validate for HttpClientSettings {
    fn validate(&self, at: &mut At<'_>) {
        at.check("tls", &self.tls);
        self.compression_params.validate(at, self.compression);
        if let Err(why) = header_map(&self.headers) {
            at.error("headers", why);
        }
        if let Some(url) = self.proxy_url.as_ref().filter(|url| !url.is_empty())
            && let Err(e) = Proxy::new(url.expose(), "")
        {
            at.error("proxy_url", e);
        }
        if self.cookies.enabled {
            at.warn(
                "cookies::enabled",
                "has no effect here: cookies are not kept",
            );
        }
        without_effect(
            at,
            &[
                ("read_buffer_size", BUFFERS),
                ("write_buffer_size", BUFFERS),
                (
                    "max_conns_per_host",
                    "as many connections are opened as requests run",
                ),
                ("middlewares", MIDDLEWARES),
            ],
        );
    }
}
