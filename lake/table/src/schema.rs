//! The schema of a table in Delta's terms: what to create, what to add, what is foreign.

use deltalake::DeltaTableError;
use deltalake::arrow::datatypes::{DataType, Schema};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{StructField, StructType};
use lake_layout::{PARTITION, TableSpec};

use crate::error::{Refused, Subject, TableError};

/// The columns of `spec` as Delta's.
pub(crate) fn delta_columns(spec: &TableSpec) -> Result<Vec<StructField>, DeltaTableError> {
    let schema: StructType = spec
        .schema()
        .as_ref()
        .try_into_kernel()
        .map_err(|source| DeltaTableError::Arrow { source })?;
    Ok(schema.fields().cloned().collect())
}

/// How an existing table differs from a spec.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Columns of the spec that the table lacks and can get.
    pub(crate) missing: Vec<String>,
}

/// Compares an existing table with `spec`.
///
/// # Errors
/// When it is another table: the first column with another type, a column that cannot be added
/// because it may not be empty, a foreign column that must not be empty, another partitioning.
pub(crate) fn compare(
    subject: &Subject,
    spec: &TableSpec,
    found: &Schema,
    partitions: &[String],
) -> Result<Difference, TableError> {
    let foreign = |column: &str, expected: String, found: String| Refused::ForeignSchema {
        table: subject.table.clone(),
        location: subject.location.clone(),
        column: column.to_owned(),
        expected,
        found,
    };
    let mut difference = Difference::default();
    for column in spec.columns() {
        let name = column.name.as_ref();
        match found.field_with_name(name) {
            Ok(field) if same(&column.data_type, field.data_type()) => {}
            Ok(field) => {
                let (expected, found) = (sql(&column.data_type), sql(field.data_type()));
                return Err(foreign(name, expected, found).into());
            }
            Err(_) => {
                let other_case = found
                    .fields()
                    .iter()
                    .find(|field| field.name().eq_ignore_ascii_case(name));
                if let Some(field) = other_case {
                    let found = format!("the name `{}`", field.name());
                    return Err(foreign(name, sql(&column.data_type), found).into());
                }
                if !column.nullable {
                    return Err(
                        foreign(name, sql(&column.data_type), "no such column".into()).into(),
                    );
                }
                difference.missing.push(name.to_owned());
            }
        }
    }
    for field in found.fields() {
        if !field.is_nullable()
            && !spec
                .columns()
                .iter()
                .any(|c| c.name == field.name().as_str())
        {
            let found = format!("{} NOT NULL", sql(field.data_type()));
            return Err(foreign(
                field.name(),
                "no such column, or one that may be empty".into(),
                found,
            )
            .into());
        }
    }
    if partitions != [PARTITION] {
        return Err(foreign(
            PARTITION,
            "the only partition column".into(),
            format!("partitioned by ({})", partitions.join(", ")),
        )
        .into());
    }
    Ok(difference)
}

/// Whether two types are the same for a writer: names inside maps and lists and whether their
/// items may be missing do not matter.
fn same(expected: &DataType, found: &DataType) -> bool {
    match (expected, found) {
        (DataType::List(a), DataType::List(b)) => same(a.data_type(), b.data_type()),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|(a, b)| same(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name() == b.name() && same(a.data_type(), b.data_type()))
        }
        (DataType::Utf8, DataType::LargeUtf8 | DataType::Utf8View) => true,
        (a, b) => a == b,
    }
}

/// The type as SQL names it.
fn sql(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Date32 => "date".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp".into(),
        DataType::Timestamp(_, None) => "timestamp_ntz".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item) => format!("array<{}>", sql(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let types: Vec<_> = fields.iter().map(|f| sql(f.data_type())).collect();
                format!("map<{}>", types.join(","))
            }
            other => format!("map<{}>", sql(other)),
        },
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|f| format!("{}:{}", f.name(), sql(f.data_type())))
                .collect();
            format!("struct<{}>", fields.join(","))
        }
        other => other.to_string(),
    }
}
