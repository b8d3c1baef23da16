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
    let (scheme, rest) = url.split_once("://")?;
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = memchr::memchr(b'/', rest.as_bytes()).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(path)?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (domain, port) = match host.rsplit_once(':') {
        Some((domain, port)) if !port.contains(']') => (domain, port.parse().ok()),
        _ => (host, None),
    };
    Some(Parts {
        scheme,
        domain,
        port,
        path,
        query,
        fragment,
    })
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
        assert_eq!(parts(""), None);
    }
}
