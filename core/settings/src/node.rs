//! The configuration tree: values that remember where they were written.

use crate::origin::Origin;
use std::sync::Arc;

/// One value of the configuration, with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value as YAML resolved it.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
    /// The text of a scalar as it was written (plain scalars and results of
    /// references), before it became a number or a boolean.
    pub text: Option<Arc<str>>,
    /// Whether this is the result of a whole-value `${…}`. A string setting
    /// then takes `text` (`0123` stays `0123`).
    pub from_reference: bool,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number: decimal, `0x`, `0o`, `0b`, or octal with a leading zero.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of writing.
    Map(Map),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub origin: Origin,
    /// Its value.
    pub node: Node,
}

/// A mapping that keeps the order of writing; keys are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<Entry>,
}

impl Map {
    /// No entries.
    pub(crate) const EMPTY: Self = Self {
        entries: Vec::new(),
    };

    /// An empty mapping.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries in order, to change their values.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.node)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entry_mut(key).map(|e| &mut e.node)
    }

    /// The entry of a key, to change it.
    pub(crate) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|e| e.key == key)
    }

    /// Puts a value under a key; an older value of that key is replaced in
    /// its place and returned.
    pub fn insert(&mut self, key: impl Into<String>, origin: Origin, node: Node) -> Option<Node> {
        let key = key.into();
        match self.entry_mut(&key) {
            Some(old) => {
                old.origin = origin;
                Some(std::mem::replace(&mut old.node, node))
            }
            None => {
                self.entries.push(Entry { key, origin, node });
                None
            }
        }
    }

    /// Adds an entry whose key is known to be new.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|e| e.key == key)?;
        Some(self.entries.remove(at).node)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes the entries out, in order.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

impl Node {
    /// A node with this value that was written at `origin`.
    pub fn new(value: Value, origin: Origin) -> Self {
        Self {
            value,
            origin,
            text: None,
            from_reference: false,
        }
    }

    /// A node that the program makes itself.
    pub fn program(value: Value) -> Self {
        Self::new(value, Origin::program())
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The mapping, when it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, when it is one.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The text, when it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value under a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The origin that fits `path` best (`tls::cert_file`, list positions as
    /// numbers): that of the key itself, else of its nearest ancestor.
    pub fn locate(&self, path: &str) -> &Origin {
        let mut best = &self.origin;
        let mut node = self;
        for step in path.split("::").filter(|step| !step.is_empty()) {
            match &node.value {
                Value::Map(map) => match map.entry(step) {
                    Some(entry) => {
                        best = &entry.origin;
                        node = &entry.node;
                    }
                    None => break,
                },
                Value::List(list) => match step.parse::<usize>().ok().and_then(|i| list.get(i)) {
                    Some(item) => {
                        best = &item.origin;
                        node = item;
                    }
                    None => break,
                },
                _ => break,
            }
        }
        best
    }

    /// Compares values only: origins, texts and marks are left out. NaN
    /// equals NaN.
    pub fn same_value(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Float(a), Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_value(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && (a.entries().iter().zip(b.entries()))
                        .all(|(a, b)| a.key == b.key && a.node.same_value(&b.node))
            }
            (a, b) => a == b,
        }
    }
}
