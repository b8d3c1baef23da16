use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn unknown_tables_name_those_that_exist() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    assert_eq!(
        mistake(&session, "select * from otel_log").await,
        "unknown table otel_log; did you mean otel_logs? (tables: otel_logs, otel_traces)"
    );
    assert_eq!(
        mistake(
            &session,
            "select * from otel_logs l join customers c on true"
        )
        .await,
        "unknown table customers (tables: otel_logs, otel_traces)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_columns_name_those_near() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let wrong = mistake(&session, "select evnt_name from otel_logs").await;
    assert!(
        wrong.starts_with("unknown column evnt_name; near it: event_name"),
        "{wrong}"
    );
    let wrong = mistake(
        &session,
        "select count(*) from otel_logs where service = 'shop' group by l",
    )
    .await;
    assert!(
        wrong.starts_with("unknown column service; near it: service_name"),
        "{wrong}"
    );
    // Nothing like it: all columns.
    let wrong = mistake(&session, "select zzzzzzzzzz from otel_logs").await;
    assert!(
        wrong.contains("there are: record_id, date, time"),
        "{wrong}"
    );
    // Who writes an attribute as a column is told how it is read.
    let wrong = mistake(&session, "select url.path from otel_logs").await;
    assert!(wrong.contains("unknown column url.path"), "{wrong}");
    assert!(wrong.contains("attributes['url.path']"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn syntax_errors_have_a_place() {
    let directory = tempfile::tempdir().unwrap();
    let session = session(directory.path());
    let wrong = mistake(&session, "select a\nfrom from b c d").await;
    assert!(
        wrong.starts_with("syntax error at line 2, column "),
        "{wrong}"
    );
    assert!(
        mistake(&session, "selct 1")
            .await
            .starts_with("syntax error at line 1, column 1: ")
    );
    assert!(
        mistake(&session, "select 'a")
            .await
            .starts_with("syntax error at line 1, column 8: ")
    );
    assert!(mistake(&session, "").await.starts_with("syntax error"));
    assert_eq!(
        mistake(&session, "select 1; select 2").await,
        "one statement at a time, please"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_without_tables_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("lake");
    let expected = |path: &std::path::Path| {
        format!("no table yet at {}: send something first", path.display())
    };
    assert_eq!(
        mistake(&session(&missing), "select * from otel_logs").await,
        expected(&missing)
    );
    assert!(!missing.exists(), "asking makes no directories");
    let empty = session(directory.path());
    assert_eq!(
        mistake(&empty, "select * from otel_logs").await,
        expected(directory.path())
    );
    assert_eq!(
        empty.tables().await.unwrap_err().to_string(),
        expected(directory.path())
    );
    // What needs no table needs no lake.
    assert_eq!(rows(&empty, "select 1 + 1").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let out = directory.path().join("out.csv");
    for sql in [
        "insert into otel_logs select * from otel_logs",
        "drop table otel_logs",
        &format!("copy otel_logs to '{}'", out.display()),
        "set datafusion.execution.batch_size = 1",
        "create table otel_metrics as select * from otel_logs",
        "create external table x stored as csv location '/etc/passwd'",
    ] {
        let wrong = mistake(&session, sql).await;
        assert!(
            wrong.starts_with("pharos query only reads: "),
            "{sql}: {wrong}"
        );
    }
    assert!(!out.exists());
    assert_eq!(
        rows(&session, "select count(*) from otel_logs").await,
        ["3"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_functions_values_and_files_are_one_line() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let wrong = mistake(&session, "select cuont(*) from otel_logs").await;
    assert!(
        wrong.contains("cuont") && wrong.contains("Did you mean"),
        "{wrong}"
    );
    let wrong = mistake(&session, "select cast(body as int) from otel_logs").await;
    assert!(wrong.contains("Cannot cast string"), "{wrong}");
    let log = directory
        .path()
        .join("otel_logs/_delta_log/00000000000000000001.json");
    std::fs::write(log, "no json").unwrap();
    let wrong = mistake(&session, "select * from otel_logs").await;
    assert!(
        wrong.starts_with("table otel_logs cannot be read: "),
        "{wrong}"
    );
}
