//! Settings of the receiver.

mod cloudfront;
mod geo;
mod key;
mod limits;
mod policy;
mod session;

use std::sync::Arc;

use net::client_address::AddressHeader;
use net::cors::CorsSettings;
use net::tls::{ServerTlsSettings, TlsAcceptor};
use net::{ClientAddressSettings, ServerOptions};
use pipeline::registry::ReceiverConfig;
use pipeline::{Outputs, Receiver, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ByteSize, ComponentId, Duration, Headers, OnByDefault, Optional, Validate};

pub use geo::{Geo, GeoField, GeoHeader};
pub use key::{KeyRate, WriteKey};
pub use limits::FieldLimits;
pub use policy::{
    AnonymizePrefix, BodyEncoding, Bots, ClientIp, PrivacySignals, RateLimit, RequireOrigin,
    Signal, StripQuery, Timestamps,
};
pub use session::Session;

use crate::serve::BeaconReceiver;

/// Settings of `beacon`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. In a container `0.0.0.0:8080`.
    pub endpoint: String,
    /// Where beacons are taken. `/` takes them as well, so that a bare address
    /// works; with `keys` a key may follow as one more segment.
    pub path: String,
    /// Where the script is served. Empty: nowhere.
    pub script: String,
    /// Where reports of browsers are taken. Empty: nowhere.
    pub reports: String,
    /// Whether `/` shows a page to try it out with.
    pub demo: bool,
    /// TLS; plain text without it.
    pub tls: Optional<ServerTlsSettings>,
    /// Whether each connection begins with a header of the PROXY protocol, as
    /// load balancers of connections send it.
    pub proxy_protocol: bool,
    /// Which other origins may send. Pages of the collector's own origin and
    /// senders that are no browsers always may.
    pub cors: Optional<CorsSettings>,
    /// Networks of proxies that are believed about the client's address;
    /// `cloudfront` stands for Amazon's.
    pub trusted_proxies: Vec<String>,
    /// In which headers they name it, in this order.
    pub address_headers: Vec<AddressHeader>,
    /// What is kept of the client's address.
    pub client_ip: ClientIp,
    /// How much of it `anonymize` keeps.
    pub anonymize_prefix: AnonymizePrefix,
    /// Where clients are; nothing about it without.
    pub geo: Optional<Geo>,
    /// Sessions for clients that bring none.
    pub session: Optional<Session>,
    /// What becomes of requests that do not say from which page they come.
    pub require_origin: RequireOrigin,
    /// What happens to events of bots.
    pub bots: Bots,
    /// What `Sec-GPC: 1` and `DNT: 1` mean.
    pub privacy_signals: PrivacySignals,
    /// How much one client may send.
    pub rate_limit: OnByDefault<RateLimit>,
    /// Public write keys. Without any, none is needed.
    pub keys: Vec<WriteKey>,
    /// Attributes that may be sent where there are no keys: names, `name.*` or
    /// `*`. Empty: all. The time and the name of an event always may.
    pub allowed_attributes: Vec<String>,
    /// Attributes that are left out where there are no keys.
    pub denied_attributes: Vec<String>,
    /// Different names of events a day where there are no keys; 0 is no limit.
    pub max_event_names: usize,
    /// Fields that the server sets itself or denies, and that senders may set all the
    /// same, where there are no keys: names, `name.*`, or `*`. For servers that forward
    /// beacons.
    pub trust_client_fields: Vec<String>,
    /// Whether credentials and secret query values in URLs are replaced, and
    /// NUL characters removed.
    pub sanitize: bool,
    /// What is kept of the queries of URLs.
    pub strip_query: StripQuery,
    /// The parameters that `strip_query: allowlist` keeps; a name may end in `*`.
    pub query_allowlist: Vec<String>,
    /// Whether URLs lose what is behind `#`.
    pub strip_fragment: bool,
    /// Whether the parts of `url.full` become attributes of their own, where an
    /// event lacks them: `url.scheme`, `domain`, `port`, `path`, `query`, `fragment`.
    pub split_url: bool,
    /// Whether times of clients are corrected.
    pub timestamps: Timestamps,
    /// Whether bodies may be base64, or events of AWS services around bodies.
    pub body_encoding: BodyEncoding,
    /// Largest body on the wire.
    pub max_body_bytes: ByteSize,
    /// Largest body after decompression.
    pub max_inflated_bytes: ByteSize,
    /// Most events of one request.
    pub max_events: usize,
    /// Limits of one event.
    pub limits: FieldLimits,
    /// For how long a `batch.id` is known; 0 takes every batch.
    pub deduplicate: Duration,
    /// 204, or 202 with a short text for clients that wait for one.
    pub success_status: u16,
    /// Whether answers say what was dropped (`X-Beacon-Dropped`).
    pub expose_drop_reason: bool,
    /// Whether answers to malformed bodies say what is wrong with them.
    pub debug: bool,
    /// Headers of every answer.
    pub response_headers: Headers,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// How long a connection may stay without a request.
    pub idle_timeout: Duration,
    /// Connections of one address at a time; 0 is no limit.
    pub max_connections_per_address: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            endpoint: "localhost:8080".to_owned(),
            path: "/b".to_owned(),
            script: "/b.js".to_owned(),
            reports: "/reports".to_owned(),
            demo: false,
            tls: Optional::off(),
            proxy_protocol: false,
            cors: Optional::off(),
            trusted_proxies: Vec::new(),
            address_headers: vec![AddressHeader::XForwardedFor],
            client_ip: ClientIp::Keep,
            anonymize_prefix: AnonymizePrefix::default(),
            geo: Optional::off(),
            session: Optional::off(),
            require_origin: RequireOrigin::No,
            bots: Bots::Tag,
            privacy_signals: PrivacySignals::default(),
            rate_limit: OnByDefault::default(),
            keys: Vec::new(),
            allowed_attributes: Vec::new(),
            denied_attributes: Vec::new(),
            max_event_names: 0,
            trust_client_fields: Vec::new(),
            sanitize: true,
            strip_query: StripQuery::Keep,
            query_allowlist: vec!["utm_*".to_owned()],
            strip_fragment: false,
            split_url: true,
            timestamps: Timestamps::Correct,
            body_encoding: BodyEncoding::Auto,
            max_body_bytes: ByteSize::kib(256),
            max_inflated_bytes: ByteSize::mib(1),
            max_events: 500,
            limits: FieldLimits::default(),
            deduplicate: Duration::from_secs(600),
            success_status: 204,
            expose_drop_reason: true,
            debug: false,
            response_headers: Headers::new(),
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            max_connections_per_address: 0,
        }
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.endpoint.is_empty() {
            at.error("endpoint", "must not be empty: expected host:port");
        }
        self.check_paths(at);
        at.check_some("tls", self.tls.as_option());
        at.check_some("cors", self.cors.as_option());
        for (index, proxy) in self.trusted_proxies.iter().enumerate() {
            let is_address = proxy.parse::<std::net::IpAddr>().is_ok();
            let is_network = proxy.parse::<ipnet::IpNet>().is_ok();
            if !is_address && !is_network && proxy != cloudfront::NAME {
                let why = format!(
                    "{proxy:?} is no network; expected for example 10.0.0.0/8, or cloudfront"
                );
                at.error(&format!("trusted_proxies::{index}"), why);
            }
        }
        at.check_some("geo", self.geo.as_option());
        if let Some(geo) = self.geo.as_option()
            && !geo.headers.is_empty()
            && self.trusted_proxies.is_empty()
        {
            at.warn(
                "geo::headers",
                "are believed from trusted_proxies only, and there are none",
            );
        }
        at.check_some("rate_limit", self.rate_limit.as_option());
        for (index, key) in self.keys.iter().enumerate() {
            at.check(&format!("keys::{index}"), key);
            if self
                .keys
                .iter()
                .take(index)
                .any(|other| other.key == key.key)
            {
                at.error(&format!("keys::{index}::key"), "is there twice");
            }
        }
        at.check("anonymize_prefix", &self.anonymize_prefix);
        at.check_some("session", self.session.as_option());
        self.check_attributes(at);
        at.check("limits", &self.limits);
        self.check_sizes(at);
        if !matches!(self.success_status, 202 | 204) {
            at.error("success_status", "must be 204 or 202");
        }
        if let Err(why) = net::config::header_map(&self.response_headers) {
            at.error("response_headers", why);
        }
    }
}

impl Config {
    fn check_paths(&self, at: &mut At<'_>) {
        let optional = [("script", &self.script), ("reports", &self.reports)];
        if !self.path.starts_with('/') {
            at.error("path", "must begin with a slash");
        }
        for (name, path) in optional {
            if !path.is_empty() && !path.starts_with('/') {
                at.error(name, "must begin with a slash, or be empty");
            } else if path == "/" || !path.is_empty() && *path == self.path {
                at.error(name, "is where beacons are taken; choose another path");
            }
        }
        if self.demo && self.script.is_empty() {
            at.error("demo", "needs a script: the page loads it");
        }
        if !self.script.is_empty() && self.script == self.reports {
            at.error("reports", "must differ from script");
        }
    }

    fn check_attributes(&self, at: &mut At<'_>) {
        for (name, patterns) in [
            ("allowed_attributes", &self.allowed_attributes),
            ("denied_attributes", &self.denied_attributes),
            ("trust_client_fields", &self.trust_client_fields),
            ("query_allowlist", &self.query_allowlist),
        ] {
            key::check_patterns(at, name, patterns);
        }
        let of_keys = [
            ("allowed_attributes", !self.allowed_attributes.is_empty()),
            ("denied_attributes", !self.denied_attributes.is_empty()),
            ("max_event_names", self.max_event_names > 0),
            ("trust_client_fields", !self.trust_client_fields.is_empty()),
        ];
        for (name, is_set) in of_keys {
            if is_set && !self.keys.is_empty() {
                at.error(
                    name,
                    "is for receivers without keys; set it in each of keys",
                );
            }
        }
    }

    fn check_sizes(&self, at: &mut At<'_>) {
        /// Places in a text are 31 bits wide.
        const LARGEST: u64 = 1 << 31;
        for (name, size) in [
            ("max_body_bytes", self.max_body_bytes),
            ("max_inflated_bytes", self.max_inflated_bytes),
        ] {
            if size.get() == 0 || size.get() > LARGEST {
                at.error(name, "must be above 0 and at most 2 GiB");
            }
        }
        if self.max_events == 0 {
            at.error("max_events", "must be above 0");
        }
    }

    /// How the client's address is found, with the networks of `cloudfront`
    /// in place of the word.
    pub(crate) fn address_settings(&self) -> ClientAddressSettings {
        let mut proxies = Vec::with_capacity(self.trusted_proxies.len());
        for proxy in &self.trusted_proxies {
            if proxy == cloudfront::NAME {
                proxies.extend(cloudfront::NETWORKS.map(str::to_owned));
            } else {
                proxies.push(proxy.clone());
            }
        }
        ClientAddressSettings {
            trusted_proxies: proxies,
            headers: self.address_headers.clone(),
        }
    }

    /// How the server treats its connections.
    pub(crate) fn server_options(&self) -> Result<ServerOptions, StartError> {
        let tls = self
            .tls
            .as_option()
            .map(|tls| TlsAcceptor::new(tls.clone(), &["h2", "http/1.1"]));
        let cap = self.max_connections_per_address;
        Ok(ServerOptions {
            tls: tls
                .transpose()
                .map_err(|error| StartError::new(format!("tls: {error}")))?
                .map(Arc::new),
            proxy_protocol: self.proxy_protocol,
            header_timeout: self.header_timeout.non_zero(),
            idle_timeout: self.idle_timeout.non_zero(),
            write_timeout: self.body_timeout.non_zero(),
            max_connections_per_address: (cap > 0).then_some(cap),
            ..ServerOptions::default()
        })
    }
}

impl ReceiverConfig for Config {
    fn build(&self, id: &ComponentId, outputs: Outputs) -> Result<Box<dyn Receiver>, StartError> {
        Ok(Box::new(BeaconReceiver {
            id: id.to_string(),
            config: self.clone(),
            outputs,
        }))
    }
}
