//! Cross-origin requests of browsers: settings as upstream's, answers as
//! browsers need them.
//!
//! One code path serves every case: the exact origin with credentials and
//! `Vary: Origin`, never `*` (browsers refuse `*` for credentialed requests,
//! and `sendBeacon` always sends credentials). Preflights are answered before
//! authentication, since they carry none.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use settings::{At, Validate};

use crate::answer::Body;

/// Headers that a beacon or an OTLP request of a browser may carry.
const ALWAYS_ALLOWED: &str = "content-type, content-encoding, x-api-key, x-faro-session-id, idempotency-key, \
     traceparent, tracestate, baggage, authorization";
/// Chromium's cap; the others' differ and need no more.
const DEFAULT_MAX_AGE: u64 = 7200;

/// `cors` of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsSettings {
    /// Origins such as `https://app.example.com`, each with at most one `*`
    /// anywhere (`https://*.example.com`, `*`). CORS is off without any.
    pub allowed_origins: Vec<String>,
    /// Request headers allowed beside the usual ones; `*` allows any.
    pub allowed_headers: Vec<String>,
    /// Response headers that scripts may read, beside `Retry-After`.
    pub exposed_headers: Vec<String>,
    /// Seconds that a browser may keep the answer to a preflight; 0 is 7,200,
    /// the most that Chromium keeps it.
    pub max_age: u64,
}

impl CorsSettings {
    /// Tells `problem` which of the origins no browser sends, by their index, and why.
    pub fn check_origins(&self, mut problem: impl FnMut(usize, String)) {
        for (index, origin) in self.allowed_origins.iter().enumerate() {
            if origin.matches('*').count() > 1 {
                problem(
                    index,
                    format!("{origin:?} has more than one *; write several origins"),
                );
            } else if origin.ends_with('/') && origin.len() > 1 {
                problem(
                    index,
                    format!("{origin:?} must not end with a slash: browsers send origins without"),
                );
            }
        }
    }
}

impl Validate for CorsSettings {
    fn validate(&self, at: &mut At<'_>) {
        if self.allowed_origins.is_empty()
            && (!self.allowed_headers.is_empty() || !self.exposed_headers.is_empty())
        {
            at.warn("", "has no effect without allowed_origins");
        }
        let mut problems = Vec::new();
        self.check_origins(|index, why| problems.push((index, why)));
        for (index, why) in problems {
            at.error(&format!("allowed_origins::{index}"), why);
        }
        for (key, names) in [
            ("allowed_headers", &self.allowed_headers),
            ("exposed_headers", &self.exposed_headers),
        ] {
            for (index, name) in names.iter().enumerate() {
                if name != "*" && HeaderName::try_from(name.as_str()).is_err() {
                    at.error(
                        &format!("{key}::{index}"),
                        format!("{name:?} is not a header name"),
                    );
                }
            }
        }
    }
}

/// The decision of a [`Cors`] about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No `Origin` header: not a browser, or the same origin.
    None,
    /// On the list: the value to answer with.
    Allowed(HeaderValue),
    /// Not on the list.
    Rejected,
}

/// Answers preflights and adds headers to answers.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Vec<Pattern>,
    allow_headers: HeaderValue,
    any_header: bool,
    expose_headers: HeaderValue,
    allow_methods: HeaderValue,
    max_age: HeaderValue,
}

#[derive(Clone, Debug)]
struct Pattern {
    before: String,
    /// After the `*`; `None` is an exact origin.
    after: Option<String>,
}

impl Pattern {
    fn new(origin: &str) -> Pattern {
        // scheme and host of an origin are lower case
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

    fn matches(&self, origin: &str) -> bool {
        match &self.after {
            None => origin == self.before,
            Some(after) => {
                origin.len() >= self.before.len() + after.len()
                    && origin.starts_with(&self.before)
                    && origin.ends_with(after.as_str())
                    // an opaque origin counts only where it is named
                    && origin != "null"
            }
        }
    }
}

impl Cors {
    /// `None` when no origins are allowed: CORS is off then.
    pub fn new(settings: &CorsSettings) -> Option<Cors> {
        if settings.allowed_origins.is_empty() {
            return None;
        }
        let list = |first: &str, more: &[String]| {
            let mut names = first.to_owned();
            for name in more.iter().filter(|n| *n != "*") {
                names.push_str(", ");
                names.push_str(&name.to_ascii_lowercase());
            }
            HeaderValue::try_from(names)
                .unwrap_or_else(|_| HeaderValue::from_static("content-type"))
        };
        let max_age = if settings.max_age == 0 {
            DEFAULT_MAX_AGE
        } else {
            settings.max_age
        };
        Some(Cors {
            origins: settings
                .allowed_origins
                .iter()
                .map(|o| Pattern::new(o))
                .collect(),
            allow_headers: list(ALWAYS_ALLOWED, &settings.allowed_headers),
            any_header: settings.allowed_headers.iter().any(|h| h == "*"),
            expose_headers: list("retry-after", &settings.exposed_headers),
            allow_methods: HeaderValue::from_static("POST, GET, HEAD"),
            max_age: HeaderValue::from(max_age),
        })
    }

    /// Judges the origin of a request.
    pub fn judge(&self, request: &HeaderMap) -> Origin {
        let Some(origin) = request.get(header::ORIGIN) else {
            return Origin::None;
        };
        let text = origin.to_str().unwrap_or_default();
        if self.origins.iter().any(|pattern| pattern.matches(text)) {
            return Origin::Allowed(origin.clone());
        }
        tracing::debug!(origin = text, "this origin is not in cors.allowed_origins");
        Origin::Rejected
    }

    /// The answer to a preflight, before authentication and anything else;
    /// `None` when the request is none. 403 for origins that are not allowed.
    pub fn preflight(&self, method: &Method, request: &HeaderMap) -> Option<Response<Body>> {
        if method != Method::OPTIONS || !request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let origin = self.judge(request);
        if !matches!(origin, Origin::Allowed(_)) {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        let headers = response.headers_mut();
        self.decorate(&origin, headers);
        if let Origin::Allowed(_) = origin {
            // `*` does not work with credentials: repeat what is asked for
            let asked = request
                .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
                .filter(|_| self.any_header);
            let allowed = asked.unwrap_or(&self.allow_headers).clone();
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                self.allow_methods.clone(),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
            headers.append(
                header::VARY,
                HeaderValue::from_name(header::ACCESS_CONTROL_REQUEST_HEADERS),
            );
        }
        Some(response)
    }

    /// Adds the headers of any other answer, errors included: without them a
    /// script sees no status and no Retry-After, only a TypeError.
    pub fn decorate(&self, origin: &Origin, answer: &mut HeaderMap) {
        answer.append(header::VARY, HeaderValue::from_name(header::ORIGIN));
        let Origin::Allowed(origin) = origin else {
            return;
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        answer.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            self.expose_headers.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        let allowed_origins = origins.iter().map(|o| (*o).to_owned()).collect();
        Cors::new(&CorsSettings {
            allowed_origins,
            ..CorsSettings::default()
        })
        .unwrap()
    }

    fn request(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| {
                (
                    HeaderName::from_static(k),
                    HeaderValue::from_str(v).unwrap(),
                )
            })
            .collect()
    }

    fn preflight(cors: &Cors, origin: &str) -> Response<Body> {
        let request = request(&[
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-mine"),
        ]);
        cors.preflight(&Method::OPTIONS, &request).unwrap()
    }

    #[test]
    fn origins_have_one_star_anywhere() {
        for (pattern, origin, allowed) in [
            ("https://a.example", "https://a.example", true),
            ("https://A.example", "https://a.example", true),
            ("https://a.example", "https://a.example.evil", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://*.example", "https://b.c.example", true),
            ("https://*.example", "https://.example", true),
            ("https://*.example", "https://example", false),
            ("https://*", "http://a.example", false),
            ("*", "http://anything", true),
            ("*", "null", false),
            ("null", "null", true),
            ("http://localhost:*", "http://localhost:3000", true),
            ("a*a", "a", false),
        ] {
            let origin = request(&[("origin", origin)]);
            let verdict = matches!(cors(&[pattern]).judge(&origin), Origin::Allowed(_));
            assert_eq!(verdict, allowed, "{pattern} {origin:?}");
        }
    }

    #[test]
    fn a_preflight_names_the_origin_and_literal_headers() {
        let response = preflight(&cors(&["*"]), "https://a.example");
        assert_eq!(response.status(), 204);
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], "https://a.example");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-max-age"], "7200");
        assert_eq!(headers["vary"], "origin");
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        assert!(
            allowed.starts_with("content-type, ") && !allowed.contains('*'),
            "{allowed}"
        );
    }

    #[test]
    fn any_header_is_what_was_asked_for() {
        let settings = CorsSettings {
            allowed_origins: vec!["*".into()],
            allowed_headers: vec!["*".into()],
            max_age: 60,
            ..CorsSettings::default()
        };
        let response = preflight(&Cors::new(&settings).unwrap(), "https://a.example");
        assert_eq!(
            response.headers()["access-control-allow-headers"],
            "content-type,x-mine"
        );
        assert_eq!(response.headers()["access-control-max-age"], "60");
    }

    #[test]
    fn other_origins_get_no_permission() {
        let response = preflight(&cors(&["https://a.example"]), "https://b.example");
        assert_eq!(response.status(), 403);
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin")
        );
        assert_eq!(response.headers()["vary"], "origin");
    }

    #[test]
    fn errors_carry_the_headers_too_and_expose_retry_after() {
        let cors = cors(&["https://*.example"]);
        let origin = cors.judge(&request(&[("origin", "https://a.example")]));
        let mut answer = HeaderMap::new();
        cors.decorate(&origin, &mut answer);
        assert_eq!(answer["access-control-allow-origin"], "https://a.example");
        assert_eq!(answer["access-control-expose-headers"], "retry-after");
    }

    #[test]
    fn only_a_real_preflight_is_answered() {
        let cors = cors(&["*"]);
        let plain = request(&[("origin", "https://a.example")]);
        assert!(cors.preflight(&Method::OPTIONS, &plain).is_none());
        let asked = request(&[("access-control-request-method", "POST")]);
        assert!(cors.preflight(&Method::POST, &asked).is_none());
    }

    #[test]
    fn without_origins_it_is_off() {
        assert!(Cors::new(&CorsSettings::default()).is_none());
    }
}
