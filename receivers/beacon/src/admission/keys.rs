//! Public write keys.

use std::borrow::Cow;
use std::collections::HashMap;

use http::HeaderValue;

use crate::client;
use crate::config::{Config, WriteKey};

use super::attributes::Rules;
use super::origin::{Pattern, origin_of};
use super::rate::Bucket;
use super::sample::Sample;
use super::token::Tokens;

/// What a key stands for, or everybody where there are no keys.
pub(crate) struct Site {
    /// The key.
    pub(crate) name: String,
    /// Attributes of the resource.
    pub(crate) attributes: Vec<(String, String)>,
    /// What may be sent, if that is limited.
    pub(crate) rules: Option<Rules>,
    /// Fields that may be set in place of the server.
    pub(crate) trusted: Vec<String>,
    /// Which part of it is kept, if not all.
    pub(crate) sample: Option<Sample>,
    origins: Vec<Pattern>,
    retired: bool,
    bucket: Option<Bucket>,
    tokens: Option<Tokens>,
}

/// What a request shows at the door.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown<'r> {
    pub(crate) key: Option<&'r str>,
    pub(crate) token: Option<&'r str>,
    pub(crate) origin: Option<&'r str>,
    /// The page, whose origin tokens are checked against where there is no other.
    pub(crate) referer: Option<&'r HeaderValue>,
    /// Nanoseconds since 1970.
    pub(crate) now: u64,
}

impl Shown<'_> {
    fn page(&self) -> Option<Cow<'_, str>> {
        if let Some(origin) = self.origin {
            return Some(Cow::Borrowed(origin));
        }
        let referer = client::shown(self.referer?);
        origin_of(&referer).map(|origin| Cow::Owned(origin.to_owned()))
    }
}

impl Site {
    fn of(key: &WriteKey) -> Site {
        let limit = key.rate_limit.as_option();
        let origins = key.origins.iter();
        Site {
            name: key.key.clone(),
            attributes: key.attributes.clone().into_iter().collect(),
            rules: Rules::new(
                &key.allowed_attributes,
                &key.denied_attributes,
                key.max_event_names,
            ),
            trusted: key.trust_client_fields.clone(),
            sample: Sample::new(key.sample),
            origins: origins.map(|origin| Pattern::new(origin)).collect(),
            retired: key.retired,
            bucket: limit.map(|limit| Bucket::new(limit.rate, limit.burst)),
            tokens: Tokens::new(key.token_secret.expose()),
        }
    }
}

/// Why a key does not open the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    /// None was given, or nobody knows it, or its token is missing or over: 401.
    Unknown,
    /// It is retired: 410.
    Retired,
    /// Not from this origin: 403.
    Origin,
    /// Too much came with it: 429.
    Rate,
}

/// The keys by their text.
pub(crate) struct Keys {
    sites: HashMap<String, Site>,
    /// Everybody, where there are no keys and something is limited.
    everybody: Option<Site>,
}

impl Keys {
    pub(crate) fn new(config: &Config) -> Keys {
        let everybody = Rules::new(
            &config.allowed_attributes,
            &config.denied_attributes,
            config.max_event_names,
        );
        Keys {
            sites: config
                .keys
                .iter()
                .map(|key| (key.key.clone(), Site::of(key)))
                .collect(),
            everybody: everybody.map(|rules| Site {
                rules: Some(rules),
                trusted: config.trust_client_fields.clone(),
                ..Site::of(&WriteKey::default())
            }),
        }
    }

    /// The site of a request. `None` where no keys are configured and nothing is
    /// limited.
    pub(crate) fn open(&self, shown: Shown<'_>) -> Result<Option<&Site>, KeyProblem> {
        if self.sites.is_empty() {
            return Ok(self.everybody.as_ref());
        }
        let site = shown
            .key
            .and_then(|key| self.sites.get(key))
            .ok_or(KeyProblem::Unknown)?;
        if site.retired {
            return Err(KeyProblem::Retired);
        }
        // Without an Origin it is no browser, which no list of origins stops.
        if let Some(origin) = shown.origin
            && !site.origins.is_empty()
            && !site.origins.iter().any(|pattern| pattern.matches(origin))
        {
            return Err(KeyProblem::Origin);
        }
        if let Some(tokens) = &site.tokens
            && !tokens.accept(shown.token, shown.page().as_deref(), shown.now)
        {
            return Err(KeyProblem::Unknown);
        }
        if site
            .bucket
            .as_ref()
            .is_some_and(|bucket| bucket.take().is_err())
        {
            return Err(KeyProblem::Rate);
        }
        Ok(Some(site))
    }
}
