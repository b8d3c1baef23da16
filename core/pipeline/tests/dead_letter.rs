//! What a destination refuses is kept, with the reason, and can be read back.

use std::io::BufReader;
use std::sync::Arc;

use pipeline::consumer::hand_over;
use pipeline::dead_letter::{DeadLetter, DeadLetterSettings, Letter, Letters};
use pipeline::tail::settings::{RetryOnFailure, TailSettings};
use pipeline::tail::{Driver, Tail};
use pipeline::{Batch, Host, Payload, Signal};
use test_kit::{Answer, RecordingExporter, log_bodies, logs};
use tokio::time::{Duration, Instant};

/// One line of each version that was ever written.
const VERSIONS: [&str; 2] = [
    r#"{"version":1,"time_unix_nano":"5","exporter":"delta","table":"otel_logs","signal":"logs","items":1,"reason":"time_out_of_range","detail":"d","attempts":1,"payload":"ChASDhIMKgoKCG9uZSBpbiAx"}"#,
    r#"{"version":2,"time_unix_nano":"5","exporter":"delta","table":null,"signal":"logs","items":1,"reason":"refused","detail":"d","attempts":3,"request":{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"one in 2"}}]}]}]}}"#,
];

fn settings(directory: &std::path::Path) -> TailSettings {
    TailSettings {
        dead_letter: DeadLetterSettings {
            storage: None,
            directory: Some(directory.to_owned()),
        },
        retry: Some(RetryOnFailure {
            initial_interval: ::settings::Duration::from_millis(1),
            max_interval: ::settings::Duration::from_millis(1),
            max_elapsed_time: ::settings::Duration::from_millis(5),
            ..RetryOnFailure::default()
        }),
        ..TailSettings::default()
    }
}

#[tokio::test]
async fn what_is_refused_or_given_up_is_kept_with_the_reason() {
    let folder = tempfile::tempdir().expect("makes");
    let again = std::iter::repeat_n(Answer::Again(None), 1000);
    let exporter = RecordingExporter::new(std::iter::once(Answer::Refuse).chain(again));
    let driver = Driver::Exporter(exporter as Arc<dyn pipeline::Exporter>);
    let host = Host::new(usize::MAX);
    let with = settings(folder.path());
    let tail = Tail::start("otlp/a", Signal::Logs, driver, with, &host).await;
    let tail = tail.expect("starts");
    let consumer = tail.consumer();
    // without a queue the sender is told as well
    for bodies in [["refused"], ["given up"]] {
        let refused = hand_over(&*consumer, Batch::new(logs(bodies))).await;
        refused.expect_err("not taken");
    }
    let report = tail.stop(Instant::now() + Duration::from_secs(60)).await;
    assert_eq!(
        (report.dead_letters, report.unaccounted()),
        (2, 0),
        "{report:?}"
    );
    assert_eq!(report.dropped, []);

    let file = folder.path().join("otlp~002Fa-logs.ndjson");
    let text = std::fs::read(&file).expect("is there");
    let mut letters = Letters::new(BufReader::new(&text[..]));
    let mut found = Vec::new();
    while let Some(letter) = letters.read_next().expect("reads") {
        let letter = letter.expect("a letter");
        found.push((
            letter.reason,
            log_bodies(&letter.payload).concat(),
            letter.exporter,
        ));
    }
    let name = || "otlp/a".to_owned();
    assert_eq!(
        found,
        [
            ("refused".to_owned(), "refused".to_owned(), name()),
            (
                "retry_time_exhausted".to_owned(),
                "given up".to_owned(),
                name()
            ),
        ]
    );
}

#[test]
fn letters_of_all_versions_are_read() {
    let text = VERSIONS.join("\n");
    let mut letters = Letters::new(BufReader::new(text.as_bytes()));
    for version in 1..=2 {
        let letter = letters.read_next().expect("reads").expect("one more");
        let letter = letter.expect("a letter");
        assert_eq!(log_bodies(&letter.payload), [format!("one in {version}")]);
        assert_eq!(letter.line, version);
    }
    assert!(letters.read_next().expect("reads").is_none());
}

#[test]
fn a_line_that_is_no_letter_costs_itself() {
    let newer = VERSIONS[1].replace("\"version\":2", "\"version\":3");
    let text = format!("{}\n\n{{\n{newer}\n{}\n", VERSIONS[1], VERSIONS[0]);
    let mut letters = Letters::new(BufReader::new(text.as_bytes()));
    let mut next = || letters.read_next().expect("reads").expect("one more");
    assert!(next().is_ok());
    let broken = next().expect_err("no JSON").to_string();
    assert!(broken.starts_with("line 3: "), "{broken}");
    let newer = next().expect_err("newer").to_string();
    assert!(newer.contains("newer program"), "{newer}");
    assert!(next().is_ok());
}

#[test]
fn a_letter_written_is_the_letter_read() {
    let folder = tempfile::tempdir().expect("makes");
    let directory = folder.path().join("made on demand");
    let dead_letter = DeadLetter::new(&directory, "delta", Signal::Logs);
    let letter = Letter {
        table: Some("otel_logs".to_owned()),
        reason: "time_out_of_range".to_owned(),
        detail: "a \"quoted\" detail".to_owned(),
        attempts: 1,
        payload: logs(["a", "b"]),
    };
    dead_letter
        .write(&[letter.clone(), letter], 7)
        .expect("writes");
    let text = std::fs::read_to_string(dead_letter.path()).expect("is there");
    assert_eq!(text.lines().count(), 2);
    let mut letters = Letters::new(BufReader::new(text.as_bytes()));
    let read = letters
        .read_next()
        .expect("reads")
        .expect("one")
        .expect("a letter");
    let json = |payload: &Payload| {
        let mut text = Vec::new();
        otlp::json::write(payload, &mut text);
        String::from_utf8(text).expect("text")
    };
    assert_eq!(json(&read.payload), json(&logs(["a", "b"])));
}
