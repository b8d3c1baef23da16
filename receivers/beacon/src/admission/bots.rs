//! Programs that browse: known by what they call themselves.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// What kind of program sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synthetic {
    Bot,
    Test,
}

impl Synthetic {
    /// The value of `user_agent.synthetic.type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Synthetic::Bot => "bot",
            Synthetic::Test => "test",
        }
    }
}

/// Browsers driven by test tools; they stand before the bots.
const TESTS: [&str; 7] = [
    "headless",
    "phantomjs",
    "selenium",
    "cypress",
    "puppeteer",
    "playwright",
    "lighthouse",
];
const BOTS: [&str; 25] = [
    "bot/",
    "bot;",
    "bot)",
    "bot-",
    "-bot",
    "googlebot",
    "crawl",
    "spider",
    "slurp",
    "mediapartners",
    "facebookexternalhit",
    "preview",
    "scrapy",
    "wget",
    "curl/",
    "python-",
    "python/",
    "go-http-client",
    "java/",
    "okhttp",
    "libwww",
    "httpclient",
    "axios/",
    "node-fetch",
    "monitor",
];

static KNOWN: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(TESTS.iter().chain(&BOTS))
        .ok()
});

/// What a `User-Agent` says about its program; none at all is a bot.
pub(crate) fn synthetic(user_agent: Option<&str>) -> Option<Synthetic> {
    let Some(text) = user_agent.filter(|text| !text.trim().is_empty()) else {
        return Some(Synthetic::Bot);
    };
    let found = KNOWN.as_ref()?.find(text)?;
    Some(if found.pattern().as_usize() < TESTS.len() {
        Synthetic::Test
    } else {
        Synthetic::Bot
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_tests_and_people() {
        let table = [
            (None, Some(Synthetic::Bot)),
            (Some(" "), Some(Synthetic::Bot)),
            (
                Some("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
                Some(Synthetic::Bot),
            ),
            (Some("curl/8.5.0"), Some(Synthetic::Bot)),
            (
                Some("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0.0.0 Safari/537.36"),
                Some(Synthetic::Test),
            ),
            (
                Some(
                    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
                ),
                None,
            ),
            (
                Some(
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
                ),
                None,
            ),
            (
                Some(
                    "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/156.0.0.0 Safari/537.36",
                ),
                None,
            ),
        ];
        for (text, expected) in table {
            assert_eq!(synthetic(text), expected, "{text:?}");
        }
    }
}
