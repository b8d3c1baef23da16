//! Answers on paper: a table for people, CSV, JSON, a JSON object a line.

mod table;

use std::io::Write;
use std::str::FromStr;

use deltalake::arrow::array::RecordBatch;
use lake_table::text::{Csv, Json, Shape};

use crate::answer::Answer;
use crate::error::QueryError;

/// Form of a printed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for people. Knows the width of the terminal, if there is one: rows that do not fit
    /// are printed one value a line.
    Table {
        /// Columns of the terminal.
        width: Option<usize>,
    },
    /// Comma separated, with a header; NULL is nothing, an empty text is `""`.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "table" => Ok(Format::Table { width: None }),
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            "ndjson" | "jsonl" => Ok(Format::Ndjson),
            other => Err(format!(
                "unknown format \"{other}\": it is one of table, csv, json, ndjson"
            )),
        }
    }
}

/// A printer of one form. What it keeps of the rows is bounded.
trait Printer {
    fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), QueryError>;
    fn end(&mut self, out: &mut dyn Write) -> Result<(), QueryError>;
}

impl Printer for Csv {
    fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), QueryError> {
        Ok(Csv::rows(self, rows, out)?)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), QueryError> {
        Ok(Csv::end(self, out)?)
    }
}

impl Printer for Json {
    fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), QueryError> {
        Ok(Json::rows(self, rows, out)?)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), QueryError> {
        Ok(Json::end(self, out)?)
    }
}

/// Prints the whole answer as it arrives, and returns the number of its rows.
///
/// # Errors
/// When the query fails, or [`QueryError::Output`].
pub async fn write(
    mut answer: Answer,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<u64, QueryError> {
    let schema = answer.schema();
    let mut printer: Box<dyn Printer + Send> = match format {
        Format::Table { width } => Box::new(table::Table::new(&schema, width)),
        Format::Csv => Box::new(Csv::new(&schema)),
        Format::Json => Box::new(Json::new(Shape::Array)),
        Format::Ndjson => Box::new(Json::new(Shape::Lines)),
    };
    let mut count = 0;
    while let Some(rows) = answer.next().await? {
        count += rows.num_rows() as u64;
        printer.rows(&rows, out)?;
    }
    printer.end(out)?;
    out.flush()?;
    Ok(count)
}
