//! What must not be stored of a URL: credentials, and query values that are
//! keys to something.

use std::borrow::Cow;

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
        [b'u', ..] if path == "url.original" || path == "url.query" => true,
        [b'h', ..] if path == "http.request.referrer" => true,
        [.., b'l'] => path.ends_with(".url.full"),
        _ => false,
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
            assert_eq!(super::redacted(url), expected);
        }
    }
}
