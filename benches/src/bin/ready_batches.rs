//! What Parquet alone costs: log records as ready-made Arrow batches, written to a directory with the settings of
//! the delta exporter (`lake/table/src/stage.rs`): sorted batches of 32 MiB, a row group each, zstd 1, files of 128 MiB.
//!
//! `ready_batches --records 1000000 --directory /tmp/ready`
//!
//! Making the batches is measured apart. Prints one line a million records.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use benches::arguments::Arguments;
use benches::input::Template;
use benches::{Failure, cpu};
use lake_layout::{DayBatch, Encoder, Entry, Kind, ParquetSettings, TableSpec, parquet_properties};
use otlp::{Payload, Signal};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROW_GROUP: usize = 32 << 20;
const FILE: usize = 128 << 20;
const RECORDS: u64 = 1000;

fn batches(spec: &Arc<TableSpec>, records: u64) -> Result<Vec<DayBatch>, Failure> {
    let templates: Vec<_> = (0..16)
        .map(|seed| Template::new(seed, RECORDS as usize))
        .collect();
    let mut encoder = Encoder::new(spec.clone(), "0badcafe");
    let mut batches = Vec::new();
    for (sequence, template) in (0..records / RECORDS).zip(templates.iter().cycle()) {
        let request = template.numbered(sequence * RECORDS);
        let payload = Payload::validate(Signal::Logs, request)?;
        let ingest_time_unix_nano = 1_795_262_400_000_000_000;
        encoder.append(Entry {
            payload: &payload,
            sequence,
            ingest_time_unix_nano,
        })?;
        if encoder.size() >= ROW_GROUP {
            batches.extend(encoder.take(ROW_GROUP)?);
        }
    }
    batches.extend(encoder.take(0)?);
    Ok(batches)
}

fn writer(spec: &TableSpec, path: PathBuf, rows: usize) -> Result<ArrowWriter<File>, Failure> {
    let settings = ParquetSettings {
        rows_a_group: rows,
        ..ParquetSettings::default()
    };
    let options = ArrowWriterOptions::new()
        .with_properties(parquet_properties(spec, settings))
        .with_skip_arrow_metadata(true);
    let schema = spec.file_schema().clone();
    Ok(ArrowWriter::try_new_with_options(
        File::create(path)?,
        schema,
        options,
    )?)
}

/// Writes the batches; returns how many bytes the files have.
fn write(spec: &TableSpec, batches: &[DayBatch], directory: &Path) -> Result<usize, Failure> {
    let (mut bytes, mut files) = (0, 0);
    let mut open: Option<ArrowWriter<File>> = None;
    for day in batches {
        let mut file = match open.take() {
            Some(file) => file,
            None => {
                files += 1;
                let path = directory.join(format!("part-{files}.parquet"));
                writer(spec, path, day.batch.num_rows())?
            }
        };
        file.write(&day.batch)?;
        file.flush()?;
        if file.bytes_written() >= FILE {
            file.finish()?;
            bytes += file.bytes_written();
        } else {
            open = Some(file);
        }
    }
    if let Some(mut file) = open {
        file.finish()?;
        bytes += file.bytes_written();
    }
    Ok(bytes)
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&["records", "directory"])?;
    let records: u64 = arguments.get("records", 1_000_000)?;
    let directory: PathBuf =
        arguments.get("directory", std::env::temp_dir().join("ready_batches"))?;
    std::fs::create_dir_all(&directory)?;
    let spec = Arc::new(TableSpec::new(Kind::Logs));
    let begun = cpu::own_seconds()?;
    let batches = batches(&spec, records)?;
    let made = cpu::own_seconds()?;
    let bytes = write(&spec, &batches, &directory)?;
    let written = cpu::own_seconds()?;
    let millions = records as f64 / 1e6;
    println!(
        "records={records} row_groups={} file_bytes={bytes} made_cpu_s_per_million={:.3} cpu_s_per_million={:.3}",
        batches.len(),
        (made - begun) / millions,
        (written - made) / millions,
    );
    Ok(())
}
