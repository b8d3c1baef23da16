//! What the objects of OTLP/JSON look like: which key is which field of which
//! protobuf message.
//!
//! Tables instead of code, so that the reader has each rule in one place. The
//! fields stand in the order in which upstream and the SDKs write them; a
//! lookup starts behind the last field found, so it mostly hits at once.

mod common;
mod logs;
mod metrics;
mod traces;

pub(super) use common::ANY_VALUE;
pub(super) use logs::LOGS;
pub(super) use metrics::METRICS;
pub(super) use traces::TRACES;

/// An object, and the message that it becomes.
#[derive(Debug)]
pub(super) struct Shape {
    /// What an error expects in its place.
    pub(super) expected: &'static str,
    pub(super) fields: &'static [Field],
    /// Whether each of them is counted: log records, spans, data points.
    pub(super) counted: bool,
    /// Whether it nests in itself: values.
    pub(super) nests: bool,
    /// How many bytes its length will probably need.
    pub(super) width: usize,
}

/// A member of an object, and the field that it becomes.
#[derive(Debug)]
pub(super) struct Field {
    /// The key that the specification demands.
    pub(super) name: &'static str,
    /// The same as it mostly stands in a text.
    pub(super) key: Key,
    /// The name in the `.proto` file, which upstream accepts too.
    pub(super) snake: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
    /// Whether a default is written: members of a `oneof`, `optional` fields.
    pub(super) explicit: bool,
    /// The index of the first member of the `oneof` it belongs to.
    pub(super) one_of: Option<u8>,
}

/// More fields than this has no message of OTLP.
pub(super) const MAX_FIELDS: usize = 16;

/// The names of an enumeration; the number of each is its index.
#[derive(Debug)]
pub(super) struct Names {
    /// What an error expects.
    pub(super) expected: &'static str,
    pub(super) names: &'static [&'static str],
}

/// How many fields are tried for a key before it is looked at as a string: senders leave out some,
/// and the first four members of a value are nearly all there are.
const GUESSES: usize = 4;

/// A key with its quotes and colon, to be compared without looking for its end.
#[derive(Debug)]
pub(super) struct Key {
    words: [u64; 4],
    /// All ones where the key has a byte.
    mask: [u64; 4],
    length: u8,
}

impl Key {
    const fn new(name: &str) -> Key {
        let name = name.as_bytes();
        let mut bytes = [0; 32];
        let mut mask = [0; 32];
        bytes[0] = b'"';
        let mut at = 0;
        while at < name.len() {
            bytes[at + 1] = name[at];
            at += 1;
        }
        bytes[at + 1] = b'"';
        bytes[at + 2] = b':';
        let length = at + 3;
        at = 0;
        while at < length {
            mask[at] = 0xff;
            at += 1;
        }
        Key {
            words: words(&bytes),
            mask: words(&mask),
            length: length as u8,
        }
    }

    /// Whether a text starts with it.
    #[inline]
    fn starts(&self, text: &[u8; 32]) -> bool {
        let [a, b, c, d] = words(text);
        let [key_a, key_b, key_c, key_d] = self.words;
        let [mask_a, mask_b, mask_c, mask_d] = self.mask;
        let first = (a ^ key_a) & mask_a | (b ^ key_b) & mask_b;
        let second = (c ^ key_c) & mask_c | (d ^ key_d) & mask_d;
        first | second == 0
    }
}

#[inline]
const fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks::<8>();
    [
        u64::from_le_bytes(words[0]),
        u64::from_le_bytes(words[1]),
        u64::from_le_bytes(words[2]),
        u64::from_le_bytes(words[3]),
    ]
}

/// How the value of a member is written, in JSON and on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    String,
    Strings,
    Bool,
    /// Base64.
    Bytes,
    /// Hex digits of so many bytes, or empty.
    Id(usize),
    Uint32,
    Fixed32,
    Sint32,
    Int64,
    Fixed64,
    Sfixed64,
    Double,
    /// A number, or one of the names.
    Enum(&'static Names),
    /// Packed lists of numbers.
    Fixed64s,
    Uint64s,
    Doubles,
    Object(&'static Shape),
    Objects(&'static Shape),
    /// The elements of an array value: there, `null` keeps its place.
    Values,
}

impl Kind {
    /// Whether it is a repeated field.
    #[inline]
    pub(super) const fn is_list(self) -> bool {
        use Kind::{Doubles, Fixed64s, Objects, Strings, Uint64s, Values};
        matches!(
            self,
            Objects(_) | Values | Strings | Fixed64s | Uint64s | Doubles
        )
    }
}

impl Shape {
    const fn new(expected: &'static str, width: usize, fields: &'static [Field]) -> Shape {
        Shape {
            expected,
            fields,
            counted: false,
            nests: false,
            width,
        }
    }

    const fn nests(self) -> Shape {
        Shape {
            nests: true,
            ..self
        }
    }

    const fn counted(self) -> Shape {
        Shape {
            counted: true,
            ..self
        }
    }

    /// The index of the field with this key.
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        self.fields.iter().position(|field| field.is(key))
    }

    /// The index of the field whose key starts here, and the length of the key with its quotes and
    /// colon, if it is one of those that probably come after the field before `next`.
    #[inline]
    pub(super) fn guess(&self, text: &[u8], next: usize) -> Option<(usize, usize)> {
        let text = text.first_chunk()?;
        let likely = self.fields.get(next..)?.iter().take(GUESSES);
        let index = likely
            .into_iter()
            .position(|field| field.key.starts(text))?
            + next;
        Some((index, usize::from(self.fields[index].key.length)))
    }
}

impl Field {
    fn is(&self, key: &[u8]) -> bool {
        self.name.as_bytes() == key || self.snake.as_bytes() == key
    }

    /// A field of which a default is left out.
    const fn new(name: &'static str, snake: &'static str, number: u32, kind: Kind) -> Field {
        Field {
            name,
            key: Key::new(name),
            snake,
            number,
            kind,
            explicit: false,
            one_of: None,
        }
    }

    /// A field whose key is a single word.
    const fn word(name: &'static str, number: u32, kind: Kind) -> Field {
        Field::new(name, name, number, kind)
    }

    /// A field of which a default is written.
    const fn explicit(self) -> Field {
        Field {
            explicit: true,
            ..self
        }
    }

    /// A member of a `oneof`, whose first member has the index `first`.
    const fn one_of(self, first: u8) -> Field {
        Field {
            explicit: true,
            one_of: Some(first),
            ..self
        }
    }
}
