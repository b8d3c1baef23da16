//! `keys`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use settings::{At, OffByDefault, Rate, Validate};

/// A public write key: it tells sites apart and scopes limits. It stands in
/// every page, so it authenticates nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WriteKey {
    /// The key, as in the path, `x-api-key` or the member `key` of a batch.
    pub key: String,
    /// Attributes of the resource of everything that comes with it.
    pub attributes: BTreeMap<String, String>,
    /// Origins that may use it; none restricts nothing beyond `cors`.
    pub origins: Vec<String>,
    /// How much all its clients together may send.
    pub rate_limit: OffByDefault<KeyRate>,
    /// Answers 410, upon which clients stop for good.
    pub retired: bool,
}

impl Validate for WriteKey {
    fn validate(&self, at: &mut At<'_>) {
        if self.key.is_empty() {
            at.error("key", "must not be empty");
        } else if self.key.contains(['/', '?', '#']) {
            at.error("key", "must be usable as one segment of a path");
        }
        if self
            .rate_limit
            .as_option()
            .is_some_and(|limit| limit.burst == 0)
        {
            at.error("rate_limit::burst", "must be above 0");
        }
    }
}

/// `rate_limit` of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyRate {
    /// Requests with this key.
    pub rate: Rate,
    /// Requests that may come at once after a rest.
    pub burst: u32,
}

impl Default for KeyRate {
    fn default() -> KeyRate {
        KeyRate {
            rate: Rate::per_second_of(1000),
            burst: 5000,
        }
    }
}
