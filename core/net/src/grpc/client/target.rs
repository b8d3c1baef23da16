//! The `endpoint` of a gRPC client.

use std::path::PathBuf;

use crate::connect::Destination;
use crate::listen::split_host_port;

/// Where a gRPC client calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcTarget {
    pub(super) destination: Destination,
    /// What the scheme says about TLS: `https` needs it, `http` has none, and
    /// without either the `tls` settings decide.
    pub tls: Option<bool>,
}

/// The endpoint of a client is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("endpoint {target:?}: {why}; expected host:port, for example collector.example.com:4317")]
pub struct MalformedTarget {
    /// What was given.
    pub target: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::str::FromStr for GrpcTarget {
    type Err = MalformedTarget;

    /// Reads `host:port` with the prefixes `http://`, `https://`, `dns:///`,
    /// `dns://`, `passthrough:///`, or `unix://path`.
    fn from_str(text: &str) -> Result<GrpcTarget, MalformedTarget> {
        let wrong = |why| MalformedTarget {
            target: text.to_owned(),
            why,
        };
        for prefix in ["unix://", "unix:"] {
            if let Some(path) = text.strip_prefix(prefix) {
                let destination = Destination::Unix(PathBuf::from(path));
                return Ok(GrpcTarget {
                    destination,
                    tls: None,
                });
            }
        }
        let (tls, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("http", rest)) => (Some(false), rest),
            Some(("https", rest)) => (Some(true), rest),
            // the part before the next slash would be a DNS server
            Some(("dns" | "passthrough", rest)) => {
                (None, rest.split_once('/').map_or(rest, |(_, name)| name))
            }
            Some(_) => return Err(wrong("unknown scheme")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('/') {
            return Err(wrong("a gRPC endpoint has no path"));
        }
        let (host, port) = split_host_port(rest).ok_or_else(|| wrong("the port is missing"))?;
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let destination = Destination::Host {
            host: host.to_owned(),
            port,
        };
        Ok(GrpcTarget { destination, tls })
    }
}

impl GrpcTarget {
    /// The `:authority` of requests. Over a Unix socket it is `localhost`, as
    /// gRPC's own clients send it.
    pub fn authority(&self) -> String {
        match &self.destination {
            Destination::Unix(_) => "localhost".to_owned(),
            host => host.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_understood() {
        for (text, authority, tls) in [
            ("a.b:4317", "a.b:4317", None),
            ("http://a:1", "a:1", Some(false)),
            ("https://a:443/", "a:443", Some(true)),
            ("dns:///a:1", "a:1", None),
            ("dns://8.8.8.8/a:1", "a:1", None),
            ("passthrough:///[::1]:1", "[::1]:1", None),
            ("unix:///tmp/x.sock", "localhost", None),
        ] {
            let target: GrpcTarget = text.parse().unwrap();
            assert_eq!(
                (target.authority().as_str(), target.tls),
                (authority, tls),
                "{text}"
            );
        }
    }

    #[test]
    fn errors_say_what_is_missing() {
        for (text, why) in [
            ("a.b", "port is missing"),
            ("https://a", "port is missing"),
            (":4317", "host is missing"),
            ("http://a:1/v1/traces", "no path"),
            ("ftp://a:1", "unknown scheme"),
        ] {
            let err = text.parse::<GrpcTarget>().unwrap_err().to_string();
            assert!(err.contains(why) && err.contains(text), "{err}");
        }
    }
}
