//! The parts of a URL, as attributes of their own.

/// The parts of an absolute URL, as they stand in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts<'u> {
    pub(crate) scheme: &'u str,
    /// The host; of IPv6 with its brackets.
    pub(crate) domain: &'u str,
    pub(crate) port: Option<u16>,
    pub(crate) path: &'u str,
    /// Without `?`.
    pub(crate) query: &'u str,
    /// Without `#`.
    pub(crate) fragment: &'u str,
}

/// Takes a URL apart. `None` when it is not absolute.
pub(crate) fn parts(url: &str) -> Option<Parts<'_>> {
    let colon = memchr::memchr(b':', url.as_bytes())?;
    let (scheme, rest) = url.split_at_checked(colon)?;
    let rest = rest.strip_prefix("://")?;
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        || !scheme.bytes().all(is_usual)
    {
        return None;
    }
    let (authority, rest) = up_to(rest, memchr::memchr3(b'/', b'?', b'#', rest.as_bytes()));
    let (path, rest) = up_to(rest, memchr::memchr2(b'?', b'#', rest.as_bytes()));
    let (query, fragment) = up_to(rest, memchr::memchr(b'#', rest.as_bytes()));
    let query = query.strip_prefix('?').unwrap_or_default();
    let fragment = fragment.strip_prefix('#').unwrap_or_default();
    let (domain, port) = host(authority);
    Some(Parts {
        scheme,
        domain,
        port,
        path,
        query,
        fragment,
    })
}

fn up_to(text: &str, end: Option<usize>) -> (&str, &str) {
    let end = end.unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The host and the port of an authority.
fn host(authority: &str) -> (&str, Option<u16>) {
    let host = match memchr::memrchr(b'@', authority.as_bytes()) {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    match memchr::memrchr(b':', host.as_bytes()) {
        Some(colon) if !host.ends_with(']') => {
            let (domain, port) = up_to(host, Some(colon));
            (domain, port.get(1..).and_then(|port| port.parse().ok()))
        }
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_parts() {
        let parts_of = |scheme, domain, port, path, query, fragment| Parts {
            scheme,
            domain,
            port,
            path,
            query,
            fragment,
        };
        let table = [
            (
                "https://a.example/p/q?x=1&y=?#top?a",
                parts_of("https", "a.example", None, "/p/q", "x=1&y=?", "top?a"),
            ),
            (
                "http://REDACTED:REDACTED@localhost:8080",
                parts_of("http", "localhost", Some(8080), "", "", ""),
            ),
            (
                "http://[2001:db8::1]:81/",
                parts_of("http", "[2001:db8::1]", Some(81), "/", "", ""),
            ),
            (
                "http://[2001:db8::1]#a@b:1/",
                parts_of("http", "[2001:db8::1]", None, "", "", "a@b:1/"),
            ),
            ("file:///a", parts_of("file", "", None, "/a", "", "")),
            ("https://a:b/", parts_of("https", "a", None, "/", "", "")),
        ];
        for (url, expected) in table {
            assert_eq!(parts(url), Some(expected), "{url}");
        }
        assert_eq!(parts("/p?q=1"), None);
        assert_eq!(parts("/p?u=https://b.example/x"), None);
        assert_eq!(parts("://b.example/x"), None);
        assert_eq!(parts(""), None);
    }
}
