//! Attributes pulled to typed columns of their own.

use std::collections::HashSet;

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_schema::{ArrowError, DataType};
use otlp::Value;

use crate::build::{Bools, Numbers, Order, Text};
use crate::column::Column;
use crate::names::Names;
use crate::value::render;

/// Type of a promoted column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromotedType {
    /// Text; other values in the form they have in the attribute map.
    String,
    /// 64-bit integer; whole doubles and decimal texts are converted.
    Long,
    /// Double; integers and decimal texts are converted.
    Double,
    /// Boolean; the texts `true` and `false` are converted.
    Boolean,
}

impl PromotedType {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Long => "long",
            Self::Double => "double",
            Self::Boolean => "boolean",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::String, Self::Long, Self::Double, Self::Boolean]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    fn data_type(self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Long => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
        }
    }
}

/// One attribute that gets a column of its own. It stays in the attribute map as well, so that
/// `attributes['name']` works whether or not it was promoted; a value that cannot be converted
/// leaves the column empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Name of the attribute. The record's own counts, else its resource's.
    pub attribute: String,
    /// Name of the column.
    pub column: String,
    /// Type of the column.
    pub kind: PromotedType,
}

impl Promotion {
    /// Promotes `attribute` to the column of the same name with underscores for all that is no
    /// letter or digit.
    pub fn new(attribute: impl Into<String>, kind: PromotedType) -> Self {
        let attribute = attribute.into();
        let column = attribute
            .chars()
            .map(|c| match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => c,
                _ => '_',
            })
            .collect();
        Self {
            attribute,
            column,
            kind,
        }
    }

    /// Names the column.
    #[must_use]
    pub fn into_column(mut self, column: impl Into<String>) -> Self {
        self.column = column.into();
        self
    }
}

/// The ready-made list of this name, or nothing. [`PRESETS`] has the names.
pub fn preset(name: &str) -> Option<Vec<Promotion>> {
    (name == "web_analytics").then(|| {
        WEB_ANALYTICS
            .iter()
            .map(|&(attribute, kind)| Promotion::new(attribute, kind))
            .collect()
    })
}

/// Names that [`preset`] knows.
pub const PRESETS: &[&str] = &["web_analytics"];

/// What questions about visits, pages, errors and videos ask for.
const WEB_ANALYTICS: &[(&str, PromotedType)] = &[
    ("url.full", PromotedType::String),
    ("url.domain", PromotedType::String),
    ("url.path", PromotedType::String),
    ("url.query", PromotedType::String),
    ("http.request.header.referer", PromotedType::String),
    ("session.id", PromotedType::String),
    ("user.id", PromotedType::String),
    ("client.address", PromotedType::String),
    ("user_agent.original", PromotedType::String),
    ("event.duration", PromotedType::Long),
    ("page.id", PromotedType::String),
    ("page.title", PromotedType::String),
    ("page.visible_time", PromotedType::Double),
    ("page.scroll_depth", PromotedType::Double),
    ("browser.navigation.type", PromotedType::String),
    ("browser.navigation.same_document", PromotedType::Boolean),
    ("browser.web_vital.name", PromotedType::String),
    ("browser.web_vital.value", PromotedType::Double),
    ("browser.web_vital.rating", PromotedType::String),
    ("browser.link.url.full", PromotedType::String),
    ("browser.link.kind", PromotedType::String),
    ("browser.language", PromotedType::String),
    ("browser.platform", PromotedType::String),
    ("browser.mobile", PromotedType::Boolean),
    ("exception.type", PromotedType::String),
    ("exception.message", PromotedType::String),
    ("media.id", PromotedType::String),
    ("media.session.id", PromotedType::String),
    ("media.position", PromotedType::Double),
];

/// A list of promotions that a table cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPromotion {
    /// The column exists already.
    #[error(
        "columns: attribute `{attribute}` cannot become column `{column}`: the table has a column of this name; give it another with `name:`"
    )]
    Taken {
        /// The attribute.
        attribute: String,
        /// The column.
        column: String,
    },
    /// Not a name for a column.
    #[error(
        "columns: `{column}` (attribute `{attribute}`) is not a column name: use lower-case letters, digits and `_`, at most 128, the first no digit"
    )]
    Name {
        /// The attribute.
        attribute: String,
        /// The column.
        column: String,
    },
    /// An attribute is in the list twice.
    #[error("columns: attribute `{attribute}` is listed twice")]
    Twice {
        /// The attribute.
        attribute: String,
    },
    /// The table's columns cannot be changed.
    #[error("columns: table `{table}` is of the kind ecs_events, whose columns are fixed")]
    FixedColumns {
        /// The table.
        table: String,
    },
}

/// A checked list of promotions.
#[derive(Clone, Debug, Default)]
pub struct Promotions {
    list: Vec<Promotion>,
    names: Names,
}

impl Promotions {
    pub(crate) fn new(list: Vec<Promotion>, taken: &[&str]) -> Result<Self, BadPromotion> {
        let mut columns: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        let mut attributes = HashSet::new();
        for Promotion {
            attribute, column, ..
        } in &list
        {
            let good = !column.is_empty()
                && column.len() <= 128
                && !column.starts_with(|c: char| c.is_ascii_digit())
                && column
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            if !good {
                return Err(BadPromotion::Name {
                    attribute: attribute.clone(),
                    column: column.clone(),
                });
            }
            if !attributes.insert(attribute.as_str()) {
                return Err(BadPromotion::Twice {
                    attribute: attribute.clone(),
                });
            }
            if !columns.insert(column.clone()) {
                return Err(BadPromotion::Taken {
                    attribute: attribute.clone(),
                    column: column.clone(),
                });
            }
        }
        let names = Names::new(list.iter().map(|p| p.attribute.as_str()));
        Ok(Self { list, names })
    }

    /// The promoted attributes in the order of their columns.
    pub fn iter(&self) -> impl Iterator<Item = &Promotion> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[inline]
    pub(crate) fn find(&self, attribute: &str) -> Option<usize> {
        self.names.find(attribute)
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = Column> {
        self.list.iter().map(|promotion| {
            Column::new(
                promotion.column.clone(),
                promotion.kind.data_type(),
                format!("Attribute {}", promotion.attribute),
            )
        })
    }

    pub(crate) fn builders(&self) -> Vec<PromotedColumn> {
        self.list
            .iter()
            .map(|promotion| match promotion.kind {
                PromotedType::String => PromotedColumn::String(Text::default()),
                PromotedType::Long => PromotedColumn::Long(Numbers::default()),
                PromotedType::Double => PromotedColumn::Double(Numbers::default()),
                PromotedType::Boolean => PromotedColumn::Boolean(Bools::default()),
            })
            .collect()
    }
}

/// Builder of a promoted column.
pub(crate) enum PromotedColumn {
    String(Text),
    Long(Numbers<Int64Type>),
    Double(Numbers<Float64Type>),
    Boolean(Bools),
}

impl PromotedColumn {
    pub(crate) fn push(&mut self, value: Option<Value<'_>>) {
        match self {
            Self::String(column) => match value {
                Some(value) => push_text(value, column),
                None => column.push_null(),
            },
            Self::Long(column) => column.push_option(value.and_then(to_long)),
            Self::Double(column) => column.push_option(value.and_then(to_double)),
            Self::Boolean(column) => column.push_option(value.and_then(to_boolean)),
        }
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Self::String(column) => column.size(),
            Self::Long(column) => column.size(),
            Self::Double(column) => column.size(),
            Self::Boolean(_) => 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        match self {
            Self::String(column) => column.clear(),
            Self::Long(column) => column.clear(),
            Self::Double(column) => column.clear(),
            Self::Boolean(column) => column.clear(),
        }
    }

    pub(crate) fn gather(&self, order: &Order) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::String(column) => column.gather(order),
            Self::Long(column) => Ok(column.gather(order)),
            Self::Double(column) => Ok(column.gather(order)),
            Self::Boolean(column) => Ok(column.gather(order)),
        }
    }
}

/// A list of one item (as OpenTelemetry keeps HTTP headers) becomes the item.
fn single(value: Value<'_>) -> Value<'_> {
    if let Value::Array(mut items) = value
        && let Some(item) = items.next()
        && items.next().is_none()
    {
        return item;
    }
    value
}

/// Appends `value` as one row of text; an empty one is missing, and so is one that nests too deep
/// (it is in the attribute map, where depth was checked).
pub(crate) fn push_text(value: Value<'_>, column: &mut Text) {
    let value = single(value);
    let rows = column.len();
    if value.is_empty() {
        column.push_null();
    } else if render(value, otlp::limits::MAX_VALUE_DEPTH, column.open()).is_ok() {
        column.close();
    } else {
        column.truncate(rows);
        column.push_null();
    }
}

/// The integer that `value` says exactly.
pub(crate) fn to_long(value: Value<'_>) -> Option<i64> {
    match single(value) {
        Value::Int(number) => Some(number),
        Value::Double(number) => {
            // The bounds are exact powers of two, so the conversion cannot round or saturate.
            let fits = number.fract() == 0.0
                && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
            #[allow(clippy::cast_possible_truncation)]
            fits.then_some(number as i64)
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The double that `value` says.
pub(crate) fn to_double(value: Value<'_>) -> Option<f64> {
    match single(value) {
        #[allow(clippy::cast_precision_loss)]
        Value::Int(number) => Some(number as f64),
        Value::Double(number) => Some(number),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn to_boolean(value: Value<'_>) -> Option<bool> {
    match single(value) {
        Value::Bool(value) => Some(value),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, TableSpec};

    #[test]
    fn values_are_converted_only_when_nothing_is_lost() {
        assert_eq!(to_long(Value::Double(3.0)), Some(3));
        assert_eq!(to_long(Value::Double(3.5)), None);
        assert_eq!(to_long(Value::Double(1e19)), None);
        assert_eq!(to_long(Value::Double(f64::NAN)), None);
        assert_eq!(to_long(Value::String(" 42 ")), Some(42));
        assert_eq!(to_long(Value::String("42 ms")), None);
        assert_eq!(to_double(Value::Int(2)), Some(2.0));
        assert_eq!(to_boolean(Value::String("true")), Some(true));
        assert_eq!(to_boolean(Value::Int(1)), None);
    }

    #[test]
    fn the_preset_fits_every_opentelemetry_table() {
        for kind in [Kind::Logs, Kind::Traces, Kind::Metrics] {
            let list = preset("web_analytics").unwrap();
            let spec = TableSpec::new(kind).promoting(list).unwrap();
            let column = spec
                .columns()
                .iter()
                .find(|c| c.name == "event_duration")
                .unwrap();
            assert_eq!(column.data_type, DataType::Int64);
        }
        assert!(preset("nothing").is_none());
    }

    #[test]
    fn bad_lists_are_named() {
        let promote = |list| TableSpec::new(Kind::Logs).promoting(list).unwrap_err();
        let taken = promote(vec![Promotion::new("body", PromotedType::String)]);
        assert!(matches!(taken, BadPromotion::Taken { .. }), "{taken}");
        let name = promote(vec![
            Promotion::new("a", PromotedType::Long).into_column("A b"),
        ]);
        assert!(matches!(name, BadPromotion::Name { .. }), "{name}");
        let twice = promote(vec![
            Promotion::new("a", PromotedType::Long),
            Promotion::new("a", PromotedType::Long).into_column("b"),
        ]);
        assert!(matches!(twice, BadPromotion::Twice { .. }), "{twice}");
        let same = promote(vec![
            Promotion::new("a.b", PromotedType::Long),
            Promotion::new("a_b", PromotedType::Long),
        ]);
        assert!(matches!(same, BadPromotion::Taken { .. }), "{same}");
    }
}
