//! The deserializer over one node.

use super::access::{Elements, Entries, OneWord, Parts, VariantOf};
use super::error::{DecodeError, Mistake, Place, missing};
use super::words::unknown_key;
use super::{Context, LeftOut};
use crate::defaults::Defaults;
use crate::node::{Map, Node, Value};
use crate::secret::SECRET;
use crate::{beside, optional};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, IntoDeserializer, Visitor};
use std::cell::RefCell;
use std::rc::Rc;

/// Names of settings of the groups that share one mapping.
pub(super) type Shared = Rc<RefCell<Vec<&'static str>>>;

/// One node, seen by serde.
#[derive(Clone)]
pub(super) struct De<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) context: &'a Context,
    /// `enabled` was handled by the block around and is not seen.
    pub(super) in_block: bool,
    /// The value is a secret: messages do not show it.
    pub(super) secret: bool,
    /// This is a default of the program, not written by the user: mistakes in
    /// it are not reported.
    pub(super) built_in: bool,
    /// What the owner of this setting has as default.
    pub(super) defaults: Option<&'a Defaults>,
    /// Other groups of settings have keys in this mapping as well.
    pub(super) shared: Option<Shared>,
}

static EMPTY: Map = Map::EMPTY;

impl<'a> De<'a> {
    pub(super) fn root(node: &'a Node, path: &str, context: &'a Context) -> Self {
        Self {
            node,
            path: path.to_owned(),
            place: Place::Root,
            context,
            in_block: false,
            secret: false,
            built_in: false,
            defaults: None,
            shared: None,
        }
    }

    /// A node below this one.
    pub(super) fn below(&self, node: &'a Node, step: &str, place: Place) -> Self {
        Self {
            path: match self.path.is_empty() {
                true => step.to_owned(),
                false => format!("{}::{step}", self.path),
            },
            place,
            built_in: self.built_in,
            ..Self::root(node, "", self.context)
        }
    }

    /// Does `work` and gives its error this place.
    fn located<T>(
        self,
        work: impl FnOnce(Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let (node, place, secret) = (self.node, self.place, self.secret);
        let path = self.path.clone();
        work(self).map_err(|error| error.located_as(node, &path, place, secret))
    }

    /// The text for a setting that is a string: a string, or the text of a
    /// reference's result.
    fn string(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::String(text) => Some(text),
            Value::Null if self.node.from_reference => {
                let text = self.node.text.as_deref().unwrap_or_default();
                let wanted = self.place != Place::Field || !text.is_empty();
                wanted.then_some(text)
            }
            _ if self.node.from_reference => self.node.text.as_deref(),
            _ => None,
        }
    }

    fn integer(&self, least: i128, most: i128) -> Result<i128, DecodeError> {
        let value = match self.node.value {
            Value::Int(value) => i128::from(value),
            // Templating tools print large integers as 1.048576e+06.
            Value::Float(value) if value.fract() == 0.0 && value.abs() < 1e19 => value as i128,
            _ => return Err(DecodeError::expected("an integer")),
        };
        match (least..=most).contains(&value) {
            true => Ok(value),
            false => Err(DecodeError::expected(format!(
                "an integer from {least} to {most}"
            ))),
        }
    }

    fn number(&self) -> Result<f64, DecodeError> {
        match self.node.value {
            Value::Int(value) => Ok(value as f64),
            Value::Float(value) => Ok(value),
            _ => Err(DecodeError::expected("a number")),
        }
    }

    /// The mapping; null is an empty one where it does not mean the default.
    fn mapping(&self) -> Result<&'a Map, DecodeError> {
        match &self.node.value {
            Value::Map(map) => Ok(map),
            Value::Null => match self.place {
                Place::Root | Place::MapValue => Ok(&EMPTY),
                Place::Field => Err(DecodeError::Bare(Mistake::Null)),
                Place::Element => Err(DecodeError::expected("a mapping of settings")),
            },
            _ => Err(DecodeError::expected("a mapping of settings")),
        }
    }

    /// Reports the keys that are not among `allowed`.
    fn check_keys(&self, map: &Map, allowed: &[&'static str]) {
        if self.built_in {
            return;
        }
        for entry in map.entries() {
            if allowed.contains(&entry.key.as_str()) || (self.in_block && entry.key == "enabled") {
                continue;
            }
            let mut shown = allowed.to_vec();
            if self.in_block {
                shown.push("enabled");
            }
            let message = unknown_key(&entry.key, &shown);
            self.context
                .report(&entry.node, &entry.origin, &self.path, message);
        }
    }

    /// A struct's error that names a field. Missing: silent when the field is
    /// there and was reported. Twice: a default of the owner may stand beside
    /// an older name that the user wrote; the default then goes.
    fn explain(&self, map: &Map, error: DecodeError) -> DecodeError {
        let field = match error {
            DecodeError::Bare(Mistake::Missing(field)) => field,
            DecodeError::Bare(Mistake::Twice(field)) => {
                let default = self.defaults.and_then(|d| d.field(field));
                return match default.filter(|d| self.context.left_out(&d.node).is_none()) {
                    Some(default) if self.place == Place::Field => {
                        DecodeError::silently(&default.node)
                    }
                    _ => error,
                };
            }
            error => return error,
        };
        let left_out = map.get(field).and_then(|node| self.context.left_out(node));
        match left_out {
            Some(LeftOut::Wrong) => DecodeError::Bare(Mistake::Known),
            Some(LeftOut::Null) => DecodeError::says(format!("\"{field}\" must have a value")),
            None => DecodeError::says(missing(field)),
        }
    }

    /// Whether the owner of this setting has it switched on.
    fn is_on_by_default(&self) -> bool {
        self.defaults.is_some_and(|d| d.fields.is_some())
    }

    /// How a block is written, see [`crate::optional`].
    fn block_state(&self) -> optional::State {
        match &self.node.value {
            Value::Null => optional::State::Null,
            Value::Map(map) => match map.get("enabled") {
                None => optional::State::On,
                Some(enabled) => match enabled.value {
                    Value::Bool(false) => optional::State::Off,
                    Value::Bool(true) | Value::Null => optional::State::On,
                    _ if self.built_in => optional::State::On,
                    _ => {
                        let below = self.below(enabled, "enabled", Place::Field);
                        let message =
                            format!("expected true or false, got {}", super::described(enabled));
                        (self.context).report(enabled, &enabled.origin, &below.path, message);
                        optional::State::On
                    }
                },
            },
            _ => optional::State::On,
        }
    }

    fn block<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let state = self.block_state();
        let mut body = self;
        body.in_block = true;
        visitor.visit_seq(Parts::new(Some(state as u8), vec![body]))
    }

    /// Two groups of settings in one mapping, see [`crate::Beside`].
    fn beside<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let map = self.mapping()?;
        let keys = Shared::default();
        let group = De {
            shared: Some(keys.clone()),
            ..self.clone()
        };
        let result = visitor.visit_seq(Parts::new(None, vec![group.clone(), group]))?;
        match &self.shared {
            Some(outer) => outer.borrow_mut().extend(keys.borrow().iter()),
            None => self.check_keys(map, &keys.borrow()),
        }
        Ok(result)
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.located(|de| {
                let value = de.integer(i128::from($type::MIN), i128::from($type::MAX))?;
                let value = $type::try_from(value).map_err(|_| DecodeError::expected("an integer"))?;
                visitor.$visit(value)
            })
        }
    )*};
}

impl<'a> de::Deserializer<'a> for De<'a> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| match &de.node.value {
            Value::Null if de.place == Place::Field => Err(DecodeError::Bare(Mistake::Null)),
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::List(_) => de.deserialize_seq(visitor),
            Value::Map(_) => de.deserialize_map(visitor),
        })
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| match de.node.value {
            Value::Bool(value) => visitor.visit_bool(value),
            _ => Err(DecodeError::expected("true or false")),
        })
    }

    integers! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| visitor.visit_f32(de.number()? as f32))
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| visitor.visit_f64(de.number()?))
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| match de.string() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => Err(DecodeError::expected("a string")),
        })
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(
            |de| match de.node.is_null() && de.string().is_none_or(str::is_empty) {
                true if de.place == Place::Field => Err(DecodeError::Bare(Mistake::Null)),
                true => visitor.visit_none(),
                false => visitor.visit_some(de),
            },
        )
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| match de.node.is_null() {
            true => visitor.visit_unit(),
            false => Err(DecodeError::expected("nothing")),
        })
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.secret |= name == SECRET;
        self.located(|de| visitor.visit_newtype_struct(de))
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| match (&de.node.value, de.string()) {
            (Value::List(items), _) => visitor.visit_seq(Elements::new(&de, items)),
            (Value::Map(_), _) => Err(DecodeError::expected("a list")),
            (Value::Null, None) if de.place == Place::Field => {
                Err(DecodeError::Bare(Mistake::Null))
            }
            // Commas separate; a list of anything but strings refuses them.
            (_, Some(text)) => {
                let words = OneWord::split(text);
                let result = visitor.visit_seq(de::value::SeqDeserializer::new(words));
                result.map_err(|error| match error {
                    DecodeError::Bare(Mistake::Expected(_)) => DecodeError::expected("a list"),
                    other => other,
                })
            }
            _ => Err(DecodeError::expected("a list")),
        })
    }

    fn deserialize_tuple<V: Visitor<'a>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match name {
            optional::BLOCK | optional::BLOCK_OR_DEFAULT
                if self.node.is_null()
                    && self.place == Place::Field
                    && (name == optional::BLOCK_OR_DEFAULT || self.is_on_by_default()) =>
            {
                self.located(|_| Err(DecodeError::Bare(Mistake::Null)))
            }
            optional::BLOCK | optional::BLOCK_OR_DEFAULT => self.located(|de| de.block(visitor)),
            beside::BESIDE => self.located(|de| de.beside(visitor)),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.located(|de| visitor.visit_map(Entries::free(&de, de.mapping()?)))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.located(|de| {
            let map = de.mapping()?;
            match &de.shared {
                Some(shared) => shared.borrow_mut().extend(fields),
                None => de.check_keys(map, fields),
            }
            (visitor.visit_map(Entries::known(&de, map, fields)))
                .map_err(|error| de.explain(map, error))
        })
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.located(|de| match (&de.node.value, de.string()) {
            (Value::Map(map), _) if map.len() == 1 => {
                visitor.visit_enum(VariantOf::new(&de, &map.entries()[0]))
            }
            (Value::Map(_), _) => Err(DecodeError::expected(format!(
                "a mapping with one key (one of {})",
                variants.join(", ")
            ))),
            (_, Some(word)) => visitor.visit_enum(BorrowedStrDeserializer::new(word)),
            // `level: off` is text, but `true` and `1` are not.
            _ => Err(DecodeError::expected(format!(
                "one of {}",
                (variants.iter().map(|word| format!("\"{word}\"")))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        })
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}

impl<'a> IntoDeserializer<'a, DecodeError> for De<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
