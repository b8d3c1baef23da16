//! Payloads in, SQL out.

use std::path::Path;

use deltalake::arrow::array::{AsArray, RecordBatch};
use deltalake::arrow::datatypes::{DataType, Int64Type};
use deltalake::arrow::util::display::array_value_to_string;
use deltalake::datafusion::prelude::SessionContext;
use lake_layout::{Kind, TableSpec};
use lake_table::{Lake, LakeSettings, Location, Stager};
use otlp::{Payload, Signal};

/// 2026-11-20T00:00:00Z
pub(crate) const DAY: u64 = 20_777 * 86_400_000_000_000;
pub(crate) const NEXT_DAY: u64 = DAY + 86_400_000_000_000;

pub(crate) fn log(time: u64, body: &str) -> String {
    format!(
        r#"{{"timeUnixNano":"{time}","severityNumber":9,"body":{{"stringValue":"{body}"}},"attributes":[{{"key":"k","value":{{"stringValue":"v-{body}"}}}}]}}"#
    )
}

pub(crate) fn logs(records: &[String]) -> Payload {
    let json = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#,
        records.join(",")
    );
    otlp::json::read(Signal::Logs, json.as_bytes()).unwrap()
}

pub(crate) fn location(directory: &Path) -> Location {
    Location::parse(directory.to_str().unwrap(), []).unwrap()
}

pub(crate) fn settings(location: Location, log_id: &str) -> LakeSettings {
    LakeSettings {
        log_id: Some(log_id.to_owned()),
        ..LakeSettings::new(location, vec![TableSpec::new(Kind::Logs)])
    }
}

pub(crate) async fn open(location: Location, log_id: &str) -> (Lake, Stager) {
    let lake = Lake::open(settings(location, log_id)).await.unwrap();
    let stager = lake.stager();
    (lake, stager)
}

/// The answer of a query over `otel_logs`, read by a handle of its own.
pub(crate) async fn query(directory: &Path, sql: &str) -> Vec<RecordBatch> {
    query_table(directory, "otel_logs", sql).await
}

pub(crate) async fn query_table(directory: &Path, name: &str, sql: &str) -> Vec<RecordBatch> {
    let url = deltalake::ensure_table_uri(directory.join(name).to_str().unwrap()).unwrap();
    let table = deltalake::open_table(url).await.unwrap();
    let context = SessionContext::new();
    context
        .register_table(name, table.table_provider().await.unwrap())
        .unwrap();
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

/// All cells as text, rows of columns.
pub(crate) fn cells(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(
                batch
                    .columns()
                    .iter()
                    .map(|column| array_value_to_string(column, row).unwrap())
                    .collect(),
            );
        }
    }
    rows
}

pub(crate) async fn count(directory: &Path, sql: &str) -> i64 {
    let batches = query(directory, sql).await;
    let column = batches[0].column(0);
    assert_eq!(column.data_type(), &DataType::Int64);
    column.as_primitive::<Int64Type>().value(0)
}

/// Rows, and how many different record ids they have.
pub(crate) async fn rows_and_ids(directory: &Path) -> (i64, i64) {
    (
        count(directory, "select count(*) from otel_logs").await,
        count(directory, "select count(distinct record_id) from otel_logs").await,
    )
}

/// The bodies in order.
pub(crate) async fn bodies(directory: &Path) -> Vec<String> {
    let batches = query(directory, "select body from otel_logs order by body").await;
    cells(&batches).into_iter().flatten().collect()
}
