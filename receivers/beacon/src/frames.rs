//! Where the events of a body are: one object, an array, one object a line, or
//! our own batch.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use semconv::flatten::Leaves;
use smallvec::{SmallVec, smallvec};

use crate::event::Shape;
use crate::json::{Fault, Kind, Piece, Scanner, Text, unescape};

/// What a body holds.
#[derive(Debug, Default)]
pub(crate) struct Frames<'t> {
    /// The text of each event, read no further than to know where it ends.
    pub(crate) events: SmallVec<[&'t str; 1]>,
    /// What stands around the events of a batch.
    pub(crate) batch: Option<Envelope<'t>>,
}

/// The members of a batch beside its events.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'t> {
    /// When the client sent it, by its own clock.
    pub(crate) sent_at: Option<Text<'t>>,
    /// Names this batch, also when it is sent again.
    pub(crate) id: Option<Text<'t>>,
    /// The public write key.
    pub(crate) key: Option<Text<'t>>,
    /// What the site's server wrote into the page.
    pub(crate) token: Option<Text<'t>>,
    /// How many events the client lost since the last batch.
    pub(crate) lost: u64,
    /// The object with the attributes of the resource.
    pub(crate) resource: Option<&'t str>,
    /// Other members: defaults for every event. Ranges of the whole text.
    pub(crate) defaults: Option<Leaves<Piece>>,
}

/// The body is no JSON at all: nothing of it can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

impl<'t> Frames<'t> {
    /// One event.
    pub(crate) fn one(text: &'t str) -> Frames<'t> {
        Frames {
            events: smallvec![text],
            batch: None,
        }
    }
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Unreadable {
        match fault {
            Fault::Syntax { at, expected } => Unreadable {
                at: at as usize,
                expected: expected.text(),
            },
            Fault::Depth => Unreadable {
                at: 0,
                expected: "less nesting",
            },
        }
    }
}

/// Finds the events of a text. `lines` says that there is one a line; `shape`
/// bounds what stands around the events of a batch.
pub(crate) fn frames(text: &str, lines: bool, shape: Shape) -> Result<Frames<'_>, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if lines {
        return Ok(by_line(text));
    }
    let mut scanner = Scanner::new(text);
    match scanner.peek() {
        b'[' => elements(text),
        b'{' => object(text, shape),
        _ => Err(Unreadable {
            at: scanner.pos(),
            expected: "an object or an array",
        }),
    }
}

/// Made once: to prepare the search costs more than the search.
static EVENTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"events\""));

fn object(text: &str, shape: Shape) -> Result<Frames<'_>, Unreadable> {
    if EVENTS.find(text.as_bytes()).is_some()
        && let Some(frames) = batch(text, shape)?
    {
        return Ok(frames);
    }
    let one = Frames::one(text);
    if memchr::memchr(b'\n', text.as_bytes()).is_none() {
        return Ok(one);
    }
    let mut scanner = Scanner::new(text);
    if scanner.skip().is_ok() && scanner.at_end() {
        return Ok(one);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let second = lines.nth(1).unwrap_or_default();
    if second.trim_start().starts_with('{') {
        return Ok(by_line(text));
    }
    Ok(one)
}

fn by_line(text: &str) -> Frames<'_> {
    Frames {
        events: text
            .split('\n')
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect(),
        batch: None,
    }
}

fn elements(text: &str) -> Result<Frames<'_>, Unreadable> {
    let mut scanner = Scanner::new(text);
    let mut frames = Frames::default();
    scanner.eat(b'[');
    list(&mut scanner, &mut frames.events)?;
    if !scanner.at_end() {
        return Err(Unreadable {
            at: scanner.pos(),
            expected: "the end of the text",
        });
    }
    Ok(frames)
}

fn list<'t>(scanner: &mut Scanner<'t>, events: &mut SmallVec<[&'t str; 1]>) -> Result<(), Fault> {
    if scanner.eat(b']') {
        return Ok(());
    }
    loop {
        events.push(scanner.skip()?);
        if !scanner.next(b']')? {
            return Ok(());
        }
    }
}

/// `None` when it is one event that has a field called `events`.
fn batch(text: &str, shape: Shape) -> Result<Option<Frames<'_>>, Unreadable> {
    let mut scanner = Scanner::new(text);
    let mut frames = Frames::default();
    let mut envelope = Envelope::default();
    let mut is_batch = false;
    scanner.eat(b'{');
    if scanner.eat(b'}') {
        return Ok(None);
    }
    loop {
        let key = match scanner.key() {
            Ok(key) => key,
            // perhaps lines of which one has the word in it
            Err(_) => return Ok(None),
        };
        if key.text == "events" && scanner.peek() == b'[' {
            is_batch = true;
            scanner.eat(b'[');
            frames.events.clear();
            list(&mut scanner, &mut frames.events)?;
        } else {
            let mut name = Text::Borrowed(key.text);
            if key.escaped {
                let mut own = String::new();
                unescape(key.text, &mut own);
                name = Text::Owned(own);
            }
            member(&mut scanner, text, name, shape, &mut envelope)?;
        }
        if !scanner.next(b'}')? {
            break;
        }
    }
    if !is_batch || !scanner.at_end() {
        return Ok(None);
    }
    frames.batch = Some(envelope);
    Ok(Some(frames))
}

fn member<'t>(
    scanner: &mut Scanner<'t>,
    text: &'t str,
    name: Text<'t>,
    shape: Shape,
    envelope: &mut Envelope<'t>,
) -> Result<(), Fault> {
    if name == "resource" && scanner.peek() == b'{' {
        envelope.resource = Some(scanner.skip()?);
        return Ok(());
    }
    if matches!(scanner.peek(), b'{' | b'[') {
        scanner.skip()?;
        return Ok(());
    }
    let Some(piece) = scanner.value(1)? else {
        return Ok(());
    };
    match &*name {
        "sent_at" => envelope.sent_at = Some(scalar(piece, text)),
        "batch.id" => envelope.id = Some(scalar(piece, text)),
        "key" => envelope.key = Some(scalar(piece, text)),
        "token" => envelope.token = Some(scalar(piece, text)),
        "lost" if piece.kind == Kind::Integer => {
            envelope.lost = piece.raw(text).parse().unwrap_or(0);
        }
        _ => {
            let defaults = envelope.defaults.get_or_insert_default();
            // one more than an event may have says that some were left out
            if name.len() <= shape.key && defaults.len() <= shape.fields {
                defaults.leaf(&name, piece);
            }
        }
    }
    Ok(())
}

fn scalar(piece: Piece, text: &str) -> Text<'_> {
    piece
        .string(text)
        .unwrap_or(Text::Borrowed(piece.raw(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        fields: 3,
        key: 20,
        depth: 8,
    };

    fn events(text: &str) -> Result<Vec<&str>, Unreadable> {
        frames(text, false, SHAPE).map(|frames| frames.events.into_vec())
    }

    #[test]
    fn bodies_are_told_apart() {
        let table: [(&str, &[&str]); 10] = [
            (r#"{"a":1}"#, &[r#"{"a":1}"#]),
            ("\u{feff}{\"a\":1}", &[r#"{"a":1}"#]),
            ("{\n\"a\": 1\n}\n", &["{\n\"a\": 1\n}\n"]),
            ("{\"a\":1}\n{\"b\":2}", &[r#"{"a":1}"#, r#"{"b":2}"#]),
            (
                "{\"a\":1}\r\n\r\n{bad\r\n{\"b\":\"events\"}\r\n",
                &[r#"{"a":1}"#, "{bad", r#"{"b":"events"}"#],
            ),
            (" [ {\"a\":1} , 2 ]", &[r#"{"a":1}"#, "2"]),
            ("[]", &[]),
            (
                r#"{"events":[{"a":1},{"b":2}]}"#,
                &[r#"{"a":1}"#, r#"{"b":2}"#],
            ),
            (r#"{"events":3}"#, &[r#"{"events":3}"#]),
            (r#"{"events":[]}"#, &[]),
        ];
        for (text, expected) in table {
            assert_eq!(events(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            frames("{}\n\n{}", true, SHAPE).map(|f| f.events.len()),
            Ok(2)
        );
    }

    #[test]
    fn what_is_no_json_is_refused_as_a_whole() {
        for text in [
            "",
            "hello",
            "42",
            "\"a\"",
            "[{\"a\":1},",
            "[1] 2",
            "{\"events\":[{]}",
        ] {
            assert!(events(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_batch_has_facts_of_its_own() {
        let text = r#"{"sent_at":"2025-01-01T00:00:00Z","batch.id":"b1","key":"pk","lost":2,
            "resource":{"service":{"name":"shop"}},"session.id":"s","deep":{"a":1},"events":[{"a":1}]}"#;
        let frames = frames(text, false, SHAPE).unwrap();
        let batch = frames.batch.unwrap();
        assert_eq!(batch.sent_at.as_deref(), Some("2025-01-01T00:00:00Z"));
        assert_eq!(
            (batch.id.as_deref(), batch.key.as_deref()),
            (Some("b1"), Some("pk"))
        );
        assert_eq!(batch.lost, 2);
        assert_eq!(batch.resource, Some(r#"{"service":{"name":"shop"}}"#));
        let defaults = batch.defaults.unwrap();
        let defaults: Vec<_> = defaults.iter().map(|(k, p)| (k, p.raw(text))).collect();
        assert_eq!(defaults, [("session.id", "s")]);
    }

    #[test]
    fn what_stands_around_events_is_bounded_and_the_last_of_a_name_counts() {
        let text = r#"{"a":1,"a":2,"a-name-that-is-too-long":1,"b":1,"c":1,"d":1,"e":1,"f":1,"events":[{}]}"#;
        let frames = frames(text, false, SHAPE).unwrap();
        let defaults = frames.batch.unwrap().defaults.unwrap();
        let defaults: Vec<_> = defaults.iter().map(|(k, p)| (k, p.raw(text))).collect();
        assert_eq!(defaults, [("a", "2"), ("b", "1"), ("c", "1"), ("d", "1")]);
    }
}
