//! From the body of a request to texts of JSON: compression, media types,
//! forms, and what AWS puts around bodies.

mod base64;
mod envelope;
mod form;

use std::borrow::Cow;

use ::bytes::Bytes;
use http::HeaderValue;
use net::Encoding;

pub(crate) use envelope::{Enclosed, enclosed};
pub(crate) use form::{multipart, percent_decoded, query, urlencoded};

/// How a body is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON of any framing.
    Json,
    /// One event a line.
    Lines,
    /// `a=1&b=2`.
    Urlencoded,
    /// `multipart/form-data` with this boundary.
    Multipart(String),
    /// Without a media type, or with one that says nothing.
    Sniff,
    /// What browsers report themselves.
    Reports,
    /// What media players report, one report a line.
    Cmcd,
}

/// The media type, charset or encoding is none that is read here: 415.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported(pub(crate) String);

/// The form of a body, by its media type without regard to case and parameters.
pub(crate) fn form_of(content_type: Option<&HeaderValue>) -> Result<Form, Unsupported> {
    let Some(value) = content_type else {
        return Ok(Form::Sniff);
    };
    if value == "application/json" || value == "text/plain;charset=UTF-8" {
        return Ok(Form::Json);
    }
    let value = value
        .to_str()
        .map_err(|_| Unsupported("Content-Type".into()))?;
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let essence = essence.trim();
    let charset = parameter(parameters, "charset");
    if let Some(charset) = charset
        && !["utf-8", "utf8", "us-ascii", "ascii"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
    {
        return Err(Unsupported(format!("charset {charset}: send UTF-8")));
    }
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("text/plain") || is("application/json") || is("text/json") {
        return Ok(Form::Json);
    }
    if is("") || is("application/octet-stream") {
        return Ok(Form::Sniff);
    }
    if is("application/x-ndjson")
        || is("application/ndjson")
        || is("application/jsonl")
        || is("application/json-lines")
    {
        return Ok(Form::Lines);
    }
    if is("application/x-www-form-urlencoded") {
        return Ok(Form::Urlencoded);
    }
    if is("application/reports+json")
        || is("application/csp-report")
        || is("application/csp-violation")
    {
        return Ok(Form::Reports);
    }
    if is("application/cmcd") {
        return Ok(Form::Cmcd);
    }
    if is("multipart/form-data") {
        return match parameter(parameters, "boundary") {
            Some(boundary) if !boundary.is_empty() => Ok(Form::Multipart(boundary.to_owned())),
            _ => Err(Unsupported("multipart/form-data without a boundary".into())),
        };
    }
    Err(Unsupported(format!("Content-Type {essence}")))
}

/// A parameter of a media type.
fn parameter<'v>(parameters: &'v str, name: &str) -> Option<&'v str> {
    parameters.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let found = key.trim().eq_ignore_ascii_case(name);
        found.then(|| value.trim().trim_matches('"'))
    })
}

/// How a body is compressed: by its header, else by its first bytes, since
/// `sendBeacon` cannot set headers.
pub(crate) fn encoding_of(
    content_encoding: Option<&HeaderValue>,
    body: &[u8],
) -> Result<Option<Encoding>, Unsupported> {
    if let Some(value) = content_encoding {
        let name = value.to_str().unwrap_or("?");
        let known = Encoding::from_http(name).map_err(|error| Unsupported(error.to_string()))?;
        if known.is_some() {
            return Ok(known);
        }
    }
    Ok(match body {
        [0x1f, 0x8b, ..] => Some(Encoding::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Encoding::Zstd),
        _ => None,
    })
}

/// A body or header as text. Bytes that are no UTF-8 become U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The lossy reader goes byte by byte: several times the price, for what is nearly always UTF-8.
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// A text of JSON out of a body that may be base64.
pub(crate) fn plain_or_base64(body: &str, must: bool) -> Option<Cow<'_, str>> {
    let first = body.trim_start().as_bytes().first().copied();
    if !must && matches!(first, Some(b'{' | b'[' | b'"') | None) {
        return Some(Cow::Borrowed(body));
    }
    let decoded = base64::decode(body).map(|bytes| text(&bytes).into_owned());
    let looks_like_json = |text: &String| text.trim_start().starts_with(['{', '[']);
    match decoded {
        Some(text) if must || looks_like_json(&text) => Some(Cow::Owned(text)),
        _ if must => None,
        _ => Some(Cow::Borrowed(body)),
    }
}

/// Bytes out of base64 of either alphabet, padded or not.
pub(crate) fn decode_base64(text: &str) -> Option<Bytes> {
    base64::decode(text).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(content_type: &str) -> Result<Form, Unsupported> {
        form_of(Some(&HeaderValue::try_from(content_type).unwrap()))
    }

    #[test]
    fn media_types_are_read_by_their_essence() {
        let table = [
            ("text/plain;charset=UTF-8", Form::Json),
            ("TEXT/PLAIN", Form::Json),
            ("application/json; charset=utf-8", Form::Json),
            ("application/x-ndjson", Form::Lines),
            (
                "application/x-www-form-urlencoded;charset=UTF-8",
                Form::Urlencoded,
            ),
            (
                "multipart/form-data; boundary=\"x y\"",
                Form::Multipart("x y".into()),
            ),
            ("application/reports+json", Form::Reports),
            ("application/csp-report", Form::Reports),
            ("application/cmcd", Form::Cmcd),
            ("Application/CMCD; charset=UTF-8", Form::Cmcd),
            ("application/octet-stream", Form::Sniff),
        ];
        for (content_type, expected) in table {
            assert_eq!(form(content_type), Ok(expected), "{content_type}");
        }
        for bad in [
            "text/html",
            "image/png",
            "text/plain; charset=utf-16",
            "application/cmcd; charset=latin1",
            "application/cmcd+json",
            "multipart/form-data",
        ] {
            assert!(form(bad).is_err(), "{bad}");
        }
        assert_eq!(form_of(None), Ok(Form::Sniff));
    }

    #[test]
    fn bare_base64_is_found_where_it_is_json() {
        let table = [
            ("{\"a\":1}", "{\"a\":1}"),
            ("eyJhIjoxfQ==", "{\"a\":1}"),
            ("eyJhIjoxfQ", "{\"a\":1}"),
            ("aGVsbG8=", "aGVsbG8="),
            ("", ""),
        ];
        for (body, expected) in table {
            assert_eq!(
                plain_or_base64(body, false).as_deref(),
                Some(expected),
                "{body}"
            );
        }
        assert_eq!(plain_or_base64("{\"a\":1}", true), None);
        assert_eq!(
            plain_or_base64("eyJhIjoxfQ", true).as_deref(),
            Some("{\"a\":1}")
        );
    }
}
