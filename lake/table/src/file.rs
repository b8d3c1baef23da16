//! A Parquet file on its way to be finished, in memory or in a temporary file.

use deltalake::arrow::array::RecordBatch;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::arrow::arrow_writer::ArrowWriterOptions;
use deltalake::parquet::errors::ParquetError;
use deltalake::parquet::file::metadata::ParquetMetaData;
use lake_layout::{ParquetSettings, TableSpec, parquet_properties};

use crate::spill::{MemoryCap, Spill, StagedBytes};

/// A file with the rows of one table, without its partition column.
pub struct ParquetFile {
    writer: ArrowWriter<Spill>,
}

impl ParquetFile {
    /// An empty file.
    ///
    /// # Errors
    /// When the settings do not fit the table.
    pub fn new(
        spec: &TableSpec,
        settings: ParquetSettings,
        cap: &MemoryCap,
    ) -> Result<ParquetFile, ParquetError> {
        let options = ArrowWriterOptions::new()
            .with_properties(parquet_properties(spec, settings))
            // The types of the columns say it all; a copy of Arrow's only costs every small file a KiB.
            .with_skip_arrow_metadata(true);
        let spill = Spill::new(cap.clone());
        let writer = ArrowWriter::try_new_with_options(spill, spec.file_schema().clone(), options)?;
        Ok(ParquetFile { writer })
    }

    /// Adds rows to the row group that is open.
    ///
    /// # Errors
    /// When they cannot be encoded, or a temporary file cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        self.writer.write(rows)
    }

    /// Ends the row group that is open.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn end_row_group(&mut self) -> Result<(), ParquetError> {
        self.writer.flush()
    }

    /// Bytes of finished row groups.
    pub fn bytes_written(&self) -> usize {
        self.writer.bytes_written()
    }

    /// The finished file, and what its end says of it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(mut self) -> Result<(ParquetMetaData, StagedBytes), ParquetError> {
        let metadata = self.writer.finish()?;
        let nothing = Spill::new(MemoryCap::new(0, std::env::temp_dir()));
        let spill = std::mem::replace(self.writer.inner_mut(), nothing);
        Ok((metadata, spill.finish()))
    }
}
