use crate::wire::{Field, Fields, WireType, one_byte_key, text};

/// The keys on the wire of `KeyValue.key`, `KeyValue.value` and
/// `AnyValue.string_value`.
const KEY: u8 = one_byte_key(1, WireType::Len);
const VALUE: u8 = one_byte_key(2, WireType::Len);
const STRING: u8 = one_byte_key(1, WireType::Len);
/// Those of the other plain members of `AnyValue`.
const BOOL: u8 = one_byte_key(2, WireType::Varint);
const INT: u8 = one_byte_key(3, WireType::Varint);
const DOUBLE: u8 = one_byte_key(4, WireType::Fixed64);

/// An attribute: a key with its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyValue<'a> {
    /// The key; empty when the sender left it out.
    pub key: &'a str,
    /// The value; [`Value::Empty`] when the sender left it out.
    pub value: Value<'a>,
}

/// A value of an attribute or a body, borrowed from the payload.
///
/// Arrays and maps stay encoded until they are iterated. Two of them are equal
/// when their members are, in order; doubles compare by their bits.
#[derive(Clone, Copy, Debug, Default)]
pub enum Value<'a> {
    /// Present but without content; also what a reference into the string table
    /// of the profiles signal reads as, because no other signal has that table.
    #[default]
    Empty,
    /// Text.
    String(&'a str),
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating point number, NaN and infinities included.
    Double(f64),
    /// Opaque bytes.
    Bytes(&'a [u8]),
    /// A list of values.
    Array(Values<'a>),
    /// A list of keys and values; keys may repeat.
    Map(Attributes<'a>),
}

impl<'a> Value<'a> {
    /// The value in the bytes of an `AnyValue`.
    #[inline]
    pub(crate) fn decode(any_value: &'a [u8]) -> Value<'a> {
        // Nearly all are a short text and nothing else.
        match any_value {
            [STRING, len @ ..0x80, content @ ..] if usize::from(*len) == content.len() => {
                Value::String(text(content))
            }
            _ => Value::decode_any(any_value),
        }
    }

    fn decode_any(any_value: &'a [u8]) -> Value<'a> {
        let mut value = Value::Empty;
        for field in Fields::new(any_value) {
            match field.number {
                1 => value = Value::String(field.str()),
                2 => value = Value::Bool(field.bool()),
                3 => value = Value::Int(field.i64()),
                4 => value = Value::Double(field.double()),
                5 => {
                    value = Value::Array(Values {
                        rest: field.bytes(),
                    })
                }
                6 => value = Value::Map(Attributes::new(field.bytes(), 1)),
                7 => value = Value::Bytes(field.bytes()),
                _ => {}
            }
        }
        value
    }

    /// An array, from the content of a valid `ArrayValue`.
    pub(crate) const fn array(array_value: &'a [u8]) -> Value<'a> {
        Value::Array(Values { rest: array_value })
    }

    /// The text, if it is text.
    #[inline]
    pub const fn as_str(&self) -> Option<&'a str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What it is.
    #[inline]
    pub const fn kind(&self) -> ValueKind {
        match self {
            Value::String(_) => ValueKind::String,
            Value::Bool(_) => ValueKind::Bool,
            Value::Int(_) => ValueKind::Int,
            Value::Double(_) => ValueKind::Double,
            Value::Bytes(_) => ValueKind::Bytes,
            Value::Array(_) => ValueKind::Array,
            Value::Map(_) => ValueKind::Map,
            Value::Empty => ValueKind::Empty,
        }
    }

    /// Whether it has no content.
    pub const fn is_empty(&self) -> bool {
        matches!(self, Value::Empty)
    }
}

/// What a [`Value`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// [`Value::String`]
    String,
    /// [`Value::Bool`]
    Bool,
    /// [`Value::Int`]
    Int,
    /// [`Value::Double`]
    Double,
    /// [`Value::Bytes`]
    Bytes,
    /// [`Value::Array`]
    Array,
    /// [`Value::Map`]
    Map,
    /// [`Value::Empty`]
    Empty,
}

/// A value that nobody looked into yet.
#[derive(Clone, Copy, Debug)]
pub struct EncodedValue<'a>(&'a [u8]);

impl<'a> EncodedValue<'a> {
    /// The content of an `AnyValue`.
    #[inline(always)]
    pub(crate) const fn new(any_value: &'a [u8]) -> Self {
        EncodedValue(any_value)
    }

    /// What it is. Cheaper than to decode it.
    #[inline]
    pub fn kind(&self) -> ValueKind {
        match *self.0 {
            [STRING, len @ ..0x80, ref content @ ..] if usize::from(len) == content.len() => {
                ValueKind::String
            }
            [INT, ref more @ .., ..0x80] if more.len() < 10 && more.iter().all(|b| *b >= 0x80) => {
                ValueKind::Int
            }
            [BOOL, ..0x80] => ValueKind::Bool,
            [DOUBLE, _, _, _, _, _, _, _, _] => ValueKind::Double,
            _ => self.decode().kind(),
        }
    }

    /// The value.
    #[inline]
    pub fn decode(&self) -> Value<'a> {
        Value::decode(self.0)
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Empty, Value::Empty) => true,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a.eq(*b),
            (Value::Map(a), Value::Map(b)) => a.eq(*b),
            _ => false,
        }
    }
}

/// The members of an array value, in order.
#[derive(Clone, Copy, Default)]
pub struct Values<'a> {
    /// The not yet visited rest of an `ArrayValue`.
    rest: &'a [u8],
}

impl<'a> Values<'a> {
    /// The encoded members (and unknown fields) that were not yet visited: the
    /// content of an `ArrayValue`.
    pub(crate) const fn encoded(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        next_field(&mut self.rest, 1).map(|field| Value::decode(field.bytes()))
    }
}

impl std::fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The attributes of something, or the members of a map value, in order.
///
/// Copying it is copying a position: iterate a copy to start again.
#[derive(Clone, Copy, Default)]
pub struct Attributes<'a> {
    /// The not yet visited rest of the message that holds them.
    rest: &'a [u8],
    /// The field number of the attributes in that message.
    number: u32,
}

impl<'a> Attributes<'a> {
    /// The attributes in field `number` of a message; other fields are passed
    /// over.
    #[inline(always)]
    pub(crate) const fn new(message: &'a [u8], number: u32) -> Self {
        Attributes {
            rest: message,
            number,
        }
    }

    /// The first value of this key among those not yet visited.
    #[inline]
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let mut rest = self.rest;
        while let Some(field) = next_field(&mut rest, self.number) {
            let encoded = field.bytes();
            if key_bytes(encoded) == key.as_bytes() {
                return Some(key_value(encoded).value);
            }
        }
        None
    }

    /// The encoded message content that was not yet visited, in which the
    /// attributes are field [`number`](Self::number).
    pub(crate) const fn encoded(&self) -> &'a [u8] {
        self.rest
    }

    /// The field number of the attributes in [`encoded`](Self::encoded).
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = KeyValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<KeyValue<'a>> {
        next_field(&mut self.rest, self.number).map(|field| key_value(field.bytes()))
    }
}

impl std::fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries((*self).map(|kv| (kv.key, kv.value)))
            .finish()
    }
}

/// The next field of this number; `rest` becomes what follows it.
#[inline(always)]
pub(crate) fn next_field<'a>(rest: &mut &'a [u8], number: u32) -> Option<Field<'a>> {
    let mut fields = Fields::new(rest);
    let found = loop {
        match fields.next() {
            Some(field) if field.number != number => {}
            found => break found,
        }
    };
    *rest = rest.get(fields.pos()..).unwrap_or_default();
    found
}

/// The key in the bytes of a `KeyValue`, not looked at as text.
#[inline]
fn key_bytes(encoded: &[u8]) -> &[u8] {
    parts(encoded).0
}

/// The attribute in the bytes of a `KeyValue`.
#[inline]
fn key_value(encoded: &[u8]) -> KeyValue<'_> {
    let (key, value) = parts(encoded);
    KeyValue {
        key: text(key),
        value: Value::decode(value),
    }
}

/// The encoded key and value in the bytes of a `KeyValue`.
#[inline(always)]
fn parts(encoded: &[u8]) -> (&[u8], &[u8]) {
    // Nearly all are a short key, then a short value, then nothing.
    if let [KEY, key_len @ ..0x80, rest @ ..] = encoded
        && let Some((key, [VALUE, len @ ..0x80, value @ ..])) =
            rest.split_at_checked(usize::from(*key_len))
        && usize::from(*len) == value.len()
    {
        return (key, value);
    }
    parts_of_any(encoded)
}

fn parts_of_any(encoded: &[u8]) -> (&[u8], &[u8]) {
    let mut key: &[u8] = &[];
    let mut value: &[u8] = &[];
    for field in Fields::new(encoded) {
        match field.number {
            1 => key = field.bytes(),
            2 => value = field.bytes(),
            _ => {}
        }
    }
    (key, value)
}
