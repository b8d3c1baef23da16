//! The `tls` blocks of servers and clients, under upstream's names.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use settings::{At, Duration, Secret, Validate};

use super::suites;

/// A protocol version, written with quotes: `"1.2"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum TlsVersion {
    /// Not supported; as a minimum it means 1.2.
    Tls10,
    /// Not supported; as a minimum it means 1.2.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

const VERSIONS: [(&str, TlsVersion); 4] = [
    ("1.0", TlsVersion::Tls10),
    ("1.1", TlsVersion::Tls11),
    ("1.2", TlsVersion::Tls12),
    ("1.3", TlsVersion::Tls13),
];

impl TryFrom<String> for TlsVersion {
    type Error = String;

    fn try_from(text: String) -> Result<TlsVersion, String> {
        VERSIONS
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, version)| *version)
            .ok_or_else(|| format!("expected a TLS version, 1.2 or 1.3, got {text:?}"))
    }
}

impl From<TlsVersion> for String {
    fn from(version: TlsVersion) -> String {
        VERSIONS[version as usize].0.to_owned()
    }
}

/// `tls` of a server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTlsSettings {
    /// The certificate chain in PEM, leaf first.
    pub cert_file: Option<PathBuf>,
    /// The certificate chain itself, instead of `cert_file`.
    pub cert_pem: Option<Secret>,
    /// The private key in PEM.
    pub key_file: Option<PathBuf>,
    /// The private key itself, instead of `key_file`.
    pub key_pem: Option<Secret>,
    /// Clients must show a certificate of these authorities (mutual TLS).
    pub client_ca_file: Option<PathBuf>,
    /// Whether a changed `client_ca_file` is read again.
    pub client_ca_file_reload: bool,
    /// Has no meaning for a server; accepted as upstream accepts it.
    pub ca_file: Option<PathBuf>,
    /// Has no meaning for a server; accepted as upstream accepts it.
    pub ca_pem: Option<Secret>,
    /// Has no meaning for a server; accepted as upstream accepts it.
    pub include_system_ca_certs_pool: bool,
    /// The lowest version, 1.2 by default.
    pub min_version: Option<TlsVersion>,
    /// The highest version, the newest by default.
    pub max_version: Option<TlsVersion>,
    /// TLS 1.2 cipher suites by their IANA names; those of TLS 1.3 are fixed.
    pub cipher_suites: Vec<String>,
    /// Key exchange groups: X25519MLKEM768, X25519, P256, P384, P521.
    pub curve_preferences: Vec<String>,
    /// How often files are looked at for a new certificate; 0 is never.
    pub reload_interval: Duration,
}

/// `tls` of a client.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientTlsSettings {
    /// No TLS at all (gRPC; for HTTP the scheme of the URL decides).
    pub insecure: bool,
    /// Any certificate is taken for any name. For tests.
    pub insecure_skip_verify: bool,
    /// The name that the server's certificate must have, instead of its host name.
    pub server_name_override: String,
    /// Authorities to trust, in PEM, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The authorities themselves, instead of `ca_file`.
    pub ca_pem: Option<Secret>,
    /// Trusts the system's authorities beside `ca_file`.
    pub include_system_ca_certs_pool: bool,
    /// The client's certificate chain in PEM, leaf first.
    pub cert_file: Option<PathBuf>,
    /// The chain itself, instead of `cert_file`.
    pub cert_pem: Option<Secret>,
    /// The private key in PEM.
    pub key_file: Option<PathBuf>,
    /// The private key itself, instead of `key_file`.
    pub key_pem: Option<Secret>,
    /// The lowest version, 1.2 by default.
    pub min_version: Option<TlsVersion>,
    /// The highest version, the newest by default.
    pub max_version: Option<TlsVersion>,
    /// TLS 1.2 cipher suites by their IANA names; those of TLS 1.3 are fixed.
    pub cipher_suites: Vec<String>,
    /// Key exchange groups: X25519MLKEM768, X25519, P256, P384, P521.
    pub curve_preferences: Vec<String>,
    /// How often files are looked at for a new certificate; 0 is never.
    pub reload_interval: Duration,
}

impl Validate for ServerTlsSettings {
    fn validate(&self, at: &mut At<'_>) {
        let cert = (self.cert_file.is_some(), self.cert_pem.is_some());
        let key = (self.key_file.is_some(), self.key_pem.is_some());
        pair(at, cert, key);
        if cert == (false, false) && key == (false, false) {
            at.error(
                "",
                "a server needs cert_file and key_file (or cert_pem and key_pem)",
            );
        }
        for (key, set) in [
            ("ca_file", self.ca_file.is_some()),
            ("ca_pem", self.ca_pem.is_some()),
            (
                "include_system_ca_certs_pool",
                self.include_system_ca_certs_pool,
            ),
        ] {
            if set {
                at.warn(
                    key,
                    "has no effect on a server; to ask clients for certificates use client_ca_file",
                );
            }
        }
        if self.client_ca_file_reload && self.client_ca_file.is_none() {
            at.warn(
                "client_ca_file_reload",
                "has no effect without client_ca_file",
            );
        }
        protocol(
            at,
            self.min_version,
            self.max_version,
            &self.cipher_suites,
            &self.curve_preferences,
        );
    }
}

impl Validate for ClientTlsSettings {
    fn validate(&self, at: &mut At<'_>) {
        let cert = (self.cert_file.is_some(), self.cert_pem.is_some());
        let key = (self.key_file.is_some(), self.key_pem.is_some());
        pair(at, cert, key);
        if self.ca_file.is_some() && self.ca_pem.is_some() {
            at.error("ca_pem", "set ca_file or ca_pem, not both");
        }
        if self.insecure_skip_verify {
            at.warn(
                "insecure_skip_verify",
                "any server is trusted: whoever answers reads the telemetry",
            );
        }
        protocol(
            at,
            self.min_version,
            self.max_version,
            &self.cipher_suites,
            &self.curve_preferences,
        );
    }
}

/// A certificate and its key come together, each from one place.
fn pair(at: &mut At<'_>, cert: (bool, bool), key: (bool, bool)) {
    if cert == (true, true) {
        at.error("cert_pem", "set cert_file or cert_pem, not both");
    }
    if key == (true, true) {
        at.error("key_pem", "set key_file or key_pem, not both");
    }
    let has_cert = cert.0 || cert.1;
    let has_key = key.0 || key.1;
    if has_cert && !has_key {
        let name = if cert.0 { "cert_file" } else { "cert_pem" };
        at.error(name, "a certificate needs its key: set key_file or key_pem");
    }
    if has_key && !has_cert {
        let name = if key.0 { "key_file" } else { "key_pem" };
        at.error(
            name,
            "a key needs its certificate: set cert_file or cert_pem",
        );
    }
}

fn protocol(
    at: &mut At<'_>,
    min: Option<TlsVersion>,
    max: Option<TlsVersion>,
    cipher_suites: &[String],
    curves: &[String],
) {
    if min.is_some_and(|v| v < TlsVersion::Tls12) {
        at.warn(
            "min_version",
            "TLS 1.0 and 1.1 are broken and not spoken: the minimum is 1.2",
        );
    }
    if max.is_some_and(|v| v < TlsVersion::Tls12) {
        at.error(
            "max_version",
            "TLS 1.0 and 1.1 are broken and not spoken: use 1.2 or 1.3",
        );
    } else if max.zip(min).is_some_and(|(max, min)| max < min) {
        at.error("max_version", "is lower than min_version");
    }
    for (index, name) in cipher_suites.iter().enumerate() {
        if let Err(why) = suites::cipher_suite(name) {
            at.error(&format!("cipher_suites::{index}"), why);
        }
    }
    for (index, name) in curves.iter().enumerate() {
        if let Err(why) = suites::group(name) {
            at.error(&format!("curve_preferences::{index}"), why);
        }
    }
}
