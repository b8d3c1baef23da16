//! Queues on disk, driven from outside.

use crate::kit::{Collector, Folder, post_logs};

/// A pipeline whose exporter has its queue in a directory beside the file.
const ON_DISK: &str = "\
receivers:
  otlp: {protocols: {http: {endpoint: \"127.0.0.1:0\"}}}
exporters:
  debug: {verbosity: detailed, sending_queue: {storage: file_storage}}
extensions:
  file_storage: {directory: queue, create_directory: true}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [debug]}
";

/// The same with a destination that nobody listens at.
fn with_sink_away() -> String {
    ON_DISK
        .replace(
            "  debug: {verbosity: detailed, sending",
            "  otlp_http: {endpoint: \"http://127.0.0.1:9\", sending",
        )
        .replace("exporters: [debug]", "exporters: [otlp_http]")
}

fn start(folder: &Folder, config: &str) -> Collector {
    let name = folder.file("config.yaml", config);
    Collector::start(&mut folder.pharos(["--config", &name]))
}

#[test]
fn a_storage_that_is_not_there_is_an_error_with_its_place() {
    let folder = Folder::new();
    let unlisted = ON_DISK.replace("  extensions: [file_storage]\n", "");
    folder.validate(&unlisted).refused_with(&[
        "config.yaml:4:",
        "exporters::debug::sending_queue::storage: extension \"file_storage\" is not listed in service::extensions",
    ]);
    for (from, to, said) in [
        (
            "{storage: file_storage}",
            "{storage: file_storag}",
            "did you mean \"file_storage\"?",
        ),
        (
            "{storage: file",
            "{wait_for_result: true, storage: file",
            "cannot be combined with storage",
        ),
        ("{storage: file_storage}", "{max_age: 1h}", "needs storage"),
    ] {
        let config = ON_DISK.replace(from, to);
        folder
            .validate(&config)
            .refused_with(&["config.yaml:4:", said]);
    }
}

#[test]
fn a_missing_directory_ends_the_start_and_says_what_to_do() {
    let folder = Folder::new();
    let name = folder.file(
        "config.yaml",
        &ON_DISK.replace(", create_directory: true", ""),
    );
    let ended = folder.run(["--config", &name]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let advice =
        "extension \"file_storage\": queue: does not exist: make it, or set create_directory: true";
    assert!(ended.err.contains(advice), "{ended:?}");
}

#[test]
fn what_a_killed_process_acknowledged_is_on_disk_for_the_next() {
    let folder = Folder::new();
    let mut first = start(&folder, &with_sink_away());
    let address = first.address("Listening: http");
    post_logs(&address, &["one", "two"]);
    drop(first); // kills it
    let mut second = start(&folder, &with_sink_away());
    let line = second.wait_for("holds data of an earlier run");
    assert!(line.contains("\"items\":2"), "{line}");
    let log = second.stop();
    let report = log.iter().find(|line| line.contains("Exporter stopped"));
    let report = report.expect("a report");
    for part in ["\"found\":2", "\"stored\":2", "\"unaccounted\":0"] {
        assert!(report.contains(part), "{report}");
    }
}

#[test]
fn a_second_process_is_told_that_the_queue_is_in_use() {
    let folder = Folder::new();
    let first = start(&folder, ON_DISK);
    let impatient = ON_DISK.replace(
        "create_directory: true",
        "create_directory: true, timeout: 100ms",
    );
    let name = folder.file("second.yaml", &impatient);
    let ended = folder.run(["--config", &name]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("another process uses this log"),
        "{ended:?}"
    );
    first.stop();
}

#[test]
fn an_exporter_that_was_removed_finds_its_backlog_when_it_returns() {
    let folder = Folder::new();
    let both = with_sink_away()
        .replace(
            "exporters:\n",
            "exporters:\n  debug: {verbosity: detailed, sending_queue: {storage: file_storage}}\n",
        )
        .replace("exporters: [otlp_http]", "exporters: [debug, otlp_http]");
    let mut first = start(&folder, &both);
    let address = first.address("Listening: http");
    post_logs(&address, &["for both"]);
    first.wait_for_all(&["\tLogs\t", "debug"]);
    first.stop();
    let without = both.replace("exporters: [debug, otlp_http]", "exporters: [debug]");
    let mut second = start(&folder, &without);
    second.wait_for("The pipeline no longer has this exporter");
    let address = second.address("Listening: http");
    post_logs(&address, &["for one"]);
    second.stop();
    let mut third = start(&folder, &both);
    let line = third.wait_for("holds data of an earlier run");
    assert!(
        line.contains("\"items\":1") && line.contains("otlp_http"),
        "{line}"
    );
    let log = third.stop();
    let report = log
        .iter()
        .find(|line| line.contains("Exporter stopped") && line.contains("otlp_http"));
    assert!(
        report.is_some_and(|line| line.contains("\"stored\":1")),
        "{report:?}"
    );
}
