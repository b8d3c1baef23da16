//! Settings of HTTP and gRPC servers.

use std::sync::Arc;

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, Duration, Headers, Optional, Validate};

use super::{AuthSettings, BUFFERS, MIDDLEWARES, header_map, without_effect};
use crate::cors::CorsSettings;
use crate::encoding::{Encoding, UnknownEncoding};
use crate::grpc::{DEFAULT_MAX_MESSAGE, GrpcOptions};
use crate::listen::Transport;
use crate::server::{Protocols, ServerOptions};
use crate::tls::{ServerTlsSettings, TlsAcceptor, TlsError};

/// Upstream's `confighttp` server.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpServerSettings {
    /// `host:port` to listen on.
    pub endpoint: Option<String>,
    /// tcp, tcp4, tcp6 or unix.
    pub transport: Transport,
    /// TLS; plain text without it.
    pub tls: Optional<ServerTlsSettings>,
    /// Cross-origin requests of browsers.
    pub cors: Optional<CorsSettings>,
    /// Who may send.
    pub auth: Optional<AuthSettings>,
    /// The largest body, on the wire and inflated; 20 MiB by default.
    pub max_request_body_size: Option<ByteSize>,
    /// Whether headers are kept beside the data, for `from_context` and `metadata_keys`.
    pub include_metadata: bool,
    /// Headers added to every answer.
    pub response_headers: Headers,
    /// Accepted `Content-Encoding`s; an empty list inflates nothing.
    pub compression_algorithms: Option<Vec<String>>,
    /// For a whole request; 0 is without limit.
    pub read_timeout: Option<Duration>,
    /// For the head of a request; 0 is without limit.
    pub read_header_timeout: Option<Duration>,
    /// For writing without progress; 0 is without limit.
    pub write_timeout: Option<Duration>,
    /// For a connection without requests; 0 is without limit.
    pub idle_timeout: Option<Duration>,
    /// Whether connections serve more than one request.
    pub keep_alives_enabled: bool,
    /// Accepted as upstream accepts it.
    pub middlewares: Vec<Middleware>,
}

/// An entry of `middlewares`, which have no meaning here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Middleware {
    /// The extension's id.
    pub id: String,
}

impl Default for HttpServerSettings {
    fn default() -> HttpServerSettings {
        HttpServerSettings {
            endpoint: None,
            transport: Transport::Tcp,
            tls: Optional::off(),
            cors: Optional::off(),
            auth: Optional::off(),
            max_request_body_size: None,
            include_metadata: false,
            response_headers: Headers::new(),
            compression_algorithms: None,
            read_timeout: None,
            read_header_timeout: None,
            write_timeout: None,
            idle_timeout: None,
            keep_alives_enabled: true,
            middlewares: Vec::new(),
        }
    }
}

/// Upstream's limit of a body.
const MAX_BODY: usize = 20 << 20;
/// Upstream's list, without the empty name for no compression.
const ALGORITHMS: [Encoding; 7] = [
    Encoding::Gzip,
    Encoding::Zstd,
    Encoding::Zlib,
    Encoding::Snappy,
    Encoding::Deflate,
    Encoding::Lz4,
    Encoding::SnappyFramed,
];

impl HttpServerSettings {
    /// The largest body in bytes.
    pub fn max_body(&self) -> usize {
        self.max_request_body_size
            .map(ByteSize::as_usize)
            .filter(|n| *n > 0)
            .unwrap_or(MAX_BODY)
    }

    /// The deadline for reading a body.
    pub fn body_deadline(
        &self,
        default: Option<std::time::Duration>,
    ) -> Option<std::time::Duration> {
        self.read_timeout.map_or(default, Duration::non_zero)
    }

    /// Which request encodings are read.
    pub fn encodings(&self) -> RequestEncodings {
        let Some(names) = &self.compression_algorithms else {
            return RequestEncodings {
                known: ALGORITHMS.to_vec(),
                inflate: true,
            };
        };
        let known = names
            .iter()
            .filter_map(|name| Encoding::from_http(name).ok().flatten())
            .collect();
        RequestEncodings {
            known,
            inflate: !names.is_empty(),
        }
    }

    /// How connections are treated; what is not set here comes from `defaults`.
    ///
    /// # Errors
    /// When certificates cannot be loaded.
    pub fn options(&self, defaults: ServerOptions) -> Result<ServerOptions, TlsError> {
        let or = |set: Option<Duration>, default| set.map_or(default, Duration::non_zero);
        Ok(ServerOptions {
            protocols: Protocols::Http,
            tls: acceptor(&self.tls, &["h2", "http/1.1"])?,
            header_timeout: or(self.read_header_timeout, defaults.header_timeout),
            idle_timeout: or(self.idle_timeout, defaults.idle_timeout),
            write_timeout: or(self.write_timeout, defaults.write_timeout),
            keep_alives: self.keep_alives_enabled,
            ..defaults
        })
    }
}

/// The request encodings that a server reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEncodings {
    known: Vec<Encoding>,
    inflate: bool,
}

impl RequestEncodings {
    /// How a request's body is compressed; `None` is not at all, or not to be inflated.
    ///
    /// # Errors
    /// [`UnknownEncoding`] for what is not on the list; the answer is 400.
    pub fn of(&self, headers: &HeaderMap) -> Result<Option<Encoding>, UnknownEncoding> {
        if !self.inflate {
            return Ok(None);
        }
        let Some(value) = headers.get(header::CONTENT_ENCODING) else {
            return Ok(None);
        };
        let name = value.to_str().unwrap_or("?");
        match Encoding::from_http(name)? {
            Some(encoding) if !self.known.contains(&encoding) => Err(UnknownEncoding {
                name: name.to_owned(),
            }),
            other => Ok(other),
        }
    }
}

impl Validate for HttpServerSettings {
    fn validate(&self, at: &mut At<'_>) {
        at.check_some("tls", self.tls.as_option());
        at.check_some("cors", self.cors.as_option());
        if let Err(why) = header_map(&self.response_headers) {
            at.error("response_headers", why);
        }
        for (index, name) in self.compression_algorithms.iter().flatten().enumerate() {
            if let Err(e) = Encoding::from_http(name) {
                at.error(&format!("compression_algorithms::{index}"), e);
            }
        }
        without_effect(at, &[("middlewares", MIDDLEWARES)]);
    }
}

/// Upstream's `configgrpc` server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcServerSettings {
    /// `host:port` to listen on.
    pub endpoint: Option<String>,
    /// tcp, tcp4, tcp6 or unix.
    pub transport: Transport,
    /// TLS; plain text without it.
    pub tls: Optional<ServerTlsSettings>,
    /// The largest message in MiB, on the wire and inflated; 0 is 4.
    pub max_recv_msg_size_mib: u32,
    /// Calls of one connection at a time; 0 is 1,024.
    pub max_concurrent_streams: u32,
    /// Accepted as upstream accepts it.
    pub read_buffer_size: ByteSize,
    /// Accepted as upstream accepts it.
    pub write_buffer_size: ByteSize,
    /// Pings, and the age of connections.
    pub keepalive: Optional<ServerKeepalive>,
    /// Who may send.
    pub auth: Optional<AuthSettings>,
    /// Whether metadata are kept beside the data.
    pub include_metadata: bool,
    /// Accepted as upstream accepts it.
    pub middlewares: Vec<Middleware>,
}

/// `keepalive` of a gRPC server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerKeepalive {
    /// What the server does.
    pub server_parameters: ServerParameters,
    /// What the server asks of clients. Accepted and not enforced: floods of
    /// pings are cut off by the HTTP/2 library.
    pub enforcement_policy: Enforcement,
}

/// `keepalive.server_parameters`; 0 is gRPC's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerParameters {
    /// Closes connections without calls; unlimited by default.
    pub max_connection_idle: Duration,
    /// Closes connections of that age; unlimited by default.
    pub max_connection_age: Duration,
    /// How long calls of a connection that is too old may still take; unlimited by default.
    pub max_connection_age_grace: Duration,
    /// Pings after so much silence; 2h by default.
    pub time: Duration,
    /// How long a ping may stay unanswered; 20s by default.
    pub timeout: Duration,
}

/// `keepalive.enforcement_policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Enforcement {
    /// The least time between pings of a client.
    pub min_time: Duration,
    /// Whether clients may ping without a call.
    pub permit_without_stream: bool,
}

impl GrpcServerSettings {
    /// How connections are treated; what is not set here comes from `defaults`.
    ///
    /// # Errors
    /// When certificates cannot be loaded.
    pub fn options(&self, defaults: ServerOptions) -> Result<ServerOptions, TlsError> {
        let parameters = self
            .keepalive
            .as_option()
            .map(|k| k.server_parameters.clone())
            .unwrap_or_default();
        Ok(ServerOptions {
            protocols: Protocols::Http2,
            tls: acceptor(&self.tls, &["h2"])?,
            max_concurrent_streams: (self.max_concurrent_streams > 0)
                .then_some(self.max_concurrent_streams)
                .or(defaults.max_concurrent_streams),
            idle_timeout: parameters
                .max_connection_idle
                .non_zero()
                .or(defaults.idle_timeout),
            max_connection_age: parameters.max_connection_age.non_zero(),
            max_connection_age_grace: parameters.max_connection_age_grace.non_zero(),
            keepalive_time: parameters.time.non_zero().or(defaults.keepalive_time),
            keepalive_timeout: parameters
                .timeout
                .non_zero()
                .unwrap_or(defaults.keepalive_timeout),
            ..defaults
        })
    }

    /// How messages are read. The authenticator and the worker are the component's to set.
    pub fn grpc_options(&self) -> GrpcOptions {
        let mib = self.max_recv_msg_size_mib as usize;
        GrpcOptions {
            max_message: if mib == 0 {
                DEFAULT_MAX_MESSAGE
            } else {
                mib << 20
            },
            ..GrpcOptions::default()
        }
    }
}

impl Validate for GrpcServerSettings {
    fn validate(&self, at: &mut At<'_>) {
        at.check_some("tls", self.tls.as_option());
        if self.max_recv_msg_size_mib > 4095 {
            at.error(
                "max_recv_msg_size_mib",
                "a gRPC message is smaller than 4096 MiB",
            );
        }
        without_effect(
            at,
            &[
                ("read_buffer_size", BUFFERS),
                ("write_buffer_size", BUFFERS),
                ("middlewares", MIDDLEWARES),
                (
                    "keepalive::enforcement_policy",
                    "clients may ping as often as they like",
                ),
            ],
        );
    }
}

fn acceptor(
    settings: &Optional<ServerTlsSettings>,
    alpn: &[&str],
) -> Result<Option<Arc<TlsAcceptor>>, TlsError> {
    match settings.as_option() {
        None => Ok(None),
        Some(settings) => TlsAcceptor::new(settings.clone(), alpn).map(|a| Some(Arc::new(a))),
    }
}
