//! What the operator does not want of URLs: queries and fragments.

use std::borrow::Cow;

use crate::admission::covers;
use crate::config::{Config, StripQuery};

/// What is taken off every URL.
pub(crate) struct Strip {
    query: StripQuery,
    /// Parameters that `Allowlist` keeps.
    kept: Vec<String>,
    fragment: bool,
}

impl Strip {
    /// `None` when nothing is.
    pub(crate) fn new(config: &Config) -> Option<Strip> {
        if config.strip_query == StripQuery::Keep && !config.strip_fragment {
            return None;
        }
        Some(Strip {
            query: config.strip_query,
            kept: config.query_allowlist.clone(),
            fragment: config.strip_fragment,
        })
    }

    /// What is left of the value of a URL field; `None` when nothing is.
    pub(crate) fn field<'v>(&self, path: &str, value: &'v str) -> Option<Cow<'v, str>> {
        // also below another name
        if path.ends_with("url.fragment") {
            return (!self.fragment).then_some(Cow::Borrowed(value));
        }
        if path.ends_with("url.query") {
            let query = self.query(value);
            return (!query.is_empty()).then_some(query);
        }
        Some(self.url(value))
    }

    /// The URL with what is left of its query and fragment.
    pub(crate) fn url<'u>(&self, url: &'u str) -> Cow<'u, str> {
        let (before, fragment) = match url.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment).filter(|_| !self.fragment)),
            None => (url, None),
        };
        let (path, query) = match before.split_once('?') {
            Some((path, query)) => (path, self.query(query)),
            None => (before, Cow::Borrowed("")),
        };
        let length = path.len() + query.len() + fragment.map_or(0, str::len);
        let marks = usize::from(!query.is_empty()) + usize::from(fragment.is_some());
        if length + marks == url.len() {
            return Cow::Borrowed(url);
        }
        let mut left = path.to_owned();
        for (mark, part) in [("?", Some(&*query)), ("#", fragment)] {
            if let Some(part) = part.filter(|part| mark == "#" || !part.is_empty()) {
                left.push_str(mark);
                left.push_str(part);
            }
        }
        Cow::Owned(left)
    }

    fn query<'q>(&self, query: &'q str) -> Cow<'q, str> {
        match self.query {
            StripQuery::Keep => Cow::Borrowed(query),
            StripQuery::All => Cow::Borrowed(""),
            StripQuery::Allowlist => {
                let name = |pair: &str| covers(&self.kept, pair.split('=').next().unwrap_or(""));
                let kept: Vec<&str> = query.split('&').filter(|pair| name(pair)).collect();
                Cow::Owned(kept.join("&"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(query: StripQuery, fragment: bool) -> Strip {
        let config = Config {
            strip_query: query,
            strip_fragment: fragment,
            ..Config::default()
        };
        Strip::new(&config).unwrap()
    }

    #[test]
    fn queries_and_fragments_are_taken_off() {
        let url = "https://a.example/p?a=1&utm_source=x&utm_medium=y#top?b=1";
        let table = [
            (
                StripQuery::Keep,
                true,
                "https://a.example/p?a=1&utm_source=x&utm_medium=y",
            ),
            (StripQuery::All, false, "https://a.example/p#top?b=1"),
            (StripQuery::All, true, "https://a.example/p"),
            (
                StripQuery::Allowlist,
                false,
                "https://a.example/p?utm_source=x&utm_medium=y#top?b=1",
            ),
        ];
        for (query, fragment, expected) in table {
            assert_eq!(strip(query, fragment).url(url), expected);
        }
        let all = strip(StripQuery::All, true);
        for (url, expected) in [
            ("https://a.example/", "https://a.example/"),
            ("https://a.example/?", "https://a.example/"),
            ("#", ""),
            ("", ""),
        ] {
            assert_eq!(all.url(url), expected, "{url}");
        }
        assert_eq!(all.field("url.query", "a=1"), None);
        assert_eq!(all.field("url.fragment", "top"), None);
        assert_eq!(all.field("x.url.query", "a=1"), None);
        assert_eq!(all.field("x.url.fragment", "top"), None);
        assert_eq!(all.field("url.original", "/p?a=1").as_deref(), Some("/p"));
        let some = strip(StripQuery::Allowlist, false);
        assert_eq!(
            some.field("url.query", "b=2&utm_x").as_deref(),
            Some("utm_x")
        );
        assert_eq!(some.field("url.fragment", "top").as_deref(), Some("top"));
        assert!(Strip::new(&Config::default()).is_none());
    }
}
