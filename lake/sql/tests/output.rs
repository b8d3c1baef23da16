use lake_sql::Format;

use crate::kit::*;

const SQL: &str = "select time, date, event_name, severity_number as n, span_id, attributes, body from otel_logs order by time_unix_nano limit 2";

#[tokio::test(flavor = "multi_thread")]
async fn json_has_types_and_maps_as_objects() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let first = r#"{"time":"2026-11-20T00:00:01.500Z","date":"2026-11-20","event_name":"page_view","n":9,"span_id":null,"attributes":{"url.path":"/cart","session.id":"s1"},"body":"first"}"#;
    let second = r#"{"time":"2026-11-20T01:00:00Z","date":"2026-11-20","event_name":"click","n":9,"span_id":null,"attributes":{},"body":"a, \"quoted\"\nbody"}"#;
    let lines = print(&session, SQL, Format::Ndjson).await.unwrap();
    assert_eq!(lines, format!("{first}\n{second}\n"));
    let array = print(&session, SQL, Format::Json).await.unwrap();
    assert_eq!(array, format!("[{first},\n {second}]\n"));
    let none = "select body from otel_logs where body = 'x'";
    assert_eq!(print(&session, none, Format::Json).await.unwrap(), "[]\n");
    assert_eq!(print(&session, none, Format::Ndjson).await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_tells_null_from_empty_and_has_maps_as_json() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let csv = print(&session, SQL, Format::Csv).await.unwrap();
    let expected = "time,date,event_name,n,span_id,attributes,body\n\
        2026-11-20T00:00:01.500Z,2026-11-20,page_view,9,,\"{\"\"url.path\"\":\"\"/cart\"\",\"\"session.id\"\":\"\"s1\"\"}\",first\n\
        2026-11-20T01:00:00Z,2026-11-20,click,9,,{},\"a, \"\"quoted\"\"\nbody\"\n";
    assert_eq!(csv, expected);
    assert_eq!(rows(&session, "select '' a, null b").await, ["\"\","]);
    let none = print(
        &session,
        "select body, date from otel_logs where body = 'x'",
        Format::Csv,
    )
    .await
    .unwrap();
    assert_eq!(none, "body,date\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_framed_and_control_characters_tamed() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let sql = "select body, attributes['url.path'] as path, severity_number from otel_logs order by time_unix_nano";
    let table = print(&session, sql, Format::Table { width: None })
        .await
        .unwrap();
    let expected = "\
+-------------------+-------+-----------------+
| body              | path  | severity_number |
+-------------------+-------+-----------------+
| first             | /cart |               9 |
| a, \"quoted\"\\nbody | NULL  |               9 |
| third             | /     |               9 |
+-------------------+-------+-----------------+
(3 rows)
";
    assert_eq!(table, expected);
    // Too narrow for the frame: a value a line.
    let upright = print(&session, sql, Format::Table { width: Some(30) })
        .await
        .unwrap();
    assert!(upright.starts_with("-- row 1 "), "{upright}");
    assert!(
        upright.contains("\nbody            | first\npath            | /cart\n"),
        "{upright}"
    );
    assert!(upright.ends_with("(3 rows)\n"), "{upright}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_after_the_first_thousand_are_printed_too() {
    let directory = tempfile::tempdir().unwrap();
    let session = session(directory.path());
    let sql = "select value from generate_series(1, 20000)";
    let table = print(&session, sql, Format::Table { width: None })
        .await
        .unwrap();
    assert_eq!(table.lines().count(), 20_000 + 5);
    assert!(table.ends_with("(20000 rows)\n"));
    assert!(
        table.contains("\n|  1000 |\n") || table.contains("1000 |\n"),
        "{}",
        &table[..200]
    );
    let lines = print(&session, sql, Format::Ndjson).await.unwrap();
    assert_eq!(lines.lines().last(), Some(r#"{"value":20000}"#));
}
