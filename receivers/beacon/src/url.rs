//! What must not be stored of a URL: credentials, and query values that are
//! keys to something; and what the operator does not want.

use std::borrow::Cow;

use crate::admission::covers;
use crate::config::{Config, StripQuery};

/// Query keys whose values are replaced: OpenTelemetry's list, then ours.
/// Compared with case, as the conventions say.
const SECRET: [&str; 16] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "token",
    "access_token",
    "id_token",
    "code",
    "password",
    "secret",
    "api_key",
    "apikey",
    "email",
];

/// Whether a field holds a URL that is cleaned.
pub(crate) fn is_url_field(path: &str) -> bool {
    match path.as_bytes() {
        [b'u', ..] if path.starts_with("url.full") => true,
        [b'u', ..] if matches!(path, "url.original" | "url.query" | "url.fragment") => true,
        [b'h', ..] if path == "http.request.referrer" => true,
        // in a browser's report, with the names that browsers give
        [b'b', ..] if path.starts_with("browser.report.body.") => {
            path.ends_with("URL") || path.ends_with(".referrer") || path.ends_with(".sourceFile")
        }
        [.., b'l'] => [".url", ".url.full", ".url.original"]
            .iter()
            .any(|end| path.ends_with(end)),
        _ => false,
    }
}

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
        match path {
            "url.fragment" => (!self.fragment).then_some(Cow::Borrowed(value)),
            "url.query" => {
                let query = self.query(value);
                (!query.is_empty()).then_some(query)
            }
            _ => Some(self.url(value)),
        }
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

/// The URL without credentials and without values of secret query keys.
pub(crate) fn redacted(url: &str) -> Cow<'_, str> {
    if is_clean(url.as_bytes()) {
        return Cow::Borrowed(url);
    }
    let mut clean = Cow::Borrowed(url);
    if let Some(without) = without_credentials(url) {
        clean = Cow::Owned(without);
    }
    match redacted_query(&clean) {
        Some(redacted) => Cow::Owned(redacted),
        None => clean,
    }
}

/// Whether there is surely nothing to take out, by one look.
fn is_clean(url: &[u8]) -> bool {
    let Some(at) = memchr::memchr2(b'?', b'@', url) else {
        return memchr::memchr(b'=', url).is_none();
    };
    let Some((b'?', mut pair)) = url.get(at..).and_then(<[u8]>::split_first) else {
        return false;
    };
    loop {
        // of a fragment it looks at more than is cleaned
        let end = pair.iter().position(|byte| matches!(byte, b'&' | b'@'));
        let (this, rest) = pair.split_at(end.unwrap_or(pair.len()));
        match rest {
            _ if is_secret(this) => return false,
            [b'&', rest @ ..] => pair = rest,
            rest => return rest.is_empty(),
        }
    }
}

fn without_credentials(url: &str) -> Option<String> {
    // hardly any URL has one, and this search is the cheapest
    memchr::memchr(b'@', url.as_bytes())?;
    let start = url.find("://")? + 3;
    let rest = url.get(start..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest.get(..end)?.rfind('@')?;
    let mut clean = url.get(..start)?.to_owned();
    clean.push_str("REDACTED:REDACTED");
    clean.push_str(rest.get(at..)?);
    Some(clean)
}

fn redacted_query(url: &str) -> Option<String> {
    let start = match memchr::memchr(b'?', url.as_bytes()) {
        Some(at) => at + 1,
        None => {
            // a query alone
            memchr::memchr(b'=', url.as_bytes()).filter(|_| !url.contains("://"))?;
            0
        }
    };
    let (before, rest) = url.split_at_checked(start)?;
    let end = memchr::memchr(b'#', rest.as_bytes()).unwrap_or(rest.len());
    let (query, after) = rest.split_at_checked(end)?;
    if !query.as_bytes().split(|byte| *byte == b'&').any(is_secret) {
        return None;
    }
    let pairs: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if is_secret(pair.as_bytes()) => Cow::Owned(format!("{key}=REDACTED")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    Some(format!("{before}{}{after}", pairs.join("&")))
}

/// Whether a pair of the query has a value that is nobody's business.
fn is_secret(pair: &[u8]) -> bool {
    let Some(at) = pair.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let (key, value) = pair.split_at(at);
    value.len() > 1 && SECRET.iter().any(|secret| secret.as_bytes() == key)
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
        assert_eq!(all.field("url.original", "/p?a=1").as_deref(), Some("/p"));
        let some = strip(StripQuery::Allowlist, false);
        assert_eq!(
            some.field("url.query", "b=2&utm_x").as_deref(),
            Some("utm_x")
        );
        assert_eq!(some.field("url.fragment", "top").as_deref(), Some("top"));
        assert!(Strip::new(&Config::default()).is_none());
    }

    #[test]
    fn fields_with_urls_are_known() {
        for path in [
            "url.full",
            "url.original",
            "http.request.referrer",
            "browser.link.url.full",
            "media.request.url",
            "browser.report.body.documentURL",
            "browser.report.body.referrer",
        ] {
            assert!(is_url_field(path), "{path}");
        }
        for path in [
            "url.path",
            "message",
            "browser.tag_name",
            "curl",
            "labels.referrer",
        ] {
            assert!(!is_url_field(path), "{path}");
        }
    }

    #[test]
    fn secrets_are_taken_out_and_nothing_else() {
        let table = [
            ("https://a.example/p?q=1#f", "https://a.example/p?q=1#f"),
            (
                "https://me:pw@a.example/p",
                "https://REDACTED:REDACTED@a.example/p",
            ),
            ("https://a.example/@me?x=a@b", "https://a.example/@me?x=a@b"),
            (
                "https://a.example/?a=1&token=x%20y&b=2#token=z",
                "https://a.example/?a=1&token=REDACTED&b=2#token=z",
            ),
            (
                "https://a.example/?sig=&Token=a",
                "https://a.example/?sig=&Token=a",
            ),
            ("code=abc&x=1", "code=REDACTED&x=1"),
            ("not a url", "not a url"),
        ];
        for (url, expected) in table {
            assert_eq!(redacted(url), expected);
        }
    }
}
