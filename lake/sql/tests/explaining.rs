use lake_sql::Scanned;

use crate::kit::*;

async fn scanned(session: &lake_sql::Session, sql: &str) -> Scanned {
    let explanation = session.explain(sql).await.unwrap();
    assert_eq!(explanation.tables.len(), 1, "{explanation}");
    explanation.tables[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_and_files_are_pruned() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());

    let all = scanned(&session, "select body from otel_logs").await;
    assert_eq!((all.files, all.all_files, all.all_partitions), (3, 3, 2));
    assert_eq!(all.bytes, all.all_bytes);
    assert!(all.bytes > 0);

    let one_day = scanned(
        &session,
        "select body from otel_logs where date = '2026-11-21'",
    )
    .await;
    assert_eq!((one_day.files, one_day.pruned()), (1, 2));
    assert_eq!(one_day.partitions, ["date=2026-11-21"]);
    assert!(one_day.bytes < all.bytes);

    // Statistics of the files: both are of the same day.
    let sql = format!(
        "select body from otel_logs where time_unix_nano < {}",
        DAY + 2_000_000_000
    );
    let first = scanned(&session, &sql).await;
    assert_eq!((first.files, first.pruned()), (1, 2));
    let by_time = scanned(
        &session,
        "select body from otel_logs where time >= '2026-11-20T00:30:00Z' and date = '2026-11-20'",
    )
    .await;
    assert_eq!(by_time.files, 1);

    let none = scanned(
        &session,
        "select body from otel_logs where date = '2020-01-01'",
    )
    .await;
    assert_eq!((none.files, none.partitions.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_says_so_in_words() {
    let directory = tempfile::tempdir().unwrap();
    three_events(directory.path()).await;
    let session = session(directory.path());
    let sql = "select l.body from otel_logs l join otel_traces t on l.trace_id = t.trace_id where l.date = '2026-11-20'";
    let explanation = session.explain(sql).await.unwrap().to_string();
    let logs = explanation
        .lines()
        .find(|line| line.starts_with("otel_logs"))
        .unwrap();
    assert!(
        logs.starts_with("otel_logs (delta, version 3): files scanned 2 of 3 (1 pruned)"),
        "{logs}"
    );
    assert!(
        logs.ends_with("partitions 1 of 2 (date=2026-11-20)"),
        "{logs}"
    );
    let traces = explanation
        .lines()
        .find(|line| line.starts_with("otel_traces"))
        .unwrap();
    assert!(traces.contains("files scanned 0 of 0"), "{traces}");
    assert!(explanation.contains("DeltaScan"), "{explanation}");
    // Nothing but the explanation: mistakes are found all the same.
    assert!(
        session
            .explain("select nothing from otel_logs")
            .await
            .is_err()
    );
}
