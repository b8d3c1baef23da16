//! Settings of HTTP clients.

use std::sync::Arc;

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, Headers, Optional, Secret, Validate};

use super::compression::{CompressionName, CompressionParams};
use super::server::Middleware;
use super::{AuthSettings, BUFFERS, MIDDLEWARES, header_map, without_effect};
use crate::client::{HttpClientOptions, Proxy};
use crate::encoding::Encoding;
use crate::tls::{ClientTlsSettings, TlsConnector, TlsError};

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
