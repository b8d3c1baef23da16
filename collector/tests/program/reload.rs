//! Another configuration for a program at work.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::kit::{Collector, Folder, free_port, http, post_logs, taken_port, try_http};

const RELOADED: &str = "Configuration reloaded.";
const FAILED: &str = "Reloading the configuration failed.";

/// A collector on fixed ports and its configuration, which tests change.
struct Reloading {
    folder: Folder,
    collector: Collector,
    text: String,
    otlp: String,
    health: String,
    metrics: String,
    reloads: usize,
    failures: usize,
}

impl Reloading {
    fn start() -> Reloading {
        Reloading::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Reloading {
        let folder = Folder::new();
        let (otlp, health, metrics) = (free_port(), free_port(), free_port());
        let text = format!(
            "\
receivers:
  otlp:
    protocols:
      http: {{endpoint: 127.0.0.1:{otlp}}}
processors:
  attributes: {{actions: [{{key: step, value: one, action: insert}}]}}
exporters:
  debug: {{verbosity: detailed}}
extensions:
  health_check: {{endpoint: 127.0.0.1:{health}}}
service:
  extensions: [health_check]
  pipelines:
    logs: {{receivers: [otlp], processors: [attributes], exporters: [debug]}}
  telemetry:
    logs: {{sampling: {{enabled: false}}}}
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]}}
"
        );
        let name = folder.file("config.yaml", &text);
        let mut words = vec!["--config", name.as_str()];
        words.extend(arguments);
        let collector = Collector::start(&mut folder.pharos(words));
        Reloading {
            collector,
            text,
            otlp: format!("127.0.0.1:{otlp}"),
            health: format!("127.0.0.1:{health}"),
            metrics: format!("127.0.0.1:{metrics}"),
            reloads: 0,
            failures: 0,
            folder,
        }
    }

    /// Replaces a part of the configuration and writes it.
    #[track_caller]
    fn edit(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "no {from:?} in {}", self.text);
        self.text = self.text.replace(from, to);
        self.folder.file("config.yaml", &self.text);
    }

    /// SIGHUP, and the line about its success.
    #[track_caller]
    fn reload(&mut self) -> String {
        self.collector.signal("HUP");
        self.reloaded()
    }

    #[track_caller]
    fn reloaded(&mut self) -> String {
        self.reloads += 1;
        self.collector.wait_for_number(self.reloads, RELOADED)
    }

    /// SIGHUP, and the line about its failure.
    #[track_caller]
    fn fail(&mut self) -> String {
        self.collector.signal("HUP");
        self.failures += 1;
        self.collector.wait_for_number(self.failures, FAILED)
    }

    #[track_caller]
    fn metric(&self, sample: &str) {
        let (_, text) = http(&self.metrics, "GET", "/metrics", "");
        assert!(
            text.lines().any(|line| line == sample),
            "{sample} is missing in:\n{text}"
        );
    }

    fn status(&self) -> String {
        http(&self.health, "GET", "/status", "").1
    }
}

/// One request on a connection that stays open: the status.
fn ask(stream: &mut TcpStream, body: &str) -> u16 {
    let request = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n{}") {
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).expect("UTF-8");
    let status = head.split(' ').nth(1).map(str::parse);
    status.and_then(Result::ok).expect("a status")
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_a_change_everything_goes_on() {
    let mut it = Reloading::start();
    let mut connection = TcpStream::connect(&it.otlp).expect("somebody listens");
    assert_eq!(ask(&mut connection, "{}"), 200);
    let line = it.reload();
    assert!(
        line.contains("\"started\":\"\"") && line.contains("\"stopped\":\"\""),
        "{line}"
    );
    assert!(line.contains("\"kept\":4"), "{line}");
    assert_eq!(ask(&mut connection, "{}"), 200, "the connection is kept");
    it.metric("otelcol_config_reloads{outcome=\"success\"} 1");
    it.metric("otelcol_config_reloads{outcome=\"failure\"} 0");
    it.metric("otelcol_config_last_reload_successful 1");
    it.collector.stop();
}

#[test]
fn another_processor_works_from_the_next_request_on() {
    let mut it = Reloading::start();
    let mut connection = TcpStream::connect(&it.otlp).expect("somebody listens");
    post_logs(&it.otlp, &["first"]);
    it.collector.wait_for("-> step: Str(one)");
    it.edit("value: one", "value: two");
    let line = it.reload();
    assert!(
        line.contains("processor \\\"attributes\\\" (logs)") && line.contains("\"kept\":3"),
        "{line}"
    );
    post_logs(&it.otlp, &["second"]);
    it.collector.wait_for("-> step: Str(two)");
    assert_eq!(ask(&mut connection, "{}"), 200, "the connection is kept");
    it.collector.stop();
}

#[test]
fn another_exporter_takes_over_and_the_one_before_gives_account() {
    let mut it = Reloading::start();
    post_logs(&it.otlp, &["before"]);
    it.edit(
        "debug: {verbosity: detailed}",
        "debug/2: {verbosity: basic}",
    );
    it.edit("exporters: [debug]", "exporters: [debug/2]");
    it.reload();
    let report = it
        .collector
        .wait_for_all(&["Exporter stopped", "\"otelcol.component.id\":\"debug\""]);
    assert!(
        report.contains("\"accepted\":1") && report.contains("\"unaccounted\":0"),
        "{report}"
    );
    post_logs(&it.otlp, &["after", "after"]);
    it.collector
        .wait_for_all(&["\"log records\":2", "\"otelcol.component.id\":\"debug/2\""]);
    let status = it.status();
    assert!(
        status.contains("\"exporter:debug/2\"") && !status.contains("\"exporter:debug\""),
        "{status}"
    );
    it.collector.stop();
}

#[test]
fn a_changed_receiver_keeps_its_port() {
    let mut it = Reloading::start();
    let before = it.text.clone();
    for bytes in 1_000_001..1_000_006 {
        it.text = before.clone();
        let endpoint = format!("endpoint: {}", it.otlp);
        let changed = format!("{endpoint}, max_request_body_size: {bytes}");
        it.edit(&endpoint, &changed);
        it.collector.signal("HUP");
        it.reloads += 1;
        // Every connection on the way is taken, and answered.
        while !it.collector.has_number(it.reloads, RELOADED) {
            post_logs(&it.otlp, &["on the way"]);
        }
        post_logs(&it.otlp, &["after"]);
    }
    it.collector.stop();
}

#[test]
fn a_receiver_moves_to_another_address() {
    let mut it = Reloading::start();
    let (old, port) = (it.otlp.clone(), free_port());
    it.edit(&old, &format!("127.0.0.1:{port}"));
    it.reload();
    post_logs(&format!("127.0.0.1:{port}"), &["moved"]);
    it.collector.wait_for("Body: Str(moved)");
    until("the end of the old port", || {
        TcpStream::connect(&old).is_err()
    });
    it.collector.stop();
}

#[test]
fn all_addresses_follow_one_on_the_same_port() {
    let mut it = Reloading::start();
    let old = it.otlp.clone();
    it.edit(&old, &old.replace("127.0.0.1", "0.0.0.0"));
    it.reload();
    // A connection that the socket before had and nobody took is reset with it.
    until("an answer", || {
        try_http(&old, "GET", "/", "").is_ok_and(|(status, _)| status == 404)
    });
    post_logs(&old, &["everywhere"]);
    it.collector.wait_for("Body: Str(everywhere)");
    let everywhere = old.replace("127.0.0.1", "0.0.0.0");
    it.edit(&everywhere, &old);
    it.reload();
    until("an answer", || {
        try_http(&old, "GET", "/", "").is_ok_and(|(status, _)| status == 404)
    });
    post_logs(&old, &["here again"]);
    it.collector.wait_for("Body: Str(here again)");
    it.collector.stop();
}

#[test]
fn a_port_goes_from_one_receiver_to_another() {
    let mut it = Reloading::start();
    it.edit("  otlp:\n", "  otlp/renamed:\n");
    it.edit("receivers: [otlp]", "receivers: [otlp/renamed]");
    it.reload();
    post_logs(&it.otlp, &["renamed"]);
    it.collector.wait_for("Body: Str(renamed)");
    it.collector.stop();
}

#[test]
fn two_receivers_do_not_share_a_port() {
    let mut it = Reloading::start();
    let port = it.otlp.clone();
    it.edit(
        "processors:\n  attributes",
        &format!(
            "  otlp/2: {{protocols: {{http: {{endpoint: {port}}}}}}}\nprocessors:\n  attributes"
        ),
    );
    it.edit("receivers: [otlp]", "receivers: [otlp, otlp/2]");
    let line = it.fail();
    assert!(
        line.contains("already in use by receiver \\\"otlp\\\" of this collector"),
        "{line}"
    );
    post_logs(&it.otlp, &["still"]);
    it.collector.wait_for("Body: Str(still)");
    it.collector.stop();
}

#[test]
fn a_broken_file_changes_nothing_and_says_what_is_wrong() {
    let mut it = Reloading::start();
    let good = it.text.clone();
    let mut connection = TcpStream::connect(&it.otlp).expect("somebody listens");
    it.edit("verbosity: detailed", "verbsity: detailed");
    it.edit("action: insert", "action: insrt");
    let line = it.fail();
    for part in [
        "config.yaml:6:",
        "config.yaml:8:",
        "did you mean \\\"verbosity\\\"?",
    ] {
        assert!(line.contains(part), "{part:?} is missing in {line}");
    }
    assert!(line.contains("\terror\t"), "{line}");
    assert_eq!(ask(&mut connection, "{}"), 200, "the connection is kept");
    it.metric("otelcol_config_reloads{outcome=\"failure\"} 1");
    it.metric("otelcol_config_last_reload_successful 0");
    let status = it.status();
    assert!(
        status.contains("\"healthy\":false") && status.contains("did you mean"),
        "{status}"
    );
    assert_eq!(http(&it.health, "GET", "/", "").0, 200, "it is at work");
    it.folder.file("config.yaml", &good);
    it.reload();
    let status = it.status();
    assert!(!status.contains("\"healthy\":false"), "{status}");
    it.metric("otelcol_config_last_reload_successful 1");
    it.collector.stop();
}

/// The new exporter and the other receiver start before the port is found taken.
#[test]
fn what_cannot_start_leaves_no_trace() {
    let (_holder, taken) = taken_port();
    let other = free_port();
    let mut it = Reloading::start();
    it.edit("debug: {verbosity: detailed}", "debug: {verbosity: basic}");
    it.edit(
        "processors:\n  attributes",
        &format!(
            "  otlp/a: {{protocols: {{http: {{endpoint: 127.0.0.1:{other}}}}}}}\n  \
             otlp/b: {{protocols: {{http: {{endpoint: 127.0.0.1:{taken}}}}}}}\nprocessors:\n  attributes"
        ),
    );
    it.edit("receivers: [otlp]", "receivers: [otlp, otlp/a, otlp/b]");
    let line = it.fail();
    assert!(
        line.contains("failed to start \\\"otlp/b\\\" receiver")
            && line.contains("another process"),
        "{line}"
    );
    until("the end of the other receiver", || {
        TcpStream::connect(("127.0.0.1", other)).is_err()
    });
    post_logs(&it.otlp, &["as before"]);
    it.collector.wait_for("Body: Str(as before)");
    it.collector.stop();
}

#[test]
fn a_changed_secret_reaches_who_uses_it() {
    let mut it = Reloading::start();
    let port = it.otlp.clone();
    it.folder.file("token", "old-token");
    it.edit(
        &format!("{{endpoint: {port}}}"),
        &format!("{{endpoint: {port}, auth: {{authenticator: bearertokenauth}}}}"),
    );
    it.edit(
        "extensions:\n  health",
        "extensions:\n  bearertokenauth: {token: \"${file:token}\"}\n  health",
    );
    it.edit("[health_check]", "[health_check, bearertokenauth]");
    it.reload();
    let with = |token: &str| {
        let mut stream = TcpStream::connect(&port).expect("somebody listens");
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).map(str::to_owned)
    };
    // the receiver before, which asks nobody, answers whom it has taken already
    until("the end of the open door", || {
        with("new-token").as_deref() == Some("401")
    });
    assert_eq!(with("old-token").as_deref(), Some("200"));
    it.folder.file("token", "new-token");
    let line = it.reload();
    assert!(
        line.contains("extension \\\"bearertokenauth\\\"")
            && line.contains("receiver \\\"otlp\\\""),
        "{line}"
    );
    until("the new token", || {
        with("new-token").as_deref() == Some("200")
    });
    until("the end of the old token", || {
        with("old-token").as_deref() == Some("401")
    });
    it.collector.stop();
}

#[test]
fn own_telemetry_is_that_of_the_start() {
    let mut it = Reloading::start();
    it.edit("logs: {sampling", "logs: {level: debug, sampling");
    it.reload();
    it.collector
        .wait_for_all(&["\twarn\t", "service::telemetry"]);
    it.collector.stop();
}

#[test]
fn a_watched_file_is_loaded_when_it_has_changed() {
    let mut it = Reloading::start_with(&["--watch"]);
    it.edit("value: one", "value: two");
    it.reloaded();
    post_logs(&it.otlp, &["noticed"]);
    it.collector.wait_for("-> step: Str(two)");
    // as a ConfigMap is changed: a link moves
    it.text = it.text.replace("value: two", "value: three");
    it.folder.file("next.yaml", &it.text);
    let path = it.folder.path("config.yaml");
    std::os::unix::fs::symlink("next.yaml", it.folder.path("link")).expect("a link");
    std::fs::rename(it.folder.path("link"), path).expect("it moves");
    it.reloaded();
    post_logs(&it.otlp, &["noticed, too"]);
    it.collector.wait_for("-> step: Str(three)");
    it.collector.stop();
}

#[test]
fn what_a_removed_exporter_holds_is_delivered_or_reported_at_the_end() {
    let mut it = Reloading::start();
    let nobody = free_port();
    it.edit(
        "debug: {verbosity: detailed}",
        &format!(
            "debug: {{verbosity: basic}}\n  otlp_http: {{endpoint: \"http://127.0.0.1:{nobody}\"}}"
        ),
    );
    it.edit("exporters: [debug]", "exporters: [debug, otlp_http]");
    it.edit("  telemetry:", "  shutdown_timeout: 2s\n  telemetry:");
    it.reload();
    post_logs(&it.otlp, &["kept for later"]);
    it.edit("exporters: [debug, otlp_http]", "exporters: [debug]");
    it.reload();
    // The reload is over before the exporter has given up.
    post_logs(&it.otlp, &["others go on"]);
    let report = it
        .collector
        .wait_for_all(&["Exporter stopped", "\"otelcol.component.id\":\"otlp_http\""]);
    for part in ["\"accepted\":1", "\"dropped\":1", "\"unaccounted\":0"] {
        assert!(report.contains(part), "{part} is missing in {report}");
    }
    it.collector.stop();
}
