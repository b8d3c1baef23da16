use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use lake_layout::{Kind, ParquetSettings, TableSpec, parquet_properties};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ParquetMetaData;

use crate::kit::*;

fn sample(kind: Kind) -> &'static str {
    match kind {
        Kind::Logs | Kind::EcsEvents => {
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","body":{"stringValue":"b"},
            "traceId":"0102030405060708090a0b0c0d0e0f10","attributes":[{"key":"k","value":{}},{"key":"l","value":{"intValue":"1"}}]},
            {"timeUnixNano":"6"}]}]}]}"#
        }
        Kind::Traces => {
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"5","name":"n","traceId":"0102030405060708090a0b0c0d0e0f10",
            "events":[{"name":"e","timeUnixNano":"5"}],"links":[{"spanId":"0102030405060708"}]},{"startTimeUnixNano":"6"}]}]}]}"#
        }
        Kind::Metrics => {
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","histogram":{"dataPoints":[
            {"timeUnixNano":"5","count":"1","bucketCounts":["1"]}]}},{"name":"n","gauge":{"dataPoints":[{"timeUnixNano":"5","asDouble":1.5}]}}]}]}]}"#
        }
    }
}

fn write(kind: Kind) -> (RecordBatch, Bytes, ParquetMetaData) {
    let spec = TableSpec::new(kind);
    let properties = parquet_properties(&spec, ParquetSettings::default());
    let batch = one(encode(kind, sample(kind)));
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let metadata = writer.close().unwrap();
    (batch, Bytes::from(file), metadata)
}

#[test]
fn every_table_reads_back_as_it_was_written() {
    for kind in Kind::ALL {
        let (batch, file, _) = write(kind);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        let read: Vec<_> = reader.map(Result::unwrap).collect();
        let read = concat_batches(&read[0].schema(), &read).unwrap();
        assert_eq!(read.columns(), batch.columns(), "{kind:?}");
    }
}

#[test]
fn columns_are_stored_as_the_layout_says() {
    let (_, _, metadata) = write(Kind::Logs);
    let group = metadata.row_group(0);
    let column = |name: &str| {
        group
            .columns()
            .iter()
            .find(|c| c.column_path().string() == name)
            .unwrap_or_else(|| panic!("no column {name}"))
    };
    let encodings = |name: &str| column(name).encodings().collect::<Vec<_>>();
    assert!(matches!(column("body").compression(), Compression::ZSTD(_)));
    assert!(encodings("time_unix_nano").contains(&Encoding::DELTA_BINARY_PACKED));
    assert!(encodings("record_id").contains(&Encoding::DELTA_BYTE_ARRAY));
    assert!(!encodings("body").contains(&Encoding::RLE_DICTIONARY));
    assert!(encodings("severity_number").contains(&Encoding::RLE_DICTIONARY));
    assert!(encodings("attributes.key_value.key").contains(&Encoding::RLE_DICTIONARY));
    assert!(column("trace_id").bloom_filter_offset().is_some());
    assert!(column("body").bloom_filter_offset().is_none());
    assert!(column("service_name").statistics().is_some());
    assert!(column("body").statistics().is_none());
    assert!(column("attributes.key_value.key").statistics().is_none());
}

#[test]
fn the_schema_has_the_columns_of_the_layout_and_no_partition_in_the_file() {
    let spec = TableSpec::new(Kind::Logs);
    let names: Vec<_> = spec.columns().iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "record_id",
            "date",
            "time",
            "time_unix_nano",
            "service_name",
            "resource_attributes",
            "resource_schema_url",
            "scope_name",
            "scope_version",
            "scope_attributes",
            "_ingest_time",
            "observed_time_unix_nano",
            "severity_number",
            "severity_text",
            "event_name",
            "body",
            "body_type",
            "attributes",
            "trace_id",
            "span_id",
            "flags",
            "dropped_attributes_count",
        ]
    );
    assert!(spec.file_schema().field_with_name("date").is_err());
    for kind in Kind::ALL {
        let spec = TableSpec::new(kind);
        let required: Vec<_> = spec
            .columns()
            .iter()
            .filter(|c| !c.nullable)
            .map(|c| c.name.as_ref())
            .collect();
        let time = if kind == Kind::EcsEvents {
            "ts"
        } else {
            "time"
        };
        assert_eq!(required, ["date", time, "time_unix_nano"]);
        assert!(spec.columns().iter().all(|c| !c.comment.is_empty()));
    }
}
