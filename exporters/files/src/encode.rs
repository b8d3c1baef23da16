//! Files that are being written.

mod compressed;
mod otlp_file;
mod rows_file;

use std::sync::Arc;

use lake_layout::{Entry, Kind, Rejected, TableSpec};
use lake_table::{MemoryCap, StagedBytes};
use otlp::Signal;

use crate::encoding::{Compression, Encoding, Mapping};
use compressed::Compressed;
use otlp_file::OtlpFile;
use rows_file::RowsFile;

/// What new files are made by.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) encoding: Encoding,
    pub(crate) compression: Compression,
    /// The columns of rows.
    pub(crate) spec: Arc<TableSpec>,
    /// Name of the log, for the ids of rows.
    pub(crate) log_id: String,
    pub(crate) cap: MemoryCap,
}

impl Recipe {
    /// The table whose columns the rows of a signal have; none when the mapping has no columns
    /// for it.
    pub(crate) fn spec(signal: Signal, mapping: Mapping) -> Option<TableSpec> {
        let kind = match (signal, mapping) {
            (Signal::Logs, Mapping::Otel) => Kind::Logs,
            (Signal::Logs, Mapping::Ecs) => Kind::EcsEvents,
            (Signal::Traces, Mapping::Otel) => Kind::Traces,
            (Signal::Metrics, Mapping::Otel) => Kind::Metrics,
            (_, Mapping::Ecs) => return None,
        };
        Some(TableSpec::new(kind))
    }

    /// What the names of files end with.
    pub(crate) fn extension(&self) -> String {
        self.encoding.extension(self.compression)
    }

    /// An empty file.
    ///
    /// # Errors
    /// When the compression cannot be set up.
    pub(crate) fn begin(&self) -> Result<OpenFile, String> {
        if self.encoding.has_rows() {
            return RowsFile::new(self).map(Box::new).map(OpenFile::Rows);
        }
        let out = Compressed::new(self.compression, &self.cap)?;
        let lines = self.encoding == Encoding::OtlpJson;
        Ok(OpenFile::Otlp(OtlpFile::new(lines, out)))
    }
}

/// A file of any encoding.
pub(crate) enum OpenFile {
    /// OTLP requests.
    Otlp(OtlpFile),
    /// Rows of a table.
    Rows(Box<RowsFile>),
}

impl OpenFile {
    /// Adds records, and gives back those that the file cannot hold.
    ///
    /// # Errors
    /// When the file is left half written.
    pub(crate) fn append(&mut self, entry: Entry<'_>) -> Result<Vec<Rejected>, String> {
        match self {
            OpenFile::Otlp(file) => file.append(entry.payload).map(|()| Vec::new()),
            OpenFile::Rows(file) => file.append(entry),
        }
    }

    /// Bytes of rows that wait for company.
    pub(crate) fn waiting(&self) -> usize {
        match self {
            OpenFile::Otlp(_) => 0,
            OpenFile::Rows(file) => file.waiting(),
        }
    }

    /// Bytes of the file so far.
    pub(crate) fn written(&self) -> usize {
        match self {
            OpenFile::Otlp(file) => file.written(),
            OpenFile::Rows(file) => file.written(),
        }
    }

    /// Writes the rows that wait.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn write_rows(&mut self) -> Result<(), String> {
        match self {
            OpenFile::Otlp(_) => Ok(()),
            OpenFile::Rows(file) => file.write_rows(),
        }
    }

    /// The whole file; none when it came to hold nothing.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn finish(self) -> Result<Option<StagedBytes>, String> {
        match self {
            OpenFile::Otlp(file) => file.finish().map(Some),
            OpenFile::Rows(file) => file.finish(),
        }
    }
}
