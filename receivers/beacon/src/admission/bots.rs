//! Programs that browse: known by what they call themselves.

use std::cell::RefCell;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use http::HeaderValue;

use crate::wire;

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

/// So many names are kept of what a thread saw, none longer than that.
const SLOTS: usize = 128;
const LONGEST: usize = 512;

/// A name, and what kind of program it is.
type Named = (Box<[u8]>, Option<Synthetic>);

thread_local! {
    /// Browsers have few names among them: the last ones are kept, each in the slot that its bytes lead to.
    static SEEN: RefCell<Vec<Option<Named>>> = const { RefCell::new(Vec::new()) };
}

/// Where a name is kept. Who makes names share a slot makes them be judged again, nothing worse.
fn slot(name: &[u8]) -> usize {
    let mix = |sum: u64, word: u64| {
        (sum ^ word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    };
    let (words, rest) = name.as_chunks::<8>();
    let sum = words.iter().fold(name.len() as u64, |sum, word| {
        mix(sum, u64::from_le_bytes(*word))
    });
    let sum = rest
        .iter()
        .fold(sum, |sum, byte| mix(sum, u64::from(*byte)));
    (sum % SLOTS as u64) as usize
}

/// What a `User-Agent` says about its program; none at all is a bot.
pub(crate) fn synthetic(user_agent: Option<&HeaderValue>) -> Option<Synthetic> {
    let Some(name) = user_agent.map(HeaderValue::as_bytes) else {
        return Some(Synthetic::Bot);
    };
    if name.len() > LONGEST {
        return judged(&wire::text(name));
    }
    SEEN.with_borrow_mut(|seen| {
        seen.resize(SLOTS, None);
        let kept = &mut seen[slot(name)];
        match kept {
            Some((known, kind)) if **known == *name => *kind,
            _ => {
                let kind = judged(&wire::text(name));
                *kept = Some((name.into(), kind));
                kind
            }
        }
    })
}

fn judged(text: &str) -> Option<Synthetic> {
    if text.trim().is_empty() {
        return Some(Synthetic::Bot);
    }
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
        // twice: judged, then known
        for (text, expected) in table.iter().chain(&table) {
            let value = text.map(HeaderValue::from_static);
            assert_eq!(synthetic(value.as_ref()), *expected, "{text:?}");
        }
    }

    #[test]
    fn names_that_share_a_slot_are_still_told_apart() {
        let name = |n: usize| HeaderValue::try_from(format!("program/{n}")).expect("a header");
        let bot = |n: usize| HeaderValue::try_from(format!("crawl/{n}")).expect("a header");
        for n in 0..4 * SLOTS {
            assert_eq!(synthetic(Some(&name(n))), None);
            assert_eq!(synthetic(Some(&bot(n))), Some(Synthetic::Bot));
        }
        let long = format!("{}{}", "x".repeat(LONGEST), "crawl");
        let long = HeaderValue::try_from(long).expect("a header");
        assert_eq!(synthetic(Some(&long)), Some(Synthetic::Bot));
    }
}
