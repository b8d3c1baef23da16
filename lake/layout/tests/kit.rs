//! Reading batches in tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use lake_layout::{Appended, DayBatch, Encoder, Entry, Kind, TableSpec};
use otlp::{Payload, Signal};

/// 2026-11-21T00:00:00Z
pub(crate) const DAY: u64 = 20_778 * 86_400_000_000_000;
pub(crate) const INGEST: u64 = DAY + 5_000_000_000;

pub(crate) fn payload(signal: Signal, json: &str) -> Payload {
    otlp::json::read(signal, json.as_bytes()).unwrap()
}

pub(crate) fn append(encoder: &mut Encoder, payload: &Payload, sequence: u64) -> Appended {
    encoder
        .append(Entry {
            payload,
            sequence,
            ingest_time_unix_nano: INGEST,
        })
        .unwrap()
}

/// All rows of one payload in a table of this kind.
pub(crate) fn encode(kind: Kind, json: &str) -> Vec<DayBatch> {
    encode_with(TableSpec::new(kind), json)
}

pub(crate) fn encode_with(spec: TableSpec, json: &str) -> Vec<DayBatch> {
    let payload = payload(spec.kind().signal(), json);
    let mut encoder = Encoder::new(Arc::new(spec), "log0");
    let appended = append(&mut encoder, &payload, 7);
    assert!(appended.rejected.is_empty(), "{:?}", appended.rejected);
    assert_eq!(appended.rows, payload.items());
    assert_eq!(encoder.rows(), payload.items());
    let batches = encoder.take(0).unwrap();
    assert_eq!(encoder.rows(), 0);
    batches
}

/// The only batch.
pub(crate) fn one(mut batches: Vec<DayBatch>) -> RecordBatch {
    assert_eq!(batches.len(), 1);
    batches.remove(0).batch
}

pub(crate) fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch
        .column_by_name(name)
        .unwrap_or_else(|| panic!("no column {name}"))
}

pub(crate) fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let column = column(batch, name).as_string::<i32>();
    column.is_valid(row).then(|| column.value(row).to_owned())
}

pub(crate) fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    (0..batch.num_rows())
        .map(|row| text(batch, name, row))
        .collect()
}

pub(crate) fn long(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let column = column(batch, name).as_primitive::<Int64Type>();
    column.is_valid(row).then(|| column.value(row))
}

pub(crate) fn int(batch: &RecordBatch, name: &str, row: usize) -> Option<i32> {
    let column = column(batch, name).as_primitive::<Int32Type>();
    column.is_valid(row).then(|| column.value(row))
}

pub(crate) fn double(batch: &RecordBatch, name: &str, row: usize) -> Option<f64> {
    let column = column(batch, name).as_primitive::<Float64Type>();
    column.is_valid(row).then(|| column.value(row))
}

pub(crate) fn boolean(batch: &RecordBatch, name: &str, row: usize) -> Option<bool> {
    let column = column(batch, name).as_boolean();
    column.is_valid(row).then(|| column.value(row))
}

pub(crate) fn micros(batch: &RecordBatch, name: &str, row: usize) -> i64 {
    column(batch, name)
        .as_primitive::<TimestampMicrosecondType>()
        .value(row)
}

pub(crate) type Entries = BTreeMap<String, Option<String>>;

pub(crate) fn map_of(column: &dyn Array, row: usize) -> Entries {
    let entries = column.as_map().value(row);
    let (keys, values) = (
        entries.column(0).as_string::<i32>(),
        entries.column(1).as_string::<i32>(),
    );
    (0..entries.len())
        .map(|i| {
            let value = values.is_valid(i).then(|| values.value(i).to_owned());
            (keys.value(i).to_owned(), value)
        })
        .collect()
}

pub(crate) fn map(batch: &RecordBatch, name: &str, row: usize) -> Entries {
    map_of(column(batch, name), row)
}

pub(crate) fn entries(pairs: &[(&str, &str)]) -> Entries {
    pairs
        .iter()
        .map(|&(key, value)| (key.to_owned(), Some(value.to_owned())))
        .collect()
}

pub(crate) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
