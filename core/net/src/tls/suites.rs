//! Names of versions, cipher suites and groups, as Go writes them.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

use super::settings::TlsVersion;

const SUITES: [(&str, SupportedCipherSuite); 9] = [
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The cipher suite with this name.
pub(super) fn cipher_suite(name: &str) -> Result<SupportedCipherSuite, String> {
    SUITES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, suite)| *suite)
        .ok_or_else(|| {
            let known: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
            format!(
                "cipher suite {name:?} is unknown or insecure; there are {}",
                known.join(", ")
            )
        })
}

/// The key exchange group with this name.
pub(super) fn group(name: &str) -> Result<&'static dyn SupportedKxGroup, String> {
    match name {
        "X25519MLKEM768" => Ok(kx_group::X25519MLKEM768),
        "X25519" => Ok(kx_group::X25519),
        "P256" => Ok(kx_group::SECP256R1),
        "P384" => Ok(kx_group::SECP384R1),
        "P521" => Err("P521 is not supported; use X25519, P256 or P384".into()),
        other => Err(format!(
            "unknown curve {other:?}: use X25519MLKEM768, X25519, P256 or P384"
        )),
    }
}

/// The cryptography, restricted to what is named; no names are no restriction.
/// As in Go, TLS 1.3 suites are always there.
pub(super) fn provider(
    suites: &[String],
    groups: &[String],
) -> Result<Arc<CryptoProvider>, String> {
    let mut provider = aws_lc_rs::default_provider();
    if !suites.is_empty() {
        let wanted = suites
            .iter()
            .map(|name| cipher_suite(name))
            .collect::<Result<Vec<_>, _>>()?;
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some() || wanted.contains(suite));
    }
    if !groups.is_empty() {
        provider.kx_groups = groups
            .iter()
            .map(|name| group(name))
            .collect::<Result<Vec<_>, _>>()?;
    }
    Ok(Arc::new(provider))
}

/// The versions from `min` to `max`.
pub(super) fn versions(
    min: Option<TlsVersion>,
    max: Option<TlsVersion>,
) -> Vec<&'static SupportedProtocolVersion> {
    let mut versions = Vec::with_capacity(2);
    if min.is_none_or(|v| v <= TlsVersion::Tls12) {
        versions.push(&version::TLS12);
    }
    if max.is_none_or(|v| v >= TlsVersion::Tls13) {
        versions.push(&version::TLS13);
    }
    versions
}
