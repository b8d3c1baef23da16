//! Flushes that are interrupted, in a directory.

use std::path::Path;
use std::sync::Arc;

use lake_table::{Location, MemoryCap, Spill, StagedBytes, Storage};

use super::*;

const FOLDER: &str = "_pharos/log/files/logs";

fn storage(folder: &Path) -> Storage {
    let location = Location::parse(&folder.display().to_string(), []).expect("is a directory");
    Storage::open(&location).expect("opens")
}

async fn open(folder: &Path) -> (Ledger, Option<u64>) {
    let opened = Ledger::open(storage(folder), FOLDER.to_owned()).await;
    opened.expect("opens")
}

fn bytes(text: &str) -> StagedBytes {
    use std::io::Write;
    let mut spill = Spill::new(MemoryCap::new(1 << 20, std::env::temp_dir()));
    spill.write_all(text.as_bytes()).expect("has room");
    spill.finish()
}

/// Stages files under these names, each with its name as content.
async fn staged(ledger: &Ledger, names: &[&str]) -> Vec<RecordedFile> {
    let mut files = Vec::new();
    for name in names {
        let staged = ledger.staged_path();
        let written = ledger.storage().upload(&staged, &bytes(name)).await;
        written.expect("is written");
        files.push(RecordedFile {
            staged,
            path: (*name).to_owned(),
            bytes: name.len() as u64,
        });
    }
    files
}

fn hidden(folder: &Path) -> usize {
    std::fs::read_dir(folder.join(FOLDER)).map_or(0, |entries| entries.count())
}

fn content(folder: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(folder.join(name)).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_is_decided_is_completed_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ledger, stored) = open(folder.path()).await;
    assert_eq!(stored, None);
    let files = staged(&ledger, &["logs/a", "logs/b", "logs/c"]).await;
    ledger.decide(1, 9, &files).await.expect("is decided");
    // the kill comes between two files
    let storage = storage(folder.path());
    let placed = storage.copy_new(&files[1].staged, "logs/b").await;
    assert_eq!(placed.expect("is placed"), Placed::New);
    drop(ledger);
    let (_, stored) = open(folder.path()).await;
    assert_eq!(stored, Some(9));
    for name in ["logs/a", "logs/b", "logs/c"] {
        assert_eq!(content(folder.path(), name).as_deref(), Some(name));
    }
    assert_eq!(hidden(folder.path()), 1, "the record of the opening");
    // and again, with nothing left to do
    assert_eq!(open(folder.path()).await.1, Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_is_not_decided_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, _) = open(folder.path()).await;
    staged(&ledger, &["logs/a"]).await;
    let half = folder.path().join(FOLDER).join("b.staged#1");
    std::fs::write(half, "half wr").expect("is written");
    drop(ledger);
    let (_, stored) = open(folder.path()).await;
    assert_eq!(stored, None);
    assert_eq!(content(folder.path(), "logs/a"), None);
    assert_eq!(hidden(folder.path()), 1, "the record of the opening");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_taken_away_after_its_flush_does_not_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ledger, _) = open(folder.path()).await;
    let files = staged(&ledger, &["logs/a"]).await;
    ledger.decide(1, 2, &files).await.expect("is decided");
    let placed = ledger.storage().copy_new(&files[0].staged, "logs/a").await;
    placed.expect("is placed");
    ledger.forget(&files).await;
    std::fs::remove_file(folder.path().join("logs/a")).expect("is taken away");
    assert_eq!(open(folder.path()).await.1, Some(2));
    assert_eq!(content(folder.path(), "logs/a"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_replaced_decides_nothing_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut old, _) = open(folder.path()).await;
    let files = staged(&old, &["logs/a"]).await;
    let (mut new, _) = open(folder.path()).await;
    let error = old.decide(1, 2, &files).await.expect_err("is too late");
    assert!(error.to_string().contains("another process"), "{error}");
    new.decide(1, 3, &[]).await.expect("goes on");
    assert_eq!(open(folder.path()).await.1, Some(3));
}

/// Opens as a tail does: again when it is told to.
async fn open_at_last(storage: Storage) -> Result<(Ledger, Option<u64>), SinkError> {
    loop {
        match Ledger::open(storage.clone(), FOLDER.to_owned()).await {
            Err(SinkError::Later { .. }) => tokio::task::yield_now().await,
            other => return other,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_open_at_the_same_time_one_goes_on() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut before, _) = open(folder.path()).await;
        before.decide(1, 4, &[]).await.expect("is decided");
        let openers = [(); 3].map(|()| tokio::spawn(open_at_last(storage(folder.path()))));
        let mut deciding = 0;
        let mut ledgers = Vec::new();
        for opener in openers {
            let (ledger, stored) = opener.await.expect("ends").expect("opens");
            assert_eq!(stored, Some(4));
            ledgers.push(ledger);
        }
        for mut ledger in ledgers {
            deciding += usize::from(ledger.decide(5, 9, &[]).await.is_ok());
        }
        assert_eq!(deciding, 1);
        assert_eq!(open(folder.path()).await.1, Some(9));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cannot_be_read_stop_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).await;
    let record = folder.path().join(FOLDER).join("00000000000000000001.json");
    for (text, part) in [
        (
            r#"{"version":2,"run":"00000000-0000-0000-0000-000000000000"}"#,
            "version 2",
        ),
        ("{", "cannot be read"),
    ] {
        std::fs::write(&record, text).expect("is written");
        let opened = Ledger::open(storage(folder.path()), FOLDER.to_owned()).await;
        let error: Arc<str> = opened.err().expect("cannot be opened").to_string().into();
        assert!(error.contains(part) && error.contains("1.json"), "{error}");
    }
}
