use super::{Source, load};
use crate::node::Node;
use crate::problems::Problems;
use crate::{Environment, FixedEnvironment, ProcessEnvironment};
use proptest::prelude::*;

struct Loaded {
    json: String,
    errors: String,
    warnings: Vec<String>,
}

fn run(
    sources: &[&str],
    overrides: &[&str],
    environment: &dyn Environment,
) -> (Option<Node>, Problems) {
    let sources: Vec<Source> = sources.iter().map(|s| Source::from(*s)).collect();
    let overrides: Vec<String> = overrides.iter().map(|s| (*s).to_owned()).collect();
    let mut problems = Problems::new();
    let node = load(&sources, &overrides, environment, &mut problems);
    (node, problems)
}

fn loaded(sources: &[&str], overrides: &[&str], environment: &dyn Environment) -> Loaded {
    let (node, problems) = run(sources, overrides, environment);
    Loaded {
        json: node.map_or_else(|| "none".to_owned(), |n| serde_json::to_string(&n).unwrap()),
        errors: problems.to_string(),
        warnings: problems
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

fn files(list: &[(&str, &str)]) -> FixedEnvironment {
    (list.iter()).fold(FixedEnvironment::new(), |e, (path, text)| {
        e.with_file(path, text)
    })
}

#[test]
fn maps_merge_lists_and_scalars_replace() {
    let environment = files(&[
        (
            "a.yaml",
            "receivers:\n  otlp: {x: 1, y: [a, b]}\n  beacon: {z: 1}\nservice: {s: 1}\n",
        ),
        ("b.yaml", "receivers:\n  otlp:\n    x: 2\n    y: [c]\n"),
    ]);
    let found = loaded(&["a.yaml", "file:b.yaml"], &[], &environment);
    assert_eq!(
        found.json,
        "{\"receivers\":{\"otlp\":{\"x\":2,\"y\":[\"c\"]},\"beacon\":{\"z\":1}},\"service\":{\"s\":1}}"
    );
    assert_eq!(found.errors, "");
    assert_eq!(
        found.warnings,
        [
            "b.yaml:4:8: receivers::otlp::y: this list replaces (lists do not merge) the list at a.yaml:2:19"
        ]
    );
}

#[test]
fn nulls_wipe_with_a_warning() {
    let environment = files(&[
        (
            "a.yaml",
            "processors:\n  batch: {t: 1}\nx: [1]\nempty:\n  batch:\n",
        ),
        ("b.yaml", "processors:\nx:\nempty: {batch: }\n"),
    ]);
    let found = loaded(&["a.yaml", "b.yaml"], &[], &environment);
    assert_eq!(
        found.json,
        "{\"processors\":null,\"x\":null,\"empty\":{\"batch\":null}}"
    );
    assert_eq!(
        found.warnings,
        [
            "b.yaml:1:1: processors: this empty value removes all settings at a.yaml:2:3",
            "b.yaml:2:1: x: this empty value removes the list at a.yaml:3:4",
        ]
    );
    // The same list again is no loss, nor is a list that --set replaces.
    let same = files(&[("a.yaml", "x: [1, {a: b}]"), ("b.yaml", "x: [1, {a: b}]")]);
    let found = loaded(&["a.yaml", "b.yaml"], &["x=[2]"], &same);
    assert_eq!(
        (found.json.as_str(), found.warnings.len()),
        ("{\"x\":[2]}", 0)
    );
}

#[test]
fn sources_of_every_scheme() {
    let environment = files(&[("a.yaml", "a: {b: 1}")])
        .with_variable("WHOLE", "a: {c: 2}")
        .with_variable("B", "3");
    let found = loaded(
        &[
            "a.yaml",
            "env:WHOLE",
            "yaml:a::d::e: ${env:B}",
            "yaml:a::b: 5",
        ],
        &["a.d.f=[x, 'y']", "a::g=", "a.h=k=v: w"],
        &environment,
    );
    assert_eq!(found.errors, "");
    assert_eq!(
        found.json,
        "{\"a\":{\"b\":5,\"c\":2,\"d\":{\"e\":3,\"f\":[\"x\",\"y\"]},\"g\":null,\"h\":{\"k=v\":\"w\"}}}"
    );
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let environment = files(&[
        ("list.yaml", "- a"),
        ("text.yaml", "just text"),
        ("empty.yaml", "# nothing\n"),
    ])
    .with_variable("EMPTY", "");
    for (sources, overrides, message) in [
        (
            vec![],
            vec![],
            "no configuration given: pass --config <file>",
        ),
        (
            vec!["no.yaml"],
            vec![],
            "cannot read the file \"no.yaml\": it does not exist",
        ),
        (
            vec!["list.yaml"],
            vec![],
            "list.yaml:1:1: expected a mapping of sections (receivers, processors, exporters, connectors, extensions, service), got a list",
        ),
        (
            vec!["text.yaml"],
            vec![],
            "text.yaml:1:1: expected a mapping of sections (receivers, processors, exporters, connectors, extensions, service), got string \"just text\"",
        ),
        (
            vec!["empty.yaml"],
            vec![],
            "empty.yaml:1:1: the configuration is empty",
        ),
        (
            vec!["env:EMPTY"],
            vec![],
            "env:EMPTY:1:1: the configuration is empty",
        ),
        (
            vec!["env:UNSET"],
            vec![],
            "--config env:UNSET: the environment variable \"UNSET\" is not set",
        ),
        (
            vec!["s3://bucket/x"],
            vec![],
            "--config s3://bucket/x: unknown scheme \"s3\" (known: env, file, http, https, yaml); for a file of that name write file:s3://bucket/x",
        ),
        (
            vec!["https://a/b.yaml"],
            vec![],
            "--config https://a/b.yaml: \"https://a/b.yaml\" is not fetched: this build reads configuration from files and variables only; download it to a file first",
        ),
        (
            vec!["yaml:a: 1"],
            vec!["novalue"],
            "--set novalue: expected KEY=VALUE, as in --set processors.batch.timeout=2s",
        ),
        (
            vec!["yaml:a: 1"],
            vec!["a..b=1"],
            "--set a..b=1: the key has an empty part or too many",
        ),
        // A drive letter is not a scheme.
        (
            vec!["C:\\x.yaml"],
            vec![],
            "cannot read the file \"C:\\x.yaml\": it does not exist",
        ),
        // Both are named.
        (
            vec!["no.yaml", "yaml:a: 1\na: 2", "neither.yaml"],
            vec![],
            "yaml:2:1: duplicate key \"a\", first on line 1\n\
             cannot read the file \"no.yaml\": it does not exist\n\
             cannot read the file \"neither.yaml\": it does not exist",
        ),
    ] {
        let found = loaded(&sources, &overrides, &environment);
        assert_eq!(found.errors, message, "{sources:?}");
    }
}

#[test]
fn problems_name_overrides_and_later_files() {
    let environment = files(&[("a.yaml", "x: {y: 1}"), ("b.yaml", "x:\n  y: 2\n")]);
    let (node, _) = run(&["a.yaml", "b.yaml"], &[], &environment);
    assert_eq!(node.unwrap().locate("x::y").to_string(), "b.yaml:2:3");
    let (node, _) = run(&["a.yaml", "b.yaml"], &["x.y=3"], &environment);
    assert_eq!(node.unwrap().locate("x::y").to_string(), "--set x.y");
}

#[test]
fn real_files_are_read_and_their_errors_named() {
    let folder = std::env::temp_dir();
    let path = folder.join(format!("settings-load-{}.yaml", std::process::id()));
    std::fs::write(&path, "a: 1").unwrap();
    let given = path.to_str().unwrap();
    assert_eq!(loaded(&[given], &[], &ProcessEnvironment).json, "{\"a\":1}");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    let errors = loaded(&[given], &[], &ProcessEnvironment).errors;
    assert_eq!(
        errors,
        format!("cannot read the file \"{given}\": not valid UTF-8")
    );
    std::fs::remove_file(&path).unwrap();
    let folder = folder.to_str().unwrap();
    let errors = loaded(&[folder], &[], &ProcessEnvironment).errors;
    assert_eq!(
        errors,
        format!("cannot read the file \"{folder}\": it is a directory")
    );
}

proptest! {
    #[test]
    fn any_override_is_read_or_refused(text in ".{0,40}") {
        let (node, problems) = run(&["yaml:a: 1"], &[&text], &FixedEnvironment::new());
        prop_assert!(node.is_some() || problems.has_errors());
    }
}
