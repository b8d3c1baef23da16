//! `keys`.

use std::collections::BTreeMap;

use net::cors::CorsSettings;
use serde::{Deserialize, Serialize};
use settings::{At, OffByDefault, Rate, Secret, Validate};

/// A public write key: it tells sites apart and scopes limits. It stands in
/// every page, so it authenticates nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WriteKey {
    /// The key, as in the path, `x-api-key` or the member `key` of a batch.
    pub key: String,
    /// Attributes of the resource of everything that comes with it.
    pub attributes: BTreeMap<String, String>,
    /// Origins that may use it; none restricts nothing beyond `cors`.
    pub origins: Vec<String>,
    /// How much all its clients together may send.
    pub rate_limit: OffByDefault<KeyRate>,
    /// Pages must bring a token that the site's server made with this secret; see
    /// the docs for how. Empty: none is needed.
    pub token_secret: Secret,
    /// Answers 410, upon which clients stop for good.
    pub retired: bool,
    /// Which part of the sessions is kept, above 0 to 1; what is kept says so in
    /// `beacon.sample_rate`. Events without a session are sampled by client.
    pub sample: f64,
    /// Attributes that may be sent: names, `name.*` or `*`. Empty: all. The
    /// time and the name of an event always may.
    pub allowed_attributes: Vec<String>,
    /// Attributes that are left out, in the same form. By default those that say
    /// which service, host or cluster it is, which a page has no business with.
    pub denied_attributes: Vec<String>,
    /// Fields that the server sets itself or denies, and that whoever has this key may set
    /// all the same. For a server that forwards beacons, with a key that is in no page.
    pub trust_client_fields: Vec<String>,
    /// Different names of events a day; events with further ones are renamed
    /// [`OTHER`](crate::OTHER). 0 is no limit.
    pub max_event_names: usize,
}

impl Default for WriteKey {
    fn default() -> WriteKey {
        WriteKey {
            key: String::new(),
            attributes: BTreeMap::new(),
            origins: Vec::new(),
            rate_limit: OffByDefault::default(),
            token_secret: Secret::default(),
            retired: false,
            sample: 1.0,
            allowed_attributes: Vec::new(),
            denied_attributes: PROTECTED.map(str::to_owned).to_vec(),
            trust_client_fields: Vec::new(),
            max_event_names: 1000,
        }
    }
}

/// Attributes that name the sender's place, which is the operator's to say.
/// The last three become some of the others behind the mapping.
const PROTECTED: [&str; 8] = [
    "service.*",
    "host.*",
    "cloud.*",
    "k8s.*",
    "telemetry.*",
    "agent.*",
    "faas.*",
    "orchestrator.*",
];

/// Needs no escape in a path or a query.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl Validate for WriteKey {
    fn validate(&self, at: &mut At<'_>) {
        if self.key.is_empty() {
            at.error("key", "must not be empty");
        } else if !self.key.bytes().all(is_plain) || self.key.ends_with(".gif") {
            let why = "must be usable in paths and queries as it is: letters, digits, '-', '.', '_' and '~', and no .gif at the end";
            at.error("key", why);
        }
        let origins = CorsSettings {
            allowed_origins: self.origins.clone(),
            ..CorsSettings::default()
        };
        let mut problems = Vec::new();
        origins.check_origins(|index, why| problems.push((index, why)));
        for (index, why) in problems {
            at.error(&format!("origins::{index}"), why);
        }
        if self
            .rate_limit
            .as_option()
            .is_some_and(|limit| limit.burst == 0)
        {
            at.error("rate_limit::burst", "must be above 0");
        }
        if !(self.sample > 0.0 && self.sample <= 1.0) {
            at.error("sample", "must be above 0 and at most 1");
        }
        let secret = self.token_secret.expose();
        if !secret.is_empty() && secret.len() < 16 {
            at.error("token_secret", "must have at least 16 bytes");
        }
        check_patterns(at, "allowed_attributes", &self.allowed_attributes);
        check_patterns(at, "denied_attributes", &self.denied_attributes);
        check_patterns(at, "trust_client_fields", &self.trust_client_fields);
    }
}

/// Names of attributes may end in `*`, and have no other.
pub(super) fn check_patterns(at: &mut At<'_>, name: &str, patterns: &[String]) {
    for (index, pattern) in patterns.iter().enumerate() {
        let stem = pattern.strip_suffix('*').unwrap_or(pattern);
        if pattern.is_empty() || stem.contains('*') {
            let why = format!("{pattern:?}: expected a name, name.* or *");
            at.error(&format!("{name}::{index}"), why);
        }
    }
}

/// `rate_limit` of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyRate {
    /// Requests with this key.
    pub rate: Rate,
    /// Requests that may come at once after a rest.
    pub burst: u32,
}

impl Default for KeyRate {
    fn default() -> KeyRate {
        KeyRate {
            rate: Rate::per_second_of(1000),
            burst: 5000,
        }
    }
}
