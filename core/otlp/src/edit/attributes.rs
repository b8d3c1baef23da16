//! The draft of attributes.

use super::arena::Arena;
use super::entries::{Attributes, Entry};
use crate::wire::text;
use crate::write::ValueWriter;
use crate::{EncodedValue, KeyValue, Value};

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
        self.list.iter().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The attributes as they are now, in order.
    pub fn iter(&self) -> impl Iterator<Item = KeyValue<'a>> + '_ {
        self.list.iter().map(Entry::key_value)
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
        self.list
            .rename_key(from.as_bytes(), self.arena, to.as_bytes())
    }

    /// Removes a key, however often it is there, and returns its first value.
    #[inline]
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        self.list.remove(key.as_bytes())
    }

    /// Keeps only the attributes for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(KeyValue<'a>) -> bool) {
        self.list.remove_where(|attribute| !keep(attribute));
    }

    /// Removes the attributes that are `wanted` and hands them to `take`, in
    /// order.
    pub fn take_where(
        &mut self,
        mut wanted: impl FnMut(KeyValue<'a>) -> bool,
        mut take: impl FnMut(KeyValue<'a>),
    ) {
        self.list.remove_where(|attribute| {
            let taken = wanted(attribute);
            if taken {
                take(attribute);
            }
            taken
        });
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
        self.list.positions()
    }

    /// The attribute at a position; `None` when it was removed.
    #[inline]
    pub fn at(&self, position: usize) -> Option<KeyValue<'a>> {
        self.list.live(position).map(Entry::key_value)
    }

    /// The attributes as they are now with their positions, values not decoded.
    #[inline(always)]
    pub fn encoded(&self) -> impl Iterator<Item = (usize, &'a str, EncodedValue<'a>)> + '_ {
        self.list.encoded()
    }

    /// The key at a position, without looking at the value.
    #[inline]
    pub fn key_at(&self, position: usize) -> Option<&'a str> {
        self.list.key_at(position).map(text)
    }

    /// The key at a position as bytes, for tables that are looked up by bytes.
    #[inline]
    pub fn key_bytes_at(&self, position: usize) -> Option<&'a [u8]> {
        self.list.key_at(position)
    }

    /// Gives the attribute at a position another key, and removes others of
    /// that key. Nothing happens where there is no attribute.
    #[inline]
    pub fn rename_at(&mut self, position: usize, to: &str) {
        if self.list.live(position).is_some() {
            self.list.rename(position, self.arena.bytes(to.as_bytes()));
        }
    }

    /// [`rename_at`](Self::rename_at) without a copy of the key, which lives long enough, and with another value.
    #[inline]
    pub fn replace_at(&mut self, position: usize, to: &'a str, value: Option<Value<'_>>) {
        if self.list.live(position).is_some() {
            self.list.rename(position, to.as_bytes());
            if let Some(value) = value {
                self.list.replace(position, self.arena.any_value(value));
            }
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
