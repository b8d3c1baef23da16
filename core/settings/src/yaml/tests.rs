use super::parse;
use crate::node::{Node, Value};
use crate::origin::{SourceKind, SourceName};
use crate::problems::Problems;
use proptest::prelude::*;
use std::sync::Arc;

fn read(text: &str) -> (Option<Node>, Problems) {
    let source = Arc::new(SourceName {
        order: 0,
        kind: SourceKind::File("t.yaml".to_owned()),
    });
    let mut problems = Problems::new();
    let node = parse(text, &source, &mut problems);
    (node, problems)
}

fn good(text: &str) -> Node {
    let (node, problems) = read(text);
    assert!(!problems.has_errors(), "{text}\n{problems}");
    node.unwrap()
}

fn bad(text: &str) -> String {
    let (_, problems) = read(text);
    assert!(problems.has_errors(), "{text}");
    problems.to_string()
}

/// As one line of JSON-like text.
fn shown(text: &str) -> String {
    serde_json::to_string(&good(text)).unwrap()
}

#[test]
fn yaml_of_configurations() {
    for (text, json) in [
        ("", "null"),
        ("# only a comment\n", "null"),
        ("\u{feff}a: 1", "{\"a\":1}"),
        ("---\na: 1\n...\n", "{\"a\":1}"),
        ("a: '1'\nb: \"x\\ty\"", "{\"a\":\"1\",\"b\":\"x\\ty\"}"),
        (
            "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
            "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}",
        ),
        ("{a: [1, 2], 'b': }", "{\"a\":[1,2],\"b\":null}"),
        (
            "{a: {b: c}, 200: ok, true: x}",
            "{\"a\":{\"b\":\"c\"},\"200\":\"ok\",\"true\":\"x\"}",
        ),
        ("a: ${env:X}:4317", "{\"a\":\"${env:X}:4317\"}"),
        ("a: ${env:X:-d}", "{\"a\":\"${env:X:-d}\"}"),
        (
            "a: !!str 123\nb: !!float 1\nc: ! 5",
            "{\"a\":\"123\",\"b\":1.0,\"c\":\"5\"}",
        ),
        ("a: &x {b: 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"),
        (
            "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}",
            "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"c\":3,\"b\":1}}",
        ),
        (
            "d: {<<: [{a: 1}, {a: 2, b: 2}]}",
            "{\"d\":{\"a\":1,\"b\":2}}",
        ),
        ("'<<': x", "{\"<<\":\"x\"}"),
        ("- a\n-\n- {}\n", "[\"a\",null,{}]"),
    ] {
        assert_eq!(shown(text), json, "{text}");
    }
}

#[test]
fn positions_are_one_based_and_of_the_thing_itself() {
    let node =
        good("receivers:\n  otlp:\n    timeout: 5\n  empty:\n  list:\n    - a\n    - b: c\n");
    for (path, line, column) in [
        ("", 1, 1),
        ("receivers", 1, 1),
        ("receivers::otlp", 2, 3),
        ("receivers::otlp::timeout", 3, 5),
        ("receivers::otlp::nothing", 2, 3),
        ("receivers::list::0", 6, 7),
        ("receivers::list::1::b", 7, 7),
    ] {
        let origin = node.locate(path);
        assert_eq!((origin.line, origin.column), (line, column), "{path}");
    }
    let value = |path: [&str; 3]| {
        let origin = &path.iter().fold(&node, |n, k| n.get(k).unwrap()).origin;
        (origin.line, origin.column)
    };
    assert_eq!(value(["receivers", "otlp", "timeout"]), (3, 14));
    let empty = &node.get("receivers").unwrap().get("empty").unwrap().origin;
    assert_eq!((empty.line, empty.column), (4, 3));
    let wide = good("ä: {ö: 1}");
    let origin = &wide.get("ä").unwrap().get("ö").unwrap().origin;
    assert_eq!((origin.line, origin.column), (1, 8));
}

#[test]
fn mistakes_name_line_and_column() {
    for (text, message) in [
        (
            "a: 1\nb: 2\na: 3\nb: 4",
            "t.yaml:3:1: duplicate key \"a\", first on line 1\n\
             t.yaml:4:1: duplicate key \"b\", first on line 2",
        ),
        (
            "a:\n  - x\n  - b: {c: 1, c: 2}",
            "t.yaml:3:15: a::1::b: duplicate key \"c\", first on line 3",
        ),
        (
            "a: 1\n---\nb: 2",
            "t.yaml:2:1: a second YAML document starts here; a configuration is one document, so \
             put it in a file of its own and pass both with --config",
        ),
        (
            "a: !foo x",
            "t.yaml:1:4: the tag !foo does not fit here; leave it out",
        ),
        (
            "a: !!int x",
            "t.yaml:1:4: the tag !!int does not fit here; leave it out",
        ),
        (
            "a: &x [*x]",
            "t.yaml:1:8: this alias is inside of what it refers to",
        ),
        (
            "<<: 5",
            "t.yaml:1:5: << wants a mapping or a list of mappings",
        ),
        ("'': 5\n: 6", "t.yaml:2:1: a key must not be empty"),
        (
            "? [a]\n: 5",
            "t.yaml:1:3: a key must be text, this one is a list or a mapping (put \"{…}\" and \"[…]\" in quotes)",
        ),
    ] {
        assert_eq!(bad(text), message, "{text}");
    }
    let tab = bad("a:\n\tb: 1");
    assert!(tab.starts_with("t.yaml:2:"), "{tab}");
    assert!(
        tab.contains("indented with a tab, YAML wants spaces; near: b: 1"),
        "{tab}"
    );
    for (text, hint) in [
        (
            "a: {x: ${env:X}}",
            "inside of { } and [ ] a ${…} must stand in quotes",
        ),
        (
            "a: [*]",
            "text that begins with * or & must stand in quotes",
        ),
        (
            "a: *.example.com",
            "text that begins with * or & must stand in quotes",
        ),
        (
            "a: @x",
            "text that begins with @, ` or % must stand in quotes",
        ),
        (
            "a: b: c",
            "look at the indentation, and put text that contains \": \" in quotes",
        ),
        (
            "a: 1\n  b: 2",
            "look at the indentation, and put text that contains \": \" in quotes",
        ),
    ] {
        let message = bad(text);
        assert!(
            message.contains(&format!("; {hint}; near: ")),
            "{text}: {message}"
        );
    }
    let open = bad("a: \"x\nb: 1\n");
    assert!(
        open.starts_with("t.yaml:") && open.contains("not valid YAML: "),
        "{open}"
    );
    assert_eq!(open.lines().count(), 1);
}

#[test]
fn nesting_and_aliases_are_bounded() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(good(&deep(100)).as_list().is_some());
    assert!(bad(&deep(101)).contains("nested deeper than 100 levels"));
    assert!(bad(&deep(100_000)).starts_with("t.yaml:1:"));
    let deep_block: String = (0..200).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert!(bad(&deep_block).contains("nested deeper than 100 levels"));

    // Ten uses of ten uses of … a list: a billion values from 500 bytes.
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..9 {
        let uses = format!("*a{}, ", i - 1).repeat(10);
        laughs.push_str(&format!("a{i}: &a{i} [{uses}]\n"));
    }
    assert!(bad(&laughs).contains("more than 200000 values, counting aliases"));

    let long = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), "*a, ".repeat(100));
    assert!(bad(&long).contains("bytes, counting aliases"));

    // Aliases can also nest deeper than any line of the text.
    let mut tall = "a0: &a0 [x]\n".to_owned();
    for i in 1..150 {
        tall.push_str(&format!("a{i}: &a{i} [*a{}]\n", i - 1));
    }
    assert!(bad(&tall).contains("nested deeper than 100 levels"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let (node, problems) = read(&text);
        prop_assert!(node.is_some() || problems.has_errors());
    }

    #[test]
    fn text_made_of_yaml_is_read_or_refused(
        parts in prop::collection::vec(prop::sample::select(vec!["a: ", "- ", "\n", "\n  ", "\t", "{", "}", "[", "]", ",", "\"", "'", "|", ">-", "&a ", "*a", "<<: ", "!!str ", "!x ", "? ", ": ", "#", "---\n", "...\n", "%TAG ! x\n", "ä", "\u{feff}", "\r\n", "\0", "x", "\\", "1", "\u{2028}"]), 0..40)
    ) {
        let (node, problems) = read(&parts.concat());
        prop_assert!(node.is_some() || problems.has_errors());
    }

    #[test]
    fn strings_keep_their_text(text in "[a-zA-Z0-9_.:/-]{1,20}") {
        let node = good(&format!("\"{text}\""));
        prop_assert_eq!(node.value, Value::String(text));
    }
}
