//! The server's side of TLS.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use super::files::{self, Fingerprint, Source, TlsError};
use super::settings::ServerTlsSettings;
use super::suites;

/// How often a `client_ca_file` is looked at when only it is to be reloaded.
const CLIENT_CA_INTERVAL: Duration = Duration::from_secs(10);

/// Accepts TLS connections; new certificates are used without a restart.
#[derive(Debug)]
pub struct TlsAcceptor {
    settings: ServerTlsSettings,
    alpn: Vec<Vec<u8>>,
    interval: Option<Duration>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    seen: Fingerprint,
    looked: Instant,
}

/// What TLS knows about the client of a connection.
#[derive(Clone, Debug, Default)]
pub struct TlsPeer {
    /// The verified chain, leaf first; empty without mutual TLS.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The host name that the client asked for (SNI).
    pub server_name: Option<String>,
}

impl TlsPeer {
    pub(crate) fn of(connection: &ServerConnection) -> TlsPeer {
        TlsPeer {
            certificates: connection
                .peer_certificates()
                .map(|chain| chain.iter().map(|c| c.clone().into_owned()).collect())
                .unwrap_or_default(),
            server_name: connection.server_name().map(str::to_owned),
        }
    }
}

impl TlsAcceptor {
    /// Loads the certificates. `alpn` are the protocols offered, best first:
    /// `["h2", "http/1.1"]` for HTTP, `["h2"]` for gRPC.
    ///
    /// # Errors
    /// [`TlsError`], which names the key and the file.
    pub fn new(settings: ServerTlsSettings, alpn: &[&str]) -> Result<TlsAcceptor, TlsError> {
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        let seen = Fingerprint::of(watched(&settings));
        let config = load(&settings, &alpn)?;
        let interval = settings
            .reload_interval
            .non_zero()
            .or(settings.client_ca_file_reload.then_some(CLIENT_CA_INTERVAL));
        let current = Mutex::new(Current {
            config,
            seen,
            looked: Instant::now(),
        });
        Ok(TlsAcceptor {
            settings,
            alpn,
            interval,
            current,
        })
    }

    /// Does the handshake.
    ///
    /// # Errors
    /// What the handshake failed with.
    pub(crate) async fn accept<S>(&self, socket: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        tokio_rustls::TlsAcceptor::from(self.current())
            .accept(socket)
            .await
    }

    /// The newest usable configuration. Files are looked at when a connection
    /// comes and the interval is over, so an idle server does nothing.
    fn current(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock();
        let Some(interval) = self.interval else {
            return current.config.clone();
        };
        if current.looked.elapsed() < interval {
            return current.config.clone();
        }
        current.looked = Instant::now();
        let seen = Fingerprint::of(watched(&self.settings));
        if seen != current.seen {
            match load(&self.settings, &self.alpn) {
                Ok(config) => {
                    tracing::info!("TLS certificates reloaded");
                    current.config = config;
                }
                Err(e) => {
                    tracing::warn!(error = %e, "the new TLS files cannot be used; the old certificates stay");
                }
            }
            current.seen = seen;
        }
        current.config.clone()
    }
}

/// The files whose change matters.
fn watched(settings: &ServerTlsSettings) -> Vec<&PathBuf> {
    let pair = [&settings.cert_file, &settings.key_file]
        .into_iter()
        .filter(|_| !settings.reload_interval.is_zero());
    let ca = [&settings.client_ca_file]
        .into_iter()
        .filter(|_| settings.client_ca_file_reload || !settings.reload_interval.is_zero());
    pair.chain(ca).flatten().collect()
}

fn load(settings: &ServerTlsSettings, alpn: &[Vec<u8>]) -> Result<Arc<ServerConfig>, TlsError> {
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
    let (chain, key) = files::pair(&cert, &key)?
        .ok_or_else(|| TlsError::Settings("a server needs cert_file and key_file".into()))?;
    let provider = suites::provider(&settings.cipher_suites, &settings.curve_preferences)
        .map_err(TlsError::Settings)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&suites::versions(
            settings.min_version,
            settings.max_version,
        ))
        .map_err(|e| TlsError::Settings(e.to_string()))?;
    let ca = Source {
        keys: ["client_ca_file", "client_ca_file"],
        file: settings.client_ca_file.as_deref(),
        pem: None,
    };
    let mut roots = RootCertStore::empty();
    let builder = if files::authorities(&ca, &mut roots)? {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .map_err(|e| TlsError::Settings(format!("client_ca_file: {e}")))?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|e| {
        TlsError::Settings(format!(
            "cert_file and key_file do not belong together: {e}"
        ))
    })?;
    config.alpn_protocols = alpn.to_vec();
    Ok(Arc::new(config))
}
