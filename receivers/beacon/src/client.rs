//! What a request says about its client, and what of it may be kept.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use http::HeaderValue;

use crate::admission::{Synthetic, synthetic};
use crate::config::{AnonymizePrefix, ClientIp, PrivacySignals, Signal};
use crate::geo::Place;
use crate::headers::Headers;
use crate::salt::Salts;

/// Who sent a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientFacts {
    /// The whole address: in memory only, never stored, logged or sent.
    pub(crate) whole: Option<IpAddr>,
    /// What is stored of the address.
    pub(crate) address: Option<String>,
    /// Where the whole address is.
    pub(crate) place: Option<Arc<Place>>,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) referer: Option<HeaderValue>,
    /// Brand and version, without the brands that only grease.
    pub(crate) brands: Vec<String>,
    pub(crate) mobile: Option<bool>,
    pub(crate) platform: Option<String>,
    /// Only of browsers that were asked for more.
    pub(crate) asked: Option<Box<Asked>>,
    pub(crate) synthetic: Option<Synthetic>,
    /// The page was loaded before anybody looked at it.
    pub(crate) prerender: bool,
    pub(crate) wish: Signal,
    /// It does not say from which page it comes, and its events say so.
    pub(crate) lacks_origin: bool,
}

/// What browsers say that were asked for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) platform_version: Option<String>,
    /// Of the device.
    pub(crate) model: Option<String>,
}

/// A header as text; bytes that are no UTF-8 become U+FFFD.
pub(crate) fn shown(value: &HeaderValue) -> Cow<'_, str> {
    crate::wire::text(value.as_bytes())
}

fn kept(value: Option<&HeaderValue>) -> Option<HeaderValue> {
    value.filter(|value| !value.is_empty()).cloned()
}

impl ClientFacts {
    /// Reads the headers of a request.
    pub(crate) fn read(headers: &Headers<'_>, signals: &PrivacySignals) -> ClientFacts {
        let mut facts = ClientFacts {
            synthetic: synthetic(headers.user_agent),
            user_agent: kept(headers.user_agent),
            referer: kept(headers.referer),
            prerender: is_prerender(headers.purpose),
            wish: wish(headers, signals),
            ..ClientFacts::default()
        };
        if let Some(value) = headers.ua_brands.and_then(|value| value.to_str().ok()) {
            let versions = headers.ua_versions.and_then(|value| value.to_str().ok());
            facts.brands = brands(versions.unwrap_or(value));
            facts.mobile = headers.ua_mobile.map(|value| value == "?1");
            facts.platform = quoted(headers.ua_platform);
            if headers.ua_platform_version.is_some() || headers.ua_model.is_some() {
                facts.asked = Some(Box::new(Asked {
                    platform_version: quoted(headers.ua_platform_version),
                    model: quoted(headers.ua_model),
                }));
            }
        }
        facts
    }
}

/// A hint in quotes; nothing when nothing is in them.
fn quoted(value: Option<&HeaderValue>) -> Option<String> {
    let text = value?.to_str().ok()?.trim_matches('"');
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_prerender(purpose: Option<&HeaderValue>) -> bool {
    let purpose = purpose.and_then(|value| value.to_str().ok());
    purpose.is_some_and(|purpose| purpose.contains("prerender") || purpose.contains("prefetch"))
}

/// The strictest of what the client's signals lead to.
fn wish(headers: &Headers<'_>, signals: &PrivacySignals) -> Signal {
    let judged = |value: Option<&HeaderValue>, signal: Signal| match value {
        Some(value) if value == "1" => signal,
        _ => Signal::Ignore,
    };
    let gpc = judged(headers.global_privacy_control, signals.gpc);
    let dnt = judged(headers.do_not_track, signals.dnt);
    match (gpc, dnt) {
        (Signal::Drop, _) | (_, Signal::Drop) => Signal::Drop,
        (Signal::Anonymize, _) | (_, Signal::Anonymize) => Signal::Anonymize,
        _ => Signal::Ignore,
    }
}

/// `"Chromium";v="156", "Not:A-Brand";v="24"` to `Chromium 156`.
fn brands(value: &str) -> Vec<String> {
    let mut list = Vec::new();
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('"') {
        let Some((brand, after)) = after.split_once('"') else {
            break;
        };
        let (parameters, next) = match after.find(',') {
            Some(at) => after.split_at(at),
            None => (after, ""),
        };
        let version = parameters.split('"').nth(1).unwrap_or_default();
        if !is_grease(brand) {
            list.push(format!("{brand} {version}").trim_end().to_owned());
        }
        rest = next;
    }
    list
}

/// Browsers invent a brand, so that nobody relies on the list: `Not:A-Brand`,
/// `Not/A)Brand`, `Not?A_Brand`.
fn is_grease(brand: &str) -> bool {
    let letters = |c: &char| c.is_ascii_alphabetic();
    brand.chars().filter(letters).collect::<String>() == "NotABrand"
}

/// What is stored of an address.
pub(crate) struct Anonymizer {
    keep: ClientIp,
    prefix: AnonymizePrefix,
    salts: Arc<Salts>,
}

impl Anonymizer {
    pub(crate) fn new(keep: ClientIp, prefix: AnonymizePrefix, salts: Arc<Salts>) -> Anonymizer {
        Anonymizer {
            keep,
            prefix,
            salts,
        }
    }

    /// The text for `client.ip`; nothing for somebody who wants to be anonymous.
    /// `now` in nanoseconds since 1970.
    pub(crate) fn stored(&self, address: Option<IpAddr>, wish: Signal, now: u64) -> Option<String> {
        let address = address?.to_canonical();
        if wish != Signal::Ignore {
            return None;
        }
        match self.keep {
            ClientIp::Keep => Some(spelled(address)),
            ClientIp::Anonymize => Some(spelled(truncated(address, self.prefix))),
            ClientIp::Hash => Some(format!("{:032x}", self.salts.at(now).0.of_address(address))),
            ClientIp::Drop => None,
        }
    }
}

/// The address as text. IPv4 digit by digit: the formatting machinery takes ten times as long.
fn spelled(address: IpAddr) -> String {
    let IpAddr::V4(v4) = address else {
        return address.to_string();
    };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (at, octet) in v4.octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        let digit = |value: u8| char::from(b'0' + value % 10);
        if octet >= 100 {
            text.push(digit(octet / 100));
        }
        if octet >= 10 {
            text.push(digit(octet / 10));
        }
        text.push(digit(octet));
    }
    text
}

/// The address without the bits behind its prefix.
fn truncated(address: IpAddr, prefix: AnonymizePrefix) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.ipv4.min(32)));
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask.unwrap_or(0)))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.ipv6.min(128)));
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask.unwrap_or(0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anonymizer(keep: ClientIp, prefix: AnonymizePrefix) -> Anonymizer {
        Anonymizer::new(keep, prefix, Arc::new(Salts::new(None).unwrap()))
    }

    #[test]
    fn brands_without_grease() {
        let header = r#""Chromium";v="156", "Not:A-Brand";v="24", "Google Chrome";v="156""#;
        assert_eq!(brands(header), ["Chromium 156", "Google Chrome 156"]);
        assert_eq!(brands(r#""Not/A)Brand";v="8", "A, B";v="1""#), ["A, B 1"]);
        assert!(brands("").is_empty() && brands("\"").is_empty());
    }

    #[test]
    fn addresses_are_spelled_as_usual() {
        for octet in 0..=255 {
            let v4 = IpAddr::from([octet, 255 - octet, 0, octet / 2]);
            assert_eq!(spelled(v4), v4.to_string());
        }
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(spelled(v6), v6.to_string());
    }

    #[test]
    fn addresses_are_kept_as_far_as_configured() {
        let v4 = Some("198.51.100.77".parse().unwrap());
        let v6 = Some("2001:db8:1:2:3::4".parse().unwrap());
        let stored = |keep, address, wish| {
            anonymizer(keep, AnonymizePrefix::default()).stored(address, wish, 1)
        };
        let ignore = Signal::Ignore;
        assert_eq!(
            stored(ClientIp::Keep, v4, ignore).as_deref(),
            Some("198.51.100.77")
        );
        assert_eq!(
            stored(ClientIp::Anonymize, v4, ignore).as_deref(),
            Some("198.51.100.0")
        );
        assert_eq!(
            stored(ClientIp::Anonymize, v6, ignore).as_deref(),
            Some("2001:db8:1::")
        );
        let prefixes = [
            (16, 32, "198.51.0.0", "2001:db8::"),
            (0, 0, "0.0.0.0", "::"),
            (32, 128, "198.51.100.77", "2001:db8:1:2:3::4"),
        ];
        for (ipv4, ipv6, expected_v4, expected_v6) in prefixes {
            let anonymizer = anonymizer(ClientIp::Anonymize, AnonymizePrefix { ipv4, ipv6 });
            let stored = |address| anonymizer.stored(address, ignore, 1);
            assert_eq!(stored(v4).as_deref(), Some(expected_v4));
            assert_eq!(stored(v6).as_deref(), Some(expected_v6));
        }
        assert_eq!(stored(ClientIp::Drop, v4, ignore), None);
        assert_eq!(stored(ClientIp::Keep, v4, Signal::Anonymize), None);
    }

    #[test]
    fn a_hash_is_the_same_for_a_day() {
        let hashes = anonymizer(ClientIp::Hash, AnonymizePrefix::default());
        let day = 24 * 3600 * 1_000_000_000;
        let hash =
            |address: &str, now| hashes.stored(Some(address.parse().unwrap()), Signal::Ignore, now);
        let first = hash("192.0.2.1", 1);
        assert_eq!(first.as_ref().map(String::len), Some(32));
        assert_eq!(hash("192.0.2.1", day - 1), first);
        assert_ne!(hash("192.0.2.2", day - 1), first);
        assert_ne!(hash("192.0.2.1", day), first);
    }
}
