//! Rows of one table on their way to files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use deltalake::kernel::Add;
use deltalake::parquet::errors::ParquetError;
use lake_layout::{Encoder, PARTITION, ParquetSettings, TableSpec, date_text};
use uuid::Uuid;

use crate::file::ParquetFile;
use crate::spill::{MemoryCap, StagedBytes};
use crate::stats::stats;

/// Rows that are sorted out and handed to the Parquet writer at a time. Smaller batches cost the writer
/// more a batch, larger ones come and go as fresh memory (`ready_batches --batch-rows`).
pub(crate) const BATCH_ROWS: usize = 8192;

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
    open: BTreeMap<i32, ParquetFile>,
    done: Vec<StagedFile>,
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
        let open: usize = self.open.values().map(|f| f.bytes_written()).sum();
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
                    let settings = ParquetSettings {
                        rows_a_group: group.rows,
                        ..limits.parquet
                    };
                    free.insert(ParquetFile::new(&spec, settings, cap).map_err(text)?)
                }
            };
            for batch in group.batches {
                file.write(&batch.map_err(|e| e.to_string())?)
                    .map_err(text)?;
            }
            file.end_row_group().map_err(text)?;
            if file.bytes_written() >= limits.file_bytes
                && let Some(file) = open.remove(&day)
            {
                done.push(staged(&spec, day, file).map_err(text)?);
            }
            Ok(())
        })
    }

    fn close(&mut self, day: i32) -> Result<(), String> {
        if let Some(file) = self.open.remove(&day) {
            let staged = staged(self.encoder.spec(), day, file);
            self.done
                .push(staged.map_err(|error| problem(day, &error))?);
        }
        Ok(())
    }
}

fn problem(day: i32, error: &ParquetError) -> String {
    format!("Parquet file of {}: {error}", date_text(day))
}

/// The file as an action of the table's log.
fn staged(spec: &TableSpec, day: i32, file: ParquetFile) -> Result<StagedFile, ParquetError> {
    let (metadata, bytes) = file.finish()?;
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
