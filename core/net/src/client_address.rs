//! Who sent a request when proxies stand between.
//!
//! Headers count only from proxies that are trusted. The list of addresses is
//! walked from the right: every proxy appends the address it saw, so what
//! stands left of the last trusted proxy may be invented by the client.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use settings::{At, Validate};

/// A header that names the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressHeader {
    /// A list of addresses, appended to by every proxy.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
    /// Amazon CloudFront: address and port, IPv6 without brackets.
    CloudfrontViewerAddress,
    /// Cloudflare.
    CfConnectingIp,
    /// Cloudflare Enterprise, Akamai.
    TrueClientIp,
    /// Fastly.
    FastlyClientIp,
    /// nginx.
    XRealIp,
}

impl AddressHeader {
    fn name(self) -> HeaderName {
        HeaderName::from_static(match self {
            AddressHeader::XForwardedFor => "x-forwarded-for",
            AddressHeader::Forwarded => "forwarded",
            AddressHeader::CloudfrontViewerAddress => "cloudfront-viewer-address",
            AddressHeader::CfConnectingIp => "cf-connecting-ip",
            AddressHeader::TrueClientIp => "true-client-ip",
            AddressHeader::FastlyClientIp => "fastly-client-ip",
            AddressHeader::XRealIp => "x-real-ip",
        })
    }
}

/// Which proxies are believed, and what they write.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientAddressSettings {
    /// Networks of proxies (`10.0.0.0/8`) or single addresses. None by
    /// default: the client is the peer of the connection.
    pub trusted_proxies: Vec<String>,
    /// Headers to look at, in this order; the first that names somebody wins.
    pub headers: Vec<AddressHeader>,
}

impl Default for ClientAddressSettings {
    fn default() -> ClientAddressSettings {
        ClientAddressSettings {
            trusted_proxies: Vec::new(),
            headers: vec![AddressHeader::XForwardedFor],
        }
    }
}

impl Validate for ClientAddressSettings {
    fn validate(&self, at: &mut At<'_>) {
        for (index, network) in self.trusted_proxies.iter().enumerate() {
            if network_of(network).is_none() {
                at.error(
                    &format!("trusted_proxies::{index}"),
                    format!(
                        "{network:?} is no network; expected for example 10.0.0.0/8 or fd00::/8"
                    ),
                );
            }
        }
    }
}

/// Finds the address of the client of a request.
#[derive(Clone, Debug, Default)]
pub struct ClientAddress {
    trusted: Vec<IpNet>,
    headers: Vec<(AddressHeader, HeaderName)>,
}

impl ClientAddress {
    /// Networks that cannot be read are left out; validation reports them.
    pub fn new(settings: &ClientAddressSettings) -> ClientAddress {
        ClientAddress {
            trusted: settings
                .trusted_proxies
                .iter()
                .filter_map(|n| network_of(n))
                .collect(),
            headers: settings.headers.iter().map(|h| (*h, h.name())).collect(),
        }
    }

    /// The client's address. `peer` is the other end of the connection; without
    /// one (a Unix socket) the peer is a proxy of this machine and trusted.
    pub fn of(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer.map(|address| canonical(address.ip()));
        match peer {
            Some(ip) if !self.trusts(ip) => return Some(ip),
            _ => {}
        }
        self.headers
            .iter()
            .find_map(|(kind, name)| self.named(*kind, name, headers))
            .or(peer)
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&ip))
    }

    fn named(&self, kind: AddressHeader, name: &HeaderName, headers: &HeaderMap) -> Option<IpAddr> {
        let mut lines = headers
            .get_all(name)
            .iter()
            .rev()
            .filter_map(|v| v.to_str().ok());
        match kind {
            AddressHeader::XForwardedFor => {
                self.walk(lines.flat_map(|line| line.rsplit(',')).map(token))
            }
            AddressHeader::Forwarded => self.walk(
                lines
                    .flat_map(|line| elements(line).into_iter().rev())
                    .map(forwarded_for),
            ),
            AddressHeader::CloudfrontViewerAddress => {
                let (ip, _port) = lines.next()?.trim().rsplit_once(':')?;
                ip.parse().ok().map(canonical)
            }
            _ => token(lines.next()?),
        }
    }

    /// From the right: skips trusted proxies, takes the first other address; the
    /// leftmost when all are trusted; stops at what is no address.
    fn walk(&self, from_the_right: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut last = None;
        for address in from_the_right {
            let Some(ip) = address else { break };
            last = Some(ip);
            if !self.trusts(ip) {
                break;
            }
        }
        last
    }
}

fn network_of(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// `1.2.3.4`, `1.2.3.4:5678`, `[2001:db8::1]`, `[2001:db8::1]:443`,
/// `2001:db8::1`, any with a zone.
fn token(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let ip = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match text.split_once(':') {
            Some((v4, port)) if !port.contains(':') => v4,
            _ => text,
        },
    };
    let ip = ip.split_once('%').map_or(ip, |(ip, _zone)| ip);
    ip.parse().ok().map(canonical)
}

/// Splits a `Forwarded` line at commas outside of quotes.
fn elements(line: &str) -> Vec<&str> {
    split_unquoted(line, ',')
}

fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// The address of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    split_unquoted(element, ';')
        .into_iter()
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .and_then(|(_, value)| token(value.trim().trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn finder(headers: &[AddressHeader]) -> ClientAddress {
        ClientAddress::new(&ClientAddressSettings {
            trusted_proxies: vec!["10.0.0.0/8".into(), "fd00::/8".into(), "192.0.2.7".into()],
            headers: headers.to_vec(),
        })
    }

    fn find(kind: AddressHeader, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(kind.name(), HeaderValue::from_str(line).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4000);
        finder(&[kind])
            .of(Some(peer), &headers)
            .unwrap()
            .to_string()
    }

    #[test]
    fn x_forwarded_for_is_walked_from_the_right() {
        for (peer, lines, client) in [
            // the peer is nobody we trust: headers are hearsay
            ("203.0.113.9", vec!["1.2.3.4"], "203.0.113.9"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            // what the client invented stands left of what the proxy saw
            ("10.0.0.1", vec!["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                vec!["127.0.0.1, 198.51.100.1, 10.2.3.4"],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                vec!["10.9.9.9, 198.51.100.1, 192.0.2.7,10.2.3.4"],
                "198.51.100.1",
            ),
            // several lines are one list
            (
                "10.0.0.1",
                vec!["1.1.1.1", "198.51.100.1", "10.2.3.4"],
                "198.51.100.1",
            ),
            // all trusted: the leftmost
            ("10.0.0.1", vec!["10.3.3.3, 10.2.3.4"], "10.3.3.3"),
            // unreadable: the last good one
            ("10.0.0.1", vec!["1.1.1.1, unknown, 10.2.3.4"], "10.2.3.4"),
            ("10.0.0.1", vec!["unknown"], "10.0.0.1"),
            ("10.0.0.1", vec![""], "10.0.0.1"),
            // forms
            ("10.0.0.1", vec!["198.51.100.1:5678"], "198.51.100.1"),
            ("10.0.0.1", vec!["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", vec!["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", vec!["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["fe80::1%eth0"], "fe80::1"),
            ("fd00::1", vec!["2001:db8::2, fd00::5"], "2001:db8::2"),
            // a dual-stack socket shows IPv4 peers as mapped
            ("::ffff:10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("::ffff:203.0.113.9", vec!["198.51.100.1"], "203.0.113.9"),
        ] {
            assert_eq!(
                find(AddressHeader::XForwardedFor, peer, &lines),
                client,
                "{peer} {lines:?}"
            );
        }
    }

    #[test]
    fn forwarded_is_parsed_with_quotes_and_parameters() {
        for (lines, client) in [
            (vec!["for=198.51.100.1"], "198.51.100.1"),
            (
                vec![r#"For="[2001:db8::17]:4711";proto=https;by=10.0.0.1"#],
                "2001:db8::17",
            ),
            (
                vec!["for=1.1.1.1, for=198.51.100.1;by=x, for=10.1.1.1"],
                "198.51.100.1",
            ),
            (
                vec!["for=1.1.1.1", "proto=http;for=198.51.100.1"],
                "198.51.100.1",
            ),
            (
                vec![r#"for=198.51.100.1;host="a,b;for=9.9.9.9""#],
                "198.51.100.1",
            ),
            (vec!["for=_hidden"], "10.0.0.1"),
            (vec!["for=1.1.1.1, for=unknown, for=10.1.1.1"], "10.1.1.1"),
            (vec!["by=198.51.100.1"], "10.0.0.1"),
        ] {
            assert_eq!(
                find(AddressHeader::Forwarded, "10.0.0.1", &lines),
                client,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn vendor_headers_count_only_from_trusted_peers() {
        let viewer = AddressHeader::CloudfrontViewerAddress;
        assert_eq!(
            find(viewer, "10.0.0.1", &["198.51.100.10:46532"]),
            "198.51.100.10"
        );
        assert_eq!(
            find(viewer, "10.0.0.1", &["2001:db8:0:0:0:0:0:1:443"]),
            "2001:db8::1"
        );
        assert_eq!(find(viewer, "10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(
            find(viewer, "203.0.113.9", &["198.51.100.10:46532"]),
            "203.0.113.9"
        );
        for kind in [
            AddressHeader::CfConnectingIp,
            AddressHeader::TrueClientIp,
            AddressHeader::FastlyClientIp,
            AddressHeader::XRealIp,
        ] {
            assert_eq!(find(kind, "10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
            assert_eq!(find(kind, "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        }
    }

    #[test]
    fn headers_are_tried_in_order_and_others_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert("x-real-ip", HeaderValue::from_static("198.51.100.1"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("198.51.100.2"));
        let peer = Some("10.0.0.1:1".parse().unwrap());
        let of = |kinds: &[AddressHeader]| finder(kinds).of(peer, &headers).unwrap().to_string();
        assert_eq!(
            of(&[AddressHeader::XRealIp, AddressHeader::XForwardedFor]),
            "198.51.100.1"
        );
        assert_eq!(
            of(&[AddressHeader::Forwarded, AddressHeader::XForwardedFor]),
            "198.51.100.2"
        );
        assert_eq!(of(&[]), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn hostile_headers_never_panic(line in "[ -~]{0,60}", forwarded in any::<bool>()) {
            let kind = if forwarded { AddressHeader::Forwarded } else { AddressHeader::XForwardedFor };
            find(kind, "10.0.0.1", &[&line]);
        }
    }
}
