//! Whose a field is: the server's, or a person's.

use super::{Brought, Context};
use crate::config::Timestamps;
use crate::geo::is_place;

/// What only the receiver says.
const RECEIVERS: [&str; 7] = [
    "beacon.clock_skew",
    "beacon.client_timestamp",
    "beacon.event.action",
    "beacon.event.name",
    "beacon.origin.missing",
    "beacon.truncated",
    "beacon.url.source",
];

impl Context<'_> {
    /// Whether a field is the server's to set, also under another name that the
    /// mapping makes the same of.
    #[inline(always)]
    pub(super) fn is_servers(&self, path: &str) -> bool {
        match path.as_bytes().first() {
            Some(b'b') => self.is_of_receiver(path),
            Some(b'c') => {
                matches!(path, "client.ip" | "client.address" | "client.domain")
                    || self.geo && is_place(path)
            }
            Some(b'g' | b's') => self.geo && is_place(path),
            Some(b'u') => path.starts_with("user_agent.") && self.is_of_agent(path),
            // when the first in the pipeline saw it
            Some(b'e') => path == "event.created" && self.timestamps == Timestamps::Correct,
            _ => false,
        }
    }

    fn is_of_agent(&self, path: &str) -> bool {
        let asked = self.facts.asked.as_deref();
        match path {
            "user_agent.original" => true,
            "user_agent.os.version" => asked.is_some_and(|asked| asked.platform_version.is_some()),
            "user_agent.device.name" => asked.is_some_and(|asked| asked.model.is_some()),
            _ => false,
        }
    }

    fn is_of_receiver(&self, path: &str) -> bool {
        let facts = self.facts;
        match path {
            "browser.brands" => !facts.brands.is_empty(),
            "browser.mobile" => facts.mobile.is_some(),
            "browser.platform" => facts.platform.is_some(),
            _ => path.starts_with("beacon.") && RECEIVERS.contains(&path),
        }
    }
}

impl Brought<'_> {
    /// A trusted sender set a field in place of the server.
    #[cold]
    pub(super) fn note(&mut self, path: &str) {
        match path {
            "client.ip" | "client.address" | "client.domain" => self.address = true,
            "user_agent.original" => self.user_agent = true,
            _ if is_place(path) => self.place = true,
            _ => {}
        }
    }
}

/// What tells one visitor from another, or where one is below the country.
pub(super) fn is_personal(path: &str) -> bool {
    let is_address = || {
        let role = path
            .strip_prefix("client.")
            .or(path.strip_prefix("source."));
        role.is_some_and(|field| matches!(field, "ip" | "address" | "domain" | "nat.ip"))
    };
    path == "session.id"
        || path == "session.previous_id"
        || path.starts_with("user.")
        || path.starts_with("enduser.")
        || is_address()
        || is_place(path) && !path.contains("country") && !path.contains("continent")
}
