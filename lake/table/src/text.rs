//! Rows as text: CSV, JSON. One spelling for the answers of queries and for files.

mod cells;
mod csv;
mod json;

use std::io;

use deltalake::arrow::error::ArrowError;

pub use cells::{Cells, json_options};
pub use csv::Csv;
pub use json::{Json, Shape};

/// Rows could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A value has no text.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// What they are written to failed.
    #[error(transparent)]
    Output(#[from] io::Error),
}
