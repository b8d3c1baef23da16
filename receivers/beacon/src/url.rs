//! What is stored of URLs: no secrets, nothing that the operator does not want,
//! and their parts.

mod parts;
mod redact;
mod strip;

use std::borrow::Cow;

pub(crate) use parts::parts;

use crate::config::Config;
use strip::Strip;

/// What becomes of URLs.
pub(crate) struct Urls {
    /// Whether credentials and secret values are replaced.
    redact: bool,
    strip: Option<Strip>,
    /// Whether `url.full` is taken apart.
    pub(crate) split: bool,
}

impl Urls {
    pub(crate) fn new(config: &Config) -> Urls {
        Urls {
            redact: config.sanitize,
            strip: Strip::new(config),
            split: config.split_url,
        }
    }

    /// Whether anything of a field is to be left out.
    #[inline]
    pub(crate) fn concern(&self, path: &str) -> bool {
        (self.redact || self.strip.is_some()) && is_url_field(path)
    }

    /// What is left of the value of a field that they concern; `None` when
    /// nothing is. Borrowed: all of it.
    pub(crate) fn left<'v>(&self, path: &str, value: &'v str) -> Option<Cow<'v, str>> {
        if self.redact && matches!(path, "url.username" | "url.password") {
            return Some(Cow::Owned(redact::REDACTED.to_owned()));
        }
        let stripped = match &self.strip {
            Some(strip) => strip.field(path, value)?,
            None => Cow::Borrowed(value),
        };
        if !self.redact {
            return Some(stripped);
        }
        Some(match stripped {
            Cow::Borrowed(whole) => redact::redacted(whole),
            Cow::Owned(part) => Cow::Owned(redact::redacted(&part).into_owned()),
        })
    }

    /// What is left of a URL.
    #[inline]
    pub(crate) fn left_of_url<'v>(&self, url: &'v str) -> Cow<'v, str> {
        if self.strip.is_some() {
            return self.left("url.full", url).unwrap_or_default();
        }
        match self.redact {
            true => redact::redacted(url),
            false => Cow::Borrowed(url),
        }
    }
}

/// Whether a field holds a URL, or a part of one that is cleaned.
#[inline]
fn is_url_field(path: &str) -> bool {
    match path.as_bytes() {
        [b'u', b'r', b'l'] => true,
        [b'u', b'r', b'l', b'.', part @ ..] => matches!(
            part,
            b"full" | b"original" | b"query" | b"fragment" | b"username" | b"password"
        ),
        [b'h', ..] if path == "http.request.referrer" => true,
        // in a browser's report, with the names that browsers give
        [b'b', ..] if path.starts_with("browser.report.body.") => {
            path.ends_with("URL") || path.ends_with(".referrer") || path.ends_with(".sourceFile")
        }
        [.., b'l'] => {
            path.ends_with(".url") || path.ends_with(".url.full") || path.ends_with(".url.original")
        }
        [.., b'y'] => path.ends_with(".url.query"),
        [.., b't'] => path.ends_with(".url.fragment"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_urls_are_known() {
        for path in [
            "url.full",
            "url.original",
            "http.request.referrer",
            "browser.link.url.full",
            "x.url.query",
            "x.url.fragment",
            "url",
            "url.password",
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
    fn what_is_left_has_neither_secrets_nor_what_is_not_wanted() {
        let urls = |config: Config| Urls::new(&config);
        let all = urls(Config {
            strip_query: crate::config::StripQuery::All,
            ..Config::default()
        });
        let url = "https://me:pw@a.example/?a=1#token=x";
        assert_eq!(
            all.left_of_url(url),
            "https://REDACTED:REDACTED@a.example/#token=REDACTED"
        );
        assert_eq!(all.left("url.query", "a=1"), None);
        let plain = urls(Config {
            sanitize: false,
            ..Config::default()
        });
        assert!(!plain.concern("url.full"));
        assert_eq!(plain.left_of_url(url), url);
        let usual = urls(Config::default());
        assert!(matches!(
            usual.left("url.full", "https://a.example/"),
            Some(Cow::Borrowed(_))
        ));
        let eight = usual.left("url.password", "hunter22");
        assert!(matches!(eight, Some(Cow::Owned(left)) if left == "REDACTED"));
        assert_eq!(
            usual.left("url.password", "pw").as_deref(),
            Some("REDACTED")
        );
    }
}
