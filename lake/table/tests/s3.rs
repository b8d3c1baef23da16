//! The same over S3. Needs a server: set `PHAROS_TEST_S3` to its address (`http://127.0.0.1:8333`,
//! access key `k`, secret `s`, bucket `lake`), as SeaweedFS from PyPI gives it.
//! The end-to-end tests start one of their own and never pass over it.

use lake_layout::{Kind, TableSpec};
use lake_table::{Lake, LakeSettings, Location, MaintenanceSettings, Outcome, Refused, TableError};
use uuid::Uuid;

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

fn location(endpoint: &str, bucket: &str, secret: &str) -> Location {
    let text = format!("s3://{bucket}/{}", Uuid::new_v4());
    let options = [
        ("aws_endpoint_url", endpoint),
        ("aws_access_key_id", "k"),
        ("aws_secret_access_key", secret),
        ("aws_region", "us-east-1"),
        ("retry_timeout", "5s"),
    ];
    Location::parse(&text, options).unwrap()
}

async fn open_at(location: &Location, log_id: &str) -> Result<Lake, TableError> {
    let mut settings = LakeSettings::new(location.clone(), vec![TableSpec::new(Kind::Logs)]);
    settings.log_id = Some(log_id.to_owned());
    Lake::open(settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_share_a_table_in_a_bucket() {
    let Some(endpoint) = endpoint() else { return };
    let place = location(&endpoint, "lake", "s");
    let writers = (0..4).map(|writer| {
        let place = place.clone();
        tokio::spawn(async move {
            let lake = open_at(&place, &format!("log{writer}")).await.unwrap();
            let mut stager = lake.stager();
            for sequence in 1..=3 {
                let payload = logs(&[log(DAY + sequence, &format!("w{writer}s{sequence}"))]);
                stager.stage(&payload, sequence, DAY).unwrap();
                let mut flush = stager.seal(sequence).unwrap();
                while let Err(error) = lake.commit(&mut flush).await {
                    assert!(matches!(error, TableError::Retry { .. }), "{error}");
                }
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let lake = open_at(&place, "log0").await.unwrap();
    assert_eq!(lake.highest(), Some(3));
    let table = &lake.tables()[0];
    let settings = MaintenanceSettings {
        open_day_files: 1,
        ..MaintenanceSettings::default()
    };
    let done = table.maintain(&settings).await.unwrap();
    assert_eq!((done.files_removed, done.files_added), (12, 1));
    let context = deltalake::datafusion::prelude::SessionContext::new();
    let mut delta = table.delta().await;
    delta.update_state().await.unwrap();
    context
        .register_table("t", delta.table_provider().await.unwrap())
        .unwrap();
    let rows = context
        .sql("select count(*), count(distinct record_id) from t")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(cells(&rows), [["12", "12"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_above_a_part_are_uploaded_in_parts() {
    let Some(endpoint) = endpoint() else { return };
    let lake = open_at(&location(&endpoint, "lake", "s"), "log0")
        .await
        .unwrap();
    let mut stager = lake.stager();
    let mut random = 1_u64;
    for sequence in 1..=20 {
        let records: Vec<_> = (0..500)
            .map(|i| {
                let body: String = (0..200)
                    .map(|_| {
                        random = random
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        format!("{random:016x}")
                    })
                    .collect();
                log(DAY + i, &body)
            })
            .collect();
        stager.stage(&logs(&records), sequence, DAY).unwrap();
    }
    let mut flush = stager.seal(20).unwrap();
    assert!(flush.size() > 10 << 20, "{}", flush.size());
    let landed = lake.commit(&mut flush).await.unwrap();
    assert_eq!(landed[0].outcome, Outcome::Committed { version: 1 });
    let context = deltalake::datafusion::prelude::SessionContext::new();
    let delta = lake.tables()[0].delta().await;
    context
        .register_table("t", delta.table_provider().await.unwrap())
        .unwrap();
    let rows = context
        .sql("select count(distinct body) from t")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(cells(&rows), [["10000"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_bucket_is_told_in_one_line() {
    let Some(endpoint) = endpoint() else { return };
    let error = open_at(&location(&endpoint, "no-such-bucket", "s"), "l")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TableError::Refused(Refused::MissingBucket { bucket, .. }) if bucket == "no-such-bucket"),
        "{error}"
    );
    let error = open_at(&location(&endpoint, "lake", "wrong"), "l")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TableError::Refused(Refused::Denied { .. })),
        "{error}"
    );
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let options = [
        ("aws_endpoint_url", address.as_str()),
        ("aws_access_key_id", "k"),
        ("aws_secret_access_key", "s"),
        ("aws_region", "us-east-1"),
        ("max_retries", "0"),
    ];
    let place = Location::parse("s3://lake/x", options).unwrap();
    let error = open_at(&place, "l").await.unwrap_err();
    assert!(matches!(error, TableError::Retry { .. }), "{error}");
}
