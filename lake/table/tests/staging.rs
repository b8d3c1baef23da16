use lake_layout::{Kind, Reason, TableSpec};
use lake_table::{Lake, LakeSettings, Outcome};
use otlp::{Payload, Signal};

use crate::kit::*;

fn read(signal: Signal, json: &str) -> Payload {
    otlp::json::read(signal, json.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_several_days_land_in_one_commit_and_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    for sequence in 1..=10 {
        let payload = logs(&[
            log(DAY + sequence, &format!("first{sequence}")),
            log(NEXT_DAY + sequence, &format!("second{sequence}")),
        ]);
        assert_eq!(stager.stage(&payload, sequence, DAY).unwrap().rows, 2);
    }
    assert!(stager.size() > 0);
    let mut flush = stager.seal(10).unwrap();
    assert!(flush.size() > 0);
    assert_eq!(stager.size(), 0);
    let landed = lake.commit(&mut flush).await.unwrap();
    assert_eq!(flush.size(), 0);
    assert_eq!(landed[0].outcome, Outcome::Committed { version: 1 });
    assert_eq!(landed[0].files, 2);
    let rows = query(
        directory.path(),
        "select date, count(*), min(body), max(attributes['k']), min(service_name) from otel_logs group by date order by date",
    )
    .await;
    assert_eq!(
        cells(&rows),
        [
            ["2026-11-20", "10", "first1", "v-first9", "shop"],
            ["2026-11-21", "10", "second1", "v-second9", "shop"]
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_lake_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    let mut flush = stager.seal(5).unwrap();
    assert!(flush.is_empty());
    assert!(lake.commit(&mut flush).await.unwrap().is_empty());
    assert_eq!(lake.tables()[0].version().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_signal_goes_to_its_tables() {
    let directory = tempfile::tempdir().unwrap();
    let specs = Kind::ALL.map(TableSpec::new).to_vec();
    let lake = Lake::open(LakeSettings::new(location(directory.path()), specs))
        .await
        .unwrap();
    let mut stager = lake.stager();
    let spans = read(
        Signal::Traces,
        &format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"name":"GET","startTimeUnixNano":"{DAY}","events":[{{"name":"e"}}]}}]}}]}}]}}"#
        ),
    );
    let points = read(
        Signal::Metrics,
        &format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{{"timeUnixNano":"{DAY}","asDouble":1.5}}]}}}}]}}]}}]}}"#
        ),
    );
    assert_eq!(
        stager.stage(&logs(&[log(DAY, "x")]), 1, DAY).unwrap().rows,
        2
    );
    assert_eq!(stager.stage(&spans, 2, DAY).unwrap().rows, 1);
    assert_eq!(stager.stage(&points, 3, DAY).unwrap().rows, 1);
    let landed = lake.commit(&mut stager.seal(3).unwrap()).await.unwrap();
    assert_eq!(landed.len(), 4);
    for (table, sql, expected) in [
        ("otel_logs", "select body from otel_logs", "x"),
        (
            "otel_traces",
            "select span_name || cast(cardinality(events) as varchar) from otel_traces",
            "GET1",
        ),
        (
            "otel_metrics",
            "select value_double from otel_metrics",
            "1.5",
        ),
        ("ecs_events", "select message from ecs_events", "x"),
    ] {
        let rows = query_table(directory.path(), table, sql).await;
        assert_eq!(cells(&rows), [[expected]], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_flushes_roll_files_and_spill_to_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut small = settings(location(directory.path()), "log0");
    small.memory_bytes = 10_000;
    small.row_group_bytes = 20_000;
    small.file_bytes = 30_000;
    let lake = Lake::open(small).await.unwrap();
    let mut stager = lake.stager();
    let mut records = 0;
    for sequence in 1..=40_u64 {
        // Bodies that do not compress.
        let records_here: Vec<_> = (0..50_u64)
            .map(|i| {
                let mut x = sequence * 1000 + i;
                let body: String = (0..12)
                    .map(|_| {
                        x = x
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        format!("{x:016x}")
                    })
                    .collect();
                log(DAY + i, &body)
            })
            .collect();
        records += 50;
        stager.stage(&logs(&records_here), sequence, DAY).unwrap();
    }
    let mut flush = stager.seal(40).unwrap();
    let landed = lake.commit(&mut flush).await.unwrap();
    assert!(landed[0].files > 5, "{landed:?}");
    assert_eq!(rows_and_ids(directory.path()).await, (records, records));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_a_table_cannot_hold_come_back_and_the_rest_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    let payload = logs(&[log(DAY, "good"), log(u64::MAX, "bad")]);
    let staged = stager.stage(&payload, 1, DAY).unwrap();
    assert_eq!(staged.rows, 1);
    let (table, rejected) = &staged.rejected[0];
    assert_eq!((table.as_str(), rejected.index), ("otel_logs", 1));
    assert!(matches!(rejected.reason, Reason::TimeOutOfRange { .. }));
    lake.commit(&mut stager.seal(1).unwrap()).await.unwrap();
    assert_eq!(bodies(directory.path()).await, ["good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_in_the_log_bound_the_rows() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    let payload = logs(&[log(DAY + 1_234_567, "a"), log(DAY + 9_999_999, "b")]);
    stager.stage(&payload, 1, DAY).unwrap();
    lake.commit(&mut stager.seal(1).unwrap()).await.unwrap();
    let commit = directory
        .path()
        .join("otel_logs/_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(commit).unwrap();
    let add: serde_json::Value = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find_map(|action| action.get("add").cloned())
        .unwrap();
    let stats: serde_json::Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 2);
    assert_eq!(stats["minValues"]["time_unix_nano"], DAY + 1_234_567);
    assert_eq!(stats["maxValues"]["time_unix_nano"], DAY + 9_999_999);
    assert_eq!(stats["minValues"]["time"], "2026-11-20T00:00:00.001Z");
    assert_eq!(stats["maxValues"]["time"], "2026-11-20T00:00:00.010Z");
    assert_eq!(stats["minValues"]["service_name"], "shop");
    assert_eq!(stats["nullCount"]["trace_id"], 2);
    assert!(stats["minValues"].get("trace_id").is_none());
    assert!(stats["minValues"].get("body").is_none());
    assert_eq!(add["partitionValues"]["date"], "2026-11-20");
    let txn = text.lines().find(|line| line.contains("\"txn\"")).unwrap();
    assert!(txn.contains("log0/otel_logs"), "{txn}");
    // Both rows are found through the statistics.
    for (sql, rows) in [
        (
            "select count(*) from otel_logs where time >= timestamp '2026-11-20T00:00:00.009999'",
            1,
        ),
        (
            "select count(*) from otel_logs where time >= timestamp '2026-11-20T00:00:00.001234'",
            2,
        ),
    ] {
        assert_eq!(count(directory.path(), sql).await, rows, "{sql}");
    }
}

#[test]
fn staging_may_move_between_threads() {
    fn movable<T: Send + 'static>() {}
    movable::<lake_table::Stager>();
    movable::<lake_table::Flush>();
    movable::<Lake>();
}
