//! What must not be stored of a URL: credentials, and values that are keys to
//! something, in queries and in fragments.

use std::borrow::Cow;

/// What stands in place of a secret.
pub(super) const REDACTED: &str = "REDACTED";

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

/// The URL, or query, without credentials and without values of secret keys.
pub(crate) fn redacted(url: &str) -> Cow<'_, str> {
    if is_clean(url.as_bytes()) {
        return Cow::Borrowed(url);
    }
    let mut clean = Cow::Borrowed(url);
    if let Some(without) = without_credentials(url) {
        clean = Cow::Owned(without);
    }
    match without_values(&clean) {
        Some(redacted) => Cow::Owned(redacted),
        None => clean,
    }
}

/// Whether there is surely nothing to take out: no credentials, and before no `=` a secret key.
fn is_clean(url: &[u8]) -> bool {
    let is_secret_before = |at: usize| {
        let before = url.get(at.saturating_sub(LONGEST + 1)..at);
        let before = before.unwrap_or_default();
        let start = before.iter().rposition(|byte| is_border(*byte));
        let key = before.get(start.map_or(0, |start| start + 1)..);
        SECRET.iter().any(|secret| key == Some(secret.as_bytes()))
    };
    memchr::memchr(b'@', url).is_none() && !memchr::memchr_iter(b'=', url).any(is_secret_before)
}

/// Bytes of the longest secret key.
const LONGEST: usize = 20;

/// What stands between the pairs of queries and fragments. Routes in fragments have queries, too.
fn is_border(byte: u8) -> bool {
    matches!(byte, b'?' | b'#' | b'&')
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

fn without_values(url: &str) -> Option<String> {
    let mut clean = String::with_capacity(url.len());
    let mut rest = url;
    let mut found = false;
    while !rest.is_empty() {
        let end = rest.bytes().position(is_border).unwrap_or(rest.len());
        let (pair, behind) = rest.split_at_checked(end)?;
        match pair.split_once('=') {
            Some((key, _)) if is_secret(pair.as_bytes()) => {
                clean.push_str(key);
                clean.push('=');
                clean.push_str(REDACTED);
                found = true;
            }
            _ => clean.push_str(pair),
        }
        let (border, behind) = behind.split_at_checked(behind.len().min(1))?;
        clean.push_str(border);
        rest = behind;
    }
    found.then_some(clean)
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

    #[test]
    fn no_secret_key_is_longer() {
        assert_eq!(SECRET.iter().map(|key| key.len()).max(), Some(LONGEST));
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
                "https://a.example/?a=1&token=REDACTED&b=2#token=REDACTED",
            ),
            (
                "https://a.example/#access_token=x&state=1",
                "https://a.example/#access_token=REDACTED&state=1",
            ),
            (
                "https://a.example/#/login?token=x&a=1",
                "https://a.example/#/login?token=REDACTED&a=1",
            ),
            (
                "https://me@a.example/?sig=1",
                "https://REDACTED:REDACTED@a.example/?sig=REDACTED",
            ),
            (
                "https://a.example/?q=a@b&code=1",
                "https://a.example/?q=a@b&code=REDACTED",
            ),
            (
                "https://a.example/?sig=&Token=a",
                "https://a.example/?sig=&Token=a",
            ),
            ("code=abc&x=1", "code=REDACTED&x=1"),
            ("code=abc&next=/a?b=1", "code=REDACTED&next=/a?b=1"),
            (
                "access_token=x&state=/y?z#f",
                "access_token=REDACTED&state=/y?z#f",
            ),
            ("/p/token=1/x", "/p/token=1/x"),
            ("not a url", "not a url"),
            ("", ""),
            ("?#&", "?#&"),
            (
                "?X-Amz-Security-Token=a&xX-Amz-Security-Token=b",
                "?X-Amz-Security-Token=REDACTED&xX-Amz-Security-Token=b",
            ),
            ("a==b&code==", "a==b&code=REDACTED"),
        ];
        for (url, expected) in table {
            assert_eq!(redacted(url), expected);
        }
    }
}
