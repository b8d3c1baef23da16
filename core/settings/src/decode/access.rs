//! Lists, mappings and choices, as serde walks through them.

use super::de::De;
use super::error::{DecodeError, Place};
use crate::defaults::Defaults;
use crate::node::{Entry, Map, Node, Value};
use serde::de::value::{StrDeserializer, U8Deserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// The elements of a list, without those that were left out.
pub(super) struct Elements<'d, 'a> {
    list: &'d De<'a>,
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'d, 'a> Elements<'d, 'a> {
    pub(super) fn new(list: &'d De<'a>, items: &'a [Node]) -> Self {
        Self {
            list,
            items: items.iter().enumerate(),
        }
    }
}

impl<'a> de::SeqAccess<'a> for Elements<'_, 'a> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        for (index, node) in self.items.by_ref() {
            if self.list.context.left_out(node).is_some() {
                continue;
            }
            let mut item = self.list.below(node, &index.to_string(), Place::Element);
            item.secret = self.list.secret;
            let path = item.path.clone();
            let decoded = seed.deserialize(item);
            return decoded
                .map(Some)
                .map_err(|error| error.located(node, &path, Place::Element));
        }
        Ok(None)
    }
}

/// The entries of a mapping, without those that were left out; then, for a
/// struct below the top, the defaults that its owner has for the rest.
pub(super) struct Entries<'d, 'a> {
    map: &'d De<'a>,
    written: &'a Map,
    entries: std::slice::Iter<'a, Entry>,
    /// The fields of a struct; nothing for free keys.
    fields: Option<&'static [&'static str]>,
    defaults: std::slice::Iter<'a, (String, Defaults)>,
    current: Option<Current<'a>>,
}

enum Current<'a> {
    Written(&'a Entry),
    Default(&'a str, &'a Node),
}

impl<'d, 'a> Entries<'d, 'a> {
    /// The fields of a struct.
    pub(super) fn known(
        map: &'d De<'a>,
        written: &'a Map,
        fields: &'static [&'static str],
    ) -> Self {
        let owned = match map.place {
            // At the top serde's own defaults are the right ones.
            Place::Field => map.defaults.and_then(|d| d.fields.as_deref()),
            _ => None,
        };
        Self {
            fields: Some(fields),
            defaults: owned.unwrap_or_default().iter(),
            ..Self::free(map, written)
        }
    }

    /// Keys that the user chooses.
    pub(super) fn free(map: &'d De<'a>, written: &'a Map) -> Self {
        Self {
            map,
            written,
            entries: written.entries().iter(),
            fields: None,
            defaults: [].iter(),
            current: None,
        }
    }

    fn wanted(&self, entry: &Entry) -> bool {
        let known = (self.fields).is_none_or(|fields| fields.contains(&entry.key.as_str()));
        let of_block = self.map.in_block && entry.key == "enabled";
        known && !of_block && self.map.context.left_out(&entry.node).is_none()
    }

    /// The next default of a field that is not written.
    fn next_default(&mut self) -> Option<(&'a str, &'a Node)> {
        let fields = self.fields?;
        while let Some((name, default)) = self.defaults.next() {
            let written = self.written.entry(name).is_some_and(|e| self.wanted(e));
            let usable = fields.contains(&name.as_str())
                && !default.node.is_null()
                && self.map.context.left_out(&default.node).is_none();
            if usable && !written {
                return Some((name, &default.node));
            }
        }
        None
    }

    fn written_value<V: DeserializeSeed<'a>>(
        &self,
        entry: &'a Entry,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let place = match self.fields {
            Some(_) => Place::Field,
            None => Place::MapValue,
        };
        let mut value = self.map.below(&entry.node, &entry.key, place);
        value.secret = self.map.secret;
        if self.fields.is_some() {
            value.defaults = self.map.defaults.and_then(|d| d.field(&entry.key));
        }
        let path = value.path.clone();
        seed.deserialize(value)
            .map_err(|error| error.located(&entry.node, &path, place))
    }
}

impl<'a> de::MapAccess<'a> for Entries<'_, 'a> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        while let Some(entry) = self.entries.next() {
            if !self.wanted(entry) {
                continue;
            }
            self.current = Some(Current::Written(entry));
            let key = seed.deserialize(KeyOf(&entry.key));
            return key.map(Some).map_err(|error| {
                // The mistake stands at the key; the whole entry is left out.
                error
                    .located(&entry.node, &self.map.path, Place::MapValue)
                    .standing_at(&entry.origin)
            });
        }
        match self.next_default() {
            Some((name, node)) => {
                self.current = Some(Current::Default(name, node));
                seed.deserialize(KeyOf(name)).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        match self.current.take() {
            Some(Current::Written(entry)) => self.written_value(entry, seed),
            Some(Current::Default(name, node)) => {
                let mut value = self.map.below(node, name, Place::Field);
                value.built_in = true;
                // A default that does not read back is left to serde.
                seed.deserialize(value)
                    .map_err(|_| DecodeError::silently(node))
            }
            None => Err(DecodeError::says("a value without a key")),
        }
    }
}

/// A key: text, or what it says when a number is wanted.
struct KeyOf<'a>(&'a str);

macro_rules! number_keys {
    ($($method:ident $visit:ident $type:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.0.parse::<$type>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(DecodeError::says(format!(
                    "expected an integer from {} to {} as key, got \"{}\"", $type::MIN, $type::MAX, self.0
                ))),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for KeyOf<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    number_keys! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// One piece of a string that stands for a list of strings.
#[derive(Clone, Copy)]
pub(super) struct OneWord<'a>(&'a str);

impl<'a> OneWord<'a> {
    /// The words between commas, without spaces around; none of an empty text.
    pub(super) fn split(text: &'a str) -> impl Iterator<Item = Self> {
        let words = text.split(',').map(|word| Self(word.trim()));
        words.filter(move |_| !text.trim().is_empty())
    }
}

impl<'a> IntoDeserializer<'a, DecodeError> for OneWord<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for OneWord<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf option unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// What a block or a pair of groups hands over: a number first, where there
/// is one, then nodes.
pub(super) struct Parts<'a> {
    state: Option<u8>,
    bodies: std::vec::IntoIter<De<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(state: Option<u8>, bodies: Vec<De<'a>>) -> Self {
        Self {
            state,
            bodies: bodies.into_iter(),
        }
    }
}

impl<'a> de::SeqAccess<'a> for Parts<'a> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if let Some(state) = self.state.take() {
            let number: U8Deserializer<DecodeError> = state.into_deserializer();
            return seed.deserialize(number).map(Some);
        }
        self.bodies
            .next()
            .map(|body| seed.deserialize(body))
            .transpose()
    }
}

/// `{variant: content}`.
pub(super) struct VariantOf<'a> {
    name: &'a str,
    content: De<'a>,
}

impl<'a> VariantOf<'a> {
    pub(super) fn new(choice: &De<'a>, entry: &'a Entry) -> Self {
        Self {
            name: &entry.key,
            // Null after a variant's name means its defaults.
            content: choice.below(&entry.node, &entry.key, Place::MapValue),
        }
    }
}

impl<'a> de::EnumAccess<'a> for VariantOf<'a> {
    type Error = DecodeError;
    type Variant = De<'a>;

    fn variant_seed<V: DeserializeSeed<'a>>(
        self,
        seed: V,
    ) -> Result<(V::Value, De<'a>), DecodeError> {
        Ok((seed.deserialize(KeyOf(self.name))?, self.content))
    }
}

impl<'a> de::VariantAccess<'a> for De<'a> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.node.value {
            Value::Null => Ok(()),
            _ => Err(DecodeError::expected("nothing").located(self.node, &self.path, self.place)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_seq(self, visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
