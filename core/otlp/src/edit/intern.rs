//! Equal resources and scopes, found again.

use std::collections::HashMap;

use super::arena::Arena;
use crate::wire::{Fields, put_bytes, put_varint};
use crate::write::value::put_value_content;
use crate::{Attributes, Value};

/// More than most resources and scopes take.
const PROBE: usize = 256;

/// Numbers for messages with attributes, the same for equal ones.
///
/// Two are equal when their attributes are the same set (the order of keys does
/// not matter, also inside maps; that of array members does), and their other
/// fields and the schema's URL are the same bytes.
#[derive(Debug)]
pub(super) struct Interner<'a> {
    /// The field number of the attributes.
    attributes: u32,
    /// The first one, and where its content starts. It gets into the maps when
    /// a second one comes: a payload of one origin needs none.
    first: Option<(&'a [u8], usize)>,
    /// By the bytes as they are, which settles almost all of them, ...
    exact: HashMap<&'a [u8], usize>,
    /// ... and by their sorted form.
    sorted: HashMap<&'a [u8], usize>,
    /// What was asked last, and its number: records of one origin come in rows.
    last: Option<(Vec<u8>, usize)>,
    probe: Vec<u8>,
    count: usize,
}

/// A number, and the content of the message if it is new.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interned<'a> {
    pub(super) number: usize,
    pub(super) new: Option<&'a [u8]>,
}

impl<'a> Interner<'a> {
    pub(super) fn new(attributes: u32) -> Self {
        Interner {
            attributes,
            first: None,
            exact: HashMap::new(),
            sorted: HashMap::new(),
            last: None,
            probe: Vec::with_capacity(PROBE),
            count: 0,
        }
    }

    /// The number of the message that `write` appends. Messages `below` different
    /// things are different.
    pub(super) fn intern(
        &mut self,
        arena: &'a Arena,
        below: usize,
        schema_url: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Interned<'a> {
        self.probe.clear();
        put_varint(&mut self.probe, below as u64);
        put_bytes(&mut self.probe, 1, schema_url);
        let content = self.probe.len();
        write(&mut self.probe);
        if let Some((last, number)) = &self.last
            && *last == self.probe
        {
            return Interned {
                number: *number,
                new: None,
            };
        }
        let found = if self.count == 0 {
            self.intern_first(arena, content)
        } else {
            self.intern_another(arena, content)
        };
        let (last, number) = self.last.get_or_insert_default();
        std::mem::swap(last, &mut self.probe);
        *number = found.number;
        found
    }

    fn intern_first(&mut self, arena: &'a Arena, content: usize) -> Interned<'a> {
        let exact = arena.bytes(&self.probe);
        self.first = Some((exact, content));
        self.count = 1;
        Interned {
            number: 0,
            new: exact.get(content..),
        }
    }

    fn intern_another(&mut self, arena: &'a Arena, content: usize) -> Interned<'a> {
        if let Some((exact, content)) = self.first.take() {
            self.intern_sorted(arena, exact, content, 0);
        }
        if let Some(&number) = self.exact.get(self.probe.as_slice()) {
            return Interned { number, new: None };
        }
        let exact = arena.bytes(&self.probe);
        let next = self.count;
        let number = self.intern_sorted(arena, exact, content, next);
        let new = number == next;
        self.count += usize::from(new);
        Interned {
            number,
            new: if new { exact.get(content..) } else { None },
        }
    }

    /// The number of what is equal to these bytes but for the order of keys, else `next`.
    fn intern_sorted(
        &mut self,
        arena: &'a Arena,
        exact: &'a [u8],
        content: usize,
        next: usize,
    ) -> usize {
        let (before, message) = exact.split_at_checked(content).unwrap_or_default();
        let sorted = arena.encode(|out| {
            out.extend_from_slice(before);
            put_sorted_message(out, message, self.attributes);
        });
        let number = *self.sorted.entry(sorted).or_insert(next);
        self.exact.insert(exact, number);
        number
    }
}

/// Appends the sorted attributes of a message, then its other fields.
fn put_sorted_message(out: &mut Vec<u8>, message: &[u8], number: u32) {
    put_sorted(out, Attributes::new(message, number));
    for field in Fields::new(message).filter(|field| field.number != number) {
        out.extend_from_slice(message.get(field.start..field.end).unwrap_or_default());
    }
}

/// Appends attributes in the order of their encoded sorted form.
fn put_sorted(out: &mut Vec<u8>, attributes: Attributes<'_>) {
    let mut pairs: Vec<Vec<u8>> = attributes
        .map(|pair| {
            let mut encoded = Vec::new();
            put_bytes(&mut encoded, 1, pair.key.as_bytes());
            put_sorted_value(&mut encoded, pair.value);
            encoded
        })
        .collect();
    pairs.sort_unstable();
    put_varint(out, pairs.len() as u64);
    for pair in pairs {
        put_bytes(out, 1, &pair);
    }
}

/// Appends a value with all maps in it sorted. Depth is bounded by validation.
fn put_sorted_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Map(pairs) => {
            out.push(b'm');
            put_sorted(out, pairs);
        }
        Value::Array(values) => {
            out.push(b'a');
            for value in values {
                let mut member = Vec::new();
                put_sorted_value(&mut member, value);
                put_bytes(out, 1, &member);
            }
        }
        other => {
            out.push(b'v');
            put_value_content(out, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::nest::{close, open};
    use crate::write::value::put_key_value;

    type Write<'w> = &'w dyn Fn(&mut Vec<u8>);

    fn numbers(messages: &[Write<'_>]) -> Vec<usize> {
        let arena = Arena::default();
        let mut interner = Interner::new(1);
        messages
            .iter()
            .map(|write| interner.intern(&arena, 0, b"", write).number)
            .collect()
    }

    fn pair(key: &'static str, value: Value<'static>) -> impl Fn(&mut Vec<u8>) {
        move |out| put_key_value(out, 1, key, value)
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let (a, b) = (pair("a", Value::Int(1)), pair("b", Value::Int(2)));
        let ab = |out: &mut Vec<u8>| (a(out), b(out)).0;
        let ba = |out: &mut Vec<u8>| (b(out), a(out)).0;
        assert_eq!(numbers(&[&ab, &a, &ba, &ab, &b, &a]), [0, 1, 0, 0, 2, 1]);
    }

    #[test]
    fn the_order_inside_maps_does_not_matter_but_that_of_arrays_does() {
        let arena = Arena::default();
        let nested = |map: bool, turned: bool| {
            let arena = &arena;
            move |out: &mut Vec<u8>| {
                let (one, two) = if turned { (2, 1) } else { (1, 2) };
                let value = arena.build(|v| {
                    if map {
                        v.map(|m| {
                            m.attribute(if turned { "y" } else { "x" }, Value::Int(one));
                            m.attribute(if turned { "x" } else { "y" }, Value::Int(two));
                        });
                    } else {
                        v.array(|a| {
                            a.push(Value::Int(one));
                            a.push(Value::Int(two));
                        });
                    }
                });
                put_key_value(out, 1, "k", value);
            }
        };
        let all = [
            nested(true, false),
            nested(true, true),
            nested(false, false),
            nested(false, true),
        ];
        let all: Vec<Write<'_>> = all.iter().map(|f| f as _).collect();
        assert_eq!(numbers(&all), [0, 0, 1, 2]);
    }

    #[test]
    fn types_other_fields_and_surroundings_tell_apart() {
        let int = pair("a", Value::Int(1));
        let text = pair("a", Value::String("1"));
        let with_count = |out: &mut Vec<u8>| {
            int(out);
            crate::wire::put_uint(out, 2, 7);
        };
        let with_other = |out: &mut Vec<u8>| {
            int(out);
            let other = open(out, 3, 1);
            close(out, other);
        };
        assert_eq!(
            numbers(&[&int, &text, &with_count, &with_other]),
            [0, 1, 2, 3]
        );
        let arena = Arena::default();
        let mut interner = Interner::new(1);
        let mut ask = |below, url| interner.intern(&arena, below, url, &int).number;
        assert_eq!(
            [ask(0, b"" as &[u8]), ask(1, b""), ask(0, b"u"), ask(1, b"")],
            [0, 1, 2, 1]
        );
    }
}
