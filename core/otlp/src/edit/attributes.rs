//! Attributes under edit: an index of what is on the wire, and what changed.

use super::arena::Arena;
use crate::wire::{Fields, WireType, put_bytes, put_key, put_varint, text, varint_len};
use crate::write::ValueWriter;
use crate::{KeyValue, Value};

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
struct Entry<'a> {
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
    fn value(&self) -> Value<'a> {
        Value::decode(self.value.unwrap_or_default())
    }

    #[inline]
    fn key_value(&self) -> KeyValue<'a> {
        KeyValue {
            key: text(self.key),
            value: self.value(),
        }
    }

    /// Appends the `KeyValue` as field `number`.
    #[inline]
    fn write(&self, out: &mut Vec<u8>, number: u32) {
        let mut len = 0;
        if !self.key.is_empty() {
            len += 1 + varint_len(self.key.len() as u64) + self.key.len();
        }
        if let Some(value) = self.value {
            len += 1 + varint_len(value.len() as u64) + value.len();
        }
        put_key(out, number, WireType::Len);
        put_varint(out, len as u64);
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

/// The attributes of one message, reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    entries: Vec<Entry<'a>>,
    /// Where added attributes go: the end of the message around them.
    end: usize,
    touched: bool,
}

impl<'a> Attributes<'a> {
    #[inline]
    pub(super) fn reset(&mut self, end: usize) {
        self.entries.clear();
        self.end = end;
        self.touched = false;
    }

    pub(super) fn is_touched(&self) -> bool {
        self.touched
    }

    /// Takes in one `KeyValue` of the wire, found at `start..end`.
    #[inline(always)]
    pub(super) fn read(&mut self, encoded: &'a [u8], start: usize, end: usize) {
        let (key, value) = split(encoded);
        self.entries.push(Entry {
            print: print(key),
            key,
            value,
            start,
            end,
            state: State::Same,
        });
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<usize> {
        let print = print(key);
        self.entries.iter().position(|entry| entry.is(print, key))
    }

    /// Removes every attribute of this key that stands behind `first`.
    #[inline]
    fn remove_others(&mut self, key: &[u8], first: usize) {
        let print = print(key);
        for (at, entry) in self.entries.iter_mut().enumerate() {
            if at != first && entry.is(print, key) {
                entry.state = State::Gone;
            }
        }
    }

    #[inline]
    fn push(&mut self, key: &'a [u8], value: &'a [u8]) {
        self.touched = true;
        self.entries.push(Entry {
            print: print(key),
            key,
            value: Some(value),
            start: self.end,
            end: self.end,
            state: State::Changed,
        });
    }

    #[inline]
    fn replace(&mut self, at: usize, value: &'a [u8]) {
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

    #[inline]
    fn rename(&mut self, at: usize, to: &'a [u8]) {
        self.touched = true;
        let print = print(to);
        for (other, entry) in self.entries.iter_mut().enumerate() {
            if other == at {
                entry.key = to;
                entry.print = print;
                entry.state = State::Changed;
            } else if entry.is(print, to) {
                entry.state = State::Gone;
            }
        }
    }

    #[inline]
    fn discard(&mut self, at: usize) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.state = State::Gone;
            self.touched = true;
        }
    }

    #[inline]
    fn live(&self, at: usize) -> Option<&Entry<'a>> {
        self.entries
            .get(at)
            .filter(|entry| entry.state != State::Gone)
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

/// The usual form: key, then value, both short, and nothing else.
#[inline(always)]
fn plain(encoded: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (&[tag, len], rest) = encoded.split_first_chunk::<2>()?;
    if tag != 0x0a || len >= 0x80 {
        return None;
    }
    let (key, rest) = rest.split_at_checked(usize::from(len))?;
    let (&[tag, len], rest) = rest.split_first_chunk::<2>()?;
    if tag != 0x12 {
        return None;
    }
    if usize::from(len) == rest.len() && len < 0x80 {
        return Some((key, Some(rest)));
    }
    let (&next, rest) = rest.split_first()?;
    let long = usize::from(len & 0x7f) | usize::from(next) << 7;
    (len >= 0x80 && next < 0x80 && long == rest.len()).then_some((key, Some(rest)))
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

/// The attributes of a record, resource, scope, event ... while they are edited.
///
/// Keys may repeat on the wire. Untouched ones stay as they are; `get` sees the
/// first; whatever writes a key leaves exactly one of it. What is added stands
/// last. Keys and values given are copied; those handed out live as long as the
/// walk, so they may be kept while the draft is changed.
#[derive(Debug)]
pub struct AttributesDraft<'d, 'a> {
    list: &'d mut Attributes<'a>,
    arena: &'a Arena,
}

impl<'d, 'a> AttributesDraft<'d, 'a> {
    pub(super) fn new(list: &'d mut Attributes<'a>, arena: &'a Arena) -> Self {
        AttributesDraft { list, arena }
    }

    /// Where new values can be built.
    pub fn arena(&self) -> &'a Arena {
        self.arena
    }

    /// The (first) value of this key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let at = self.list.find(key.as_bytes())?;
        self.list.live(at).map(Entry::value)
    }

    /// Whether this key is there.
    #[inline]
    pub fn contains(&self, key: &str) -> bool {
        self.list.find(key.as_bytes()).is_some()
    }

    /// How many attributes there are, repeated keys included.
    pub fn len(&self) -> usize {
        self.list
            .entries
            .iter()
            .filter(|entry| entry.state != State::Gone)
            .count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The attributes as they are now, in order.
    pub fn iter(&self) -> impl Iterator<Item = KeyValue<'a>> + '_ {
        let live = self
            .list
            .entries
            .iter()
            .filter(|entry| entry.state != State::Gone);
        live.map(Entry::key_value)
    }

    /// Sets a key: replaces its first value and removes the others, or adds it.
    #[inline]
    pub fn set(&mut self, key: &str, value: Value<'_>) {
        let value = self.arena.any_value(value);
        self.put(key, value);
    }

    /// [`set`](Self::set) to a value that `write` writes: arrays, maps, nested.
    pub fn set_with(&mut self, key: &str, write: impl FnOnce(&mut ValueWriter<'_>)) {
        let value = self.arena.any_value_with(write);
        self.put(key, value);
    }

    #[inline]
    fn put(&mut self, key: &str, value: &'a [u8]) {
        match self.list.find(key.as_bytes()) {
            Some(at) => self.list.replace(at, value),
            None => self.list.push(self.arena.bytes(key.as_bytes()), value),
        }
    }

    /// Adds a key unless it is there; tells whether it was added.
    #[inline]
    pub fn insert(&mut self, key: &str, value: Value<'_>) -> bool {
        let absent = !self.contains(key);
        if absent {
            self.list.push(
                self.arena.bytes(key.as_bytes()),
                self.arena.any_value(value),
            );
        }
        absent
    }

    /// Replaces the value of a key that is there; tells whether it was.
    pub fn update(&mut self, key: &str, value: Value<'_>) -> bool {
        let at = self.list.find(key.as_bytes());
        if let Some(at) = at {
            self.list.replace(at, self.arena.any_value(value));
        }
        at.is_some()
    }

    /// Gives the first value of `from` the key `to`, in its place. Others of
    /// both keys are removed. Tells whether `from` was there; if not, nothing
    /// happens.
    #[inline]
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(at) = self.list.find(from.as_bytes()) else {
            return false;
        };
        self.list.rename(at, self.arena.bytes(to.as_bytes()));
        if from != to {
            self.list.remove_others(from.as_bytes(), usize::MAX);
        }
        true
    }

    /// Removes a key, however often it is there, and returns its first value.
    #[inline]
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        let at = self.list.find(key.as_bytes())?;
        let value = self.list.live(at).map(Entry::value);
        self.list.touched = true;
        self.list.remove_others(key.as_bytes(), usize::MAX);
        value
    }

    /// Keeps only the attributes for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(KeyValue<'a>) -> bool) {
        self.take_where(|attribute| !keep(attribute), |_| ());
    }

    /// Removes the attributes that are `wanted` and hands them to `take`, in
    /// order.
    pub fn take_where(
        &mut self,
        mut wanted: impl FnMut(KeyValue<'a>) -> bool,
        mut take: impl FnMut(KeyValue<'a>),
    ) {
        for entry in self
            .list
            .entries
            .iter_mut()
            .filter(|entry| entry.state != State::Gone)
        {
            let attribute = entry.key_value();
            if wanted(attribute) {
                entry.state = State::Gone;
                self.list.touched = true;
                take(attribute);
            }
        }
    }

    /// Removes all of them.
    pub fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// One past the last position that [`at`](Self::at) knows. Positions never
    /// move: what is added comes behind, what is removed leaves a gap. So a
    /// mapper can go once over all attributes and change them on the way.
    #[inline]
    pub fn positions(&self) -> usize {
        self.list.entries.len()
    }

    /// The attribute at a position; `None` when it was removed.
    #[inline]
    pub fn at(&self, position: usize) -> Option<KeyValue<'a>> {
        self.list.live(position).map(Entry::key_value)
    }

    /// The key at a position, without looking at the value.
    #[inline]
    pub fn key_at(&self, position: usize) -> Option<&'a str> {
        self.list.live(position).map(|entry| text(entry.key))
    }

    /// Gives the attribute at a position another key, and removes others of
    /// that key. Nothing happens where there is no attribute.
    #[inline]
    pub fn rename_at(&mut self, position: usize, to: &str) {
        if self.list.live(position).is_some() {
            self.list.rename(position, self.arena.bytes(to.as_bytes()));
        }
    }

    /// Gives the attribute at a position another value, and removes others of
    /// its key. Nothing happens where there is no attribute.
    #[inline]
    pub fn set_at(&mut self, position: usize, value: Value<'_>) {
        if self.list.live(position).is_some() {
            self.list.replace(position, self.arena.any_value(value));
        }
    }

    /// Removes the attribute at a position, and only that.
    #[inline]
    pub fn remove_at(&mut self, position: usize) -> Option<KeyValue<'a>> {
        let attribute = self.at(position)?;
        self.list.discard(position);
        Some(attribute)
    }
}
