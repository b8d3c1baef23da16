//! JSON: an array of objects, or an object a line.

use std::io::Write;

use deltalake::arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use deltalake::arrow::datatypes::{DataType, Field};
use deltalake::arrow::json::writer::make_encoder;

use super::Printer;
use super::cells::{failed, json_options};
use crate::error::QueryError;

/// Prints objects with all columns, NULL as null. Numbers that are not finite are null.
pub(super) struct Json {
    lines: bool,
    started: bool,
    buffer: Vec<u8>,
}

impl Json {
    pub(super) fn new(lines: bool) -> Json {
        Json {
            lines,
            started: false,
            buffer: Vec::new(),
        }
    }
}

impl Printer for Json {
    fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), QueryError> {
        let options = json_options();
        let objects: ArrayRef = std::sync::Arc::new(StructArray::from(rows.clone()));
        let field = std::sync::Arc::new(Field::new(
            "",
            DataType::Struct(rows.schema().fields().clone()),
            false,
        ));
        let mut encoder =
            make_encoder(&field, objects.as_ref(), &options).map_err(|error| failed(&error))?;
        for row in 0..objects.len() {
            self.buffer.clear();
            let before: &[u8] = match (self.lines, self.started) {
                (true, _) => b"",
                (false, false) => b"[",
                (false, true) => b",\n ",
            };
            self.buffer.extend_from_slice(before);
            encoder.encode(row, &mut self.buffer);
            if self.lines {
                self.buffer.push(b'\n');
            }
            self.started = true;
            out.write_all(&self.buffer)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), QueryError> {
        match (self.lines, self.started) {
            (true, _) => {}
            (false, false) => out.write_all(b"[]\n")?,
            (false, true) => out.write_all(b"]\n")?,
        }
        Ok(())
    }
}
