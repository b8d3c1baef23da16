//! Addresses of sockets: `localhost:4317`, `[::1]:4317`, `unix:/run/x.sock`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where to listen, or what to connect to without TLS and paths.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `host:port`. An empty host (`:4317`) means all interfaces; IPv6
    /// addresses are kept without their brackets.
    Tcp {
        /// Name or IP address; empty for all interfaces.
        host: String,
        /// The port; 0 lets the system choose.
        port: u16,
    },
    /// A socket in the file system: `unix:path` or `unix:///path`.
    Unix(PathBuf),
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A URL.
    #[error("expected an address such as \"localhost:4317\" without a scheme, got \"{0}\"")]
    Scheme(String),
    /// No port.
    #[error("the address \"{0}\" needs a port, as in \"localhost:4317\"")]
    NoPort(String),
    /// A port that is no number up to 65535.
    #[error("in the address \"{0}\" the port is not a number from 0 to 65535")]
    Port(String),
    /// An IPv6 address without brackets.
    #[error("in the address \"{0}\" put the IPv6 address in brackets, as in \"[::1]:4317\"")]
    Brackets(String),
    /// No path after `unix:`.
    #[error("\"{0}\" needs the path of a socket, as in \"unix:/run/pharos.sock\"")]
    NoPath(String),
    /// Characters that no host has.
    #[error("expected an address such as \"localhost:4317\", got \"{0}\"")]
    Form(String),
}

impl Address {
    /// An address of a host and a port.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }

    /// Host and port, when it has them. An empty host stands for all
    /// interfaces and comes as `::`.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        match self {
            Self::Tcp { host, port } if host.is_empty() => Some(("::", *port)),
            Self::Tcp { host, port } => Some((host, *port)),
            Self::Unix(_) => None,
        }
    }

    /// The path of a socket in the file system.
    pub fn unix_path(&self) -> Option<&Path> {
        match self {
            Self::Tcp { .. } => None,
            Self::Unix(path) => Some(path),
        }
    }

    /// Whether only programs on this machine can reach it, as far as the text
    /// tells.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => {
                host == "localhost"
                    || (host.parse()).is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        let text = given.trim();
        let own = || given.to_owned();
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.is_empty() {
                true => Err(AddressError::NoPath(own())),
                false => Ok(Self::Unix(PathBuf::from(path))),
            };
        }
        if text.contains("://") {
            return Err(AddressError::Scheme(own()));
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| AddressError::Form(own()))?;
            let address = host.split('%').next().unwrap_or_default();
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(AddressError::Form(own()));
            }
            let port = after
                .strip_prefix(':')
                .ok_or_else(|| AddressError::NoPort(own()))?;
            (host, port)
        } else {
            let (host, port) = text
                .rsplit_once(':')
                .ok_or_else(|| AddressError::NoPort(own()))?;
            if host.contains(':') {
                return Err(AddressError::Brackets(own()));
            }
            if host.contains(|c: char| c.is_whitespace() || "/@[]?#".contains(c)) {
                return Err(AddressError::Form(own()));
            }
            (host, port)
        };
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits => Ok(Self::tcp(host, port)),
            _ if port.is_empty() => Err(AddressError::NoPort(own())),
            _ => Err(AddressError::Port(own())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Address;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address such as \"localhost:4317\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Address, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        for (text, address, printed) in [
            (
                "localhost:4317",
                Address::tcp("localhost", 4317),
                "localhost:4317",
            ),
            ("0.0.0.0:0", Address::tcp("0.0.0.0", 0), "0.0.0.0:0"),
            (":4317", Address::tcp("", 4317), ":4317"),
            ("[::1]:80", Address::tcp("::1", 80), "[::1]:80"),
            (
                "[fe80::1%eth0]:80",
                Address::tcp("fe80::1%eth0", 80),
                "[fe80::1%eth0]:80",
            ),
            (
                "unix:/run/x.sock",
                Address::Unix("/run/x.sock".into()),
                "unix:/run/x.sock",
            ),
            (
                "unix:///run/x.sock",
                Address::Unix("/run/x.sock".into()),
                "unix:/run/x.sock",
            ),
            ("unix:x.sock", Address::Unix("x.sock".into()), "unix:x.sock"),
        ] {
            assert_eq!(text.parse(), Ok(address), "{text}");
            assert_eq!(text.parse::<Address>().unwrap().to_string(), printed);
            assert!(printed.parse::<Address>().is_ok(), "{printed}");
        }
        assert_eq!(Address::tcp("", 1).host_and_port(), Some(("::", 1)));
        assert!(Address::tcp("127.0.0.2", 1).is_local());
        assert!(!Address::tcp("", 1).is_local());
    }

    #[test]
    fn bad_addresses_say_what_is_missing() {
        for (text, message) in [
            (
                "localhost",
                "the address \"localhost\" needs a port, as in \"localhost:4317\"",
            ),
            (
                "localhost:",
                "the address \"localhost:\" needs a port, as in \"localhost:4317\"",
            ),
            (
                "[::1]",
                "the address \"[::1]\" needs a port, as in \"localhost:4317\"",
            ),
            (
                "a:70000",
                "in the address \"a:70000\" the port is not a number from 0 to 65535",
            ),
            (
                "a:+5",
                "in the address \"a:+5\" the port is not a number from 0 to 65535",
            ),
            (
                "::1:80",
                "in the address \"::1:80\" put the IPv6 address in brackets, as in \"[::1]:4317\"",
            ),
            (
                "http://a:80",
                "expected an address such as \"localhost:4317\" without a scheme, got \"http://a:80\"",
            ),
            (
                "a b:80",
                "expected an address such as \"localhost:4317\", got \"a b:80\"",
            ),
            (
                "a/b:80",
                "expected an address such as \"localhost:4317\", got \"a/b:80\"",
            ),
            (
                "unix:",
                "\"unix:\" needs the path of a socket, as in \"unix:/run/pharos.sock\"",
            ),
            (
                "",
                "the address \"\" needs a port, as in \"localhost:4317\"",
            ),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err().to_string(), message);
        }
    }
}
