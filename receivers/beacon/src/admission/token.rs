//! Tokens that a site's own server writes into its pages: a program that only
//! copies the public key has none.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const HOUR: u64 = 3600 * 1_000_000_000;

/// Checks the tokens of a site.
pub(crate) struct Tokens(Vec<u8>);

impl Tokens {
    /// `None` when none are needed.
    pub(crate) fn new(secret: &str) -> Option<Tokens> {
        (!secret.is_empty()).then(|| Tokens(secret.as_bytes().to_vec()))
    }

    /// Whether a token is that of the page's origin and of this hour, the last or
    /// the next one: in hexadecimal digits, HMAC-SHA256 over the hours since 1970,
    /// a line feed and the origin. `now` in nanoseconds since 1970.
    pub(crate) fn accept(&self, token: Option<&str>, origin: Option<&str>, now: u64) -> bool {
        let (Some(token), Some(origin)) = (token.and_then(bytes), origin) else {
            return false;
        };
        let hour = now / HOUR;
        [hour, hour.saturating_sub(1), hour + 1]
            .iter()
            .any(|hour| self.is_of(*hour, origin, &token))
    }

    fn is_of(&self, hour: u64, origin: &str, token: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return false;
        };
        mac.update(format!("{hour}\n{origin}").as_bytes());
        mac.verify_slice(token).is_ok()
    }
}

/// Hexadecimal digits as bytes.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_an_origin_and_about_an_hour() {
        // printf '482136\nhttps://shop.example' | openssl dgst -sha256 -hmac secret
        let token = "c9246be3e604ad3d89f0ece814e128ec4ececa26457ca713b9837866c6ff41bf";
        let tokens = Tokens::new("secret").unwrap();
        let origin = Some("https://shop.example");
        let hour = 482_136 * HOUR;
        // token, origin, time, accepted
        let table = [
            (Some(token), origin, hour, true),
            (Some(token), origin, hour + HOUR - 1, true),
            (Some(token), origin, hour + HOUR, true),
            (Some(token), origin, hour - 1, true),
            (Some(token), origin, hour + 2 * HOUR, false),
            (Some(token), origin, hour - HOUR - 1, false),
            (Some(token), Some("https://evil.example"), hour, false),
            (Some(token), None, hour, false),
            (None, origin, hour, false),
            (Some(""), origin, hour, false),
            (Some("zz"), origin, hour, false),
            (Some("abc"), origin, hour, false),
            (token.get(..32), origin, hour, false),
        ];
        for (token, origin, now, accepted) in table {
            assert_eq!(
                tokens.accept(token, origin, now),
                accepted,
                "{token:?} {origin:?} {now}"
            );
        }
        assert!(Tokens::new("").is_none());
    }
}
