//! The contract of a sink: entries are stored once, across errors and new starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use exporter_files::{Config, Encoding};
use pipeline::consumer::hand_over;
use pipeline::registry::ExporterConfig;
use pipeline::sink::{Entry, LogId};
use pipeline::tail::{Driver, Tail};
use pipeline::{Batch, Host, Signal, Sink, SinkError};
use test_kit::{logs, numbered_logs};
use tokio::time::Instant;

/// Lines of JSON below `location`, so that tests read them without a library.
pub(crate) fn config(location: &Path) -> Config {
    Config {
        location: location.display().to_string(),
        encoding: Encoding::JsonLines,
        ..Config::default()
    }
}

pub(crate) fn sink(config: &Config) -> Arc<dyn Sink> {
    let id = "files".parse().expect("an id");
    let driver = config.build(&id, Signal::Logs, &Host::new(usize::MAX));
    match driver.expect("the settings are good") {
        Driver::Sink(sink) => sink,
        Driver::Exporter(_) => unreachable!("files is a sink"),
    }
}

pub(crate) fn log() -> LogId {
    LogId("0badcafe".into())
}

pub(crate) fn entry(sequence: u64, payload: otlp::Payload) -> Entry {
    Entry {
        sequence,
        batch: Batch::new(payload),
    }
}

/// Files below a folder, sorted, as paths relative to it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.extend(path.strip_prefix(folder).map(Path::to_owned)),
            }
        }
    }
    found.sort();
    found
}

/// Bodies of all records in the files of logs, sorted.
fn bodies(location: &Path) -> Vec<String> {
    let folder = location.join("logs");
    let texts = files(&folder)
        .into_iter()
        .map(|file| std::fs::read_to_string(folder.join(file)).expect("is text"));
    let lines: Vec<String> = texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut bodies: Vec<String> = lines
        .iter()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("is JSON");
            row["body"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    bodies.sort();
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn names_say_which_entries_a_file_is_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = sink(&config(folder.path()));
    assert_eq!(sink.resume(&log()).await, Ok(None));
    for sequence in 1..=3 {
        let staged = sink
            .stage(entry(sequence, logs(["a"])))
            .await
            .expect("stages");
        assert!(staged.bytes > 0 && staged.rejected.is_empty());
    }
    sink.commit(3).await.expect("commits");
    sink.stage(entry(4, logs(["b"]))).await.expect("stages");
    sink.commit(4).await.expect("commits");
    let hour = "year=2025/month=01/day=01/hour=00";
    assert_eq!(
        files(&folder.path().join("logs")),
        [
            PathBuf::from(format!("{hour}/logs-0badcafe-1-3.jsonl")),
            PathBuf::from(format!("{hour}/logs-0badcafe-4-4.jsonl")),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_are_stored_are_not_stored_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path());
    let first = sink(&config);
    first.resume(&log()).await.expect("opens");
    first.stage(entry(7, logs(["a"]))).await.expect("stages");
    first.commit(7).await.expect("commits");
    let second = sink(&config);
    assert_eq!(second.resume(&log()).await, Ok(Some(7)));
    second.stage(entry(7, logs(["a"]))).await.expect("stages");
    second.stage(entry(8, logs(["b"]))).await.expect("stages");
    second.commit(8).await.expect("commits");
    assert_eq!(bodies(folder.path()), ["a", "b"]);
    // another log starts from nothing
    let third = sink(&config);
    assert_eq!(third.resume(&LogId("0ddba11".into())).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_was_replaced_cannot_write_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path());
    let (old, new) = (sink(&config), sink(&config));
    old.resume(&log()).await.expect("opens");
    old.stage(entry(1, logs(["a"]))).await.expect("stages");
    assert_eq!(new.resume(&log()).await, Ok(None));
    let error = old.commit(1).await.expect_err("must not land");
    assert!(matches!(error, SinkError::Settings { .. }), "{error}");
    new.stage(entry(1, logs(["a"]))).await.expect("stages");
    new.commit(1).await.expect("commits");
    assert_eq!(bodies(folder.path()), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_cannot_be_written_is_written_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = sink(&config(folder.path()));
    sink.resume(&log()).await.expect("opens");
    sink.stage(entry(1, logs(["a"]))).await.expect("stages");
    // the folder of the signal is occupied by a file
    let occupied = folder.path().join("logs");
    std::fs::write(&occupied, "").expect("writes");
    sink.commit(1).await.expect_err("cannot land");
    std::fs::remove_file(&occupied).expect("removes");
    sink.commit(1).await.expect("lands");
    assert_eq!(bodies(folder.path()), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_delivers_at_a_stop_what_has_not_been_rolled() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path());
    let driver = Driver::Sink(sink(&config));
    let host = Host::new(usize::MAX);
    let tail = Tail::start("files", Signal::Logs, driver, config.tail(), &host);
    let tail = tail.await.expect("starts");
    for start in [0, 10, 20] {
        let ack = hand_over(
            &*tail.consumer(),
            Batch::new(numbered_logs(start..start + 10)),
        );
        ack.await.expect("is taken");
    }
    let report = tail.stop(Instant::now() + Duration::from_secs(60)).await;
    assert_eq!((report.sent, report.unaccounted()), (30, 0), "{report:?}");
    assert_eq!(bodies(folder.path()).len(), 30);
    // a queue in memory has nobody who asks what was stored
    assert!(!folder.path().join("_pharos").exists());
}
