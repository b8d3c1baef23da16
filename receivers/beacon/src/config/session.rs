//! `session`.

use serde::{Deserialize, Serialize};
use settings::{At, Duration, Secret, Validate};

/// Sessions that the server keeps for clients that bring no `session.id`: no
/// cookie, nothing stored on the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// What the salts of the days are made of, so that several replicas give a
    /// client the same session. Empty: random salts, in memory only.
    pub salt_secret: Secret,
    /// A session ends when nothing came for so long.
    pub idle_timeout: Duration,
    /// A session ends after so long, whatever comes.
    pub max_duration: Duration,
    /// Whether a session begins with an event `session.start`.
    pub start_event: bool,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            salt_secret: Secret::default(),
            idle_timeout: Duration::from_secs(30 * 60),
            max_duration: Duration::from_secs(4 * 3600),
            start_event: false,
        }
    }
}

impl Validate for Session {
    fn validate(&self, at: &mut At<'_>) {
        /// A client is known by the salts of two days.
        const LONGEST: u64 = 24 * 3600;
        for (name, duration) in [
            ("idle_timeout", self.idle_timeout),
            ("max_duration", self.max_duration),
        ] {
            let is_within = duration
                .non_zero()
                .is_some_and(|duration| duration.as_secs() <= LONGEST);
            if !is_within {
                at.error(name, "must be above 0 and at most 24h");
            }
        }
        if self.idle_timeout.non_zero() > self.max_duration.non_zero() {
            at.error("idle_timeout", "must not be above max_duration");
        }
        let secret = self.salt_secret.expose();
        if !secret.is_empty() && secret.len() < 16 {
            at.error("salt_secret", "must have at least 16 bytes");
        }
    }
}
