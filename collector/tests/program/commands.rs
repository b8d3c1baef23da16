//! The sub-commands besides `validate`.

use crate::kit::{Folder, MINIMAL};

#[test]
fn without_a_configuration_it_says_how_to_give_one() {
    let folder = Folder::new();
    folder
        .run([])
        .refused_with(&["no configuration given: pass --config <file>"]);
    folder
        .run(["validate"])
        .refused_with(&["no configuration given: pass --config <file>"]);
}

#[test]
fn a_word_that_is_no_command_is_one_line() {
    Folder::new()
        .run(["validat"])
        .refused_with(&["'validat'", "'validate'"]);
    Folder::new()
        .run(["--confg", "x"])
        .refused_with(&["'--confg'", "'--config'"]);
}

#[test]
fn the_version_is_printed_in_both_spellings() {
    let expected = format!("pharos {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Folder::new().run(["--version"]).quietly(), expected);
    assert_eq!(Folder::new().run(["-v"]).quietly(), expected);
}

#[test]
fn components_are_listed_as_yaml_with_their_stability() {
    let text = Folder::new().run(["components"]).quietly();
    let mut kind = "";
    let mut listed = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("  - name: ") {
            Some(name) => listed.push((kind, name)),
            None if line.starts_with(' ') => {}
            None => kind = line.split(':').next().unwrap_or_default(),
        }
    }
    for component in [
        ("receivers", "otlp"),
        ("processors", "batch"),
        ("exporters", "debug"),
        ("extensions", "health_check"),
    ] {
        assert!(
            listed.contains(&component),
            "{component:?} is missing in:\n{text}"
        );
    }
    assert!(text.contains("\nconnectors: []\n"), "{text}");
    assert!(
        text.contains("  - name: otlp\n    stability:\n      logs: beta\n"),
        "{text}"
    );
}

#[test]
fn a_printed_configuration_has_its_defaults_in_the_order_of_the_sections_and_reads_back() {
    let folder = Folder::new();
    let printed = folder
        .run([
            "print-config",
            "--config",
            &folder.file("config.yaml", MINIMAL),
        ])
        .quietly();
    let places: Vec<usize> = [
        "receivers:",
        "  otlp:",
        "processors:",
        "  batch:",
        "    timeout: 200ms",
        "exporters:",
        "service:",
    ]
    .iter()
    .map(|part| {
        printed
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing: {printed}"))
    })
    .collect();
    assert!(places.is_sorted(), "{printed}");
    // Settings that have no meaning here are accepted with a warning, so this run is not silent.
    let again = folder.run([
        "print-initial-config",
        "--config",
        &folder.file("again.yaml", &printed),
    ]);
    assert_eq!((again.code, again.out), (Some(0), printed), "{}", again.err);
}

#[test]
fn secrets_are_redacted_unless_asked_for() {
    let folder = Folder::new();
    let config = format!("{MINIMAL}extensions:\n  bearertokenauth:\n    token: hush\n");
    let config = folder.file("config.yaml", &config);
    let redacted = folder.run(["print-config", "--config", &config]).quietly();
    assert!(
        redacted.contains("token: \"[REDACTED]\"") && !redacted.contains("hush"),
        "{redacted}"
    );
    let clear = folder
        .run(["print-config", "--config", &config, "--mode", "unredacted"])
        .quietly();
    assert!(clear.contains("token: hush"), "{clear}");
}

#[test]
fn json_is_printed_on_demand() {
    let folder = Folder::new();
    let config = folder.file("config.yaml", MINIMAL);
    let text = folder
        .run(["print-config", "--config", &config, "--format", "json"])
        .quietly();
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["processors"]["batch"]["send_batch_size"], 8192);
    assert_eq!(json["service"]["pipelines"]["logs"]["receivers"][0], "otlp");
}

#[test]
fn old_names_work_with_a_warning() {
    let folder = Folder::new();
    let config = format!("{MINIMAL}extensions:\n  healthcheck:\n");
    let ended = folder.run([
        "print-config",
        "--config",
        &folder.file("config.yaml", &config),
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .err
            .contains("\"healthcheck\" is an old name of \"health_check\""),
        "{}",
        ended.err
    );
}

#[test]
fn feature_gates_are_accepted_and_there_are_none() {
    let folder = Folder::new();
    let config = folder.file("config.yaml", MINIMAL);
    folder
        .run(["validate", "--config", &config, "--feature-gates", "a.b,-c"])
        .quietly();
    assert_eq!(folder.run(["featuregate"]).quietly(), "");
    folder
        .run(["featuregate", "a.b"])
        .refused_with(&["\"a.b\" not found"]);
}
