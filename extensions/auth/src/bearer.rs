//! `bearertokenauth`.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use net::http::header::AUTHORIZATION;
use net::http::{HeaderMap, HeaderName, HeaderValue};
use net::{Authenticator, ClientCredentials, Identity, NoCredentials, Unauthenticated};
use pipeline::registry::ExtensionConfig;
use pipeline::{Extension, Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Secret, Validate};

use crate::file::WatchedFile;
use crate::secret;

/// Settings of `bearertokenauth`, under upstream's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BearerConfig {
    /// Header that carries the token.
    pub header: String,
    /// Word before the token; empty for none.
    pub scheme: String,
    /// The token.
    pub token: Secret,
    /// Several tokens, each of which is good for a server; a client sends the first.
    pub tokens: Vec<Secret>,
    /// File with one token a line, read again when it changes.
    pub filename: Option<PathBuf>,
}

impl Default for BearerConfig {
    fn default() -> BearerConfig {
        BearerConfig {
            header: "Authorization".to_owned(),
            scheme: "Bearer".to_owned(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: None,
        }
    }
}

impl Validate for BearerConfig {
    fn validate(&self, at: &mut At<'_>) {
        let ways = [
            !self.token.is_empty(),
            !self.tokens.is_empty(),
            self.filename.is_some(),
        ];
        if ways.iter().filter(|given| **given).count() != 1 {
            at.error("", "expected exactly one of token, tokens and filename");
        }
        if self.header.parse::<HeaderName>().is_err() {
            at.error(
                "header",
                format_args!("\"{}\" is no header name", self.header),
            );
        }
    }
}

impl ExtensionConfig for BearerConfig {
    fn build(&self, _: &ComponentId) -> Result<Box<dyn Extension>, StartError> {
        let tokens = match &self.filename {
            Some(path) => Tokens::File(WatchedFile::open(path).map_err(StartError::new)?),
            None => {
                let all = self
                    .tokens
                    .iter()
                    .chain((!self.token.is_empty()).then_some(&self.token));
                Tokens::Fixed(all.map(|token| token.expose().to_owned()).collect())
            }
        };
        let header = self.header.parse().unwrap_or(AUTHORIZATION);
        Ok(Box::new(BearerAuth {
            inner: Arc::new(Bearer {
                header,
                scheme: self.scheme.clone(),
                tokens,
            }),
        }))
    }
}

struct BearerAuth {
    inner: Arc<Bearer>,
}

impl Extension for BearerAuth {
    fn start(&self, _: Host) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn offers(&self) -> Vec<Arc<dyn Any + Send + Sync>> {
        crate::offers(Some(self.inner.clone()), Some(self.inner.clone()))
    }
}

struct Bearer {
    header: HeaderName,
    scheme: String,
    tokens: Tokens,
}

enum Tokens {
    Fixed(Vec<String>),
    File(WatchedFile),
}

impl Tokens {
    fn with<R>(&self, look: impl FnOnce(&[String]) -> R) -> R {
        match self {
            Tokens::Fixed(tokens) => look(tokens),
            Tokens::File(file) => file.with_lines(look),
        }
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Bearer")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Bearer {
    /// The token of a header value; the scheme is compared without case (RFC 9110).
    fn token<'a>(&self, value: &'a str) -> Option<&'a str> {
        if self.scheme.is_empty() {
            return Some(value.trim());
        }
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme
            .eq_ignore_ascii_case(&self.scheme)
            .then_some(token.trim())
    }
}

impl Authenticator for Bearer {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated> {
        let refused = |why: &str| Unauthenticated {
            why: why.to_owned(),
            challenge: Some("Bearer"),
        };
        let value = headers
            .get(&self.header)
            .ok_or_else(|| refused("missing bearer token"))?;
        let value = value
            .to_str()
            .map_err(|_| refused("the bearer token is no text"))?;
        let token = self
            .token(value)
            .ok_or_else(|| refused("missing bearer token"))?;
        let good = self.tokens.with(|tokens| {
            // All are compared, so that the time does not tell which one was near.
            tokens.iter().fold(false, |good, known| {
                good | secret::equal(known.as_bytes(), token.as_bytes())
            })
        });
        match good {
            true => Ok(Identity::default()),
            false => Err(refused("the bearer token is not known")),
        }
    }
}

impl ClientCredentials for Bearer {
    fn apply(&self, headers: &mut HeaderMap) -> Result<(), NoCredentials> {
        let first = self.tokens.with(|tokens| tokens.first().cloned());
        let token = first.ok_or_else(|| NoCredentials {
            why: "the token file is empty".to_owned(),
        })?;
        let text = if self.scheme.is_empty() {
            token
        } else {
            format!("{} {token}", self.scheme)
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| NoCredentials {
            why: "the token has characters that no header may have".to_owned(),
        })?;
        value.set_sensitive(true);
        headers.insert(self.header.clone(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(config: BearerConfig) -> (Arc<dyn Authenticator>, Arc<dyn ClientCredentials>) {
        let extension = config
            .build(&"bearertokenauth".parse().expect("an id"))
            .expect("builds");
        let offers = extension.offers();
        let server = offers
            .iter()
            .find_map(|offer| offer.downcast_ref::<Arc<dyn Authenticator>>());
        let client = offers
            .iter()
            .find_map(|offer| offer.downcast_ref::<Arc<dyn ClientCredentials>>());
        (
            server.expect("a server side").clone(),
            client.expect("a client side").clone(),
        )
    }

    fn header(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            AUTHORIZATION,
            HeaderValue::from_str(value).expect("a value"),
        )])
    }

    #[test]
    fn what_a_client_sends_a_server_takes() {
        let (server, client) = bearer(BearerConfig {
            token: "s3cret".into(),
            ..BearerConfig::default()
        });
        let mut headers = HeaderMap::new();
        client.apply(&mut headers).expect("has a token");
        assert_eq!(headers[AUTHORIZATION], "Bearer s3cret");
        server.authenticate(&headers).expect("good");
        server
            .authenticate(&header("bearer s3cret"))
            .expect("the scheme has no case");
        for bad in ["Bearer other", "s3cret", "Basic s3cret", "Bearer"] {
            server.authenticate(&header(bad)).expect_err(bad);
        }
        server
            .authenticate(&HeaderMap::new())
            .expect_err("no header");
    }

    #[test]
    fn a_changed_file_counts_and_a_missing_one_keeps_the_old_tokens() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        std::fs::write(&path, "old\n").expect("written");
        let (server, _) = bearer(BearerConfig {
            filename: Some(path.clone()),
            ..BearerConfig::default()
        });
        server.authenticate(&header("Bearer old")).expect("good");
        std::fs::write(&path, "new\nnewer\n").expect("written");
        let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
        std::fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(later))
            .expect("touched");
        server.authenticate(&header("Bearer newer")).expect("good");
        server
            .authenticate(&header("Bearer old"))
            .expect_err("no longer good");
        std::fs::remove_file(&path).expect("removed");
        server
            .authenticate(&header("Bearer new"))
            .expect("still good");
    }
}
