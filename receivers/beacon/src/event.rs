//! One event: from an object of JSON to flat ECS paths with their values.

use semconv::flatten::{Enter, Leaves};

use crate::json::{Expected, Fault, Piece, Scanner, unescape};

/// Why an event is dropped while the rest of its request is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drop {
    /// No JSON, no object, or nothing in it.
    Parse,
    /// Nested too deep.
    Depth,
}

/// How large one event may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Fields after flattening.
    pub(crate) fields: usize,
    /// Bytes of a key.
    pub(crate) key: usize,
    /// Objects and arrays inside each other, the event included.
    pub(crate) depth: usize,
}

/// The fields of one event. Reused: it keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) leaves: Leaves<Piece>,
    /// Fields that were left out: too many, or with too long a name.
    pub(crate) left_out: u32,
    name: String,
    /// Whether a list of events outside all objects ends the reading.
    alone: bool,
}

impl Fields {
    /// Reads an event that must be all of `text`.
    pub(crate) fn read(&mut self, text: &str, shape: Shape) -> Result<(), Drop> {
        self.alone = false;
        self.read_all(text, shape)
    }

    /// Whether `text` is nothing but one event, which is read then. If not, it may still be several, a batch, or one
    /// that [`read`](Self::read) has something to say about.
    pub(crate) fn read_alone(&mut self, text: &str, shape: Shape) -> bool {
        self.alone = true;
        self.read_all(text, shape).is_ok()
    }

    fn read_all(&mut self, text: &str, shape: Shape) -> Result<(), Drop> {
        self.leaves.clear();
        self.left_out = 0;
        let mut scanner = Scanner::new(text);
        if scanner.peek() != b'{' {
            return Err(Drop::Parse);
        }
        match self.objects(&mut scanner, shape) {
            Ok(()) if scanner.at_end() && (!self.leaves.is_empty() || self.left_out > 0) => Ok(()),
            Ok(()) | Err(Fault::Syntax { .. }) => Err(Drop::Parse),
            Err(Fault::Depth) => Err(Drop::Depth),
        }
    }

    /// The object that begins here, with those in it.
    fn objects(&mut self, scanner: &mut Scanner<'_>, shape: Shape) -> Result<(), Fault> {
        let mut left = shape.depth;
        loop {
            left = left.checked_sub(1).ok_or(Fault::Depth)?;
            scanner.expect(b'{', Expected::Object)?;
            let mut more = !scanner.eat(b'}');
            loop {
                while !more {
                    left += 1;
                    if left >= shape.depth {
                        return Ok(());
                    }
                    self.leaves.leave();
                    more = scanner.next(b'}')?;
                }
                if self.member(scanner, shape, left)? == Member::Opens {
                    break;
                }
                more = scanner.next(b'}')?;
            }
        }
    }

    #[inline(always)]
    fn member(
        &mut self,
        scanner: &mut Scanner<'_>,
        shape: Shape,
        depth: usize,
    ) -> Result<Member, Fault> {
        let key = scanner.key()?;
        if key.escaped {
            self.member_with_escapes(scanner, key.text, shape, depth)
        } else {
            self.value(scanner, key.text, shape, depth)
        }
    }

    #[cold]
    fn member_with_escapes(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: &str,
        shape: Shape,
        depth: usize,
    ) -> Result<Member, Fault> {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        unescape(key, &mut name);
        let member = self.value(scanner, &name, shape, depth);
        self.name = name;
        member
    }

    #[inline(always)]
    fn value(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: &str,
        shape: Shape,
        depth: usize,
    ) -> Result<Member, Fault> {
        if key.len() > shape.key || self.leaves.len() >= shape.fields {
            if self.alone {
                // perhaps the events of a batch
                return Err(Fault::Depth);
            }
            if scanner.value(depth)?.is_some() {
                self.left_out += 1;
            }
            return Ok(Member::Done);
        }
        let piece = match scanner.peek() {
            b'"' => Some(scanner.string_piece()?),
            b'{' => match self.leaves.enter(key) {
                Enter::Object => return Ok(Member::Opens),
                Enter::Whole => {
                    self.whole(scanner, depth)?;
                    return Ok(Member::Done);
                }
            },
            b'[' if self.alone && key == "events" && depth + 1 == shape.depth => {
                return Err(Fault::Depth);
            }
            _ => scanner.value(depth)?,
        };
        if let Some(piece) = piece {
            self.leaves.leaf(key, piece);
        }
        Ok(Member::Done)
    }

    /// An object that is taken as one value.
    #[cold]
    fn whole(&mut self, scanner: &mut Scanner<'_>, depth: usize) -> Result<(), Fault> {
        match scanner.value(depth)? {
            Some(piece) => self.leaves.whole(piece),
            None => self.leaves.leave(),
        }
        Ok(())
    }
}

/// What was found under a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    /// A value, which was read.
    Done,
    /// An object whose members come next.
    Opens,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        fields: 6,
        key: 10,
        depth: 3,
    };

    fn read(text: &str) -> Result<Vec<(String, String)>, Drop> {
        let mut fields = Fields::default();
        fields.read(text, SHAPE)?;
        let pairs = fields.leaves.iter();
        Ok(pairs
            .map(|(path, piece)| (path.to_owned(), piece.raw(text).to_owned()))
            .collect())
    }

    fn pairs(list: &[(&str, &str)]) -> Result<Vec<(String, String)>, Drop> {
        let own = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
        Ok(list.iter().map(own).collect())
    }

    #[test]
    fn nested_and_dotted_names_are_the_same_and_the_flatter_wins() {
        assert_eq!(
            read(r#"{"error":{"code":"X"},"a":{"b":{"c":1}}}"#),
            pairs(&[("error.code", "X"), ("a.b.c", "1")])
        );
        assert_eq!(
            read(r#"{"error":{"code":"X"},"error.code":"Y"}"#),
            pairs(&[("error.code", "Y")])
        );
        assert_eq!(read(r#"{"a":1,"a":2}"#), pairs(&[("a", "2")]));
        assert_eq!(
            read(r#"{"a":1,"a.b":2}"#),
            pairs(&[("a", "1"), ("a.b", "2")])
        );
        assert_eq!(read(r#"{"\u0061":1}"#), pairs(&[("a", "1")]));
    }

    #[test]
    fn values_that_are_taken_whole_are_not_flattened() {
        assert_eq!(
            read(r#"{"message":{"any":"thing"}}"#),
            pairs(&[("message", r#"{"any":"thing"}"#)])
        );
    }

    #[test]
    fn a_batch_is_no_event_alone() {
        let mut fields = Fields::default();
        let mut alone = |text: &str| fields.read_alone(text, SHAPE);
        assert!(alone(r#"{"a":{"events":[1]},"events":2}"#));
        assert!(alone(" {\n\"a\": 1\n}\n"));
        for text in [
            r#"{"a":1,"events":[{"a":1}]}"#,
            r#"{"\u0065vents":[{"a":1}]}"#,
            r#"{"events":[]}"#,
            r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"events":[{"a":1}]}"#,
            "{\"a\":1}\n{\"a\":1}",
            r#"[{"a":1}]"#,
            "{}",
        ] {
            assert!(!alone(text), "{text}");
        }
    }

    #[test]
    fn nothing_is_no_event() {
        for text in [
            "{}",
            r#"{"a":null,"b":[],"c":{"d":[null]}}"#,
            "1",
            "[]",
            "",
            "null",
        ] {
            assert_eq!(read(text), Err(Drop::Parse), "{text}");
        }
    }

    #[test]
    fn fields_beyond_the_limits_are_left_out_and_depth_drops_the_event() {
        let mut fields = Fields::default();
        let text = r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":null}"#;
        assert_eq!(fields.read(text, SHAPE), Ok(()));
        assert_eq!((fields.leaves.len(), fields.left_out), (6, 1));
        assert_eq!(fields.read(r#"{"a name that is long":1}"#, SHAPE), Ok(()));
        assert_eq!((fields.leaves.len(), fields.left_out), (0, 1));
        assert_eq!(
            fields.read(r#"{"a":{"b":{"c":{}}}}"#, SHAPE),
            Err(Drop::Depth)
        );
        assert_eq!(fields.read(r#"{"a":[[[1]]]}"#, SHAPE), Err(Drop::Depth));
    }
}
