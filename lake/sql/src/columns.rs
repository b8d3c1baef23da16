//! Columns of a table, for a person.

use deltalake::arrow::datatypes::{DataType, Schema, TimeUnit};

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type, as SQL writes it: `string`, `bigint`, `map<string, string>`.
    pub kind: String,
    /// Whether it may be missing.
    pub nullable: bool,
    /// What it means, where the table says so.
    pub comment: Option<String>,
}

/// The columns of `schema`.
pub(crate) fn columns(schema: &Schema) -> Vec<ColumnInfo> {
    schema
        .fields()
        .iter()
        .map(|field| ColumnInfo {
            name: field.name().clone(),
            kind: kind(field.data_type()),
            nullable: field.is_nullable(),
            comment: field.metadata().get("comment").cloned(),
        })
        .collect()
}

fn kind(data: &DataType) -> String {
    match data {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Timestamp(unit, zone) => {
            let precision = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            match zone {
                Some(zone) => format!("timestamp({precision}) {zone}"),
                None => format!("timestamp({precision})"),
            }
        }
        DataType::Dictionary(_, values) => kind(values),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            format!("array<{}>", kind(item.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let parts: Vec<_> = fields.iter().map(|field| kind(field.data_type())).collect();
                format!("map<{}>", parts.join(", "))
            }
            other => format!("map<{}>", kind(other)),
        },
        DataType::Struct(fields) => {
            let parts: Vec<_> = fields
                .iter()
                .map(|field| format!("{}: {}", field.name(), kind(field.data_type())))
                .collect();
            format!("struct<{}>", parts.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}
