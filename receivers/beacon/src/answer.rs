//! Answers: their status, and the headers that all of them have.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use net::Body;

use crate::metrics::Reason;

/// What was dropped of a request, and why.
pub(crate) const DROPPED: HeaderName = HeaderName::from_static("x-beacon-dropped");
/// Which bodies are taken.
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// Lets pages under COEP load what comes from here.
pub(crate) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

const TYPES: HeaderValue = HeaderValue::from_static(
    "text/plain, application/json, application/x-ndjson, application/x-www-form-urlencoded, \
     multipart/form-data, application/reports+json, application/csp-report, application/cmcd",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS, POST");

/// A transparent pixel: an empty answer would fire `error` on the page.
pub(crate) static PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01\x44\x00\x3b";

/// How a request is answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// `None` is a success.
    pub(crate) status: Option<StatusCode>,
    /// Events that were taken.
    pub(crate) taken: usize,
    /// Events that were dropped, by reason.
    pub(crate) dropped: Vec<(Reason, usize)>,
    /// When the client may come back.
    pub(crate) retry_after: Option<Duration>,
    /// For the person who looks at the answer.
    pub(crate) text: Option<String>,
    /// A body that the sender waits for (Firehose).
    pub(crate) json: Option<String>,
}

impl Answer {
    pub(crate) fn success() -> Answer {
        Answer::default()
    }

    pub(crate) fn refusal(status: StatusCode) -> Answer {
        Answer {
            status: Some(status),
            ..Answer::default()
        }
    }

    #[must_use]
    pub(crate) fn because(mut self, reason: Reason, events: usize) -> Answer {
        self.dropped.push((reason, events));
        self
    }

    #[must_use]
    pub(crate) fn text(mut self, text: impl Into<String>) -> Answer {
        self.text = Some(text.into());
        self
    }

    #[must_use]
    pub(crate) fn after(mut self, after: Option<Duration>) -> Answer {
        self.retry_after = after;
        self
    }
}

/// Writes answers the way the settings say.
pub(crate) struct Manner {
    /// Headers of every answer.
    fixed: HeaderMap,
    success: StatusCode,
    expose: bool,
}

impl Manner {
    pub(crate) fn new(config: &crate::Config) -> Result<Manner, String> {
        let mut fixed = HeaderMap::with_capacity(8);
        fixed.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        fixed.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        fixed.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        fixed.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        for (name, mut value) in net::config::header_map(&config.response_headers)? {
            value.set_sensitive(false);
            if let Some(name) = name {
                fixed.insert(name, value);
            }
        }
        Ok(Manner {
            fixed,
            success: StatusCode::from_u16(config.success_status).unwrap_or(StatusCode::NO_CONTENT),
            expose: config.expose_drop_reason,
        })
    }

    /// The headers that every answer has.
    pub(crate) fn fixed(&self) -> &HeaderMap {
        &self.fixed
    }

    /// The answer to a beacon.
    pub(crate) fn write(&self, answer: Answer) -> Response<Body> {
        let status = answer.status.unwrap_or(self.success);
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self.fixed.clone();
        *response.status_mut() = status;
        if status == StatusCode::ACCEPTED {
            text(&mut response, "ok".into());
        }
        if let Some(json) = answer.json {
            *response.status_mut() = answer.status.unwrap_or(StatusCode::OK);
            *response.body_mut() = Body::from(json);
            let kind = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        if let Some(words) = answer.text {
            text(&mut response, words.into());
        }
        let headers = response.headers_mut();
        self.reasons(&answer.dropped, headers);
        if let Some(after) = answer.retry_after {
            headers.insert(
                RETRY_AFTER,
                net::status::write_retry_after(after.max(LEAST)),
            );
        }
        match status {
            StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, METHODS)),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => drop(headers.insert(ACCEPT_POST, TYPES)),
            _ => {}
        }
        response
    }

    /// The answer to a pixel: always the picture.
    pub(crate) fn pixel(&self, answer: &Answer) -> Response<Body> {
        let mut response = Response::new(Body::from(Bytes::from_static(PIXEL)));
        *response.headers_mut() = self.fixed.clone();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/gif"));
        self.reasons(&answer.dropped, headers);
        response
    }

    /// The answer to `OPTIONS` without a preflight, and to `HEAD`.
    pub(crate) fn nothing(&self, with_methods: bool) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self.fixed.clone();
        *response.status_mut() = StatusCode::NO_CONTENT;
        if with_methods {
            response.headers_mut().insert(ALLOW, METHODS);
        }
        response
    }

    /// `n;reason`, so that somebody with curl sees why nothing arrives.
    fn reasons(&self, dropped: &[(Reason, usize)], headers: &mut HeaderMap) {
        if !self.expose || dropped.is_empty() {
            return;
        }
        let mut line = String::new();
        for (reason, events) in dropped {
            let comma = if line.is_empty() { "" } else { ", " };
            let _ = write!(line, "{comma}{events};{}", reason.name());
        }
        if let Ok(value) = HeaderValue::try_from(line) {
            headers.insert(DROPPED, value);
        }
    }
}

/// `Retry-After: 0` would bring everybody back at once.
const LEAST: Duration = Duration::from_secs(1);

fn text(response: &mut Response<Body>, words: Bytes) {
    *response.body_mut() = Body::from(words);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    #[test]
    fn the_pixel_is_the_one_that_browsers_decode() {
        let expected = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
        let pixel = base64::engine::general_purpose::STANDARD.encode(super::PIXEL);
        assert_eq!(pixel, expected);
        assert_eq!(super::PIXEL.len(), 42);
    }
}
