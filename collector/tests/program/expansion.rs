//! Several configurations, `--set`, and what `${...}` stands for.

use crate::kit::{Ended, Folder, MINIMAL};

/// The printed configuration, and what was said beside it.
fn print<'a>(
    folder: &Folder,
    arguments: impl IntoIterator<Item = &'a str>,
    env: &[(&str, &str)],
) -> Ended {
    let all = ["print-config", "--mode", "unredacted"]
        .into_iter()
        .chain(arguments);
    Ended::of(folder.pharos(all).envs(env.iter().copied()))
}

/// A bearer token in an extension, for values that are secret.
fn with_token(token: &str) -> String {
    format!("{MINIMAL}extensions:\n  bearertokenauth:\n    token: {token}\n")
}

#[test]
fn later_files_are_merged_over_earlier_ones_and_lists_replace_with_a_warning() {
    let folder = Folder::new();
    let first = folder.file("first.yaml", MINIMAL);
    let second = folder.file(
        "second.yaml",
        "exporters:\n  debug: {verbosity: detailed}\n  debug/2:\nservice:\n  pipelines:\n    logs: {exporters: [debug/2]}\n",
    );
    let ended = print(&folder, ["--config", &first, "--config", &second], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("verbosity: detailed"), "{}", ended.out);
    let logs = "    logs:\n      receivers:\n        - otlp\n      processors:\n        - batch\n      exporters:\n        - debug/2\n";
    assert!(ended.out.contains(logs), "{}", ended.out);
    assert!(
        ended.err.starts_with("Warning: second.yaml:6:"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("service::pipelines::logs::exporters"),
        "{}",
        ended.err
    );
}

#[test]
fn a_later_null_wipes_a_section_with_a_warning() {
    let folder = Folder::new();
    let (first, second) = (
        folder.file("first.yaml", MINIMAL),
        folder.file("second.yaml", "processors:\n"),
    );
    let ended = print(&folder, ["--config", &first, "--config", &second], &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains("Warning: second.yaml:1:"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("references processor \"batch\" which is not configured"),
        "{}",
        ended.err
    );
}

#[test]
fn overrides_come_after_all_files_wherever_they_stand() {
    let folder = Folder::new();
    let config = folder.file("config.yaml", MINIMAL);
    let arguments = [
        "--set",
        "exporters.debug.verbosity=normal",
        "--config",
        &config,
        "--set=processors.batch.timeout=3s",
    ];
    let ended = print(&folder, arguments, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("verbosity: normal") && ended.out.contains("timeout: 3s"),
        "{}",
        ended.out
    );
    let ended = folder.run([
        "validate",
        "--config",
        &config,
        "--set",
        "exporters.debug.verbosty=normal",
    ]);
    ended.refused_with(&[
        "--set",
        "unknown key \"verbosty\"; did you mean \"verbosity\"?",
    ]);
    let ended = folder.run([
        "validate",
        "--config",
        &config,
        "--set",
        "exporters.debug.verbosity",
    ]);
    ended.refused_with(&["exporters.debug.verbosity", "="]);
}

#[test]
fn a_configuration_may_come_from_a_variable_and_a_line_of_yaml() {
    let folder = Folder::new();
    let arguments = [
        "--config=env:PHAROS_CONFIG",
        "--config=yaml:exporters::debug::verbosity: detailed",
    ];
    let ended = print(&folder, arguments, &[("PHAROS_CONFIG", MINIMAL)]);
    assert!(ended.quietly().contains("verbosity: detailed"));
}

#[test]
fn variables_stand_for_their_values_and_defaults_count_only_when_unset() {
    let folder = Folder::new();
    let settings = "  batch:\n    send_batch_size: ${env:SIZE}\n    timeout: ${env:UNSET:-4s}\n    send_batch_max_size: ${MAX}";
    let config = folder.file("config.yaml", &MINIMAL.replace("  batch:", settings));
    let printed = print(
        &folder,
        ["--config", &config],
        &[("SIZE", "77"), ("MAX", "99")],
    )
    .quietly();
    for part in [
        "send_batch_size: 77",
        "timeout: 4s",
        "send_batch_max_size: 99",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn an_unset_variable_is_named_with_its_place() {
    let folder = Folder::new();
    let config = folder.file(
        "config.yaml",
        &MINIMAL.replace("  debug:", "  debug:\n    verbosity: ${env:NOT_THERE}"),
    );
    let ended = print(&folder, ["--config", &config], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.starts_with("Warning: config.yaml:10:"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("NOT_THERE"), "{}", ended.err);
    assert!(ended.out.contains("verbosity: basic"), "{}", ended.out);
}

#[test]
fn dollars_are_escaped_by_doubling_and_secrets_keep_theirs() {
    let folder = Folder::new();
    let token = |text: &str, env: &[(&str, &str)]| {
        let config = folder.file("config.yaml", &with_token(text));
        let ended = print(&folder, ["--config", &config], env);
        let line = ended
            .out
            .lines()
            .find(|line| line.trim_start().starts_with("token: "))
            .map(str::trim);
        line.unwrap_or_else(|| panic!("{ended:?}")).to_owned()
    };
    assert_eq!(token("a$$b$HOME", &[]), "token: a$b$HOME");
    assert_eq!(token("\"$${env:X}\"", &[("X", "x")]), "token: ${env:X}");
    assert_eq!(
        token("${env:X}", &[("X", "pa$$word${y}")]),
        "token: pa$$word${y}"
    );
    assert_eq!(token("${env:X}", &[("X", "0123")]), "token: \"0123\"");
}

#[test]
fn a_file_gives_a_secret_without_its_last_line_break() {
    let folder = Folder::new();
    folder.file("token", "abc\n");
    let config = folder.file("config.yaml", &with_token("${file:token}"));
    let printed = print(&folder, ["--config", &config], &[]).quietly();
    assert!(printed.contains("token: abc\n"), "{printed}");
}
