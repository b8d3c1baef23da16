//! Who may speak to a server, and how a client says who it is.

use std::collections::BTreeMap;
use std::fmt::Debug;

use http::HeaderMap;

/// Checks the credentials of a request, before its body is read.
pub trait Authenticator: Send + Sync + Debug {
    /// Says who sends these headers (gRPC metadata are headers too).
    ///
    /// # Errors
    /// [`Unauthenticated`] with a text that is safe to show to the sender.
    fn authenticate(&self, headers: &HeaderMap) -> Result<Identity, Unauthenticated>;
}

/// Adds credentials to a request of a client, once for every attempt.
pub trait ClientCredentials: Send + Sync + Debug {
    /// Writes the credentials into `headers`.
    ///
    /// # Errors
    /// [`NoCredentials`] when there are none right now; the request is not sent.
    fn apply(&self, headers: &mut HeaderMap) -> Result<(), NoCredentials>;
}

/// Who sent a request, as far as the server knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name that was proven, for example the user of basic authentication.
    pub subject: Option<String>,
    /// What else the authenticator found out.
    pub attributes: BTreeMap<String, String>,
}

/// The request does not prove who sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unauthenticated {
    /// What is missing or wrong, without the credential itself.
    pub why: String,
    /// The value of `WWW-Authenticate`, for example `Bearer`.
    pub challenge: Option<&'static str>,
}

/// A client has no credentials to send now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no credentials to send: {why}")]
pub struct NoCredentials {
    /// Which file, key or token is missing.
    pub why: String,
}
