//! Values as text: times in UTC, maps, lists and structs as JSON.

use deltalake::arrow::array::{Array, RecordBatch};
use deltalake::arrow::datatypes::DataType;
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use deltalake::arrow::util::display::{ArrayFormatter, FormatOptions};

/// How nested values become JSON: keys without a value stay.
pub fn json_options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true)
}

/// The values of one batch.
pub struct Cells<'a> {
    columns: Vec<(&'a dyn Array, Cell<'a>)>,
    json: Vec<u8>,
}

enum Cell<'a> {
    Plain(Box<ArrayFormatter<'a>>),
    Nested(NullableEncoder<'a>),
}

impl<'a> Cells<'a> {
    /// Looks at a batch.
    ///
    /// # Errors
    /// When a column has no text.
    pub fn new(
        rows: &'a RecordBatch,
        text: &'a FormatOptions<'a>,
        json: &'a EncoderOptions,
    ) -> Result<Cells<'a>, ArrowError> {
        let schema = rows.schema_ref();
        let columns = schema
            .fields()
            .iter()
            .zip(rows.columns())
            .map(|(field, column)| {
                let cell = if is_nested(column.data_type()) {
                    Cell::Nested(make_encoder(field, column.as_ref(), json)?)
                } else {
                    Cell::Plain(Box::new(ArrayFormatter::try_new(column.as_ref(), text)?))
                };
                Ok((column.as_ref() as &dyn Array, cell))
            });
        Ok(Cells {
            columns: columns.collect::<Result<Vec<_>, ArrowError>>()?,
            json: Vec::new(),
        })
    }

    /// Appends a value to `out`; `false` for NULL, which appends nothing.
    ///
    /// # Errors
    /// When the value has no text.
    pub fn write(
        &mut self,
        row: usize,
        column: usize,
        out: &mut String,
    ) -> Result<bool, ArrowError> {
        let (array, cell) = &mut self.columns[column];
        match cell {
            Cell::Plain(formatter) => {
                if is_null(*array, row) {
                    return Ok(false);
                }
                formatter.value(row).write(out)?;
            }
            Cell::Nested(encoder) => {
                if encoder.is_null(row) {
                    return Ok(false);
                }
                self.json.clear();
                encoder.encode(row, &mut self.json);
                out.push_str(&String::from_utf8_lossy(&self.json));
            }
        }
        Ok(true)
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }
}

/// Whether a value is NULL, also behind a dictionary.
fn is_null(array: &dyn Array, row: usize) -> bool {
    match array.data_type() {
        DataType::Dictionary(..) | DataType::Null | DataType::RunEndEncoded(..) => array
            .logical_nulls()
            .is_some_and(|nulls| nulls.is_null(row)),
        _ => array.is_null(row),
    }
}

fn is_nested(data: &DataType) -> bool {
    match data {
        DataType::Dictionary(_, values) => is_nested(values),
        other => other.is_nested() && !matches!(other, DataType::RunEndEncoded(..)),
    }
}
