use lake_sql::Source;

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn events_are_counted_by_name() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let counted = rows(
        &session,
        "select event_name, count(*) from otel_logs group by 1 order by 1",
    )
    .await;
    assert_eq!(counted, ["click,1", "page_view,2"]);
    // Capitals do not matter, and neither does a semicolon.
    assert_eq!(
        rows(&session, "SELECT Count(*) FROM OTEL_LOGS;").await,
        ["3"]
    );
    // A table without rows is a table.
    assert_eq!(
        rows(&session, "select count(*) from otel_traces").await,
        ["0"]
    );
    assert_eq!(rows(&session, "select round(1.5) + 1").await, ["3.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_reached_by_key() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let paths = rows(
        &session,
        "select attributes['url.path'] from otel_logs order by time_unix_nano",
    )
    .await;
    assert_eq!(paths, ["/cart", "", "/"]);
    let sql = "select body from otel_logs where attributes['url.path'] = '/' and resource_attributes['service.name'] = 'shop'";
    assert_eq!(rows(&session, sql).await, ["third"]);
    let sql = "select attributes['url.path'] p, count(*) from otel_logs where attributes['url.path'] is not null group by p order by p";
    assert_eq!(rows(&session, sql).await, ["/,1", "/cart,1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_bodies_are_taken_apart() {
    let directory = tempfile::tempdir().unwrap();
    let lake = open_directory(directory.path()).await;
    let body = r#"{"kvlistValue":{"values":[{"key":"user","value":{"kvlistValue":{"values":[{"key":"id","value":{"intValue":"7"}}]}}},{"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"}]}}}]}}"#;
    commit(
        &lake,
        1,
        &[
            event(DAY, "x", body, &[]),
            event(DAY + 1, "y", &text("plain"), &[]),
        ],
    )
    .await;
    let session = session(directory.path());
    let sql = "select json_get(body, 'user', 'id'), json_get(body, 'tags', 0) from otel_logs order by time_unix_nano";
    assert_eq!(rows(&session, sql).await, ["7,a", ","]);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_days_can_be_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let on = |condition: &str| format!("select body from otel_logs where {condition}");
    assert_eq!(rows(&session, &on("date = '2026-11-21'")).await, ["third"]);
    assert_eq!(
        rows(&session, &on("time < '2026-11-20T00:30:00Z'")).await,
        ["first"]
    );
    let between = on(
        "time >= timestamp '2026-11-20 23:00:00' and time < timestamp '2026-11-20 23:00:00' + interval '2 hours'",
    );
    assert_eq!(rows(&session, &between).await, ["third"]);
    assert_eq!(
        rows(
            &session,
            "select count(*) from otel_logs where time > now()"
        )
        .await
        .len(),
        1
    );
    let joined = "select count(*) from otel_logs a join otel_logs b on a.date = b.date and a.event_name = b.event_name";
    assert_eq!(rows(&session, joined).await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_columns_are_listed() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    std::fs::create_dir(directory.path().join("dead_letter")).unwrap();
    let session = session(directory.path());
    let names: Vec<String> = session
        .tables()
        .await
        .unwrap()
        .into_iter()
        .map(|table| table.name)
        .collect();
    assert_eq!(names, ["otel_logs", "otel_traces"]);
    let columns = session.columns("otel_logs").await.unwrap();
    let column = |name: &str| columns.iter().find(|column| column.name == name).unwrap();
    assert_eq!(column("attributes").kind, "map<string, string>");
    assert_eq!(column("time").kind, "timestamp(6) UTC");
    assert_eq!(column("date").kind, "date");
    assert!(!column("time_unix_nano").nullable);
    assert!(
        column("event_name")
            .comment
            .as_ref()
            .is_some_and(|text| text.contains("event")),
        "{columns:?}"
    );
    // And in SQL.
    let shown = rows(&session, "show tables").await;
    assert!(
        shown.iter().any(|row| row.contains("otel_traces")),
        "{shown:?}"
    );
    let described = rows(&session, "describe otel_logs").await;
    assert!(
        described.iter().any(|row| row.starts_with("event_name")),
        "{described:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_may_be_the_table_itself() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(&directory.path().join("otel_logs"));
    assert_eq!(
        rows(&session, "select count(*) from otel_logs").await,
        ["3"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_lakes_are_told_apart_by_their_names() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    three_events(one.path()).await;
    commit(
        &open_directory(two.path()).await,
        1,
        &[event(DAY, "x", &text("other"), &[])],
    )
    .await;
    let source = |name: &str, path: &std::path::Path| {
        Source::open(name, path.to_str().unwrap(), []).unwrap()
    };
    let settings = lake_sql::SessionSettings {
        memory: 64 << 20,
        threads: 1,
    };
    let session = lake_sql::Session::new(
        vec![source("hot", one.path()), source("cold", two.path())],
        settings,
    );
    assert_eq!(
        rows(&session, "select count(*) from cold.otel_logs").await,
        ["1"]
    );
    let both =
        "select (select count(*) from hot.otel_logs) + (select count(*) from cold.otel_logs)";
    assert_eq!(rows(&session, both).await, ["4"]);
    let ambiguous = mistake(&session, "select 1 from otel_logs").await;
    assert_eq!(
        ambiguous,
        "table otel_logs is in several lakes: write hot.otel_logs or cold.otel_logs"
    );
    let unknown = mistake(&session, "select 1 from warm.otel_logs").await;
    assert_eq!(
        unknown,
        "unknown lake warm in warm.otel_logs; lakes: hot, cold"
    );
}
