use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::kernel::{DataType, StructField};
use deltalake::logstore::object_store::Error;
use lake_table::{Lake, LakeSettings, Outcome, Refused, Stager, TableError, Transaction};

use crate::faulty::{Fault, Faulty};
use crate::kit::*;

struct Rig {
    directory: tempfile::TempDir,
    store: Arc<Faulty>,
    lake: Lake,
    stager: Stager,
}

async fn rig() -> Rig {
    let directory = tempfile::tempdir().unwrap();
    let place = location(directory.path());
    let store = Faulty::around(place.store().unwrap().clone());
    let (lake, stager) = open(place.with_store(store.clone()), "log0").await;
    Rig {
        directory,
        store,
        lake,
        stager,
    }
}

impl Rig {
    fn stage(&mut self, sequence: u64) {
        let payload = logs(&[log(DAY + sequence, &format!("b{sequence}"))]);
        self.stager.stage(&payload, sequence, DAY).unwrap();
    }

    /// Another handle on the table, as another process has it.
    async fn other(&self) -> DeltaTable {
        let path = self.directory.path().join("otel_logs");
        let url = deltalake::ensure_table_uri(path.to_str().unwrap()).unwrap();
        deltalake::open_table(url).await.unwrap()
    }

    async fn assert_once(&self, records: i64) {
        assert_eq!(
            rows_and_ids(self.directory.path()).await,
            (records, records)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_lands_once() {
    for fault in [Fault::LostAnswer, Fault::RepeatedByClient] {
        let mut rig = rig().await;
        rig.stage(1);
        rig.store.commits(&[fault]);
        let mut flush = rig.stager.seal(1).unwrap();
        let landed = rig.lake.commit(&mut flush).await.unwrap();
        assert_eq!(
            landed[0].outcome,
            Outcome::AlreadyCommitted { sequence: 1 },
            "{fault:?}"
        );
        rig.assert_once(1).await;
        // And the next one goes on from there.
        rig.stage(2);
        let mut flush = rig.stager.seal(2).unwrap();
        let landed = rig.lake.commit(&mut flush).await.unwrap();
        assert!(matches!(
            landed[0].outcome,
            Outcome::Committed { version: 2 }
        ));
        rig.assert_once(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_landed_before_the_network_went_is_found_when_it_is_back() {
    let mut rig = rig().await;
    rig.stage(1);
    rig.store.commits(&[Fault::LostAnswerThenDark]);
    let mut flush = rig.stager.seal(1).unwrap();
    for _ in 0..2 {
        let error = rig.lake.commit(&mut flush).await.unwrap_err();
        assert!(matches!(error, TableError::Retry { .. }), "{error}");
    }
    rig.store.heal();
    let landed = rig.lake.commit(&mut flush).await.unwrap();
    assert_eq!(landed[0].outcome, Outcome::AlreadyCommitted { sequence: 1 });
    rig.assert_once(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_storage_refuses_for_a_while_is_written_once_and_committed_later() {
    let mut rig = rig().await;
    rig.stage(1);
    let mut flush = rig.stager.seal(1).unwrap();
    rig.store.files(&[Fault::Error]);
    rig.store.commits(&[Fault::Error, Fault::Error]);
    let mut failures = 0;
    while let Err(error) = rig.lake.commit(&mut flush).await {
        assert!(matches!(error, TableError::Retry { .. }), "{error}");
        assert!(error.to_string().contains("500"), "{error}");
        failures += 1;
        assert!(failures < 10);
    }
    assert_eq!(failures, 3);
    rig.assert_once(1).await;
    // The data file went over once, however often the commit was tried.
    assert_eq!(rig.store.written().len(), 1);
    // A flush that has landed can be given again.
    rig.lake.commit(&mut flush).await.unwrap();
    rig.assert_once(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_told_and_the_flush_is_kept() {
    let mut rig = rig().await;
    rig.stage(1);
    let mut flush = rig.stager.seal(1).unwrap();
    rig.store.files(&[Fault::Denied]);
    let error = rig.lake.commit(&mut flush).await.unwrap_err();
    assert!(
        matches!(error, TableError::Refused(Refused::Denied { .. })),
        "{error}"
    );
    rig.lake.commit(&mut flush).await.unwrap();
    rig.assert_once(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_a_table_has_are_passed_over_after_a_restart() {
    let mut rig = rig().await;
    for sequence in 1..=3 {
        rig.stage(sequence);
    }
    let mut flush = rig.stager.seal(3).unwrap();
    rig.lake.commit(&mut flush).await.unwrap();

    let (lake, mut stager) = open(location(rig.directory.path()), "log0").await;
    assert_eq!(lake.highest(), Some(3));
    let mut rows = 0;
    for sequence in 1..=5 {
        let payload = logs(&[log(DAY + sequence, &format!("b{sequence}"))]);
        rows += stager.stage(&payload, sequence, DAY).unwrap().rows;
    }
    assert_eq!(rows, 2);
    lake.commit(&mut stager.seal(5).unwrap()).await.unwrap();
    rig.assert_once(5).await;

    // Another log begins at its own beginning.
    let (lake, _) = open(location(rig.directory.path()), "log1").await;
    assert_eq!(lake.highest(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_landing_and_answer_does_not_repeat() {
    let mut rig = rig().await;
    rig.stage(1);
    rig.store.commits(&[Fault::LostAnswerThenDark]);
    let mut flush = rig.stager.seal(1).unwrap();
    rig.lake.commit(&mut flush).await.unwrap_err();
    drop(flush);
    let (_, mut stager) = open(location(rig.directory.path()), "log0").await;
    let payload = logs(&[log(DAY + 1, "b1")]);
    assert_eq!(stager.stage(&payload, 1, DAY).unwrap().rows, 0);
    assert!(stager.seal(1).unwrap().is_empty());
    rig.assert_once(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_still_on_its_way_at_a_restart_lands_before_it_or_never() {
    for landed in [false, true] {
        let mut rig = rig().await;
        rig.stage(1);
        rig.store.commits(&[Fault::Late]);
        let mut flush = rig.stager.seal(1).unwrap();
        rig.lake.commit(&mut flush).await.unwrap_err();
        drop(flush);
        let store = location(rig.directory.path());
        if landed {
            rig.store.deliver().await.unwrap();
        }
        let settings = LakeSettings {
            fence: true,
            ..settings(store, "log0")
        };
        let lake = Lake::open(settings).await.unwrap();
        assert_eq!(lake.highest(), landed.then_some(1));
        if !landed {
            let late = rig.store.deliver().await;
            assert!(matches!(late, Err(Error::AlreadyExists { .. })), "{late:?}");
        }
        let mut stager = lake.stager();
        for sequence in 1..=2 {
            let payload = logs(&[log(DAY + sequence, &format!("b{sequence}"))]);
            stager.stage(&payload, sequence, DAY).unwrap();
        }
        lake.commit(&mut stager.seal(2).unwrap()).await.unwrap();
        rig.assert_once(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_and_new_columns_of_others_do_not_stop_a_commit() {
    let mut rig = rig().await;
    rig.stage(1);
    rig.lake
        .commit(&mut rig.stager.seal(1).unwrap())
        .await
        .unwrap();
    // Both happen behind the back of the open lake.
    rig.other()
        .await
        .delete()
        .with_predicate("date = '2026-11-20'")
        .await
        .unwrap();
    rig.stage(2);
    let landed = rig
        .lake
        .commit(&mut rig.stager.seal(2).unwrap())
        .await
        .unwrap();
    assert!(matches!(landed[0].outcome, Outcome::Committed { .. }));
    assert_eq!(bodies(rig.directory.path()).await, ["b2"]);

    rig.other()
        .await
        .add_columns()
        .with_fields([StructField::new("foreign", DataType::LONG, true)])
        .await
        .unwrap();
    rig.stage(3);
    let landed = rig
        .lake
        .commit(&mut rig.stager.seal(3).unwrap())
        .await
        .unwrap();
    assert!(matches!(landed[0].outcome, Outcome::Committed { .. }));
    assert_eq!(bodies(rig.directory.path()).await, ["b2", "b3"]);
    assert_eq!(
        count(
            rig.directory.path(),
            "select count(*) from otel_logs where foreign is null"
        )
        .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_under_one_log_id_is_noticed() {
    let mut rig = rig().await;
    rig.stage(9);
    let flush = &mut rig.stager.seal(9).unwrap();
    // The other one commits a lower position after we opened the table.
    let (other, _) = open(location(rig.directory.path()), "log0").await;
    let transaction = Transaction {
        app_id: "log0/otel_logs".to_owned(),
        version: 4,
    };
    other.tables()[0].commit(&[], &transaction).await.unwrap();
    let error = rig.lake.commit(flush).await.unwrap_err();
    let TableError::Owned { stored, ours, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*stored, *ours), (4, 9));
    assert!(error.to_string().contains("log0/otel_logs"), "{error}");
    // and it is not forgotten at the next attempt
    let error = rig.lake.commit(flush).await.unwrap_err();
    assert!(matches!(error, TableError::Owned { .. }), "{error}");
    rig.assert_once(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_flush_waits_for_the_earlier_one() {
    let mut rig = rig().await;
    rig.stage(1);
    let mut first = rig.stager.seal(1).unwrap();
    rig.stage(2);
    let mut second = rig.stager.seal(2).unwrap();
    rig.store.files(&[Fault::Error]);
    rig.lake.commit(&mut first).await.unwrap_err();
    let error = rig.lake.commit(&mut second).await.unwrap_err();
    assert!(matches!(error, TableError::Retry { .. }), "{error}");
    rig.lake.commit(&mut first).await.unwrap();
    rig.lake.commit(&mut second).await.unwrap();
    rig.assert_once(2).await;
    // Unless the earlier one is given up.
    rig.stage(3);
    let third = rig.stager.seal(3).unwrap();
    rig.stage(4);
    let mut fourth = rig.stager.seal(4).unwrap();
    third.abandon();
    rig.lake.commit(&mut fourth).await.unwrap();
    rig.assert_once(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_covers_what_was_staged_and_nothing_later_joins_it() {
    let mut rig = rig().await;
    rig.stage(3);
    let error = rig.stager.seal(2).unwrap_err();
    assert!(matches!(error, TableError::Data { .. }), "{error}");
    rig.lake
        .commit(&mut rig.stager.seal(3).unwrap())
        .await
        .unwrap();
    let late = logs(&[log(DAY, "late")]);
    let error = rig.stager.stage(&late, 3, DAY).unwrap_err();
    assert!(matches!(error, TableError::Data { .. }), "{error}");
    rig.assert_once(1).await;
}
