//! Which web pages may send.
//!
//! The check stops browsers on pages of others, not programs, which write into
//! `Origin` what they like.

use http::{HeaderMap, HeaderValue, Method, Response, header};
use net::Body;
use net::cors::{Cors, CorsSettings, Origin};

use crate::config::Config;

/// An origin, or several with one `*`.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    before: String,
    after: Option<String>,
}

impl Pattern {
    pub(crate) fn new(origin: &str) -> Pattern {
        let origin = origin.to_ascii_lowercase();
        match origin.split_once('*') {
            Some((before, after)) => Pattern {
                before: before.to_owned(),
                after: Some(after.to_owned()),
            },
            None => Pattern {
                before: origin,
                after: None,
            },
        }
    }

    pub(crate) fn matches(&self, origin: &str) -> bool {
        let Some(after) = &self.after else {
            return origin == self.before;
        };
        origin != "null"
            && origin.len() >= self.before.len() + after.len()
            && origin.starts_with(&self.before)
            && origin.ends_with(after.as_str())
    }
}

/// Judges the origins of requests.
pub(crate) struct Origins {
    cors: Option<Cors>,
}

impl Origins {
    /// The origins of `cors` and of all keys.
    pub(crate) fn new(config: &Config) -> Origins {
        let mut settings: CorsSettings = config.cors.as_option().cloned().unwrap_or_default();
        for key in &config.keys {
            settings.allowed_origins.extend(key.origins.iter().cloned());
        }
        if config.keys.iter().any(|key| !key.token_secret.is_empty()) {
            settings.allowed_headers.push("x-beacon-token".to_owned());
        }
        if config.expose_drop_reason {
            settings.exposed_headers.push("x-beacon-dropped".to_owned());
        }
        Origins {
            cors: Cors::new(&settings),
        }
    }

    /// The answer to a preflight; `None` when the request is none.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        match &self.cors {
            Some(cors) => cors.preflight(method, headers),
            None => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = http::StatusCode::FORBIDDEN;
                Some(response)
            }
        }
    }

    /// Judges a request. One without an origin, and one of a page that came
    /// from here, is as good as allowed.
    pub(crate) fn judge(&self, headers: &HeaderMap) -> Origin {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Origin::None;
        };
        if let Some(cors) = &self.cors
            && let allowed @ Origin::Allowed(_) = cors.judge(headers)
        {
            return allowed;
        }
        if is_same(origin, headers.get(header::HOST)) {
            return Origin::None;
        }
        Origin::Rejected
    }

    /// Judges the origin of a request that somebody forwards. Who has named no
    /// origins leaves that to whoever forwards it.
    pub(crate) fn judge_inside(&self, headers: &HeaderMap) -> Origin {
        match &self.cors {
            Some(_) => self.judge(headers),
            None => Origin::None,
        }
    }

    /// Judges a request by the page that `Referer` names, for pictures, which
    /// come without `Origin`.
    pub(crate) fn judge_page(&self, origin: &str, host: Option<&HeaderValue>) -> Origin {
        let Ok(origin) = HeaderValue::from_str(origin) else {
            return Origin::Rejected;
        };
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(header::ORIGIN, origin);
        if let Some(host) = host {
            headers.insert(header::HOST, host.clone());
        }
        self.judge(&headers)
    }

    /// Adds the headers that let the page read the answer.
    pub(crate) fn decorate(&self, origin: &Origin, answer: &mut HeaderMap) {
        if let Some(cors) = &self.cors {
            cors.decorate(origin, answer);
        }
    }
}

/// The origin of the page that a `Referer` names.
pub(crate) fn origin_of(referer: &str) -> Option<&str> {
    let start = referer.find("://")? + 3;
    let rest = referer.get(start..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    (end > 0).then(|| referer.get(..start + end))?
}

/// Whether the page came from the host that the request goes to. The scheme is
/// not compared: behind a proxy that ends TLS only the client knows it.
fn is_same(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else {
        return false;
    };
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let default = if scheme == "https" { ":443" } else { ":80" };
    authority.eq_ignore_ascii_case(host.strip_suffix(default).unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: &'static str, host: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers.insert(header::HOST, HeaderValue::from_static(host));
        headers
    }

    fn origins(list: &[&str]) -> Origins {
        let cors = CorsSettings {
            allowed_origins: list.iter().map(|origin| (*origin).to_owned()).collect(),
            ..CorsSettings::default()
        };
        Origins::new(&Config {
            cors: settings::Optional::on(cors),
            ..Config::default()
        })
    }

    #[test]
    fn a_page_has_an_origin() {
        let table = [
            (
                "https://a.example/p?q=https://b.example/",
                Some("https://a.example"),
            ),
            ("https://a.example:8443", Some("https://a.example:8443")),
            ("https:///p", None),
            ("about:blank", None),
            ("", None),
        ];
        for (referer, origin) in table {
            assert_eq!(origin_of(referer), origin, "{referer}");
        }
    }

    #[test]
    fn the_own_origin_and_those_on_the_list_may_send() {
        // origins allowed, Origin, Host, allowed
        let table: [(&[&str], &str, &str, bool); 9] = [
            (&[], "http://localhost:8080", "localhost:8080", true),
            (&[], "https://c.example", "c.example", true),
            (&[], "https://c.example", "c.example:443", true),
            (&[], "https://c.example:8443", "c.example", false),
            (&[], "https://other.example", "c.example", false),
            (&[], "null", "c.example", false),
            (
                &["https://*.shop.example"],
                "https://www.shop.example",
                "c.example",
                true,
            ),
            (&["*"], "null", "c.example", false),
            (&["null"], "null", "c.example", true),
        ];
        for (list, origin, host, allowed) in table {
            let judged = origins(list).judge(&headers(origin, host));
            assert_eq!(
                judged != Origin::Rejected,
                allowed,
                "{list:?} {origin} {host}"
            );
        }
    }
}
