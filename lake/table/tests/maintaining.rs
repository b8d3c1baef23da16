use lake_table::{Lake, Maintained, MaintenanceSettings, Stager};

use crate::kit::*;

/// A long closed day: 2026-01-05.
const OLD: u64 = 20_458 * 86_400_000_000_000;

async fn commit(lake: &Lake, stager: &mut Stager, sequence: u64, time: u64) {
    let payload = logs(&[log(time + sequence, &format!("b{sequence:02}"))]);
    stager.stage(&payload, sequence, time).unwrap();
    lake.commit(&mut stager.seal(sequence).unwrap())
        .await
        .unwrap();
}

async fn files(lake: &Lake) -> usize {
    let mut table = lake.tables()[0].delta().await;
    table.update_state().await.unwrap();
    table.snapshot().unwrap().log_data().num_files()
}

fn at_once() -> MaintenanceSettings {
    MaintenanceSettings {
        quiet: std::time::Duration::ZERO,
        ..MaintenanceSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_of_a_closed_day_become_one_beside_running_appends() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    for sequence in 1..=6 {
        commit(&lake, &mut stager, sequence, OLD).await;
    }
    assert_eq!(files(&lake).await, 6);
    // Sealed before, committed after the compaction: a snapshot from before it must do.
    let payload = logs(&[log(OLD + 7, "b07")]);
    stager.stage(&payload, 7, OLD).unwrap();
    let mut flush = stager.seal(7).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let done = lake.tables()[0].maintain(&at_once()).await.unwrap();
    assert_eq!((done.files_removed, done.files_added), (6, 1));
    lake.commit(&mut flush).await.unwrap();
    assert_eq!(files(&lake).await, 2);
    assert_eq!(rows_and_ids(directory.path()).await, (7, 7));
    assert_eq!(bodies(directory.path()).await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_still_written_is_joined_only_when_it_has_many_files() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    for sequence in 1..=4 {
        commit(&lake, &mut stager, sequence, OLD).await;
    }
    let table = &lake.tables()[0];
    let busy = MaintenanceSettings::default();
    assert_eq!(table.maintain(&busy).await.unwrap(), Maintained::default());
    let few = MaintenanceSettings {
        open_day_files: 3,
        ..busy
    };
    assert_eq!(table.maintain(&few).await.unwrap().files_removed, 4);
    assert_eq!(rows_and_ids(directory.path()).await, (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_written_by_maintenance_and_not_by_appends() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, mut stager) = open(location(directory.path()), "log0").await;
    for sequence in 1..=5 {
        commit(&lake, &mut stager, sequence, OLD).await;
    }
    let hint = directory
        .path()
        .join("otel_logs/_delta_log/_last_checkpoint");
    let settings = MaintenanceSettings {
        checkpoint_commits: 5,
        ..MaintenanceSettings::default()
    };
    assert!(!hint.exists());
    let table = &lake.tables()[0];
    assert!(table.maintain(&settings).await.unwrap().checkpoint);
    assert!(hint.exists());
    assert!(!table.maintain(&settings).await.unwrap().checkpoint);
    // What is known of our log survives in the checkpoint.
    let (lake, _) = open(location(directory.path()), "log0").await;
    assert_eq!(lake.highest(), Some(5));
    assert_eq!(rows_and_ids(directory.path()).await, (5, 5));
}
