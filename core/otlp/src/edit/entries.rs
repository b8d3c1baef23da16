//! The attributes of one message: an index of what is on the wire, and what
//! changed.

use super::arena::Arena;
use crate::wire::{Fields, bytes_len, put_bytes, put_len, text};
use crate::{EncodedValue, KeyValue, Value};

/// What happened to one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Still as it is on the wire.
    Same,
    /// To be written anew, in its old place; added ones stand behind all others.
    Changed,
    /// Removed.
    Gone,
}

/// One attribute: 64 bytes, a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Most of the key in one word, so that a search rarely compares bytes.
    print: u64,
    key: &'a [u8],
    /// The content of the `AnyValue`; `None` when the sender left it out.
    value: Option<&'a [u8]>,
    /// Where the field is, its key and length included, in the message around it.
    start: usize,
    end: usize,
    state: State,
}

impl<'a> Entry<'a> {
    #[inline(always)]
    fn is(&self, print: u64, key: &[u8]) -> bool {
        self.print == print && self.state != State::Gone && self.key == key
    }

    #[inline]
    pub(super) fn value(&self) -> Value<'a> {
        Value::decode(self.value.unwrap_or_default())
    }

    #[inline]
    pub(super) fn key_value(&self) -> KeyValue<'a> {
        KeyValue {
            key: text(self.key),
            value: self.value(),
        }
    }

    /// Appends the `KeyValue` as field `number`.
    #[inline]
    fn write(&self, out: &mut Vec<u8>, number: u32) {
        if let Some(value) = self.value
            && number < 16
            && let 1..0x80 = self.key.len()
            && value.len() < 0x80
            && let len = self.key.len() + value.len() + 4
            && len < 0x80
        {
            // All lengths are one byte.
            let key = [
                (number << 3 | 2) as u8,
                len as u8,
                0x0a,
                self.key.len() as u8,
            ];
            out.reserve(len + 2);
            out.extend_from_slice(&key);
            out.extend_from_slice(self.key);
            out.extend_from_slice(&[0x12, value.len() as u8]);
            out.extend_from_slice(value);
        } else {
            self.write_long(out, number);
        }
    }

    #[inline(never)]
    fn write_long(&self, out: &mut Vec<u8>, number: u32) {
        let mut len = 0;
        if !self.key.is_empty() {
            len += bytes_len(1, self.key.len());
        }
        if let Some(value) = self.value {
            len += bytes_len(2, value.len());
        }
        put_len(out, number, len);
        if !self.key.is_empty() {
            put_bytes(out, 1, self.key);
        }
        if let Some(value) = self.value {
            put_bytes(out, 2, value);
        }
    }
}

/// The length and the last eight bytes of a key, mixed: keys that differ early
/// mostly differ in length, and the rest is settled by comparing.
#[inline(always)]
fn print(key: &[u8]) -> u64 {
    let tail = match key.last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail),
        None => key
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    tail ^ (key.len() as u64) << 56
}

/// The bit of a key in the sets of [`Attributes`].
#[inline(always)]
fn bit(print: u64) -> u64 {
    1 << (print.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
}

/// More attributes than most records have.
const TYPICAL: usize = 16;

/// The attributes of one message, reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    entries: Vec<Entry<'a>>,
    /// The bits of all keys that were ever here: one whose bit is missing is not here.
    keys: u64,
    /// The bits of all keys that may be here more than once.
    repeated: u64,
    /// Where added attributes go: the end of the message around them.
    end: usize,
    touched: bool,
}

impl<'a> Attributes<'a> {
    #[inline]
    pub(super) fn reset(&mut self, end: usize) {
        if self.entries.capacity() == 0 {
            self.entries.reserve(TYPICAL);
        }
        self.entries.clear();
        self.keys = 0;
        self.repeated = 0;
        self.end = end;
        self.touched = false;
    }

    /// Remembers that a key is here; tells whether it may have been before.
    #[inline(always)]
    fn note(&mut self, print: u64) -> bool {
        let bit = bit(print);
        let known = self.keys & bit;
        self.repeated |= known;
        self.keys |= bit;
        known != 0
    }

    pub(super) fn is_touched(&self) -> bool {
        self.touched
    }

    /// Takes in one `KeyValue` of the wire, found at `start..end`.
    pub(super) fn read(&mut self, encoded: &'a [u8], start: usize, end: usize) {
        let (key, value) = split(encoded);
        self.add(key, value, start, end);
    }

    /// Takes in the attributes that stand at `at` one after the other in the plainest form, and tells where the first
    /// one stands that does not. `tag` is the key of their field, of one byte.
    #[inline]
    pub(super) fn read_plain(&mut self, message: &'a [u8], mut at: usize, tag: u8) -> usize {
        while let Some((key, value, end)) = plainest(message, at, tag) {
            self.add(key, Some(value), at, end);
            at = end;
        }
        at
    }

    #[inline(always)]
    fn add(&mut self, key: &'a [u8], value: Option<&'a [u8]>, start: usize, end: usize) {
        let print = print(key);
        self.note(print);
        self.entries.push(Entry {
            print,
            key,
            value,
            start,
            end,
            state: State::Same,
        });
    }

    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        let print = print(key);
        if self.keys & bit(print) == 0 {
            return None;
        }
        self.entries.iter().position(|entry| entry.is(print, key))
    }

    /// Removes every attribute of this key but that at `first`.
    #[inline]
    fn remove_others(&mut self, key: &[u8], first: usize) {
        let print = print(key);
        if self.repeated & bit(print) == 0 && first != usize::MAX {
            return;
        }
        for (at, entry) in self.entries.iter_mut().enumerate() {
            if at != first && entry.is(print, key) {
                entry.state = State::Gone;
            }
        }
    }

    #[inline]
    pub(super) fn push(&mut self, key: &'a [u8], value: &'a [u8]) {
        self.touched = true;
        let print = print(key);
        self.note(print);
        self.entries.push(Entry {
            print,
            key,
            value: Some(value),
            start: self.end,
            end: self.end,
            state: State::Changed,
        });
    }

    #[inline]
    pub(super) fn replace(&mut self, at: usize, value: &'a [u8]) {
        self.touched = true;
        let key = {
            let Some(entry) = self.entries.get_mut(at) else {
                return;
            };
            entry.value = Some(value);
            entry.state = State::Changed;
            entry.key
        };
        self.remove_others(key, at);
    }

    /// Renames one, and removes others of the new key.
    #[inline]
    pub(super) fn rename(&mut self, at: usize, to: &'a [u8]) {
        self.touched = true;
        let print = print(to);
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        entry.key = to;
        entry.print = print;
        entry.state = State::Changed;
        if self.note(print) {
            self.remove_others(to, at);
        }
    }

    /// Renames the first of a key, and removes others of both keys.
    #[inline]
    pub(super) fn rename_key(&mut self, from: &[u8], arena: &'a Arena, to: &[u8]) -> bool {
        let from_print = print(from);
        let Some(first) = self
            .entries
            .iter()
            .position(|entry| entry.is(from_print, from))
        else {
            return false;
        };
        self.touched = true;
        let to_print = print(to);
        self.note(to_print);
        for (at, entry) in self.entries.iter_mut().enumerate() {
            if at == first {
                entry.key = arena.bytes(to);
                entry.print = to_print;
                entry.state = State::Changed;
            } else if entry.is(from_print, from) || entry.is(to_print, to) {
                entry.state = State::Gone;
            }
        }
        true
    }

    #[inline]
    pub(super) fn discard(&mut self, at: usize) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.state = State::Gone;
            self.touched = true;
        }
    }

    #[inline]
    pub(super) fn live(&self, at: usize) -> Option<&Entry<'a>> {
        self.entries
            .get(at)
            .filter(|entry| entry.state != State::Gone)
    }

    /// Those that are still there, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries
            .iter()
            .filter(|entry| entry.state != State::Gone)
    }

    /// The same with their positions, values not decoded.
    #[inline(always)]
    pub(super) fn encoded(&self) -> impl Iterator<Item = (usize, &'a str, EncodedValue<'a>)> + '_ {
        let live = self.entries.iter().enumerate();
        live.filter(|(_, entry)| entry.state != State::Gone)
            .map(|(at, entry)| {
                let value = EncodedValue::new(entry.value.unwrap_or_default());
                (at, text(entry.key), value)
            })
    }

    /// One past the last position, gone ones included.
    #[inline]
    pub(super) fn positions(&self) -> usize {
        self.entries.len()
    }

    /// The key at a position.
    #[inline]
    pub(super) fn key_at(&self, at: usize) -> Option<&'a [u8]> {
        self.live(at).map(|entry| entry.key)
    }

    /// Removes all of a key, and returns the first value.
    #[inline]
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Value<'a>> {
        let at = self.find(key)?;
        let value = self.live(at).map(Entry::value);
        self.touched = true;
        self.remove_others(key, usize::MAX);
        value
    }

    /// Removes those for which `remove` says so.
    pub(super) fn remove_where(&mut self, mut remove: impl FnMut(KeyValue<'a>) -> bool) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.state != State::Gone)
        {
            if remove(entry.key_value()) {
                entry.state = State::Gone;
                self.touched = true;
            }
        }
    }

    /// The places that are no longer as they were, in wire order.
    #[inline]
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.state != State::Same)
            .map(|(at, entry)| Change {
                start: entry.start,
                end: entry.end,
                anew: (entry.state == State::Changed).then_some(at),
            })
    }

    /// Appends what now stands in the place of a change.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>, at: usize, number: u32) {
        if let Some(entry) = self.entries.get(at) {
            entry.write(out, number);
        }
    }
}

/// A place in a message that has to be left out, and what to write instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The attribute to write there.
    pub(super) anew: Option<usize>,
}

/// Key and value in the bytes of a `KeyValue`.
#[inline(always)]
fn split(encoded: &[u8]) -> (&[u8], Option<&[u8]>) {
    plain(encoded).unwrap_or_else(|| any_form(encoded))
}

/// A field with this key of one byte, a `KeyValue` of key, value and nothing else, all lengths one byte: key, value,
/// and where it ends.
#[inline(always)]
fn plainest(message: &[u8], at: usize, tag: u8) -> Option<(&[u8], &[u8], usize)> {
    const LENGTHS: u32 = 0x80ff_80ff;
    let (head, rest) = message.get(at..)?.split_first_chunk::<4>()?;
    let [_, len, _, key_len] = *head;
    // the field's key, a length below 128, the key of the key, another such length
    if u32::from_le_bytes(*head) & LENGTHS != u32::from_le_bytes([tag, 0, 0x0a, 0]) {
        return None;
    }
    let (key, rest) = rest.split_at_checked(usize::from(key_len))?;
    let ([0x12, value_len @ ..0x80], rest) = rest.split_first_chunk()? else {
        return None;
    };
    if usize::from(len) != key.len() + usize::from(*value_len) + 4 {
        return None;
    }
    let value = rest.get(..usize::from(*value_len))?;
    Some((key, value, at + 2 + usize::from(len)))
}

/// The usual form: key, then value, both short, and nothing else.
#[inline(always)]
fn plain(encoded: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let &[0x0a, len @ ..0x80, ref rest @ ..] = encoded else {
        return None;
    };
    let (key, rest) = rest.split_at_checked(usize::from(len))?;
    match *rest {
        [0x12, len @ ..0x80, ref value @ ..] if usize::from(len) == value.len() => {
            Some((key, Some(value)))
        }
        [0x12, low @ 0x80..=0xff, high @ ..0x80, ref value @ ..]
            if usize::from(low & 0x7f) | usize::from(high) << 7 == value.len() =>
        {
            Some((key, Some(value)))
        }
        _ => None,
    }
}

/// Any order, padded lengths, repeated and unknown fields: the last one counts.
#[cold]
fn any_form(encoded: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut key: &[u8] = &[];
    let mut value = None;
    for field in Fields::new(encoded) {
        match field.number {
            1 => key = field.bytes(),
            2 => value = Some(field.bytes()),
            _ => {}
        }
    }
    (key, value)
}
