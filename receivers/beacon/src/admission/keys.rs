//! Public write keys.

use std::collections::HashMap;

use crate::config::WriteKey;

use super::origin::Pattern;
use super::rate::Bucket;

/// What a key stands for.
pub(crate) struct Site {
    /// Attributes of the resource.
    pub(crate) attributes: Vec<(String, String)>,
    origins: Vec<Pattern>,
    retired: bool,
    bucket: Option<Bucket>,
}

/// Why a key does not open the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    /// None was given, or nobody knows it: 401.
    Unknown,
    /// It is retired: 410.
    Retired,
    /// Not from this origin: 403.
    Origin,
    /// Too much came with it: 429.
    Rate,
}

/// The keys by their text.
pub(crate) struct Keys(HashMap<String, Site>);

impl Keys {
    pub(crate) fn new(keys: &[WriteKey]) -> Keys {
        let site = |key: &WriteKey| {
            let limit = key.rate_limit.as_option();
            Site {
                attributes: key.attributes.clone().into_iter().collect(),
                origins: key
                    .origins
                    .iter()
                    .map(|origin| Pattern::new(origin))
                    .collect(),
                retired: key.retired,
                bucket: limit.map(|limit| Bucket::new(limit.rate, limit.burst)),
            }
        };
        Keys(
            keys.iter()
                .map(|key| (key.key.clone(), site(key)))
                .collect(),
        )
    }

    /// Whether a key is needed at all.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The site of a request. `None` where no keys are configured.
    pub(crate) fn open(
        &self,
        key: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Option<&Site>, KeyProblem> {
        if !self.any() {
            return Ok(None);
        }
        let site = key
            .and_then(|key| self.0.get(key))
            .ok_or(KeyProblem::Unknown)?;
        if site.retired {
            return Err(KeyProblem::Retired);
        }
        // Without an Origin it is no browser, which no list of origins stops.
        if let Some(origin) = origin
            && !site.origins.is_empty()
            && !site.origins.iter().any(|pattern| pattern.matches(origin))
        {
            return Err(KeyProblem::Origin);
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
