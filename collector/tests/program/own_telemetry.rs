//! What the collector tells about itself.

use crate::kit::{Collector, Folder, MINIMAL, http, post_logs, taken_port};

fn start(folder: &Folder, name: &str, config: &str) -> Collector {
    let name = folder.file(name, config);
    Collector::start(&mut folder.pharos(["--config", &name]))
}

/// The configuration with another `service::telemetry`.
fn telemetry(settings: &str) -> String {
    let (before, _) = MINIMAL.split_once("  telemetry:").expect("the last block");
    format!("{before}  telemetry:\n{settings}")
}

/// A collector that prints all it gets; `other` pushes its own telemetry to it.
fn observed(folder: &Folder, settings: &str) -> (Collector, Collector) {
    let mut observer = start(
        folder,
        "observer.yaml",
        &MINIMAL.replace("  debug:", "  debug: {verbosity: detailed}"),
    );
    let http = observer.address("Listening: http");
    let grpc = observer.address("Listening: grpc");
    let settings = settings.replace("HTTP", &http).replace("GRPC", &grpc);
    let observed = start(folder, "observed.yaml", &telemetry(&settings));
    (observer, observed)
}

#[test]
fn metrics_are_scraped_under_upstreams_names() {
    let folder = Folder::new();
    let mut collector = start(&folder, "config.yaml", MINIMAL);
    let receiver = collector.address("Listening: http");
    let scrape = collector.address("Serving own metrics");
    post_logs(&receiver, &["a", "b", "c"]);
    assert_eq!(
        http(&receiver, "POST", "/v1/logs", "{\"resourceLogs\":7}").0,
        400
    );
    collector.wait_for("\"log records\":3");
    let (status, text) = http(&scrape, "GET", "/metrics", "");
    assert_eq!(status, 200);
    for sample in [
        "otelcol_receiver_accepted_log_records{receiver=\"otlp\",transport=\"http\"} 3",
        "otelcol_receiver_accepted_log_records{receiver=\"otlp\",transport=\"grpc\"} 0",
        "otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"} 0",
        "otelcol_receiver_accepted_metric_points{receiver=\"otlp\",transport=\"http\"} 0",
        "otelcol_receiver_failed_log_records{receiver=\"otlp\",transport=\"http\"} 1",
        "otelcol_receiver_refused_log_records{receiver=\"otlp\",transport=\"http\"} 0",
        "otelcol_exporter_queue_size{data_type=\"logs\",exporter=\"debug\"} 0",
        "otelcol_exporter_queue_capacity{data_type=\"logs\",exporter=\"debug\"} 1000",
        "otelcol_exporter_send_failed_log_records{exporter=\"debug\"} 0",
        "otelcol_exporter_enqueue_failed_log_records{exporter=\"debug\"} 0",
    ] {
        assert!(
            text.lines().any(|line| line == sample),
            "{sample} is missing in:\n{text}"
        );
    }
    for name in [
        "otelcol_exporter_queue_oldest_age_seconds{data_type=\"logs\",exporter=\"debug\"}",
        "otelcol_exporter_seconds_since_success{data_type=\"logs\",exporter=\"debug\"}",
        "otelcol_process_uptime",
        "otelcol_process_cpu_seconds",
        "otelcol_process_memory_rss",
        "target_info",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(name)),
            "{name} is missing in:\n{text}"
        );
    }
    assert!(
        !text.contains("_total"),
        "a suffix that is off by default:\n{text}"
    );
    assert_eq!(http(&scrape, "GET", "/", "").0, 404);
    collector.stop();
}

#[test]
fn health_is_answered_for_probes_and_by_component() {
    let folder = Folder::new();
    let (listener, port) = taken_port();
    drop(listener);
    let extension = format!(
        "extensions:\n  health_check: {{endpoint: 127.0.0.1:{port}}}\nservice:\n  extensions: [health_check]"
    );
    let collector = start(
        &folder,
        "config.yaml",
        &MINIMAL.replace("service:", &extension),
    );
    let address = format!("127.0.0.1:{port}");
    let (status, body) = http(&address, "GET", "/", "");
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("\"status\":\"Server available\"") && body.contains("upSince"),
        "{body}"
    );
    let (_, body) = http(&address, "GET", "/status", "");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["healthy"], true, "{body}");
    assert_eq!(
        body["components"]["pipeline:logs"]["components"]["exporter:debug"]["status"], "StatusOK",
        "{body}"
    );
    assert_eq!(
        body["components"]["extensions"]["components"]["extension:health_check"]["healthy"], true,
        "{body}"
    );
    collector.stop();
}

#[test]
fn log_lines_are_json_on_demand() {
    let folder = Folder::new();
    let settings =
        "    logs: {encoding: json, initial_fields: {cluster: blue}}\n    metrics: {level: none}\n";
    let log = start(&folder, "config.yaml", &telemetry(settings)).stop();
    for line in &log {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(line["cluster"], "blue", "{line}");
        assert!(
            line["msg"].is_string() && line["ts"].is_string() && line["level"] == "info",
            "{line}"
        );
    }
    assert!(log.len() > 5, "{log:?}");
}

#[test]
fn the_level_silences_what_is_below_it() {
    let folder = Folder::new();
    let settings = "    logs: {level: warn}\n    metrics: {level: none}\n";
    let name = folder.file(
        "config.yaml",
        &format!("{}{}", telemetry(settings), "extensions:\n  healthcheck:\n"),
    );
    let mut collector = Collector::spawn(&mut folder.pharos(["--config", &name]));
    // Nothing says when it is ready; the warning is said before the signals are listened for.
    collector.wait_for("is an old name of");
    drop(collector);
    let level = |level: &str| {
        let name = folder.file("level.yaml", &telemetry(&settings.replace("warn", level)));
        folder.run(["validate", "--config", &name])
    };
    level("debug").quietly();
    level("chatty").refused_with(&["service::telemetry::logs::level", "chatty"]);
}

#[test]
fn a_log_may_go_to_a_file() {
    let folder = Folder::new();
    let settings = "    logs: {output_paths: [stderr, own.log]}\n    metrics: {level: none}\n";
    let log = start(&folder, "config.yaml", &telemetry(settings)).stop();
    let file = std::fs::read_to_string(folder.path("own.log")).expect("the file is there");
    assert_eq!(file.lines().collect::<Vec<_>>(), log);
}

#[test]
fn metrics_are_pushed_by_otlp_over_http() {
    let folder = Folder::new();
    let reader = "{periodic: {interval: 200, exporter: {otlp: {protocol: http/protobuf, endpoint: \"http://HTTP\"}}}}";
    let (mut observer, observed) =
        observed(&folder, &format!("    metrics: {{readers: [{reader}]}}\n"));
    observer.wait_for("-> Name: otelcol_process_uptime");
    observer.wait_for("-> service.name: Str(pharos)");
    observed.stop();
    observer.stop();
}

#[test]
fn metrics_are_pushed_by_otlp_over_grpc() {
    let folder = Folder::new();
    let reader = "{periodic: {interval: 200, exporter: {otlp: {protocol: grpc, endpoint: \"GRPC\", insecure: true}}}}";
    let (mut observer, observed) =
        observed(&folder, &format!("    metrics: {{readers: [{reader}]}}\n"));
    observer.wait_for("-> Name: otelcol_process_uptime");
    observed.stop();
    observer.stop();
}

#[test]
fn spans_are_pushed_for_requests_and_exports() {
    let folder = Folder::new();
    let push = "{exporter: {otlp: {protocol: http/protobuf, endpoint: \"http://HTTP\"}}}";
    let settings =
        format!("    metrics: {{level: none}}\n    traces: {{processors: [{{batch: {push}}}]}}\n");
    let (mut observer, mut observed) = observed(&folder, &settings);
    let address = observed.address("Listening: http");
    post_logs(&address, &["traced"]);
    observed.wait_for("\"log records\":1");
    // What is left is sent when it stops.
    observed.stop();
    for part in [
        "Name           : receiver/otlp/LogsReceived",
        "-> transport: Str(http)",
        "-> accepted_log_records: Int(1)",
        "Name           : exporter/debug/logs",
        "-> sent_log_records: Int(1)",
    ] {
        observer.wait_for(part);
    }
    observer.stop();
}

#[test]
fn logs_are_pushed_by_otlp() {
    let folder = Folder::new();
    let push = "{exporter: {otlp: {protocol: http/protobuf, endpoint: \"http://HTTP\"}}}";
    let settings =
        format!("    metrics: {{level: none}}\n    logs: {{processors: [{{batch: {push}}}]}}\n");
    let (mut observer, observed) = observed(&folder, &settings);
    observed.stop();
    observer.wait_for("Body: Str(Everything is ready. Begin running and processing data.)");
    observer.stop();
}
