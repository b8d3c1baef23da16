//! One column of a table: its name, type, meaning, and how it is best stored.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// How the values of a column are laid out in Parquet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Dictionary while it pays, plain afterwards (Parquet's default).
    Dictionary,
    /// Values that hardly repeat (bodies, ids): a dictionary would only be built to be thrown away.
    Plain,
    /// Numbers that rise slowly (times): differences, bit-packed.
    DeltaNumbers,
    /// Texts that share long prefixes when sorted (record ids): prefix length and rest.
    DeltaText,
}

/// One column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name in SQL: lower case, digits and underscores.
    pub name: Cow<'static, str>,
    /// Arrow type. Maps and lists use the field names that Delta readers expect.
    pub data_type: DataType,
    /// Whether the table accepts a missing value.
    pub nullable: bool,
    /// What the column means; stored as the column's comment in the Delta schema.
    pub comment: Cow<'static, str>,
    /// How it is stored.
    pub encoding: Encoding,
    /// Whether smallest and largest value are kept for skipping files.
    pub statistics: bool,
    /// Whether each row group carries a Bloom filter for look-ups by equality.
    pub bloom: bool,
}

impl Column {
    /// A nullable column in dictionary encoding with statistics when its type has an order.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        data_type: DataType,
        comment: impl Into<Cow<'static, str>>,
    ) -> Self {
        let statistics = !data_type.is_nested();
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            comment: comment.into(),
            encoding: Encoding::Dictionary,
            statistics,
            bloom: false,
        }
    }

    /// The column must always have a value.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// Stores the column in `encoding`.
    #[must_use]
    pub fn encoded(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Keeps no smallest and largest value: nobody looks for ranges of it.
    #[must_use]
    pub fn without_statistics(mut self) -> Self {
        self.statistics = false;
        self
    }

    /// Adds a Bloom filter to each row group.
    #[must_use]
    pub fn bloom(mut self) -> Self {
        self.bloom = true;
        self
    }

    /// The Arrow field, with the comment under the key that Delta uses.
    pub fn field(&self) -> Field {
        Field::new(self.name.as_ref(), self.data_type.clone(), self.nullable)
            .with_metadata([("comment".to_owned(), self.comment.to_string())].into())
    }
}

/// Microseconds since 1970 UTC: Delta's `timestamp`, which every reader knows.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// `map<string,string>`. Entries are named as delta-rs names them.
pub(crate) fn string_map() -> DataType {
    DataType::Map(map_entries(), false)
}

/// The entries field of [`string_map`].
pub(crate) fn map_entries() -> Arc<Field> {
    Arc::new(Field::new(
        "key_value",
        DataType::Struct(map_fields()),
        false,
    ))
}

/// Key and value of [`string_map`]. A value is missing when the attribute has an empty value.
pub(crate) fn map_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ])
}

/// `array<item>`.
pub(crate) fn list(item: DataType) -> DataType {
    DataType::List(list_item(item))
}

/// The element field of [`list`].
pub(crate) fn list_item(item: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", item, true))
}

/// Fields of a struct inside a list, all nullable.
pub(crate) fn struct_fields(fields: &[(&str, DataType)]) -> Fields {
    fields
        .iter()
        .map(|(name, data_type)| Field::new(*name, data_type.clone(), true))
        .collect()
}
