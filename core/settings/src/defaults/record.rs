//! A serializer that keeps apart structs, whose fields have defaults of their
//! own, from maps and choices, which are replaced as a whole.

use super::Defaults;
use crate::node::{Map, Node, Value};
use crate::origin::Origin;
use serde::ser::{self, Serialize};
use std::fmt;

/// The value is no tree; defaults are then left to serde.
#[derive(Debug)]
pub(super) struct NoTree;

impl fmt::Display for NoTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a tree")
    }
}

impl std::error::Error for NoTree {}

impl ser::Error for NoTree {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

pub(super) struct Recorder;

type Recorded = Result<Defaults, NoTree>;

fn leaf(value: Value) -> Recorded {
    Ok(Defaults::leaf(Node::program(value)))
}

/// `{variant: content}`.
fn variant(name: &str, content: Node) -> Recorded {
    let mut map = Map::new();
    map.insert(name, Origin::program(), content);
    leaf(Value::Map(map))
}

macro_rules! integers {
    ($($method:ident $type:ident)*) => {$(
        fn $method(self, value: $type) -> Recorded {
            i64::try_from(value).map_err(|_| NoTree).and_then(|value| leaf(Value::Int(value)))
        }
    )*};
}

impl ser::Serializer for Recorder {
    type Ok = Defaults;
    type Error = NoTree;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64
    }

    fn serialize_bool(self, value: bool) -> Recorded {
        leaf(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Recorded {
        leaf(Value::Float(f64::from(value)))
    }

    fn serialize_f64(self, value: f64) -> Recorded {
        leaf(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Recorded {
        leaf(Value::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Recorded {
        leaf(Value::String(value.to_owned()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Recorded {
        Err(NoTree)
    }

    fn serialize_none(self) -> Recorded {
        leaf(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Recorded {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Recorded {
        leaf(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Recorded {
        leaf(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Recorded {
        leaf(Value::String(name.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Recorded {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Recorded {
        variant(name, value.serialize(self)?.node)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, NoTree> {
        Ok(List::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<List, NoTree> {
        Ok(List::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, NoTree> {
        Ok(List::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<List, NoTree> {
        Ok(List {
            variant: Some(name),
            ..List::default()
        })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Entries, NoTree> {
        // Only flattened structs do not know their length beforehand.
        Ok(Entries {
            is_struct: length.is_none(),
            ..Entries::default()
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, NoTree> {
        Ok(Entries {
            is_struct: true,
            ..Entries::default()
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Entries, NoTree> {
        Ok(Entries {
            variant: Some(name),
            ..Entries::default()
        })
    }
}

#[derive(Default)]
pub(super) struct List {
    items: Vec<Node>,
    variant: Option<&'static str>,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        self.items.push(value.serialize(Recorder)?.node);
        Ok(())
    }

    fn finish(self) -> Recorded {
        let list = Value::List(self.items);
        match self.variant {
            Some(name) => variant(name, Node::program(list)),
            None => leaf(list),
        }
    }
}

macro_rules! list {
    ($($trait:ident $method:ident)*) => {$(
        impl ser::$trait for List {
            type Ok = Defaults;
            type Error = NoTree;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
                self.push(value)
            }

            fn end(self) -> Recorded {
                self.finish()
            }
        }
    )*};
}

list! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

#[derive(Default)]
pub(super) struct Entries {
    entries: Vec<(String, Defaults)>,
    key: Option<String>,
    is_struct: bool,
    variant: Option<&'static str>,
}

impl Entries {
    fn push<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), NoTree> {
        let value = value.serialize(Recorder)?;
        self.entries.push((key.to_owned(), value));
        Ok(())
    }

    fn finish(self) -> Recorded {
        let mut map = Map::new();
        for (key, value) in &self.entries {
            map.insert(key.as_str(), Origin::program(), value.node.clone());
        }
        let node = Node::program(Value::Map(map));
        match self.variant {
            Some(name) => variant(name, node),
            None => Ok(Defaults {
                node,
                fields: self.is_struct.then_some(self.entries),
            }),
        }
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Defaults;
    type Error = NoTree;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoTree> {
        self.key = match key.serialize(Recorder)?.node.value {
            Value::String(key) => Some(key),
            Value::Int(key) => Some(key.to_string()),
            _ => return Err(NoTree),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        let key = self.key.take().ok_or(NoTree)?;
        self.push(&key, value)
    }

    fn end(self) -> Recorded {
        self.finish()
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Entries {
            type Ok = Defaults;
            type Error = NoTree;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), NoTree> {
                self.push(key, value)
            }

            fn end(self) -> Recorded {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
