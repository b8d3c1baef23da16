use std::path::Path;
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::kernel::{DataType, StructField};
use futures::future::join_all;
use lake_layout::{Kind, PromotedType, Promotion, TableSpec};
use lake_table::{Lake, LakeSettings, Refused, Table, TableError};

use crate::kit::*;

async fn open_table(directory: &Path) -> Result<Table, TableError> {
    let spec = Arc::new(TableSpec::new(Kind::Logs));
    Table::open_or_create(&location(directory), spec).await
}

async fn foreign(directory: &Path, columns: Vec<StructField>, partitions: &[&str]) -> String {
    let path = directory.join("otel_logs");
    let url = deltalake::ensure_table_uri(path.to_str().unwrap()).unwrap();
    DeltaTable::try_from_url(url)
        .await
        .unwrap()
        .create()
        .with_columns(columns)
        .with_partition_columns(partitions.iter().copied())
        .await
        .unwrap();
    let error = open_table(directory).await.unwrap_err();
    assert!(
        matches!(error, TableError::Refused(Refused::ForeignSchema { .. })),
        "{error}"
    );
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tables_are_created_with_types_that_every_reader_knows() {
    let directory = tempfile::tempdir().unwrap();
    let specs = Kind::ALL.map(TableSpec::new).to_vec();
    let lake = Lake::open(LakeSettings::new(location(directory.path()), specs))
        .await
        .unwrap();
    for table in lake.tables() {
        assert_eq!(table.version().await, Some(0));
        let delta = table.delta().await;
        let state = delta.snapshot().unwrap();
        assert_eq!(state.protocol().min_reader_version(), 1, "{}", table.name());
        assert_eq!(state.protocol().min_writer_version(), 2, "{}", table.name());
        assert_eq!(state.metadata().partition_columns(), &["date"]);
        let body = state.schema();
        let time = body.field("time_unix_nano").unwrap();
        assert!(!time.is_nullable());
        assert!(time.metadata().contains_key("comment"));
    }
    // Opening again changes nothing.
    let specs = Kind::ALL.map(TableSpec::new).to_vec();
    let lake = Lake::open(LakeSettings::new(location(directory.path()), specs))
        .await
        .unwrap();
    for table in lake.tables() {
        assert_eq!(table.version().await, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn creators_that_race_all_get_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let opened = join_all((0..6).map(|_| {
        let path = directory.path().to_owned();
        tokio::spawn(async move { open_table(&path).await.map(drop) })
    }))
    .await;
    for result in opened {
        result.unwrap().unwrap();
    }
    let log = directory.path().join("otel_logs/_delta_log");
    let commits = std::fs::read_dir(log)
        .unwrap()
        .filter(|f| {
            f.as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|e| e == "json")
        })
        .count();
    assert_eq!(commits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_table_is_refused_by_column_and_type() {
    let directory = tempfile::tempdir().unwrap();
    let text = foreign(
        directory.path(),
        vec![
            StructField::new("record_id", DataType::LONG, true),
            StructField::new("date", DataType::DATE, false),
        ],
        &["date"],
    )
    .await;
    assert!(
        text.contains("column `record_id`: expected string, found bigint"),
        "{text}"
    );

    let directory = tempfile::tempdir().unwrap();
    let text = foreign(
        directory.path(),
        vec![StructField::new("x", DataType::LONG, true)],
        &[],
    )
    .await;
    assert!(
        text.contains("column `date`: expected date, found no such column"),
        "{text}"
    );

    let directory = tempfile::tempdir().unwrap();
    let text = foreign(
        directory.path(),
        vec![
            StructField::new("date", DataType::DATE, false),
            StructField::new("time", DataType::TIMESTAMP, false),
            StructField::new("time_unix_nano", DataType::LONG, false),
            StructField::new("service_name", DataType::STRING, true),
        ],
        &["service_name"],
    )
    .await;
    assert!(text.contains("partitioned by (service_name)"), "{text}");

    let directory = tempfile::tempdir().unwrap();
    let text = foreign(
        directory.path(),
        vec![
            StructField::new("date", DataType::DATE, false),
            StructField::new("time", DataType::TIMESTAMP, false),
            StructField::new("time_unix_nano", DataType::LONG, false),
            StructField::new("theirs", DataType::LONG, false),
        ],
        &["date"],
    )
    .await;
    assert!(text.contains("column `theirs`"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_other_files_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("otel_logs");
    std::fs::create_dir_all(&table).unwrap();
    std::fs::write(table.join("holiday.jpg"), b"sun").unwrap();
    let error = open_table(directory.path()).await.unwrap_err();
    assert!(error.to_string().contains("holiday.jpg"), "{error}");
    assert!(matches!(
        error,
        TableError::Refused(Refused::NotATable { .. })
    ));
    assert!(!table.join("_delta_log").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a-file");
    std::fs::write(&file, b"").unwrap();
    let error = lake_table::Location::parse(file.join("lake").to_str().unwrap(), []).unwrap_err();
    assert!(matches!(error, Refused::Unwritable { .. }), "{error}");
    assert!(error.to_string().contains("a-file"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_columns_are_added_and_old_writers_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (old, mut old_stager) = open(location(directory.path()), "old").await;
    let commit = async |lake: &Lake, stager: &mut lake_table::Stager, sequence: u64, body: &str| {
        let payload = logs(&[log(DAY + sequence, body)]);
        stager.stage(&payload, sequence, DAY).unwrap();
        lake.commit(&mut stager.seal(sequence).unwrap())
            .await
            .unwrap();
    };
    commit(&old, &mut old_stager, 1, "a").await;

    let spec = TableSpec::new(Kind::Logs)
        .promoting(vec![
            Promotion::new("k", PromotedType::String).into_column("promoted"),
        ])
        .unwrap();
    let lake = Lake::open(LakeSettings::new(location(directory.path()), vec![spec]))
        .await
        .unwrap();
    commit(&lake, &mut lake.stager(), 1, "b").await;
    // The old writer meets the changed schema and goes on without the column.
    commit(&old, &mut old_stager, 2, "c").await;
    // And so does one that is started anew with the old columns.
    let (again, mut stager) = open(location(directory.path()), "again").await;
    commit(&again, &mut stager, 1, "d").await;
    let rows = query(
        directory.path(),
        "select body, promoted from otel_logs order by body",
    )
    .await;
    assert_eq!(
        cells(&rows),
        [["a", ""], ["b", "v-b"], ["c", ""], ["d", ""]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_add_the_same_columns_both_succeed() {
    let directory = tempfile::tempdir().unwrap();
    open_table(directory.path()).await.unwrap();
    let opened = join_all((0..4).map(|_| {
        let path = directory.path().to_owned();
        tokio::spawn(async move {
            let promotions = lake_layout::preset("web_analytics").unwrap();
            let spec = TableSpec::new(Kind::Logs).promoting(promotions).unwrap();
            Table::open_or_create(&location(&path), Arc::new(spec))
                .await
                .map(drop)
        })
    }))
    .await;
    for result in opened {
        result.unwrap().unwrap();
    }
}
