use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use deltalake::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use deltalake::datafusion::parquet::arrow::ArrowWriter;

use crate::kit::*;

fn write(path: &Path, ids: &[i64], name: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let names = vec![name; ids.len()];
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
        ("name", Arc::new(StringArray::from(names)) as ArrayRef),
    ])
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_parquet_are_tables_with_partitions() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("clicks");
    write(
        &table.join("date=2026-11-20/hour=07/a.parquet"),
        &[1, 2],
        "a",
    );
    write(&table.join("date=2026-11-20/hour=08/b.parquet"), &[3], "b");
    write(&table.join("date=2026-11-21/hour=07/c.parquet"), &[4], "c");
    write(&directory.path().join("plain/x.parquet"), &[9], "x");
    // Neither hidden folders nor other files are tables.
    write(&directory.path().join(".tmp/x.parquet"), &[9], "x");
    std::fs::create_dir_all(directory.path().join("notes")).unwrap();
    std::fs::write(directory.path().join("notes/readme.txt"), "x").unwrap();
    let session = session(directory.path());
    let names: Vec<String> = session
        .tables()
        .await
        .unwrap()
        .into_iter()
        .map(|table| table.name)
        .collect();
    assert_eq!(names, ["clicks", "plain"]);

    let sql = "select date, hour, sum(id) from clicks group by 1, 2 order by 1, 2";
    assert_eq!(
        rows(&session, sql).await,
        ["2026-11-20,07,3", "2026-11-20,08,3", "2026-11-21,07,4"]
    );
    let sql = "select id from clicks where date > '2026-11-20' and hour = '07'";
    assert_eq!(rows(&session, sql).await, ["4"]);
    assert_eq!(rows(&session, "select name from plain").await, ["x"]);

    let explanation = session
        .explain("select id from clicks where date = '2026-11-20' and hour = '08'")
        .await
        .unwrap();
    let scanned = &explanation.tables[0];
    assert_eq!((scanned.files, scanned.all_files), (1, 3), "{explanation}");
    assert_eq!(scanned.partitions, ["date=2026-11-20/hour=08"]);
    assert!(
        explanation
            .to_string()
            .starts_with("clicks (parquet): files scanned 1 of 3 (2 pruned)"),
        "{explanation}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_are_seen_by_the_next_statement() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("clicks");
    write(&table.join("date=2026-11-20/a.parquet"), &[1], "a");
    let session = session(directory.path());
    assert_eq!(rows(&session, "select count(*) from clicks").await, ["1"]);
    write(&table.join("date=2026-11-21/b.parquet"), &[2], "b");
    assert_eq!(rows(&session, "select count(*) from clicks").await, ["2"]);
    // And a table beside a Delta table is joined with it.
    three_events(directory.path()).await;
    let sql = "select count(*) from clicks join otel_logs on clicks.date = otel_logs.date";
    assert_eq!(rows(&session, sql).await, ["3"]);
}
