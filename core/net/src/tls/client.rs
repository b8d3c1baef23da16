//! The client's side of TLS.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::files::{self, Fingerprint, Source, TlsError};
use super::settings::ClientTlsSettings;
use super::suites;

/// Opens TLS connections; new certificates are used without a restart.
#[derive(Debug)]
pub struct TlsConnector {
    settings: ClientTlsSettings,
    alpn: Vec<Vec<u8>>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ClientConfig>,
    seen: Fingerprint,
    looked: Instant,
}

impl TlsConnector {
    /// Loads authorities and certificates. `alpn` are the protocols offered,
    /// best first.
    ///
    /// # Errors
    /// [`TlsError`], which names the key and the file.
    pub fn new(settings: ClientTlsSettings, alpn: &[&str]) -> Result<TlsConnector, TlsError> {
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        let seen = Fingerprint::of(watched(&settings));
        let config = load(&settings, &alpn)?;
        let current = Mutex::new(Current {
            config,
            seen,
            looked: Instant::now(),
        });
        Ok(TlsConnector {
            settings,
            alpn,
            current,
        })
    }

    /// Does the handshake with a server that is called `host`.
    ///
    /// # Errors
    /// What the handshake failed with; the text says what the certificate lacks.
    pub(crate) async fn connect<S>(&self, host: &str, socket: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match self.settings.server_name_override.as_str() {
            "" => host.trim_start_matches('[').trim_end_matches(']'),
            name => name,
        };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        tokio_rustls::TlsConnector::from(self.current())
            .connect(name, socket)
            .await
    }

    fn current(&self) -> Arc<ClientConfig> {
        let mut current = self.current.lock();
        let Some(interval) = self.settings.reload_interval.non_zero() else {
            return current.config.clone();
        };
        if current.looked.elapsed() < interval {
            return current.config.clone();
        }
        current.looked = Instant::now();
        let seen = Fingerprint::of(watched(&self.settings));
        if seen != current.seen {
            match load(&self.settings, &self.alpn) {
                Ok(config) => current.config = config,
                Err(e) => {
                    tracing::warn!(error = %e, "the new TLS files cannot be used; the old certificates stay");
                }
            }
            current.seen = seen;
        }
        current.config.clone()
    }
}

fn watched(settings: &ClientTlsSettings) -> impl Iterator<Item = &PathBuf> {
    [&settings.cert_file, &settings.key_file, &settings.ca_file]
        .into_iter()
        .flatten()
}

fn load(settings: &ClientTlsSettings, alpn: &[Vec<u8>]) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = suites::provider(&settings.cipher_suites, &settings.curve_preferences)
        .map_err(TlsError::Settings)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&suites::versions(
            settings.min_version,
            settings.max_version,
        ))
        .map_err(|e| TlsError::Settings(e.to_string()))?;
    let builder = if settings.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TrustsAnybody(provider)))
    } else {
        builder.with_root_certificates(roots(settings)?)
    };
    let cert = Source {
        keys: ["cert_file", "cert_pem"],
        file: settings.cert_file.as_deref(),
        pem: settings.cert_pem.as_ref(),
    };
    let key = Source {
        keys: ["key_file", "key_pem"],
        file: settings.key_file.as_deref(),
        pem: settings.key_pem.as_ref(),
    };
    let mut config = match files::pair(&cert, &key)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|e| {
            TlsError::Settings(format!(
                "cert_file and key_file do not belong together: {e}"
            ))
        })?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.to_vec();
    Ok(Arc::new(config))
}

/// The authorities of `ca_file`, the system's, or both, as in Go.
fn roots(settings: &ClientTlsSettings) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let ca = Source {
        keys: ["ca_file", "ca_pem"],
        file: settings.ca_file.as_deref(),
        pem: settings.ca_pem.as_ref(),
    };
    let own = files::authorities(&ca, &mut roots)?;
    if !own || settings.include_system_ca_certs_pool {
        let system = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(system.certs);
        if added == 0 && !own {
            return Err(TlsError::Settings(
                "this system has no certificate authorities: install ca-certificates or set ca_file".into(),
            ));
        }
    }
    Ok(roots)
}

/// `insecure_skip_verify`: any certificate of anybody, as long as its owner
/// holds the key.
#[derive(Debug)]
struct TrustsAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustsAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
