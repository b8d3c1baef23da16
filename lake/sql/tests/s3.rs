//! The same over S3. Needs a server: set `PHAROS_TEST_S3` to its address (`http://127.0.0.1:8333`,
//! access key `k`, secret `s`, bucket `lake`), as SeaweedFS from PyPI gives it.
//! The end-to-end tests start one of their own and never pass over it.

use lake_sql::{Session, SessionSettings, Source};
use lake_table::Location;

use crate::kit::*;

/// The server's address, or a line that says that the test was passed over.
#[allow(clippy::print_stderr, reason = "a person should see it")]
fn endpoint() -> Option<String> {
    let endpoint = std::env::var("PHAROS_TEST_S3").ok();
    if endpoint.is_none() {
        eprintln!("skipped: PHAROS_TEST_S3 is not set");
    }
    endpoint
}

fn options(endpoint: &str) -> [(&str, &str); 4] {
    [
        ("aws_endpoint_url", endpoint),
        ("aws_access_key_id", "k"),
        ("aws_secret_access_key", "s"),
        ("aws_region", "us-east-1"),
    ]
}

fn session_at(location: &str, endpoint: &str) -> Session {
    let source = Source::open("lake", location, options(endpoint)).unwrap();
    Session::new(
        vec![source],
        SessionSettings {
            memory: 64 << 20,
            threads: 2,
        },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_in_a_bucket_are_found_and_pruned() {
    let Some(endpoint) = endpoint() else { return };
    let text_of = tempfile::tempdir().unwrap();
    let name = text_of
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let location = format!("s3://lake/sql{name}");
    let session = session_at(&location, &endpoint);
    let nothing = mistake(&session, "select * from otel_logs").await;
    assert_eq!(
        nothing,
        format!("no table yet at {location}: send something first")
    );

    let lake = open_lake(Location::parse(&location, options(&endpoint)).unwrap()).await;
    commit(&lake, 1, &[event(DAY, "click", &text("a"), &[("k", "v")])]).await;
    commit(&lake, 2, &[event(NEXT_DAY, "click", &text("b"), &[])]).await;
    let sql = "select event_name, attributes['k'], date from otel_logs order by date";
    assert_eq!(
        rows(&session, sql).await,
        ["click,v,2026-11-20", "click,,2026-11-21"]
    );
    let explanation = session
        .explain("select body from otel_logs where date = '2026-11-21'")
        .await
        .unwrap();
    assert_eq!(
        (explanation.tables[0].files, explanation.tables[0].all_files),
        (1, 2),
        "{explanation}"
    );
    let names: Vec<String> = session
        .tables()
        .await
        .unwrap()
        .into_iter()
        .map(|table| table.name)
        .collect();
    assert_eq!(names, ["otel_logs", "otel_traces"]);
    let wrong = mistake(&session, "select * from otel_metrics").await;
    assert!(
        wrong.contains("(tables: otel_logs, otel_traces)"),
        "{wrong}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_one_line() {
    let Some(endpoint) = endpoint() else { return };
    let session = session_at("s3://no-such-bucket/x", &endpoint);
    let wrong = mistake(&session, "select * from otel_logs").await;
    assert!(
        wrong.starts_with("s3://no-such-bucket/x: NoSuchBucket: "),
        "{wrong}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_one_line() {
    let place = [
        ("aws_endpoint_url", "http://127.0.0.1:9"),
        ("aws_access_key_id", "k"),
        ("aws_secret_access_key", "s"),
        ("aws_region", "us-east-1"),
        ("max_retries", "0"),
    ];
    let source = Source::open("lake", "s3://lake/x", place).unwrap();
    let session = Session::new(
        vec![source],
        SessionSettings {
            memory: 64 << 20,
            threads: 1,
        },
    );
    let wrong = mistake(&session, "select * from otel_logs").await;
    assert!(wrong.starts_with("s3://lake/x: "), "{wrong}");
}
