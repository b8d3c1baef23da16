//! `pharos validate`: every mistake in one run, with its place and what to do.

use crate::kit::{Folder, MINIMAL, taken_port};

#[test]
fn a_good_configuration_is_accepted_in_silence() {
    assert_eq!(Folder::new().validate(MINIMAL).quietly(), "");
}

#[test]
fn validating_opens_no_port() {
    let (_listener, port) = taken_port();
    let config = MINIMAL.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    Folder::new().validate(&config).quietly();
}

#[test]
fn all_mistakes_of_a_file_come_in_one_run_with_their_places() {
    let config = "\
receivers:
  otlp:
    protocols:
      grpc:
        endpont: localhost:0
  kafka:
  otpl:
processors:
  batch:
    timeout: 5
  filter/x:
exporters:
  debug:
    verbosity: loud
recievers:
service:
  extensions: [health_check]
  pipelines:
    logs:
      receivers: [otlp, debug]
      processors: [batch, batch, attributes]
      exporters: [debugg]
    spans:
      receivers: [otlp]
";
    let ended = Folder::new().validate(config);
    let expected = [
        (
            "config.yaml:5:9: receivers::otlp::protocols::grpc: ",
            "unknown key \"endpont\"; did you mean \"endpoint\"?",
        ),
        (
            "config.yaml:6:3: receivers: ",
            "it is a receiver of the upstream collector that this build does not have",
        ),
        (
            "config.yaml:7:3: receivers: ",
            "unknown type \"otpl\" for id \"otpl\"; did you mean \"otlp\"?",
        ),
        (
            "config.yaml:10:14: processors::batch::timeout: ",
            "expected a duration such as \"5s\", got integer 5",
        ),
        (
            "config.yaml:11:3: processors: ",
            "it is a processor of the upstream collector that this build does not have",
        ),
        (
            "config.yaml:14:16: exporters::debug::verbosity: ",
            "\"basic\", \"normal\", \"detailed\", got \"loud\"",
        ),
        (
            "config.yaml:15:1: ",
            "unknown key \"recievers\"; did you mean \"receivers\"?",
        ),
        (
            "config.yaml:17:16: service::extensions: ",
            "references extension \"health_check\" which is not configured",
        ),
        (
            "config.yaml:20:25: service::pipelines::logs: ",
            "\"debug\" is configured under exporters",
        ),
        (
            "config.yaml:21:27: service::pipelines::logs: ",
            "references processor \"batch\" multiple times",
        ),
        (
            "config.yaml:21:34: service::pipelines::logs: ",
            "references processor \"attributes\" which is not configured",
        ),
        (
            "config.yaml:22:19: service::pipelines::logs: ",
            "did you mean \"debug\"?",
        ),
        (
            "config.yaml:23:5: service::pipelines: ",
            "\"spans\" is not a pipeline",
        ),
    ];
    let mistakes = ended.mistakes();
    assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
    for (mistake, (place, message)) in mistakes.iter().zip(expected) {
        assert!(
            mistake.starts_with(place) && mistake.contains(message),
            "{mistake}\nis not\n{place}... {message}"
        );
    }
}

#[test]
fn a_type_of_another_kind_is_told_where_it_belongs() {
    let config = MINIMAL.replace("processors:\n  batch:", "processors:\n  batch:\n  debug:");
    Folder::new().validate(&config).refused_with(&[
        "config.yaml:8:3",
        "it is an exporter, configure it under exporters",
    ]);
}

#[test]
fn the_removed_logging_exporter_is_told_its_successor() {
    let config = MINIMAL.replace("  debug:", "  debug:\n  logging:");
    Folder::new()
        .validate(&config)
        .refused_with(&["unknown type \"logging\"", "use \"debug\""]);
}

#[test]
fn components_of_upstream_that_are_not_here_are_named_as_such_in_either_spelling() {
    let folder = Folder::new();
    for name in [
        "k8s_attributes",
        "k8sattributes",
        "resourcedetection",
        "tail_sampling",
        "transform",
        "redaction",
    ] {
        let config = MINIMAL.replace("  batch:", &format!("  batch:\n  {name}/x:"));
        folder.validate(&config).refused_with(&[
            &format!("unknown type \"{name}\" for id \"{name}/x\""),
            "it is a processor of the upstream collector that this build does not have",
        ]);
    }
}

#[test]
fn connectors_are_refused_as_not_in_this_build() {
    let config = MINIMAL.replace("service:", "connectors:\n  forward:\nservice:");
    Folder::new().validate(&config).refused_with(&[
        "\"forward\"",
        "this build does not have",
        "(this build has: none)",
    ]);
}

#[test]
fn an_invalid_component_that_no_pipeline_uses_is_an_error_all_the_same() {
    let config = MINIMAL.replace("  debug:", "  debug:\n  debug/unused: {verbosity: 7}");
    Folder::new()
        .validate(&config)
        .refused_with(&["exporters::debug/unused::verbosity", "got integer 7"]);
}

#[test]
fn missing_parts_are_named() {
    let ended = Folder::new().validate("receivers:\nexporters: {}\nservice:\n  pipelines:\n");
    let mistakes = ended.mistakes();
    let parts = [
        "at least one receiver is required",
        "at least one exporter is required",
        "at least one pipeline",
    ];
    assert_eq!(mistakes.len(), parts.len(), "{mistakes:#?}");
    for (mistake, part) in mistakes.iter().zip(parts) {
        assert!(mistake.contains(part), "{mistake}");
    }
}

#[test]
fn a_pipeline_needs_a_receiver_and_an_exporter() {
    let config = MINIMAL.replace(
        "metrics: {receivers: [otlp], processors: [batch], exporters: [debug]}",
        "metrics: {}",
    );
    let ended = Folder::new().validate(&config);
    let mistakes = ended.mistakes();
    assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
    assert!(
        mistakes[0].ends_with("service::pipelines::metrics: must have at least one receiver"),
        "{}",
        mistakes[0]
    );
    assert!(
        mistakes[1].ends_with("service::pipelines::metrics: must have at least one exporter"),
        "{}",
        mistakes[1]
    );
}

#[test]
fn an_empty_file_is_no_configuration() {
    Folder::new()
        .validate("")
        .refused_with(&["config.yaml", "the configuration is empty"]);
}

#[test]
fn files_that_are_no_yaml_or_not_there_are_named() {
    let folder = Folder::new();
    folder
        .validate("receivers:\n\totlp:\n")
        .refused_with(&["config.yaml:2:"]);
    folder
        .run(["validate", "--config", "nowhere.yaml"])
        .refused_with(&["nowhere.yaml", "does not exist"]);
}

#[test]
fn ids_follow_upstreams_rules_and_are_trimmed() {
    let folder = Folder::new();
    folder
        .validate(&MINIMAL.replace("  debug:", "  \" debug / a.b-c \":\n  debug:"))
        .quietly();
    folder
        .validate(&MINIMAL.replace("  debug:", "  \"debug \":\n  debug:"))
        .refused_with(&["config.yaml:10:3", "duplicate name \"debug\""]);
    folder
        .validate(&MINIMAL.replace("  debug:", "  debug/:\n  debug:"))
        .refused_with(&["config.yaml:9:3", "debug/"]);
}

#[test]
fn rules_between_settings_are_checked() {
    let config = MINIMAL.replace(
        "  batch:",
        "  batch:\n  memory_limiter: {check_interval: 0s, limit_mib: 100}",
    );
    Folder::new()
        .validate(&config)
        .refused_with(&["processors::memory_limiter::check_interval", "1s is good"]);
}

#[test]
fn blocks_are_switched_off_by_enabled_false_and_null_means_defaults() {
    let folder = Folder::new();
    let config = MINIMAL.replace(
        "  debug:",
        "  debug: {sending_queue: {enabled: false}}\n  debug/null: {sending_queue: }",
    );
    let printed = folder
        .run(["print-config", "--config", &folder.file("c.yaml", &config)])
        .quietly();
    let (off, rest) = printed
        .split_once("  debug/null:")
        .expect("both are printed");
    assert!(
        off.contains("sending_queue:\n      enabled: false"),
        "{off}"
    );
    assert!(rest.contains("num_consumers: 1"), "{rest}");
}

#[test]
fn own_telemetry_is_checked_too() {
    let telemetry =
        "  telemetry: {logs: {level: loud}, metrics: {readers: []}, traces: {processors: [{}]}}\n";
    let (before, _) = MINIMAL.split_once("  telemetry:").expect("the last block");
    let ended = Folder::new().validate(&format!("{before}{telemetry}"));
    let mistakes = ended.mistakes();
    assert!(
        mistakes[0].contains("service::telemetry::logs::level"),
        "{mistakes:#?}"
    );
    let telemetry = telemetry.replace("loud", "warn");
    let ended = Folder::new().validate(&format!("{before}{telemetry}"));
    let mistakes = ended.mistakes();
    assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
    assert!(
        mistakes[0].contains("metrics::readers: must not be empty"),
        "{mistakes:#?}"
    );
    assert!(
        mistakes[1].contains("traces::processors::0: expected one of batch and simple"),
        "{mistakes:#?}"
    );
}

#[test]
fn what_has_no_effect_and_what_cannot_be_pushed_is_told() {
    let folder = Folder::new();
    let (before, _) = MINIMAL.split_once("  telemetry:").expect("the last block");
    let logs = format!(
        "{before}  telemetry: {{logs: {{disable_caller: true}}, traces: {{propagators: [b3]}}}}\n"
    );
    let ended = folder.run([
        "print-config",
        "--config",
        &folder.file("config.yaml", &logs),
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .err
            .contains("service::telemetry::logs::disable_caller: has no effect here"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("service::telemetry::traces::propagators: has no effect here"),
        "{}",
        ended.err
    );
    let push = "{exporter: {otlp: {protocol: grpc, endpoint: \"collector:4317\"}}}";
    let traces = format!("{before}  telemetry: {{traces: {{processors: [{{batch: {push}}}]}}}}\n");
    folder.validate(&traces).refused_with(&[
        "traces::processors::0::exporter::otlp::endpoint",
        "insecure: true",
    ]);
}
