//! `basicauth`.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use net::http::header::AUTHORIZATION;
use net::http::{HeaderMap, HeaderValue};
use net::{Authenticator, ClientCredentials, Identity, NoCredentials, Unauthenticated};
use pipeline::registry::ExtensionConfig;
use pipeline::{Extension, Host, StartError};
use serde::{Deserialize, Serialize};
use settings::{At, ComponentId, Optional, Secret, Validate};

use crate::file::WatchedFile;
use crate::secret;

/// Settings of `basicauth`, under upstream's names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BasicConfig {
    /// Who may send to a receiver.
    pub htpasswd: Optional<Htpasswd>,
    /// What an exporter sends.
    pub client_auth: Optional<ClientAuth>,
}

/// `htpasswd`: lines `user:password`, the password in clear. Hashed passwords
/// are refused at start, since they would never match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Htpasswd {
    /// File with the lines, read again when it changes.
    pub file: Option<PathBuf>,
    /// The lines themselves; they win over those of the file.
    pub inline: Secret,
}

/// `client_auth`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientAuth {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
}

impl Validate for BasicConfig {
    fn validate(&self, at: &mut At<'_>) {
        match (self.htpasswd.as_option(), self.client_auth.as_option()) {
            (None, None) => at.error(
                "",
                "expected htpasswd for receivers or client_auth for exporters",
            ),
            (Some(_), Some(_)) => at.error(
                "",
                "htpasswd and client_auth exclude each other: configure two extensions",
            ),
            (Some(htpasswd), None) => {
                if htpasswd.file.is_none() && htpasswd.inline.is_empty() {
                    at.error("htpasswd", "expected file or inline");
                }
                for line in htpasswd
                    .inline
                    .expose()
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                {
                    if let Err(why) = user_of(line) {
                        at.error("htpasswd::inline", why);
                    }
                }
            }
            (None, Some(client)) => {
                if client.username.is_empty() || client.username.contains(':') {
                    at.error(
                        "client_auth::username",
                        "must not be empty and must have no colon",
                    );
                }
            }
        }
    }
}

/// User and password of a line.
fn user_of(line: &str) -> Result<(&str, &str), String> {
    let (user, password) = line.split_once(':').ok_or("expected lines user:password")?;
    if ["$2", "$apr1$", "{SHA}", "$5$", "$6$"]
        .iter()
        .any(|prefix| password.starts_with(prefix))
    {
        return Err(format!(
            "the password of \"{user}\" is hashed, which is not supported: give it in clear, or use bearertokenauth"
        ));
    }
    Ok((user, password))
}

impl ExtensionConfig for BasicConfig {
    fn build(&self, _: &ComponentId) -> Result<Box<dyn Extension>, StartError> {
        let server = match self.htpasswd.as_option() {
            Some(htpasswd) => {
                Some(Arc::new(BasicServer::open(htpasswd)?) as Arc<dyn Authenticator>)
            }
            None => None,
        };
        let client = self.client_auth.as_option().map(|client| {
            let text = format!("{}:{}", client.username, client.password.expose());
            Arc::new(BasicClient {
                header: (*format!("Basic {}", STANDARD.encode(text))).into(),
            }) as Arc<dyn ClientCredentials>
        });
        Ok(Box::new(BasicAuth { server, client }))
    }
}

struct BasicAuth {
    server: Option<Arc<dyn Authenticator>>,
    client: Option<Arc<dyn ClientCredentials>>,
}

impl Extension for BasicAuth {
    fn start(&self, _: Host) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn offers(&self) -> Vec<Arc<dyn Any + Send + Sync>> {
        crate::offers(self.server.clone(), self.client.clone())
    }
}

struct BasicServer {
    inline: BTreeMap<String, String>,
    file: Option<WatchedFile>,
}

impl std::fmt::Debug for BasicServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BasicServer")
            .finish_non_exhaustive()
    }
}

impl BasicServer {
    fn open(htpasswd: &Htpasswd) -> Result<BasicServer, StartError> {
        let lines = htpasswd
            .inline
            .expose()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let users: Result<BTreeMap<String, String>, String> = lines
            .map(|line| {
                user_of(line).map(|(user, password)| (user.to_owned(), password.to_owned()))
            })
            .collect();
        let file = htpasswd
            .file
            .as_deref()
            .map(WatchedFile::open)
            .transpose()
            .map_err(StartError::new)?;
        if let Some(file) = &file {
            file.with_lines(|lines| lines.iter().try_for_each(|line| user_of(line).map(drop)))
                .map_err(StartError::new)?;
        }
        Ok(BasicServer {
            inline: users.map_err(StartError::new)?,
            file,
        })
    }

    fn knows(&self, user: &str, password: &str) -> bool {
        if let Some(known) = self.inline.get(user) {
            return secret::equal(known.as_bytes(), password.as_bytes());
        }
        let Some(file) = &self.file else { return false };
        file.with_lines(|lines| {
            let found = lines
                .iter()
                .filter_map(|line| user_of(line).ok())
                .find(|(known, _)| *known == user);
            found.is_some_and(|(_, known)| secret::equal(known.as_bytes(), password.as_bytes()))
        })
    }
}

impl Authenticator for BasicServer {
    fn authenticate(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated> {
        let refused = |why: &str| Unauthenticated {
            why: why.to_owned(),
            challenge: Some("Basic"),
        };
        let value = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let value = value.ok_or_else(|| refused("no basic auth provided"))?;
        let (scheme, encoded) = value
            .split_once(' ')
            .ok_or_else(|| refused("no basic auth provided"))?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return Err(refused("no basic auth provided"));
        }
        let decoded = STANDARD
            .decode(encoded.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded =
            decoded.ok_or_else(|| refused("the basic credentials are not base64 of text"))?;
        let (user, password) = decoded
            .split_once(':')
            .ok_or_else(|| refused("the basic credentials have no colon"))?;
        match self.knows(user, password) {
            true => Ok(Identity {
                subject: Some(user.to_owned()),
                attributes: BTreeMap::from([("username".to_owned(), user.to_owned())]),
            }),
            false => Err(refused("invalid credentials")),
        }
    }
}

struct BasicClient {
    header: Secret,
}

impl std::fmt::Debug for BasicClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BasicClient")
            .finish_non_exhaustive()
    }
}

impl ClientCredentials for BasicClient {
    fn apply(&self, headers: &mut HeaderMap) -> Result<(), NoCredentials> {
        let mut value = HeaderValue::from_str(self.header.expose()).map_err(|_| NoCredentials {
            why: "the credentials fit in no header".to_owned(),
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_a_server_takes() {
        let server = BasicServer::open(&Htpasswd {
            file: None,
            inline: "ann:pa:ss\nbob:word\n".into(),
        })
        .expect("opens");
        let header = format!("Basic {}", STANDARD.encode("ann:pa:ss"));
        let mut headers = HeaderMap::new();
        BasicClient {
            header: (*header).into(),
        }
        .apply(&mut headers)
        .expect("applies");
        assert_eq!(
            server
                .authenticate(&headers)
                .expect("good")
                .subject
                .as_deref(),
            Some("ann")
        );
        for bad in ["ann:word", "carl:x", "ann", ""] {
            let value = format!("Basic {}", STANDARD.encode(bad));
            let headers = HeaderMap::from_iter([(
                AUTHORIZATION,
                HeaderValue::from_str(&value).expect("a value"),
            )]);
            server.authenticate(&headers).expect_err(bad);
        }
    }

    #[test]
    fn hashed_passwords_are_refused_at_start() {
        let error = BasicServer::open(&Htpasswd {
            file: None,
            inline: "ann:$2y$05$abc".into(),
        })
        .map(drop);
        assert!(error.expect_err("refused").to_string().contains("hashed"));
    }
}
