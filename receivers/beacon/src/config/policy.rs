//! What is done with clients: their addresses, their wishes, their number.

use serde::{Deserialize, Serialize};
use settings::{At, Rate, Validate};

/// `client_ip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientIp {
    /// The whole address.
    #[default]
    Keep,
    /// IPv4 without its last byte, IPv6 without its last 80 bits.
    Anonymize,
    /// A keyed hash whose key changes every day and is never stored.
    Hash,
    /// Nothing.
    Drop,
}

/// `bots`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bots {
    /// As everybody else.
    Keep,
    /// With `user_agent.synthetic.type`.
    #[default]
    Tag,
    /// Dropped and counted.
    Drop,
}

/// What a wish for privacy leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Nothing.
    Ignore,
    /// Neither address nor session nor user.
    #[default]
    Anonymize,
    /// Dropped and counted.
    Drop,
}

/// `privacy_signals`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySignals {
    /// Global Privacy Control: `Sec-GPC: 1`.
    pub gpc: Signal,
    /// Do Not Track: `DNT: 1`.
    pub dnt: Signal,
}

/// `timestamps`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// Corrected by `sent_at`, or believed within bounds.
    #[default]
    Correct,
    /// `@timestamp` stays the attribute it is, for later stages.
    Keep,
}

/// `body_encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyEncoding {
    /// Bodies are what they seem to be: plain, base64, or an event of API
    /// Gateway, a load balancer, Lambda@Edge, Firehose or Kinesis around them.
    #[default]
    Auto,
    /// Never base64, never an envelope.
    Plain,
    /// Always base64, with or without an envelope.
    Base64,
}

/// `rate_limit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests of one client: an IPv4 address, or a /64 of IPv6.
    pub per_client: Rate,
    /// Requests that may come at once after a rest.
    pub burst: u32,
}

impl Default for RateLimit {
    fn default() -> RateLimit {
        RateLimit {
            per_client: Rate::per_second_of(20),
            burst: 100,
        }
    }
}

impl Validate for RateLimit {
    fn validate(&self, at: &mut At<'_>) {
        if self.burst == 0 {
            at.error("burst", "must be above 0");
        }
    }
}
