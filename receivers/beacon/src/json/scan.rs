//! The tokens of a text (RFC 8259).

use super::marks::{BLOCK, marks};
use super::{Kind, Piece};

/// Why a text cannot be read on. Small, since nearly every method may return one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No JSON: at this byte something else was expected.
    Syntax { at: u32, expected: Expected },
    /// Nested deeper than allowed.
    Depth,
}

/// What should have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Value,
    Object,
    Number,
    Key,
    Colon,
    NextMember,
    NextElement,
    Quote,
    Escape,
    EscapedControl,
}

impl Expected {
    /// For the one who sent it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Expected::Value => "a JSON value",
            Expected::Object => "an object",
            Expected::Number => "a number",
            Expected::Key => "a key in quotes",
            Expected::Colon => "':' after the key",
            Expected::NextMember => "',' or '}'",
            Expected::NextElement => "',' or ']'",
            Expected::Quote => "the closing quote of a string",
            Expected::Escape => "an escape of JSON",
            Expected::EscapedControl => "control characters written as escapes",
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// A position in a text.
pub(crate) struct Scanner<'t> {
    text: &'t str,
    pos: usize,
    /// What ends the plain part of a string, among the [`BLOCK`] bytes before `marked`.
    marks: u64,
    marked: usize,
}

/// A string as it stands between its quotes.
pub(crate) struct Raw<'t> {
    pub(crate) text: &'t str,
    pub(crate) escaped: bool,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Scanner<'t> {
        Scanner {
            text,
            pos: 0,
            marks: 0,
            marked: 0,
        }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// The first byte of the next token; 0, which starts none, at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        match self.text.as_bytes().get(self.pos) {
            // all blanks are below all tokens
            Some(byte @ b'!'..) => *byte,
            _ => self.behind_blanks(),
        }
    }

    #[inline(never)]
    fn behind_blanks(&mut self) -> u8 {
        loop {
            match self.text.as_bytes().get(self.pos) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.pos += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Whether nothing but blanks is left.
    pub(crate) fn at_end(&mut self) -> bool {
        self.peek();
        self.pos == self.text.len()
    }

    /// Takes the next token if it is this punctuation.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() != byte {
            return false;
        }
        self.pos += 1;
        true
    }

    /// Takes this punctuation.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, expected: Expected) -> Result<()> {
        if self.eat(byte) {
            return Ok(());
        }
        Err(self.fault(expected))
    }

    /// Goes on to the next member, or ends the array or object at `end`.
    #[inline]
    pub(crate) fn next(&mut self, end: u8) -> Result<bool> {
        let byte = self.peek();
        if byte == b',' || byte == end {
            self.pos += 1;
            return Ok(byte == b',');
        }
        Err(self.fault(match end {
            b'}' => Expected::NextMember,
            _ => Expected::NextElement,
        }))
    }

    #[cold]
    fn fault(&self, expected: Expected) -> Fault {
        Fault::Syntax {
            at: self.pos as u32,
            expected,
        }
    }

    /// A key and the colon behind it.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Raw<'t>> {
        if self.peek() != b'"' {
            return Err(self.fault(Expected::Key));
        }
        let key = self.string()?;
        self.expect(b':', Expected::Colon)?;
        Ok(key)
    }

    /// A string whose opening quote was seen.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Raw<'t>> {
        let start = self.pos + 1;
        let escaped = self.string_end()?;
        let text = self.text.get(start..self.pos - 1).unwrap_or_default();
        Ok(Raw { text, escaped })
    }

    /// The same without its text.
    #[inline(always)]
    pub(crate) fn string_piece(&mut self) -> Result<Piece> {
        let start = self.pos + 1;
        let kind = if self.string_end()? {
            Kind::Escaped
        } else {
            Kind::Plain
        };
        Ok(Piece::new(kind, start, self.pos - 1))
    }

    /// Steps behind a string whose opening quote was seen; tells whether it has escapes.
    #[inline(always)]
    fn string_end(&mut self) -> Result<bool> {
        let at = self.special(self.pos + 1);
        if self.text.as_bytes().get(at) == Some(&b'"') {
            self.pos = at + 1;
            return Ok(false);
        }
        self.string_end_behind(at)
    }

    /// The same from the first character that is not plain.
    #[inline(never)]
    fn string_end_behind(&mut self, mut at: usize) -> Result<bool> {
        loop {
            self.pos = at;
            match self.text.as_bytes().get(at) {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(true);
                }
                Some(b'\\') => at = self.special(at + self.escape_length()?),
                Some(_) => return Err(self.fault(Expected::EscapedControl)),
                None => return Err(self.fault(Expected::Quote)),
            }
        }
    }

    /// The first quote, backslash or control character at or behind `from`, or the end of the text. `from` never
    /// goes back.
    #[inline(always)]
    fn special(&mut self, mut from: usize) -> usize {
        loop {
            if from < self.marked {
                let rest = self.marks >> (from + BLOCK - self.marked);
                if rest != 0 {
                    return from + rest.trailing_zeros() as usize;
                }
                from = self.marked;
            }
            if from >= self.text.len() {
                return self.text.len();
            }
            self.mark(from);
        }
    }

    #[inline(never)]
    fn mark(&mut self, from: usize) {
        self.marks = marks(self.text.as_bytes().get(from..).unwrap_or_default());
        self.marked = from + BLOCK;
    }

    fn escape_length(&self) -> Result<usize> {
        let rest = self.text.as_bytes().get(self.pos..).unwrap_or_default();
        match rest {
            [
                _,
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => Ok(2),
            [_, b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|h| h.is_ascii_hexdigit()) => {
                Ok(6)
            }
            _ => Err(self.fault(Expected::Escape)),
        }
    }

    /// Any value, at most `depth` arrays and objects deep. `None` is null, or
    /// empty, or an array of nulls: no value.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Option<Piece>> {
        let first = self.peek();
        let start = self.pos;
        match first {
            b'"' => self.string_piece().map(Some),
            b'{' | b'[' => {
                let depth = depth.checked_sub(1).ok_or(Fault::Depth)?;
                self.pos += 1;
                let something = if first == b'{' {
                    self.members(depth)?
                } else {
                    self.elements(depth)?
                };
                Ok(something.then(|| Piece::new(Kind::Nested, start, self.pos)))
            }
            _ => self.scalar(first),
        }
    }

    fn scalar(&mut self, first: u8) -> Result<Option<Piece>> {
        let start = self.pos;
        match first {
            b't' if self.word("true") => Ok(Some(Piece::new(Kind::True, start, self.pos))),
            b'f' if self.word("false") => Ok(Some(Piece::new(Kind::False, start, self.pos))),
            b'n' if self.word("null") => Ok(None),
            b'-' | b'0'..=b'9' => self.number().map(Some),
            _ => Err(self.fault(Expected::Value)),
        }
    }

    fn members(&mut self, depth: usize) -> Result<bool> {
        let mut something = false;
        if self.eat(b'}') {
            return Ok(something);
        }
        loop {
            self.key()?;
            something |= self.value(depth)?.is_some();
            if !self.next(b'}')? {
                return Ok(something);
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Result<bool> {
        let mut something = false;
        if self.eat(b']') {
            return Ok(something);
        }
        loop {
            something |= self.peek() != b'n';
            self.value(depth)?;
            if !self.next(b']')? {
                return Ok(something);
            }
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let after = rest.as_bytes().get(word.len());
        if !rest.starts_with(word) || after.is_some_and(u8::is_ascii_alphanumeric) {
            return false;
        }
        self.pos += word.len();
        true
    }

    fn number(&mut self) -> Result<Piece> {
        let rest = self.text.as_bytes().get(self.pos..).unwrap_or_default();
        let (length, integer) = number_length(rest);
        let runs_on = rest
            .get(length)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
        if length == 0 || runs_on {
            return Err(self.fault(Expected::Number));
        }
        let kind = if integer { Kind::Integer } else { Kind::Double };
        let start = self.pos;
        self.pos += length;
        Ok(Piece::new(kind, start, self.pos))
    }

    /// Steps over a value of any shape and depth, without recursion.
    pub(crate) fn skip(&mut self) -> Result<&'t str> {
        self.peek();
        let start = self.pos;
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                first @ (b'{' | b'[') => {
                    self.pos += 1;
                    let end = if first == b'{' { b'}' } else { b']' };
                    if !self.eat(end) {
                        open.push(end);
                        if end == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                first => {
                    self.scalar(first)?;
                }
            }
            loop {
                let Some(end) = open.last().copied() else {
                    return Ok(self.text.get(start..self.pos).unwrap_or_default());
                };
                if self.next(end)? {
                    if end == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }
}

/// Bytes of the number at the start of `text`, 0 when there is none, and
/// whether it has neither point nor exponent.
fn number_length(text: &[u8]) -> (usize, bool) {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let end = rest.iter().position(|byte| !byte.is_ascii_digit());
        end.unwrap_or(rest.len())
    };
    let mut at = if text.first() == Some(&b'-') { 1 } else { 0 };
    match text.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        _ => return (0, false),
    }
    let mut integer = true;
    if text.get(at) == Some(&b'.') {
        integer = false;
        match digits(at + 1) {
            0 => return (0, false),
            fraction => at += 1 + fraction,
        }
    }
    if let Some(b'e' | b'E') = text.get(at) {
        integer = false;
        let sign = if let Some(b'+' | b'-') = text.get(at + 1) {
            1
        } else {
            0
        };
        match digits(at + 1 + sign) {
            0 => return (0, false),
            exponent => at += 1 + sign + exponent,
        }
    }
    (at, integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Option<Kind>> {
        let mut scanner = Scanner::new(text);
        let value = scanner.value(8)?;
        if !scanner.at_end() {
            return Err(scanner.fault(Expected::Value));
        }
        Ok(value.map(|piece| piece.kind))
    }

    #[test]
    fn values_are_told_apart() {
        let table = [
            (r#""a""#, Some(Kind::Plain)),
            (r#""a\n""#, Some(Kind::Escaped)),
            ("-12", Some(Kind::Integer)),
            ("1.5e3", Some(Kind::Double)),
            ("true", Some(Kind::True)),
            (" false ", Some(Kind::False)),
            ("null", None),
            ("{}", None),
            ("[]", None),
            ("[null, null]", None),
            (r#"{"a":null}"#, None),
            ("[[]]", Some(Kind::Nested)),
            (r#"{"a":[1]}"#, Some(Kind::Nested)),
        ];
        for (text, kind) in table {
            assert_eq!(whole(text), Ok(kind), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_stops_being_one() {
        let table = [
            ("", 0),
            ("{", 1),
            (r#"{"a"}"#, 4),
            (r#"{"a":}"#, 5),
            (r#"{"a":1,}"#, 7),
            ("[1 2]", 3),
            ("NaN", 0),
            ("01", 0),
            ("1.", 0),
            ("\"a\u{1}\"", 2),
            (r#""\x""#, 1),
            (r#""\u12""#, 1),
            ("\"abc", 4),
        ];
        for (text, expected) in table {
            let Err(Fault::Syntax { at, .. }) = whole(text) else {
                panic!("{text} was read");
            };
            assert_eq!(at, expected, "{text}");
            assert!(Scanner::new(text).skip().is_err() || text == "01", "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_where_values_are_read_and_free_where_they_are_skipped() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(whole(&nested(8)), Ok(Some(Kind::Nested)));
        assert_eq!(whole(&nested(9)), Err(Fault::Depth));
        let deep = nested(100_000);
        assert_eq!(Scanner::new(&deep).skip().map(str::len), Ok(deep.len()));
    }
}
