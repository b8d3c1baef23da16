use std::sync::Arc;

use futures::future::join_all;
use lake_table::TableError;

use crate::kit::*;

/// Four collectors with a lake each, on one table.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_writers_on_one_table_lose_and_repeat_nothing() {
    const WRITERS: u64 = 4;
    const FLUSHES: u64 = 8;
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let writers = (0..WRITERS).map(|writer| {
        let directory = directory.clone();
        tokio::spawn(async move {
            let log_id = format!("log{writer}");
            let (lake, mut stager) = open(location(directory.path()), &log_id).await;
            for sequence in 1..=FLUSHES {
                let payload = logs(&[
                    log(DAY + sequence, &format!("w{writer}s{sequence}a")),
                    log(NEXT_DAY + sequence, &format!("w{writer}s{sequence}b")),
                ]);
                stager.stage(&payload, sequence, DAY).unwrap();
                let mut flush = stager.seal(sequence).unwrap();
                loop {
                    match lake.commit(&mut flush).await {
                        Ok(_) => break,
                        Err(TableError::Retry { .. }) => tokio::task::yield_now().await,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let expected = i64::try_from(WRITERS * FLUSHES * 2).unwrap();
    assert_eq!(rows_and_ids(directory.path()).await, (expected, expected));
    let different = count(
        directory.path(),
        "select count(distinct body) from otel_logs",
    )
    .await;
    assert_eq!(different, expected);
}
