//! Parser events to nodes: anchors, merge keys, duplicate keys, limits.

use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES, Stop};
use crate::node::{Map, Node, Value};
use crate::origin::{Origin, SourceName};
use crate::problems::Problems;
use crate::scalar;
use saphyr_parser::{Event, ScalarStyle, Tag};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A list or mapping that is not complete yet.
struct Open {
    origin: Origin,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        map: Map,
        /// Keys of `map`: looking each up in a long list would be quadratic.
        keys: HashSet<String>,
        key: Option<Key>,
        /// Values of `<<`, in order of writing.
        merges: Vec<Node>,
    },
}

struct Key {
    name: String,
    origin: Origin,
    /// An unquoted `<<`.
    merge: bool,
}

pub(super) struct Builder<'a> {
    source: &'a Arc<SourceName>,
    problems: &'a mut Problems,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
    bytes: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a Arc<SourceName>, problems: &'a mut Problems) -> Self {
        Self {
            source,
            problems,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            nodes: 0,
            bytes: 0,
        }
    }

    /// The document; null when there is none.
    pub(super) fn finish(self) -> Node {
        let empty = || Node::new(Value::Null, Origin::start_of(self.source.clone()));
        self.root.unwrap_or_else(empty)
    }

    pub(super) fn take(&mut self, event: Event<'_>, origin: Origin) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, text.len(), &origin)?;
                let node = self.scalar(&text, style, tag.as_deref(), origin)?;
                self.add(node, anchor)
            }
            Event::Alias(anchor) => {
                let Some(known) = self.anchors.get(&anchor) else {
                    return Err(stop(&origin, "this alias is inside of what it refers to"));
                };
                let (nodes, bytes) = size(known);
                let copy = known.clone();
                self.count(nodes, bytes, &origin)?;
                self.add(copy, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq", &origin)?;
                self.begin(Content::List(Vec::new()), anchor, origin)
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map", &origin)?;
                let content = Content::Map {
                    map: Map::new(),
                    keys: HashSet::new(),
                    key: None,
                    merges: Vec::new(),
                };
                self.begin(content, anchor, origin)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.close(open),
                None => Err(stop(&origin, "not valid YAML: an end without a start")),
            },
            _ => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, bytes: usize, origin: &Origin) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.nodes > MAX_NODES {
            let why = format!("the text holds more than {MAX_NODES} values, counting aliases");
            return Err(stop(origin, &why));
        }
        if self.bytes > MAX_BYTES {
            let why = format!("the text holds more than {MAX_BYTES} bytes, counting aliases");
            return Err(stop(origin, &why));
        }
        Ok(())
    }

    fn begin(&mut self, content: Content, anchor: usize, origin: Origin) -> Result<(), Stop> {
        self.count(1, 0, &origin)?;
        if self.open.len() >= MAX_DEPTH {
            let why = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(stop(&origin, &why));
        }
        self.open.push(Open {
            origin,
            anchor,
            content,
        });
        Ok(())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        origin: Origin,
    ) -> Result<Node, Stop> {
        let plain = style == ScalarStyle::Plain;
        let value = match tag {
            None if plain => scalar::resolve(text),
            None => Value::String(text.to_owned()),
            Some(tag) => tagged(text, tag, &origin)?,
        };
        // An empty value has no place of its own: name the key it belongs to.
        let empty = plain && text.is_empty() && tag.is_none();
        let key = match self.open.last().map(|open| &open.content) {
            Some(Content::Map { key: Some(key), .. }) if empty => Some(key.origin.clone()),
            _ => None,
        };
        Ok(Node {
            value,
            origin: key.unwrap_or(origin),
            text: (plain && tag.is_none()).then(|| Arc::from(text)),
            from_reference: false,
        })
    }

    fn close(&mut self, open: Open) -> Result<(), Stop> {
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map {
                mut map,
                mut keys,
                merges,
                ..
            } => {
                for merged in merges {
                    self.merge(&mut map, &mut keys, merged)?;
                }
                Value::Map(map)
            }
        };
        self.add(Node::new(value, open.origin), open.anchor)
    }

    /// `<<: *base` and `<<: [*a, *b]`: keys that are there already win.
    fn merge(
        &mut self,
        map: &mut Map,
        keys: &mut HashSet<String>,
        merged: Node,
    ) -> Result<(), Stop> {
        let parts = match merged.value {
            Value::Map(_) => vec![merged],
            Value::List(items) => items,
            _ => {
                return Err(stop(
                    &merged.origin,
                    "<< wants a mapping or a list of mappings",
                ));
            }
        };
        for part in parts {
            let Value::Map(part_map) = part.value else {
                return Err(stop(
                    &part.origin,
                    "<< wants a mapping or a list of mappings",
                ));
            };
            for entry in part_map.into_entries() {
                if keys.insert(entry.key.clone()) {
                    map.push(entry);
                }
            }
        }
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor > 0 {
            // The anchor's own copy counts as well.
            let (nodes, bytes) = size(&node);
            self.count(nodes, bytes, &node.origin)?;
            self.anchors.insert(anchor, node.clone());
        }
        let depth = self.open.len();
        let Some((open, around)) = self.open.split_last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        // An alias can bring a tree that is deep in itself.
        if depth + height(&node) > MAX_DEPTH {
            let why = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(stop(&node.origin, &why));
        }
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map {
                map,
                keys,
                key,
                merges,
            } => match key.take() {
                None => *key = Some(key_of(node)?),
                Some(known) if known.merge => merges.push(node),
                Some(known) => {
                    if keys.insert(known.name.clone()) {
                        map.push(crate::node::Entry {
                            key: known.name,
                            origin: known.origin,
                            node,
                        });
                    } else {
                        let first = map.entry(&known.name).map_or(0, |e| e.origin.line);
                        let message =
                            format!("duplicate key \"{}\", first on line {first}", known.name);
                        self.problems
                            .error(Some(&known.origin), &path_of(around), message);
                    }
                }
            },
        }
        Ok(())
    }
}

/// The path of what is being built inside of `open`.
fn path_of(open: &[Open]) -> String {
    let step = |open: &Open| match &open.content {
        Content::List(items) => items.len().to_string(),
        Content::Map { key, .. } => key.as_ref().map_or_else(String::new, |k| k.name.clone()),
    };
    open.iter().map(step).collect::<Vec<_>>().join("::")
}

fn stop(origin: &Origin, message: &str) -> Stop {
    Stop {
        origin: origin.clone(),
        message: message.to_owned(),
    }
}

/// Keys are text; numbers and booleans count as they are written.
fn key_of(node: Node) -> Result<Key, Stop> {
    let name = match (&node.value, &node.text) {
        (Value::List(_) | Value::Map(_), _) => {
            return Err(stop(
                &node.origin,
                "a key must be text, this one is a list or a mapping (put \"{…}\" and \"[…]\" in quotes)",
            ));
        }
        (Value::Null, None) => return Err(stop(&node.origin, "a key must not be empty")),
        (_, Some(text)) if text.is_empty() => {
            return Err(stop(&node.origin, "a key must not be empty"));
        }
        (_, Some(text)) => text.to_string(),
        (Value::String(text), None) => text.clone(),
        (Value::Bool(value), None) => value.to_string(),
        (Value::Int(value), None) => value.to_string(),
        (Value::Float(value), None) => value.to_string(),
    };
    Ok(Key {
        merge: name == "<<" && node.text.is_some(),
        name,
        origin: node.origin,
    })
}

fn check_tag(tag: Option<&Tag>, kind: &str, origin: &Origin) -> Result<(), Stop> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == kind => Ok(()),
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(()),
        Some(tag) => Err(unknown_tag(tag, origin)),
    }
}

fn unknown_tag(tag: &Tag, origin: &Origin) -> Stop {
    let shown = match tag.is_yaml_core_schema() {
        true => format!("!!{}", tag.suffix),
        false => tag.to_string(),
    };
    let why = format!("the tag {shown} does not fit here; leave it out");
    stop(origin, &why)
}

fn tagged(text: &str, tag: &Tag, origin: &Origin) -> Result<Value, Stop> {
    // A lone `!` means text.
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Ok(Value::String(text.to_owned()));
    }
    if !tag.is_yaml_core_schema() {
        return Err(unknown_tag(tag, origin));
    }
    match (tag.suffix.as_str(), scalar::resolve(text)) {
        ("str", _) => Ok(Value::String(text.to_owned())),
        ("int", value @ Value::Int(_))
        | ("bool", value @ Value::Bool(_))
        | ("null", value @ Value::Null)
        | ("float", value @ Value::Float(_)) => Ok(value),
        ("float", Value::Int(whole)) => Ok(Value::Float(whole as f64)),
        _ => Err(unknown_tag(tag, origin)),
    }
}

/// Nodes and bytes of text of a tree.
fn size(node: &Node) -> (usize, usize) {
    let text = node.text.as_ref().map_or(0, |text| text.len());
    let (nodes, bytes) = match &node.value {
        Value::String(value) => (0, value.len()),
        Value::List(items) => sum(items.iter().map(size)),
        Value::Map(map) => sum(map.entries().iter().map(|entry| {
            let (nodes, bytes) = size(&entry.node);
            (nodes, bytes + entry.key.len())
        })),
        _ => (0, 0),
    };
    (nodes + 1, bytes + text)
}

fn sum(parts: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    parts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
}

/// Levels of lists and mappings in a tree.
pub(crate) fn height(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Value::Map(map) => {
            let tallest = map.entries().iter().map(|e| height(&e.node)).max();
            1 + tallest.unwrap_or(0)
        }
        _ => 0,
    }
}
