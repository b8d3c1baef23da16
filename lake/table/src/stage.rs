//! Rows of one table on their way to files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use deltalake::kernel::Add;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::arrow::arrow_writer::ArrowWriterOptions;
use deltalake::parquet::errors::ParquetError;
use lake_layout::{Encoder, PARTITION, ParquetSettings, TableSpec, date_text, parquet_properties};
use uuid::Uuid;

use crate::spill::{MemoryCap, Spill, StagedBytes};
use crate::stats::stats;

/// Rows that are sorted out and handed to the Parquet writer at a time. Smaller batches cost the writer
/// more a batch, larger ones come and go as fresh memory (`ready_batches --batch-rows`).
const BATCH_ROWS: usize = 8192;

/// How files are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileLimits {
    /// Rows are collected up to this many bytes (before Parquet), sorted, and make a row group.
    pub(crate) row_group_bytes: usize,
    /// A file that has this many bytes is closed and another begun.
    pub(crate) file_bytes: usize,
    pub(crate) parquet: ParquetSettings,
}

/// A finished file that is not in the table yet.
#[derive(Debug)]
pub(crate) struct StagedFile {
    pub(crate) add: Add,
    pub(crate) bytes: StagedBytes,
    pub(crate) uploaded: bool,
}

/// Rows of one table.
pub(crate) struct TableStage {
    pub(crate) encoder: Encoder,
    limits: FileLimits,
    cap: MemoryCap,
    open: BTreeMap<i32, DayFile>,
    done: Vec<StagedFile>,
}

struct DayFile {
    writer: ArrowWriter<Spill>,
}

impl TableStage {
    pub(crate) fn new(encoder: Encoder, limits: FileLimits, cap: MemoryCap) -> Self {
        Self {
            encoder,
            limits,
            cap,
            open: BTreeMap::new(),
            done: Vec::new(),
        }
    }

    /// Rows and files that were not sealed yet, in bytes.
    pub(crate) fn size(&self) -> usize {
        let open: usize = self.open.values().map(|f| f.writer.bytes_written()).sum();
        let done: u64 = self.done.iter().map(|f| f.bytes.len()).sum();
        self.encoder.size() + open + usize::try_from(done).unwrap_or(usize::MAX)
    }

    /// Writes the days that have a row group's worth of rows.
    pub(crate) fn write_full(&mut self) -> Result<(), String> {
        if self.encoder.size() < self.limits.row_group_bytes {
            return Ok(());
        }
        self.write(self.limits.row_group_bytes)?;
        if self.encoder.size() >= 2 * self.limits.row_group_bytes {
            // Many half-full days: no row group is full, but together they are too much.
            self.write(0)?;
        }
        Ok(())
    }

    /// Closes all files and hands them over.
    pub(crate) fn seal(&mut self) -> Result<Vec<StagedFile>, String> {
        self.write(0)?;
        // Nobody knows whether more will come: the room of the rows is given back.
        self.encoder.clear();
        for day in self.open.keys().copied().collect::<Vec<_>>() {
            self.close(day)?;
        }
        Ok(std::mem::take(&mut self.done))
    }

    /// Drops everything that was not sealed.
    pub(crate) fn clear(&mut self) {
        self.encoder.clear();
        self.open.clear();
        self.done.clear();
    }

    fn write(&mut self, at_least: usize) -> Result<(), String> {
        let spec = self.encoder.spec().clone();
        let (open, done) = (&mut self.open, &mut self.done);
        let (limits, cap) = (self.limits, &self.cap);
        self.encoder.drain(at_least, BATCH_ROWS, |group| {
            let day = group.day;
            let text = |error: ParquetError| problem(day, &error);
            let file = match open.entry(day) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(free) => {
                    free.insert(DayFile::new(&spec, limits, group.rows, cap).map_err(text)?)
                }
            };
            for batch in group.batches {
                file.writer
                    .write(&batch.map_err(|e| e.to_string())?)
                    .map_err(text)?;
            }
            file.writer.flush().map_err(text)?;
            if file.writer.bytes_written() >= limits.file_bytes
                && let Some(file) = open.remove(&day)
            {
                done.push(file.finish(&spec, day).map_err(text)?);
            }
            Ok(())
        })
    }

    fn close(&mut self, day: i32) -> Result<(), String> {
        if let Some(file) = self.open.remove(&day) {
            let staged = file
                .finish(self.encoder.spec(), day)
                .map_err(|error| problem(day, &error))?;
            self.done.push(staged);
        }
        Ok(())
    }
}

fn problem(day: i32, error: &ParquetError) -> String {
    format!("Parquet file of {}: {error}", date_text(day))
}

impl DayFile {
    fn new(
        spec: &Arc<TableSpec>,
        limits: FileLimits,
        rows: usize,
        cap: &MemoryCap,
    ) -> Result<Self, ParquetError> {
        let settings = ParquetSettings {
            rows_a_group: rows,
            ..limits.parquet
        };
        let options = ArrowWriterOptions::new()
            .with_properties(parquet_properties(spec, settings))
            // The Delta log has the schema; a copy of Arrow's only costs every small file a KiB.
            .with_skip_arrow_metadata(true);
        let spill = Spill::new(cap.clone());
        let writer = ArrowWriter::try_new_with_options(spill, spec.file_schema().clone(), options)?;
        Ok(Self { writer })
    }

    fn finish(mut self, spec: &TableSpec, day: i32) -> Result<StagedFile, ParquetError> {
        let metadata = self.writer.finish()?;
        let spill = std::mem::replace(
            self.writer.inner_mut(),
            Spill::new(MemoryCap::new(0, std::env::temp_dir())),
        );
        let bytes = spill.finish();
        let date = date_text(day);
        let add = Add {
            path: format!("{PARTITION}={date}/part-{}.zstd.parquet", Uuid::new_v4()),
            partition_values: [(PARTITION.to_owned(), Some(date))].into(),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            modification_time: crate::table::now_millis(),
            data_change: true,
            stats: Some(stats(spec, &metadata)),
            ..Add::default()
        };
        Ok(StagedFile {
            add,
            bytes,
            uploaded: false,
        })
    }
}
