//! Dictionaries of structured fields (RFC 9651), as media players write them.

use std::borrow::Cow;

use crate::frames::Unreadable;

/// Items of a list, parameters of all its items together, and bytes of a key. What RFC 9651
/// asks of a reader, or more, but for parameters of different items of a list.
const MOST: usize = 256;

type Result<T> = std::result::Result<T, Unreadable>;

/// A value without its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item<'t> {
    /// Also a date: seconds since 1970.
    Integer(i64),
    Decimal(f64),
    Boolean(bool),
    /// A string, a token, or a byte sequence in base64.
    Text(Cow<'t, str>),
}

pub(super) type Parameters<'t> = Vec<(&'t str, Item<'t>)>;

/// An item with its parameters.
#[derive(Debug, PartialEq)]
pub(super) struct Element<'t> {
    pub(super) item: Item<'t>,
    pub(super) parameters: Parameters<'t>,
}

/// A key with what belongs to it.
#[derive(Debug, PartialEq)]
pub(super) struct Member<'t> {
    pub(super) key: &'t str,
    /// One, unless it is a list.
    pub(super) elements: Vec<Element<'t>>,
    pub(super) is_list: bool,
    /// Of the list itself.
    pub(super) parameters: Parameters<'t>,
}

/// Reads a line member by member.
pub(super) struct Dictionary<'t> {
    text: &'t str,
    pos: usize,
    /// How many the member has that is being read.
    parameters: usize,
}

impl<'t> Dictionary<'t> {
    pub(super) fn new(text: &'t str) -> Dictionary<'t> {
        Dictionary {
            text,
            pos: 0,
            parameters: 0,
        }
    }

    /// The next member; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Member<'t>>> {
        let is_first = self.pos == 0;
        self.blanks();
        if !is_first {
            if self.pos == self.text.len() {
                return Ok(None);
            }
            self.expect(b',', "',' between two keys")?;
            self.blanks();
        }
        self.member().map(Some)
    }

    fn member(&mut self) -> Result<Member<'t>> {
        self.parameters = 0;
        let key = self.key()?;
        let mut member = Member {
            key,
            elements: Vec::new(),
            is_list: false,
            parameters: Vec::new(),
        };
        if !self.eat(b'=') {
            let item = Item::Boolean(true);
            let parameters = self.parameters()?;
            member.elements.push(Element { item, parameters });
        } else if self.eat(b'(') {
            member.is_list = true;
            member.elements = self.list()?;
            member.parameters = self.parameters()?;
        } else {
            member.elements.push(self.element()?);
        }
        Ok(member)
    }

    fn list(&mut self) -> Result<Vec<Element<'t>>> {
        let mut elements = Vec::new();
        loop {
            self.spaces();
            if self.eat(b')') {
                return Ok(elements);
            }
            if elements.len() == MOST {
                return Err(self.fault("at most 256 items in a list"));
            }
            elements.push(self.element()?);
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return Err(self.fault("' ' or ')' behind an item of a list"));
            }
        }
    }

    fn element(&mut self) -> Result<Element<'t>> {
        let item = self.item()?;
        let parameters = self.parameters()?;
        Ok(Element { item, parameters })
    }

    fn parameters(&mut self) -> Result<Parameters<'t>> {
        let mut parameters = Vec::new();
        while self.eat(b';') {
            self.spaces();
            if self.parameters == MOST {
                return Err(self.fault("at most 256 parameters"));
            }
            self.parameters += 1;
            let key = self.key()?;
            let value = match self.eat(b'=') {
                true => self.item()?,
                false => Item::Boolean(true),
            };
            parameters.push((key, value));
        }
        Ok(parameters)
    }

    /// With capitals, which structured fields do not know and CMCD's own examples have.
    fn key(&mut self) -> Result<&'t str> {
        let starts = |byte: u8| byte.is_ascii_alphabetic() || byte == b'*';
        if !self.peek().is_some_and(starts) {
            return Err(self.fault("a key"));
        }
        let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.*".contains(&byte);
        let key = self.run(goes_on);
        if key.len() > MOST {
            return Err(self.fault("a key of at most 256 bytes"));
        }
        Ok(key)
    }

    fn item(&mut self) -> Result<Item<'t>> {
        match self.peek() {
            Some(b'"') => self.string().map(Item::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'?') => self.boolean(),
            Some(b'*' | b'a'..=b'z' | b'A'..=b'Z') => {
                let part =
                    |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte);
                Ok(Item::Text(self.run(part).into()))
            }
            Some(b':') => self.bytes(),
            Some(b'@') => {
                self.pos += 1;
                match self.number()? {
                    Item::Integer(seconds) => Ok(Item::Integer(seconds)),
                    _ => Err(self.fault("whole seconds behind '@'")),
                }
            }
            Some(b'%') => self.display_string(),
            _ => Err(self.fault("a value")),
        }
    }

    /// More than ASCII is taken too, since players do not keep to it.
    fn string(&mut self) -> Result<Cow<'t, str>> {
        self.expect(b'"', "'\"'")?;
        let mut whole = Cow::Borrowed("");
        loop {
            let plain = self.run(|byte| !byte.is_ascii_control() && !b"\"\\".contains(&byte));
            if whole.is_empty() {
                whole = Cow::Borrowed(plain);
            } else {
                whole.to_mut().push_str(plain);
            }
            let escaped = match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(whole);
                }
                Some(b'\\') => self.text.as_bytes().get(self.pos + 1),
                _ => return Err(self.fault("the closing quote of a string")),
            };
            match escaped {
                Some(byte @ (b'"' | b'\\')) => whole.to_mut().push(char::from(*byte)),
                _ => return Err(self.fault("'\\\"' or '\\\\'")),
            }
            self.pos += 2;
        }
    }

    /// Integers of 64 bits and decimals of any precision, where the RFC has fewer digits:
    /// not all players round.
    fn number(&mut self) -> Result<Item<'t>> {
        let start = self.pos;
        self.eat(b'-');
        let whole = self.run(|byte| byte.is_ascii_digit()).len();
        if whole == 0 {
            return Err(self.fault("a digit"));
        }
        let is_decimal = self.eat(b'.');
        if is_decimal && self.run(|byte| byte.is_ascii_digit()).is_empty() {
            return Err(self.fault("a digit behind the point"));
        }
        let text = self.text.get(start..self.pos).unwrap_or_default();
        let number = if is_decimal {
            text.parse().ok().map(Item::Decimal).filter(|_| whole <= 15)
        } else {
            text.parse().ok().map(Item::Integer)
        };
        number.ok_or_else(|| self.fault("a smaller number"))
    }

    fn boolean(&mut self) -> Result<Item<'t>> {
        self.pos += 1;
        let is_true = self.eat(b'1');
        if is_true || self.eat(b'0') {
            return Ok(Item::Boolean(is_true));
        }
        Err(self.fault("'?0' or '?1'"))
    }

    fn bytes(&mut self) -> Result<Item<'t>> {
        self.pos += 1;
        let base64 = self.run(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        self.expect(b':', "':' behind base64")?;
        Ok(Item::Text(base64.into()))
    }

    /// `%"f%c3%bc"`
    fn display_string(&mut self) -> Result<Item<'t>> {
        self.pos += 1;
        self.expect(b'"', "'\"' behind '%'")?;
        let text = self.run(|byte| !byte.is_ascii_control() && byte != b'"');
        self.expect(b'"', "the closing quote of a string")?;
        Ok(Item::Text(crate::wire::percent_decoded(text)))
    }

    fn run(&mut self, part: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let end = rest.bytes().position(|byte| !part(byte));
        let run = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.pos += run.len();
        run
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_it = self.peek() == Some(byte);
        self.pos += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.eat(byte) {
            return Ok(());
        }
        Err(self.fault(expected))
    }

    fn spaces(&mut self) {
        self.run(|byte| byte == b' ');
    }

    fn blanks(&mut self) {
        self.run(|byte| byte == b' ' || byte == b'\t');
    }

    #[cold]
    fn fault(&self, expected: &'static str) -> Unreadable {
        let at = self.pos;
        Unreadable { at, expected }
    }
}

#[cfg(test)]
mod tests;
