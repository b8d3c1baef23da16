//! What Parquet alone costs, and what it costs to get there: log records from requests to Arrow batches, and those
//! batches, ready-made, to files with the settings of the delta exporter (`lake/table/src/stage.rs`): row
//! groups of 32 MiB in sorted batches of 8192 rows, zstd 1, files of 128 MiB.
//!
//! `ready_batches --records 1000000 --directory /tmp/ready --batch-rows 8192`
//!
//! One thread; each part is measured apart, a row group at a time, so that memory stays small. Prints one line of CPU
//! seconds a million records: `cpu_s_per_million` is Parquet's, `validate`, `append` and `take` (sorting) are the
//! making of the batches, `requests` is what nobody but this program has to do.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use benches::arguments::Arguments;
use benches::{Failure, input};
use cpu_time::ThreadTime;
use lake_layout::{Encoder, Entry, Kind, ParquetSettings, TableSpec, parquet_properties};
use otlp::{Payload, Signal};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROW_GROUP: usize = 32 << 20;
const FILE: usize = 128 << 20;
const RECORDS: u64 = 1000;
/// As a queue in memory names its log: it is in every record id.
const LOG: &str = "memory-01936b2e-7c1a-7d3e-9f40-5b2c8d1e6a70";
const INGEST_TIME_UNIX_NANO: u64 = 1_795_262_400_000_000_000;

/// CPU seconds of the parts.
#[derive(Default)]
struct Spent {
    requests: f64,
    validate: f64,
    append: f64,
    take: f64,
    parquet: f64,
}

/// Adds the CPU that `work` takes to `spent`.
fn timed<R>(spent: &mut f64, work: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    let begun = ThreadTime::try_now()?;
    let done = work()?;
    *spent += begun.try_elapsed()?.as_secs_f64();
    Ok(done)
}

/// The files, one open at a time.
struct Files<'a> {
    spec: &'a TableSpec,
    directory: &'a Path,
    /// Rows that the writer gets at a time.
    batch_rows: usize,
    open: Option<ArrowWriter<File>>,
    files: usize,
    row_groups: usize,
    bytes: usize,
}

impl Files<'_> {
    fn create(&mut self, rows: usize) -> Result<ArrowWriter<File>, Failure> {
        self.files += 1;
        let path = self.directory.join(format!("part-{}.parquet", self.files));
        let settings = ParquetSettings {
            rows_a_group: rows,
            ..ParquetSettings::default()
        };
        let options = ArrowWriterOptions::new()
            .with_properties(parquet_properties(self.spec, settings))
            .with_skip_arrow_metadata(true);
        let schema = self.spec.file_schema().clone();
        let file = File::create(path)?;
        Ok(ArrowWriter::try_new_with_options(file, schema, options)?)
    }

    /// The open file, for a row group of `rows` rows.
    fn open(&mut self, rows: usize) -> Result<&mut ArrowWriter<File>, Failure> {
        let file = match self.open.take() {
            Some(file) => file,
            None => self.create(rows)?,
        };
        Ok(self.open.insert(file))
    }

    fn end_row_group(&mut self) -> Result<(), Failure> {
        self.row_groups += 1;
        if let Some(file) = &mut self.open {
            file.flush()?;
            if file.bytes_written() >= FILE {
                self.finish()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        if let Some(mut file) = self.open.take() {
            file.finish()?;
            self.bytes += file.bytes_written();
        }
        Ok(())
    }
}

/// Encodes and writes `records` records, at least a request of them.
fn run(
    records: u64,
    spent: &mut Spent,
    files: &mut Files<'_>,
    spec: &Arc<TableSpec>,
) -> Result<(), Failure> {
    let mut encoder = Encoder::new(spec.clone(), LOG);
    let requests = records.div_ceil(RECORDS);
    for sequence in 0..requests {
        let request = timed(&mut spent.requests, || {
            Ok(input::request(sequence, RECORDS as usize))
        })?;
        let payload = timed(&mut spent.validate, || {
            Ok(Payload::validate(Signal::Logs, request)?)
        })?;
        timed(&mut spent.append, || {
            Ok(encoder.append(Entry {
                payload: &payload,
                sequence,
                ingest_time_unix_nano: INGEST_TIME_UNIX_NANO,
            })?)
        })?;
        let last = sequence + 1 == requests;
        if encoder.size() >= ROW_GROUP || last {
            let least = if last { 0 } else { ROW_GROUP };
            encoder.drain(least, files.batch_rows, |mut group| {
                while let Some(batch) = timed(&mut spent.take, || Ok(group.batches.next()))? {
                    let batch = batch?;
                    timed(&mut spent.parquet, || {
                        Ok(files.open(group.rows)?.write(&batch)?)
                    })?;
                }
                timed(&mut spent.parquet, || files.end_row_group())
            })?;
        }
    }
    timed(&mut spent.parquet, || files.finish())
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&["records", "directory", "batch-rows"])?;
    let records: u64 = arguments.get("records", 1_000_000)?;
    let directory: PathBuf =
        arguments.get("directory", std::env::temp_dir().join("ready_batches"))?;
    std::fs::create_dir_all(&directory)?;
    let spec = Arc::new(TableSpec::new(Kind::Logs));
    let mut files = Files {
        spec: &spec,
        directory: &directory,
        batch_rows: arguments.get("batch-rows", 8192)?,
        open: None,
        files: 0,
        row_groups: 0,
        bytes: 0,
    };
    let mut spent = Spent::default();
    run(records, &mut spent, &mut files, &spec)?;
    let millions = records as f64 / 1e6;
    println!(
        "records={records} row_groups={} file_bytes={} requests={:.3} validate={:.3} append={:.3} take={:.3} made_cpu_s_per_million={:.3} cpu_s_per_million={:.3}",
        files.row_groups,
        files.bytes,
        spent.requests / millions,
        spent.validate / millions,
        spent.append / millions,
        spent.take / millions,
        (spent.validate + spent.append + spent.take) / millions,
        spent.parquet / millions,
    );
    Ok(())
}
