//! JSON: an array of objects, or an object a line.

use std::io::Write;

use deltalake::arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use deltalake::arrow::datatypes::{DataType, Field};
use deltalake::arrow::json::writer::{EncoderOptions, make_encoder};

use super::TextError;

/// What objects look like together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One array of objects with all columns, NULL as null.
    Array,
    /// An object a line, with all columns.
    Lines,
    /// An object a line, without columns that are NULL.
    SparseLines,
}

/// Prints objects. Numbers that are not finite are null.
pub struct Json {
    shape: Shape,
    started: bool,
    buffer: Vec<u8>,
}

impl Json {
    /// Begins.
    pub fn new(shape: Shape) -> Json {
        Json {
            shape,
            started: false,
            buffer: Vec::new(),
        }
    }

    /// Prints rows.
    ///
    /// # Errors
    /// When a value is nothing that JSON can say, or those of `out`.
    pub fn rows(&mut self, rows: &RecordBatch, out: &mut dyn Write) -> Result<(), TextError> {
        let nulls = self.shape != Shape::SparseLines;
        let options = EncoderOptions::default().with_explicit_nulls(nulls);
        let objects: ArrayRef = std::sync::Arc::new(StructArray::from(rows.clone()));
        let field = std::sync::Arc::new(Field::new(
            "",
            DataType::Struct(rows.schema().fields().clone()),
            false,
        ));
        let mut encoder = make_encoder(&field, objects.as_ref(), &options)?;
        for row in 0..objects.len() {
            self.buffer.clear();
            let before: &[u8] = match (self.shape, self.started) {
                (Shape::Array, false) => b"[",
                (Shape::Array, true) => b",\n ",
                _ => b"",
            };
            self.buffer.extend_from_slice(before);
            encoder.encode(row, &mut self.buffer);
            if self.shape != Shape::Array {
                self.buffer.push(b'\n');
            }
            self.started = true;
            out.write_all(&self.buffer)?;
        }
        Ok(())
    }

    /// Closes the array.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(&mut self, out: &mut dyn Write) -> Result<(), TextError> {
        match (self.shape, self.started) {
            (Shape::Array, false) => out.write_all(b"[]\n")?,
            (Shape::Array, true) => out.write_all(b"]\n")?,
            _ => {}
        }
        Ok(())
    }
}
