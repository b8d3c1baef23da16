//! Reading JSON where it stands: tokens are ranges of the text, nothing is built.
//!
//! The text is UTF-8 already, so a slice between two ASCII characters is a
//! text too. Recursion is bounded; what is only stepped over needs none.

mod marks;
mod scan;
mod text;
mod write;

pub(crate) use scan::{Expected, Fault, Scanner};
pub(crate) use text::{Text, unescape, unescape_all};
pub(crate) use write::{Attributed, Limits, Writing, cut};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string without escapes; the range is what is between the quotes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// A number without point and exponent.
    Integer,
    /// Any other number.
    Double,
    True,
    False,
    /// An array or object with something in it.
    Nested,
}

/// A value that is not null and not empty: what it is, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    start: u32,
    end: u32,
}

impl Piece {
    pub(crate) fn new(kind: Kind, start: usize, end: usize) -> Piece {
        Piece {
            kind,
            start: start as u32,
            end: end as u32,
        }
    }

    /// The value as it stands in `text`, the text it was read from.
    pub(crate) fn raw<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The text of a string, NULs and surrogates without their half replaced.
    pub(crate) fn string<'t>(&self, text: &'t str) -> Option<Text<'t>> {
        match self.kind {
            Kind::Plain => Some(Text::Borrowed(self.raw(text))),
            Kind::Escaped => {
                let mut out = String::new();
                unescape(self.raw(text), &mut out);
                Some(Text::Owned(out))
            }
            _ => None,
        }
    }
}

/// Longer texts cannot be read: ranges are 32 bits wide.
pub(crate) const MAX_TEXT: usize = 1 << 31;
