//! Which path is what.

use http::Method;

use crate::assets::Asset;
use crate::config::Config;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// Events, or a preflight, or a wrong method.
    Beacon {
        key: Option<&'p str>,
    },
    /// Reports of browsers.
    Reports {
        key: Option<&'p str>,
    },
    /// An event in the query, answered with a picture.
    Pixel {
        key: Option<&'p str>,
    },
    /// A file.
    Asset(Asset),
    Unknown,
}

/// The paths of one receiver.
pub(crate) struct Routes {
    path: String,
    reports: String,
    script: String,
    /// The script under a name that never changes its content.
    versioned: String,
    demo: bool,
    keys: bool,
}

impl Routes {
    pub(crate) fn new(config: &Config, versioned: String) -> Routes {
        Routes {
            path: config.path.trim_end_matches('/').to_owned(),
            reports: config.reports.trim_end_matches('/').to_owned(),
            script: config.script.clone(),
            versioned,
            demo: config.demo,
            keys: !config.keys.is_empty(),
        }
    }

    pub(crate) fn find<'p>(
        &self,
        method: &Method,
        path: &'p str,
        query: Option<&str>,
    ) -> Route<'p> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if reads && let Some(asset) = self.asset(path) {
            return Route::Asset(asset);
        }
        if !self.reports.is_empty()
            && let Some(key) = self.below(&self.reports, path)
        {
            return Route::Reports { key };
        }
        let is_picture = path.strip_suffix(".gif");
        let bare = is_picture.unwrap_or(path);
        let key = match self.below(&self.path, bare) {
            Some(key) => key,
            None if bare == "/" => None,
            None => return Route::Unknown,
        };
        match *method {
            Method::GET if path == "/" && query.is_none_or(str::is_empty) => Route::Unknown,
            Method::GET => Route::Pixel { key },
            Method::HEAD if is_picture.is_some() => Route::Pixel { key },
            _ => Route::Beacon { key },
        }
    }

    fn asset(&self, path: &str) -> Option<Asset> {
        if !self.script.is_empty() && path == self.script {
            return Some(Asset::Script);
        }
        if !self.versioned.is_empty() && path == self.versioned {
            return Some(Asset::VersionedScript);
        }
        if !self.demo {
            return None;
        }
        match path {
            "/" => Some(Asset::Demo),
            "/demo/next" => Some(Asset::DemoNext),
            "/demo/video.webm" => Some(Asset::DemoVideo),
            _ => None,
        }
    }

    /// Whether `path` is `base`, or `base` and a key; the key, if any.
    #[expect(
        clippy::option_option,
        reason = "no match, a match, a match with a key"
    )]
    fn below<'p>(&self, base: &str, path: &'p str) -> Option<Option<&'p str>> {
        let rest = path.strip_prefix(base)?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Some(None),
            Some("") => Some(None),
            Some(key) if self.keys && !key.contains('/') => Some(Some(key)),
            _ => None,
        }
    }
}

/// What a query says about the sender, and what is left of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) key: Option<String>,
    pub(super) token: Option<String>,
    /// The event.
    pub(super) rest: String,
}

/// Takes `key` and `token` out of a query.
pub(super) fn credentials(query: &str) -> Credentials {
    let mut found = Credentials::default();
    let mut rest = Vec::new();
    for pair in query.split('&') {
        let (place, value) = match pair.split_once('=') {
            Some(("key", value)) => (&mut found.key, value),
            Some(("token", value)) => (&mut found.token, value),
            _ => {
                rest.push(pair);
                continue;
            }
        };
        *place = (!value.is_empty()).then(|| value.to_owned());
    }
    found.rest = rest.join("&");
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WriteKey;

    #[test]
    fn paths_are_told_apart() {
        let key = WriteKey {
            key: "pk".into(),
            ..WriteKey::default()
        };
        let config = Config {
            keys: vec![key],
            demo: true,
            ..Config::default()
        };
        let routes = Routes::new(&config, "/b-1.js".into());
        let (get, post, head) = (Method::GET, Method::POST, Method::HEAD);
        let none = None;
        let table = [
            (&post, "/b", none, Route::Beacon { key: none }),
            (&post, "/b/", none, Route::Beacon { key: none }),
            (&post, "/", none, Route::Beacon { key: none }),
            (&post, "/b/pk", none, Route::Beacon { key: Some("pk") }),
            (&post, "/b/pk/x", none, Route::Unknown),
            (&post, "/bb", none, Route::Unknown),
            (&post, "/nothing", none, Route::Unknown),
            (&Method::PUT, "/b", none, Route::Beacon { key: none }),
            (&get, "/b.gif", Some("a=1"), Route::Pixel { key: none }),
            (
                &get,
                "/b/pk.gif",
                Some("a=1"),
                Route::Pixel { key: Some("pk") },
            ),
            (&get, "/b", Some("a=1"), Route::Pixel { key: none }),
            (&head, "/b", none, Route::Beacon { key: none }),
            (&post, "/reports", none, Route::Reports { key: none }),
            (
                &post,
                "/reports/pk",
                none,
                Route::Reports { key: Some("pk") },
            ),
            (&get, "/b.js", Some("v=1"), Route::Asset(Asset::Script)),
            (&get, "/b-1.js", none, Route::Asset(Asset::VersionedScript)),
            (&get, "/", Some("session=1"), Route::Asset(Asset::Demo)),
            (
                &get,
                "/demo/video.webm",
                none,
                Route::Asset(Asset::DemoVideo),
            ),
        ];
        for (method, path, query, expected) in table {
            assert_eq!(
                routes.find(method, path, query),
                expected,
                "{method} {path}"
            );
        }
        let plain = Routes::new(&Config::default(), String::new());
        assert_eq!(plain.find(&get, "/", None), Route::Unknown);
        assert_eq!(
            plain.find(&get, "/", Some("a=1")),
            Route::Pixel { key: None }
        );
        assert_eq!(plain.find(&post, "/b/pk", None), Route::Unknown);
    }

    #[test]
    fn the_key_and_the_token_are_no_fields_of_the_event() {
        let expected = |key: Option<&str>, token: Option<&str>, rest: &str| Credentials {
            key: key.map(str::to_owned),
            token: token.map(str::to_owned),
            rest: rest.to_owned(),
        };
        assert_eq!(
            credentials("a=1&key=pk&b=2&token=00&keys=1"),
            expected(Some("pk"), Some("00"), "a=1&b=2&keys=1")
        );
        assert_eq!(credentials("a=1&key="), expected(None, None, "a=1"));
    }
}
