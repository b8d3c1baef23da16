use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_sees_whole_commits_while_a_writer_goes_on() {
    const COMMITS: u64 = 25;
    const A_COMMIT: u64 = 4;
    let directory = tempfile::tempdir().unwrap();
    let lake = open_directory(directory.path()).await;
    let writer = tokio::spawn(async move {
        for sequence in 1..=COMMITS {
            // Two days, so two files a commit.
            let records: Vec<String> = (0..A_COMMIT)
                .map(|n| {
                    event(
                        if n % 2 == 0 { DAY } else { NEXT_DAY } + sequence * 10 + n,
                        "x",
                        &text("b"),
                        &[],
                    )
                })
                .collect();
            commit(&lake, sequence, &records).await;
        }
    });
    let session = session(directory.path());
    let sql = "select count(*), (select count(*) from otel_logs where body = 'b') b, count(distinct record_id) from otel_logs";
    let (mut last, mut versions) = (0, 0);
    loop {
        let done = writer.is_finished();
        let row = rows(&session, sql).await.remove(0);
        let counts: Vec<u64> = row.split(',').map(|count| count.parse().unwrap()).collect();
        assert_eq!(counts[0] % A_COMMIT, 0, "half a commit: {row}");
        assert!(
            counts.iter().all(|count| *count == counts[0]),
            "two versions in one statement: {row}"
        );
        assert!(counts[0] >= last, "time went backwards: {row} after {last}");
        versions += u64::from(counts[0] > last);
        last = counts[0];
        if done {
            break;
        }
    }
    writer.await.unwrap();
    assert_eq!(last, COMMITS * A_COMMIT);
    assert!(versions > 1, "the writer was never watched");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_keeps_to_its_version() {
    let directory = tempfile::tempdir().unwrap();
    let lake = open_directory(directory.path()).await;
    commit(&lake, 1, &[event(DAY, "x", &text("old"), &[])]).await;
    let session = session(directory.path());
    let mut answer = session.run("select body from otel_logs").await.unwrap();
    commit(&lake, 2, &[event(DAY, "x", &text("new"), &[])]).await;
    let mut seen = 0;
    while let Some(batch) = answer.next().await.unwrap() {
        seen += batch.num_rows();
    }
    assert_eq!(seen, 1);
    // The next statement of the same session sees it.
    assert_eq!(
        rows(&session, "select count(*) from otel_logs").await,
        ["2"]
    );
}
