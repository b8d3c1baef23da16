//! What is wrong with a text, and where.

use std::fmt;

/// Why a text is not OTLP/JSON of the expected signal.
///
/// The whole request is refused: a sender that gets an answer must be able to
/// rely on all or nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}line {line}, column {column}: expected {expected}, found {found}",
    Path(path)
)]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The offset in bytes, from 0.
    pub offset: usize,
    /// Where in the request, for example `resourceLogs[0].scopeLogs[0].logRecords[17].traceId`;
    /// empty at the top. Keys are written as the specification spells them.
    pub path: String,
    /// What was expected there.
    pub expected: &'static str,
    /// What is there instead, shortened.
    pub found: String,
}

struct Path<'a>(&'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "{}: ", self.0)
    }
}

/// Longer texts are shortened in an error, in bytes.
const FOUND_MAX: usize = 40;

/// A problem on its way up: the path is collected from the inside out.
#[derive(Debug)]
pub(super) struct Problem {
    at: usize,
    expected: &'static str,
    path: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Key(&'static str),
    Index(usize),
}

impl Problem {
    #[cold]
    pub(super) fn new(at: usize, expected: &'static str) -> Box<Problem> {
        Box::new(Problem {
            at,
            expected,
            path: Vec::new(),
        })
    }

    #[cold]
    pub(super) fn in_key(mut self: Box<Self>, key: &'static str) -> Box<Problem> {
        self.path.push(Segment::Key(key));
        self
    }

    #[cold]
    pub(super) fn in_element(mut self: Box<Self>, index: usize) -> Box<Problem> {
        self.path.push(Segment::Index(index));
        self
    }

    /// The error as the sender sees it.
    pub(super) fn into_error(self, text: &[u8]) -> JsonError {
        let (line, column) = position(text, self.at);
        JsonError {
            line,
            column,
            offset: self.at,
            path: join(&self.path),
            expected: self.expected,
            found: excerpt(text, self.at),
        }
    }
}

fn join(segments: &[Segment]) -> String {
    use std::fmt::Write;
    let mut path = String::new();
    for segment in segments.iter().rev() {
        // Writing to a string cannot fail.
        let _ = match segment {
            Segment::Key(key) if path.is_empty() => write!(path, "{key}"),
            Segment::Key(key) => write!(path, ".{key}"),
            Segment::Index(index) => write!(path, "[{index}]"),
        };
    }
    path
}

/// Line and column, from 1. A byte that continues a UTF-8 character is no column of its own.
fn position(text: &[u8], at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = before[line_start..]
        .iter()
        .filter(|byte| **byte & 0xc0 != 0x80)
        .count();
    (line, column + 1)
}

/// The token that starts at `at`, in words or quoted, never longer than a line of a log.
fn excerpt(text: &[u8], at: usize) -> String {
    let rest = &text[at.min(text.len())..];
    let Some(first) = rest.first() else {
        return "the end of the text".to_owned();
    };
    let end = match first {
        b'"' => 1 + string_end(&rest[1..]),
        b'{' => return "an object".to_owned(),
        b'[' => return "an array".to_owned(),
        byte if byte.is_ascii_alphanumeric() || *byte == b'-' => rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && !b"+-._".contains(byte))
            .unwrap_or(rest.len()),
        byte if *byte < 0x20 || *byte == 0x7f => return format!("control character 0x{byte:02x}"),
        byte if *byte < 0x80 => 1,
        _ => 4,
    };
    let shown = String::from_utf8_lossy(&rest[..end.min(FOUND_MAX).min(rest.len())]);
    let mut found = String::new();
    for character in shown.trim_end_matches(char::REPLACEMENT_CHARACTER).chars() {
        if character.is_control() {
            found.extend(character.escape_default());
        } else {
            found.push(character);
        }
    }
    if end > FOUND_MAX {
        found.push_str(&format!("... ({end} bytes)"));
    }
    found
}

/// Where a string ends, behind its closing quote, given what follows the opening one.
fn string_end(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &rest[at..]) {
        at += found;
        if rest[at] == b'"' {
            return at + 1;
        }
        at = (at + 2).min(rest.len());
    }
    rest.len()
}
