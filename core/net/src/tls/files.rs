//! Reading certificates and keys, and noticing that they changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use settings::Secret;

/// TLS settings that cannot be used. The text names the key and the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or does not hold what it should.
    #[error("tls::{key} {file}: {why}")]
    File {
        /// The key of the setting.
        key: &'static str,
        /// The file, or `(inline)`.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The settings do not fit together.
    #[error("tls: {0}")]
    Settings(String),
}

/// One setting that is a file or its content.
pub(super) struct Source<'a> {
    pub(super) keys: [&'static str; 2],
    pub(super) file: Option<&'a Path>,
    pub(super) pem: Option<&'a Secret>,
}

impl Source<'_> {
    /// The content with the key and the file for error messages; `None` when not set.
    fn read(&self) -> Result<Option<Text>, TlsError> {
        if let Some(pem) = self.pem {
            let content = pem.expose().as_bytes().to_vec();
            return Ok(Some(Text {
                key: self.keys[1],
                file: "(inline)".into(),
                content,
            }));
        }
        let Some(path) = self.file else {
            return Ok(None);
        };
        let key = self.keys[0];
        let file = path.display().to_string();
        match std::fs::read(path) {
            Ok(content) => Ok(Some(Text { key, file, content })),
            Err(e) => Err(TlsError::File {
                key,
                file,
                why: e.to_string(),
            }),
        }
    }
}

struct Text {
    key: &'static str,
    file: String,
    content: Vec<u8>,
}

impl Text {
    fn wrong(self, why: impl ToString) -> TlsError {
        TlsError::File {
            key: self.key,
            file: self.file,
            why: why.to_string(),
        }
    }

    fn certificates(self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.content).collect();
        match found {
            Ok(found) if found.is_empty() => {
                Err(self.wrong("there is no certificate in it (expected PEM)"))
            }
            Ok(found) => Ok(found),
            Err(e) => Err(self.wrong(e)),
        }
    }
}

/// A certificate chain and its key.
pub(super) type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads the pair; `None` when neither is set.
pub(super) fn pair(cert: &Source<'_>, key: &Source<'_>) -> Result<Option<Pair>, TlsError> {
    let (Some(cert), Some(key)) = (cert.read()?, key.read()?) else {
        return Ok(None);
    };
    let chain = cert.certificates()?;
    match PrivateKeyDer::from_pem_slice(&key.content) {
        Ok(read) => Ok(Some((chain, read))),
        Err(_) => Err(key.wrong("there is no private key in it (expected unencrypted PEM)")),
    }
}

/// Adds authorities to `roots`; false when none are set.
pub(super) fn authorities(
    source: &Source<'_>,
    roots: &mut RootCertStore,
) -> Result<bool, TlsError> {
    let Some(text) = source.read()? else {
        return Ok(false);
    };
    let (key, file) = (text.key, text.file.clone());
    for certificate in text.certificates()? {
        roots.add(certificate).map_err(|e| TlsError::File {
            key,
            file: file.clone(),
            why: e.to_string(),
        })?;
    }
    Ok(true)
}

/// What files looked like when they were read.
#[derive(Debug, PartialEq)]
pub(super) struct Fingerprint(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Fingerprint {
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Fingerprint {
        let look = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Fingerprint(
            paths
                .into_iter()
                .map(|path| (path.clone(), look(path)))
                .collect(),
        )
    }
}
