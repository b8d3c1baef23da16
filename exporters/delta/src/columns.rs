//! `columns`: attributes that get a typed column of their own.

use std::fmt;

use lake_layout::{PRESETS, PromotedType, Promotion, preset};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A ready-made list by its name, or a list of columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Columns {
    /// `columns: web_analytics`
    Preset(String),
    /// `columns: [{attribute: url.path}, ...]`
    List(Vec<Column>),
}

/// One attribute with a column of its own. It stays in the map of attributes too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Column {
    /// Key of the attribute.
    pub attribute: String,
    /// Name of the column; default: the key with dots as underscores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// string, long, double or boolean. A value of another type leaves the column empty.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Default for Columns {
    fn default() -> Columns {
        Columns::List(Vec::new())
    }
}

impl Columns {
    /// What the tables are told.
    ///
    /// # Errors
    /// Key below `columns` and what is wrong there.
    pub fn promotions(&self) -> Result<Vec<Promotion>, (String, String)> {
        match self {
            Columns::Preset(name) => preset(name).ok_or_else(|| {
                (
                    String::new(),
                    format!(
                        "\"{name}\" is no preset (known: {}); or give a list of columns",
                        PRESETS.join(", ")
                    ),
                )
            }),
            Columns::List(columns) => columns
                .iter()
                .enumerate()
                .map(|(index, column)| {
                    column
                        .promotion()
                        .map_err(|error| (index.to_string(), error))
                })
                .collect(),
        }
    }
}

impl Column {
    fn promotion(&self) -> Result<Promotion, String> {
        if self.attribute.is_empty() {
            return Err("attribute must not be empty".to_owned());
        }
        let kind = self.kind.as_deref().unwrap_or("string");
        let kind = PromotedType::from_name(kind).ok_or_else(|| {
            format!("\"{kind}\" is no column type (known: string, long, double, boolean)")
        })?;
        let promotion = Promotion::new(&*self.attribute, kind);
        Ok(match &self.name {
            Some(name) => promotion.into_column(&**name),
            None => promotion,
        })
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Columns::Preset(name) => name.serialize(serializer),
            Columns::List(columns) => columns.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
        deserializer.deserialize_any(NameOrList)
    }
}

struct NameOrList;

impl<'de> Visitor<'de> for NameOrList {
    type Value = Columns;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a preset or a list of columns")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Columns, E> {
        Ok(Columns::Preset(name.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Columns, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = list.next_element()? {
            columns.push(column);
        }
        Ok(Columns::List(columns))
    }

    fn visit_unit<E: Error>(self) -> Result<Columns, E> {
        Ok(Columns::default())
    }
}
