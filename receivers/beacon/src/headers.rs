//! The headers that mean something here, found in one pass over all of them.

use http::{HeaderMap, HeaderValue};

/// The first value of each header that is looked at, if there is one. Cookies
/// and credentials are not among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers<'h> {
    pub(crate) api_key: Option<&'h HeaderValue>,
    pub(crate) content_encoding: Option<&'h HeaderValue>,
    pub(crate) content_type: Option<&'h HeaderValue>,
    pub(crate) do_not_track: Option<&'h HeaderValue>,
    pub(crate) firehose_key: Option<&'h HeaderValue>,
    pub(crate) forwarded_for: Option<&'h HeaderValue>,
    pub(crate) global_privacy_control: Option<&'h HeaderValue>,
    pub(crate) idempotency_key: Option<&'h HeaderValue>,
    pub(crate) origin: Option<&'h HeaderValue>,
    pub(crate) referer: Option<&'h HeaderValue>,
    pub(crate) purpose: Option<&'h HeaderValue>,
    pub(crate) ua_brands: Option<&'h HeaderValue>,
    pub(crate) ua_mobile: Option<&'h HeaderValue>,
    pub(crate) ua_model: Option<&'h HeaderValue>,
    pub(crate) ua_platform: Option<&'h HeaderValue>,
    pub(crate) ua_platform_version: Option<&'h HeaderValue>,
    pub(crate) ua_versions: Option<&'h HeaderValue>,
    pub(crate) token: Option<&'h HeaderValue>,
    pub(crate) user_agent: Option<&'h HeaderValue>,
}

impl<'h> Headers<'h> {
    /// Finds them. A look-up hashes its name, and nearly all look-ups find nothing.
    pub(crate) fn of(all: &'h HeaderMap) -> Headers<'h> {
        let mut found = Headers::default();
        for (name, value) in all {
            let place = match name.as_str() {
                "content-encoding" => &mut found.content_encoding,
                "content-type" => &mut found.content_type,
                "dnt" => &mut found.do_not_track,
                "idempotency-key" => &mut found.idempotency_key,
                "origin" => &mut found.origin,
                "referer" => &mut found.referer,
                "sec-ch-ua" => &mut found.ua_brands,
                "sec-ch-ua-mobile" => &mut found.ua_mobile,
                "sec-ch-ua-full-version-list" => &mut found.ua_versions,
                "sec-ch-ua-model" => &mut found.ua_model,
                "sec-ch-ua-platform" => &mut found.ua_platform,
                "sec-ch-ua-platform-version" => &mut found.ua_platform_version,
                "sec-gpc" => &mut found.global_privacy_control,
                "sec-purpose" => &mut found.purpose,
                "user-agent" => &mut found.user_agent,
                "x-amz-firehose-access-key" => &mut found.firehose_key,
                "x-api-key" => &mut found.api_key,
                "x-beacon-token" => &mut found.token,
                "x-forwarded-for" => &mut found.forwarded_for,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        found
    }
}

/// What is not empty, as text of its own.
pub(crate) fn text(value: Option<&HeaderValue>) -> Option<String> {
    let text = value?.to_str().ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn each_header_is_found_once_by_its_name() {
        let mut all = HeaderMap::new();
        for (name, value) in [
            ("dnt", "d"),
            ("content-type", "t"),
            ("content-encoding", "e"),
            ("idempotency-key", "i"),
            ("origin", "o"),
            ("referer", "r"),
            ("sec-ch-ua", "b"),
            ("sec-ch-ua-mobile", "m"),
            ("sec-ch-ua-platform", "p"),
            ("sec-ch-ua-model", "M"),
            ("sec-ch-ua-platform-version", "P"),
            ("sec-ch-ua-full-version-list", "V"),
            ("sec-gpc", "g"),
            ("sec-purpose", "s"),
            ("user-agent", "u"),
            ("x-amz-firehose-access-key", "f"),
            ("x-api-key", "k"),
            ("x-beacon-token", "n"),
            ("x-forwarded-for", "w"),
            ("cookie", "c"),
        ] {
            all.insert(name, HeaderValue::from_static(value));
        }
        all.append(header::ORIGIN, HeaderValue::from_static("second"));
        let found = Headers::of(&all);
        let values = [
            found.do_not_track,
            found.content_type,
            found.content_encoding,
            found.idempotency_key,
            found.origin,
            found.referer,
            found.ua_brands,
            found.ua_mobile,
            found.ua_platform,
            found.ua_model,
            found.ua_platform_version,
            found.ua_versions,
            found.global_privacy_control,
            found.purpose,
            found.user_agent,
            found.firehose_key,
            found.api_key,
            found.token,
            found.forwarded_for,
        ];
        let texts: Option<Vec<String>> = values.into_iter().map(text).collect();
        assert_eq!(
            texts.map(|texts| texts.concat()),
            Some("dteiorbmpMPVgsufknw".into())
        );
        let empty = HeaderMap::new();
        let none = Headers::of(&empty);
        assert!(none.origin.is_none() && text(none.origin).is_none());
        assert_eq!(text(Some(&HeaderValue::from_static(""))), None);
    }
}
