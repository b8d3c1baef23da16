//! The tokens of a JSON text (RFC 8259), pulled one by one.
//!
//! The text is UTF-8 (checked before the first token), so a slice between two
//! ASCII characters is UTF-8 too. Nothing is copied but strings with escapes.

use super::error::Problem;
use super::string::plain_length;

pub(super) type Result<T> = std::result::Result<T, Box<Problem>>;

/// A position in a text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    pos: usize,
    /// Which brackets are open in a value that is skipped, a bit each: set for objects.
    brackets: Vec<u64>,
}

/// A string as it stands in the text, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether there are escapes in it; they are valid.
    pub(super) escaped: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Scanner {
            text,
            pos: 0,
            brackets: Vec::new(),
        }
    }

    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    /// The first byte of the next token; 0, which no token starts with, at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        match self.text.get(self.pos) {
            Some(byte) if *byte > b' ' => *byte,
            _ => self.peek_behind_space(),
        }
    }

    fn peek_behind_space(&mut self) -> u8 {
        loop {
            match self.text.get(self.pos) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.pos += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// The text from the next token on.
    #[inline]
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.peek();
        &self.text[self.pos..]
    }

    /// Steps over what was recognised at the start of [`rest`](Self::rest).
    #[inline]
    pub(super) fn advance(&mut self, length: usize) {
        self.pos += length;
    }

    /// Takes the next token if it is this punctuation.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() != byte {
            return false;
        }
        self.pos += 1;
        true
    }

    /// Takes this punctuation.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.eat(byte) {
            return Ok(());
        }
        Err(self.problem(expected))
    }

    /// Goes on to the next element of an array or object, or ends it at `end`.
    #[inline]
    pub(super) fn next(&mut self, end: u8, expected: &'static str) -> Result<bool> {
        let byte = self.peek();
        if byte == b',' || byte == end {
            self.pos += 1;
            return Ok(byte == b',');
        }
        Err(self.problem(expected))
    }

    /// A problem with the token that starts here.
    pub(super) fn problem(&self, expected: &'static str) -> Box<Problem> {
        Problem::new(self.pos, expected)
    }

    /// The key of a member and the colon behind it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Raw<'a>> {
        if self.peek() != b'"' {
            return Err(self.problem("a key in quotes"));
        }
        let key = self.string()?;
        self.expect(b':', "':' after the key")?;
        Ok(key)
    }

    /// A string, whose opening quote was seen.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Raw<'a>> {
        let start = self.pos + 1;
        let end = start + plain_length(&self.text[start..]);
        if self.text.get(end) == Some(&b'"') {
            self.pos = end + 1;
            return Ok(Raw {
                bytes: &self.text[start..end],
                escaped: false,
            });
        }
        self.escaped_string(start, end)
    }

    /// The rest of a string from its first escape (or its first mistake) at `end`.
    fn escaped_string(&mut self, start: usize, mut end: usize) -> Result<Raw<'a>> {
        loop {
            match self.text.get(end) {
                Some(b'"') => {
                    self.pos = end + 1;
                    return Ok(Raw {
                        bytes: &self.text[start..end],
                        escaped: true,
                    });
                }
                Some(b'\\') => end = self.escape(end)?,
                Some(_) => {
                    let expected = "control characters in a string written as escapes";
                    return Err(Problem::new(end, expected));
                }
                None => return Err(Problem::new(end, "the closing quote of a string")),
            }
            end += plain_length(&self.text[end..]);
        }
    }

    /// Where the escape that starts at `at` ends.
    fn escape(&self, at: usize) -> Result<usize> {
        match self.text.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => match self.text.get(at + 2..at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
                _ => Err(Problem::new(at, "four hex digits after \\u")),
            },
            _ => Err(Problem::new(
                at,
                "an escape of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u",
            )),
        }
    }

    /// A number, which starts here if anything does.
    #[inline]
    pub(super) fn number(&mut self, expected: &'static str) -> Result<&'a [u8]> {
        let rest = &self.text[self.pos..];
        let length = number_length(rest);
        // "1x" is not a number followed by something else.
        let runs_on = rest
            .get(length)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
        if length == 0 || runs_on {
            return Err(self.problem(expected));
        }
        self.pos += length;
        Ok(&rest[..length])
    }

    /// Takes a literal if it stands here: `true`, `false`, `null`.
    #[inline]
    pub(super) fn literal(&mut self, literal: &'static [u8]) -> bool {
        let rest = &self.text[self.pos..];
        let found = rest.starts_with(literal)
            && !rest
                .get(literal.len())
                .is_some_and(u8::is_ascii_alphanumeric);
        if found {
            self.pos += literal.len();
        }
        found
    }

    /// Steps over a value of any shape and depth, without recursion.
    pub(super) fn skip_value(&mut self) -> Result<()> {
        self.brackets.clear();
        let mut depth = 0usize;
        loop {
            match self.peek() {
                open @ (b'{' | b'[') => {
                    let object = open == b'{';
                    self.pos += 1;
                    if !self.eat(if object { b'}' } else { b']' }) {
                        self.push_bracket(depth, object);
                        depth += 1;
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                b't' if self.literal(b"true") => {}
                b'f' if self.literal(b"false") => {}
                b'n' if self.literal(b"null") => {}
                _ => drop(self.number("a JSON value")?),
            }
            loop {
                let Some(inner) = depth.checked_sub(1) else {
                    return Ok(());
                };
                if self.bracket(inner) {
                    if self.next(b'}', "',' or '}'")? {
                        self.key()?;
                        break;
                    }
                } else if self.next(b']', "',' or ']'")? {
                    break;
                }
                depth = inner;
            }
        }
    }

    fn push_bracket(&mut self, depth: usize, object: bool) {
        let (word, bit) = (depth / 64, depth % 64);
        if word == self.brackets.len() {
            self.brackets.push(0);
        }
        self.brackets[word] = self.brackets[word] & !(1 << bit) | u64::from(object) << bit;
    }

    fn bracket(&self, depth: usize) -> bool {
        self.brackets[depth / 64] >> (depth % 64) & 1 == 1
    }
}

/// Bytes of the number at the start of `text` by JSON's grammar; 0 when there is none.
#[inline]
pub(super) fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len())
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    match text.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        _ => return 0,
    }
    if text.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return 0,
            fraction => at += 1 + fraction,
        }
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return 0,
            exponent => at += 1 + sign + exponent,
        }
    }
    at
}
