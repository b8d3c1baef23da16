//! Start, run, stop.

use std::io::Write;
use std::net::TcpStream;

use crate::kit::{Collector, Ended, Folder, MINIMAL, http, post_logs, taken_port};

fn start(folder: &Folder, config: &str) -> Collector {
    let name = folder.file("config.yaml", config);
    Collector::start(&mut folder.pharos(["--config", &name]))
}

fn position(log: &[String], part: &str) -> usize {
    log.iter()
        .position(|line| line.contains(part))
        .unwrap_or_else(|| panic!("no {part:?} in\n{}", log.join("\n")))
}

#[test]
fn it_starts_serves_and_stops_in_order() {
    let folder = Folder::new();
    let mut collector = start(&folder, MINIMAL);
    let http = collector.address("Listening: http");
    post_logs(&http, &["one", "two"]);
    collector.wait_for_all(&["\tLogs\t", "\"log records\":2"]);
    let log = collector.stop();
    let order = [
        "Starting pharos...",
        "Listening: http",
        "Everything is ready. Begin running and processing data.",
        "Received signal from OS",
        "Starting shutdown...",
        "Exporter stopped",
        "Shutdown complete.",
    ];
    let places: Vec<usize> = order.iter().map(|part| position(&log, part)).collect();
    assert!(places.is_sorted(), "{}", log.join("\n"));
    let report = log.iter().find(|line| {
        line.contains("Exporter stopped") && line.contains("\"otelcol.signal\":\"logs\"")
    });
    let report = report.expect("a report of the log exporter");
    assert!(
        report.contains("\"accepted\":2") && report.contains("\"unaccounted\":0"),
        "{report}"
    );
    assert!(
        log[0].contains("Version") || log[1].contains("Version"),
        "{}",
        log.join("\n")
    );
}

#[test]
fn lines_about_a_component_say_which() {
    let folder = Folder::new();
    let mut collector = start(&folder, MINIMAL);
    let line = collector.wait_for("Listening: grpc");
    assert!(line.contains("\"otelcol.component.id\":\"otlp\""), "{line}");
    assert!(
        line.contains("\"otelcol.component.kind\":\"receiver\""),
        "{line}"
    );
    collector.stop();
}

#[test]
fn a_receiver_is_shared_by_its_pipelines_and_each_has_its_own_processors() {
    let folder = Folder::new();
    let config = MINIMAL
        .replace("  batch:\n", "  batch:\n  attributes: {actions: [{key: a, action: insert, value: b}]}\n")
        .replace("  debug:\n", "  debug: {verbosity: detailed}\n  debug/2: {verbosity: detailed}\n")
        .replace(
            "    traces:",
            "    logs/2: {receivers: [otlp], processors: [attributes], exporters: [debug/2]}\n    traces:",
        );
    let mut collector = start(&folder, &config);
    let http = collector.address("Listening: http");
    post_logs(&http, &["once"]);
    collector.wait_for_all(&["\tLogs\t", "\"otelcol.component.id\":\"debug\""]);
    collector.wait_for_all(&["\tLogs\t", "\"otelcol.component.id\":\"debug/2\""]);
    let log = collector.stop();
    let count = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    assert_eq!(
        (count("Body: Str(once)"), count("-> a: Str(b)")),
        (2, 1),
        "{}",
        log.join("\n")
    );
}

#[test]
fn a_signal_that_no_pipeline_takes_is_not_found() {
    let folder = Folder::new();
    let config: String = MINIMAL
        .lines()
        .filter(|line| !line.starts_with("    traces:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut collector = start(&folder, &config);
    let address = collector.address("Listening: http");
    assert_eq!(http(&address, "POST", "/v1/traces", "{}").0, 404);
    assert_eq!(http(&address, "POST", "/v1/logs", "{}").0, 200);
    collector.stop();
}

#[test]
fn a_taken_port_is_one_clear_line_and_what_was_started_is_stopped() {
    let (_listener, port) = taken_port();
    let folder = Folder::new();
    let config = MINIMAL.replacen(
        "http: {endpoint: 127.0.0.1:0}",
        &format!("http: {{endpoint: 127.0.0.1:{port}}}"),
        1,
    );
    let name = folder.file("config.yaml", &config);
    let ended = Ended::of(&mut folder.pharos(["--config", &name]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let errors: Vec<&str> = ended
        .err
        .lines()
        .filter(|line| line.starts_with("Error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{}", ended.err);
    assert!(
        errors[0].contains("failed to start \"otlp\" receiver"),
        "{}",
        errors[0]
    );
    assert!(errors[0].contains(&port.to_string()), "{}", errors[0]);
    assert!(ended.err.contains("Shutdown complete."), "{}", ended.err);
    assert!(!ended.err.contains("Everything is ready"), "{}", ended.err);
}

#[test]
fn a_configuration_with_mistakes_does_not_start() {
    let folder = Folder::new();
    let name = folder.file(
        "config.yaml",
        &MINIMAL.replace("  debug:", "  debug: {verbsity: basic}"),
    );
    folder
        .run(["--config", &name])
        .refused_with(&["config.yaml:9:", "did you mean \"verbosity\"?"]);
}

#[test]
fn interrupt_stops_like_terminate() {
    let folder = Folder::new();
    let collector = start(&folder, MINIMAL);
    collector.signal("INT");
    let (code, log) = collector.end();
    assert_eq!(code, Some(0), "{}", log.join("\n"));
    position(&log, "Shutdown complete.");
}

/// A client in the middle of a request holds the shutdown up, until the second signal.
#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new();
    let config = format!("{MINIMAL}  shutdown_timeout: 1h\n");
    let mut collector = start(&folder, &config);
    let address = collector.address("Listening: http");
    let mut client = TcpStream::connect(address).expect("somebody listens");
    let head = "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    client
        .write_all(head.as_bytes())
        .expect("the head is taken");
    collector.signal("TERM");
    collector.wait_for("Starting shutdown...");
    collector.signal("TERM");
    let (code, log) = collector.end();
    assert_eq!(code, Some(1), "{}", log.join("\n"));
    position(&log, "Received a second signal.");
    drop(client);
}
