//! Rows of a table: Parquet, CSV, JSON lines.

use lake_layout::{Encoder, Entry, ParquetSettings, Rejected, TableSpec};
use lake_table::text::{Csv, Json, Shape};
use lake_table::{MemoryCap, ParquetFile, StagedBytes};

use super::{Compressed, Recipe};
use crate::encoding::Encoding;

/// Rows that are put together at a time.
const BATCH_ROWS: usize = 8192;

/// zstd level of Parquet files: nobody compacts these, so they are compressed well at once.
const PARQUET_LEVEL: i32 = 3;

/// A file of rows.
pub(crate) struct RowsFile {
    encoder: Encoder,
    out: Out,
    /// Whether any record became one.
    has_rows: bool,
}

enum Out {
    Parquet {
        /// None before the first row: what is known of it then sizes the file's filters.
        file: Option<Box<ParquetFile>>,
        cap: MemoryCap,
    },
    Csv(Csv, Compressed),
    Json(Json, Compressed),
}

impl RowsFile {
    pub(super) fn new(recipe: &Recipe) -> Result<RowsFile, String> {
        let text = || Compressed::new(recipe.compression, &recipe.cap);
        let out = match recipe.encoding {
            Encoding::Csv => Out::Csv(Csv::new(recipe.spec.file_schema()), text()?),
            Encoding::JsonLines => Out::Json(Json::new(Shape::SparseLines), text()?),
            _ => Out::Parquet {
                file: None,
                cap: recipe.cap.clone(),
            },
        };
        let encoder = Encoder::new(recipe.spec.clone(), recipe.log_id.clone());
        Ok(RowsFile {
            encoder: encoder.with_ecs_names(ecs_name),
            out,
            has_rows: false,
        })
    }

    pub(super) fn append(&mut self, entry: Entry<'_>) -> Result<Vec<Rejected>, String> {
        let appended = self.encoder.append(entry);
        let appended = appended.map_err(|error| error.to_string())?;
        self.has_rows |= appended.rows > 0;
        Ok(appended.rejected)
    }

    pub(super) fn waiting(&self) -> usize {
        self.encoder.size()
    }

    pub(super) fn written(&self) -> usize {
        match &self.out {
            Out::Parquet { file, .. } => file.as_ref().map_or(0, |file| file.bytes_written()),
            Out::Csv(_, out) | Out::Json(_, out) => out.written(),
        }
    }

    pub(super) fn write_rows(&mut self) -> Result<(), String> {
        let spec = self.encoder.spec().clone();
        let out = &mut self.out;
        self.encoder.drain(0, BATCH_ROWS, |group| {
            for rows in group.batches {
                let rows = rows.map_err(|error| error.to_string())?;
                match out {
                    Out::Parquet { file, cap } => {
                        parquet(file, cap, &spec, group.rows)?
                            .write(&rows)
                            .map_err(|error| error.to_string())?;
                    }
                    Out::Csv(csv, out) => {
                        csv.rows(&rows, out).map_err(|error| error.to_string())?
                    }
                    Out::Json(json, out) => {
                        json.rows(&rows, out).map_err(|error| error.to_string())?;
                    }
                }
            }
            match out {
                Out::Parquet {
                    file: Some(file), ..
                } => file.end_row_group().map_err(|error| error.to_string()),
                _ => Ok(()),
            }
        })
    }

    pub(super) fn finish(mut self) -> Result<Option<StagedBytes>, String> {
        self.write_rows()?;
        match self.out {
            _ if !self.has_rows => Ok(None),
            Out::Parquet { file: None, .. } => Ok(None),
            Out::Parquet {
                file: Some(file), ..
            } => match file.finish() {
                Ok((_, bytes)) => Ok(Some(bytes)),
                Err(error) => Err(error.to_string()),
            },
            Out::Csv(_, out) | Out::Json(_, out) => out.finish().map(Some),
        }
    }
}

/// The file, begun with its first row group of so many rows.
fn parquet<'f>(
    file: &'f mut Option<Box<ParquetFile>>,
    cap: &MemoryCap,
    spec: &TableSpec,
    rows: usize,
) -> Result<&'f mut ParquetFile, String> {
    let open = match file.take() {
        Some(open) => open,
        None => {
            let settings = ParquetSettings {
                zstd_level: PARQUET_LEVEL,
                rows_a_group: rows,
            };
            let file = ParquetFile::new(spec, settings, cap);
            Box::new(file.map_err(|error| error.to_string())?)
        }
    };
    Ok(file.insert(open))
}

/// The ECS field of an attribute that the `ecs` processor renamed, so that files of ECS events
/// are the same behind that processor and without it.
fn ecs_name(attribute: &str) -> Option<&'static str> {
    let field = semconv::table::lookup(attribute)?.reverse()?;
    Some(field.name)
}
