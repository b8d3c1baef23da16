//! What is done with clients: their addresses, their wishes, their number.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
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

/// `anonymize_prefix`: how many bits of an address stay with `client_ip: anonymize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnonymizePrefix {
    /// Of 32.
    pub ipv4: u8,
    /// Of 128.
    pub ipv6: u8,
}

impl Default for AnonymizePrefix {
    fn default() -> AnonymizePrefix {
        AnonymizePrefix { ipv4: 24, ipv6: 48 }
    }
}

impl Validate for AnonymizePrefix {
    fn validate(&self, at: &mut At<'_>) {
        if self.ipv4 > 32 {
            at.error("ipv4", "must be at most 32");
        }
        if self.ipv6 > 128 {
            at.error("ipv6", "must be at most 128");
        }
    }
}

/// `require_origin`: `false`, `true` or `tag`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequireOrigin {
    /// A request without `Origin` is as good as any.
    #[default]
    No,
    /// It is refused with 403: it is no browser, or a very old one.
    Yes,
    /// Its events get `beacon.origin.missing`.
    Tag,
}

impl Serialize for RequireOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RequireOrigin::No => serializer.serialize_bool(false),
            RequireOrigin::Yes => serializer.serialize_bool(true),
            RequireOrigin::Tag => serializer.serialize_str("tag"),
        }
    }
}

impl<'de> Deserialize<'de> for RequireOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = RequireOrigin;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or tag")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<RequireOrigin, E> {
                Ok(if value {
                    RequireOrigin::Yes
                } else {
                    RequireOrigin::No
                })
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<RequireOrigin, E> {
                match value {
                    "tag" => Ok(RequireOrigin::Tag),
                    _ => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `strip_query`: what is kept of the queries of URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StripQuery {
    /// All of it, less secret values.
    #[default]
    Keep,
    /// The parameters that `query_allowlist` names.
    Allowlist,
    /// Nothing.
    All,
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
