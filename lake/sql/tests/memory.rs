use lake_sql::QueryError;

use crate::kit::*;

/// Sorts far more bytes than the memory that it may take.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_goes_to_temporary_files() {
    let directory = tempfile::tempdir().unwrap();
    let session = session_with(directory.path(), 24 << 20);
    // 400,000 rows of about 300 bytes.
    let sql = "select value, repeat(cast(value as varchar), 50) as wide from generate_series(1, 400000) order by wide desc";
    let mut answer = session.run(sql).await.unwrap();
    let mut seen = 0;
    while let Some(batch) = answer.next().await.unwrap() {
        seen += batch.num_rows();
    }
    assert_eq!(seen, 400_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_in_the_memory_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let session = session_with(directory.path(), 1 << 20);
    // One value of many megabytes cannot be split over files.
    let sql = "select length(string_agg(repeat(cast(value as varchar), 100), ',')), count(distinct repeat(cast(value as varchar), 100)) from generate_series(1, 300000)";
    let error = print(&session, sql, lake_sql::Format::Csv)
        .await
        .unwrap_err();
    assert!(matches!(error, QueryError::Memory { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("--memory") && text.lines().count() == 1,
        "{text}"
    );
}
