//! Comma separated values (RFC 4180, with line feeds).

use std::io::Write;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::arrow::util::display::FormatOptions;

use super::TextError;
use super::cells::{Cells, json_options};

/// Prints a header and a line a row.
pub struct Csv {
    schema: SchemaRef,
    started: bool,
}

impl Csv {
    /// For rows of this schema.
    pub fn new(schema: &SchemaRef) -> Csv {
        Csv {
            schema: schema.clone(),
            started: false,
        }
    }

    fn header(&mut self, out: &mut dyn Write) -> Result<(), TextError> {
        if !std::mem::replace(&mut self.started, true) {
            let mut line = String::new();
            for (at, field) in self.schema.fields().iter().enumerate() {
                if at > 0 {
                    line.push(',');
                }
                quote(field.name(), &mut line);
            }
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Prints rows.
    ///
    /// # Errors
    /// When a value has no text, or those of `out`.
    pub fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), TextError> {
        self.header(out)?;
        let (text, json) = (FormatOptions::default(), json_options());
        let mut cells = Cells::new(rows, &text, &json)?;
        let (mut line, mut value) = (String::new(), String::new());
        for row in 0..rows.num_rows() {
            line.clear();
            for column in 0..cells.columns() {
                if column > 0 {
                    line.push(',');
                }
                value.clear();
                if cells.write(row, column, &mut value)? {
                    quote(&value, &mut line);
                }
            }
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Prints the header, when there were no rows to print it with.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(&mut self, out: &mut dyn Write) -> Result<(), TextError> {
        self.header(out)
    }
}

/// Appends a value, in quotes where it needs them. An empty text has quotes too, to tell it from
/// NULL.
fn quote(value: &str, line: &mut String) {
    let blank = value.is_empty() || value.starts_with(' ') || value.ends_with(' ');
    if blank || value.contains([',', '"', '\n', '\r']) {
        line.push('"');
        line.push_str(&value.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_where_they_must() {
        let quoted = |value: &str| {
            let mut line = String::new();
            quote(value, &mut line);
            line
        };
        assert_eq!(quoted("plain text"), "plain text");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted(r#"{"k":"v"}"#), r#""{""k"":""v""}""#);
        assert_eq!(quoted("two\nlines"), "\"two\nlines\"");
    }
}
