use crate::node::{Map, Node, Value};
use crate::origin::{Origin, SourceKind, SourceName};
use crate::problems::Problems;
use crate::{Duration, Secret, parse, to_json, to_yaml, unredacted};
use proptest::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

fn parsed(text: &str) -> Node {
    let source = Arc::new(SourceName {
        order: 0,
        kind: SourceKind::Inline,
    });
    let mut problems = Problems::new();
    let node = parse(text, &source, &mut problems);
    assert!(!problems.has_errors(), "{problems}\n{text}");
    node.unwrap()
}

/// Text that YAML might take for something else.
fn awkward() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".to_owned()),
        Just("~".to_owned()),
        Just("<<".to_owned()),
        Just("---".to_owned()),
        Just("... x".to_owned()),
        Just("0123".to_owned()),
        Just("1e3".to_owned()),
        "[-+0-9._eExXob]{0,6}",
        "[- :#\\[\\]{},&*!|>'\"%@`=a\\\\?]{0,8}",
        "[a-z ]{0,20}",
        any::<String>(),
        prop::collection::vec(any::<char>(), 0..4).prop_map(|c| c.into_iter().collect()),
        "[\n\t\r a-c]{0,8}",
    ]
}

fn tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        awkward().prop_map(Value::String),
    ];
    leaf.prop_map(Node::program)
        .prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|l| Node::program(Value::List(l))),
                prop::collection::vec((awkward(), inner), 0..5).prop_map(|entries| {
                    let mut map = Map::new();
                    for (key, node) in entries {
                        map.insert(key, Origin::program(), node);
                    }
                    Node::program(Value::Map(map))
                }),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_tree_printed_parses_back(node in tree()) {
        let text = node.to_yaml();
        let again = parsed(&text);
        prop_assert!(again.same_value(&node), "{text}\n{again:?}");
    }
}

#[test]
fn long_keys_and_empty_collections() {
    let text = format!("\"{}\": {{}}\nlist: []\n", "k".repeat(3000));
    // An implicit key of this length is no YAML; the printed form is.
    let mut map = Map::new();
    map.insert(
        "k".repeat(3000),
        Origin::program(),
        Node::program(Value::Map(Map::new())),
    );
    map.insert(
        "list",
        Origin::program(),
        Node::program(Value::List(vec![])),
    );
    let node = Node::program(Value::Map(map));
    assert!(parsed(&node.to_yaml()).same_value(&node));
    assert!(node.to_yaml().len() > text.len());
}

#[derive(Serialize)]
struct Sample {
    zeta: Duration,
    alpha: Vec<BTreeMap<&'static str, u64>>,
    password: Secret,
    empty: Option<u32>,
    text: &'static str,
}

fn sample() -> Sample {
    Sample {
        zeta: Duration::from_millis(1500),
        alpha: vec![BTreeMap::from([("x", 1), ("y", 2)]), BTreeMap::new()],
        password: Secret::new("p: #1"),
        empty: None,
        text: "a: b",
    }
}

#[test]
fn settings_print_in_the_order_of_their_fields() {
    assert_eq!(
        to_yaml(&sample()).unwrap(),
        "zeta: 1.5s\nalpha:\n  - x: 1\n    y: 2\n  - {}\npassword: \"[REDACTED]\"\nempty: null\ntext: \"a: b\"\n"
    );
    let json = to_json(&sample()).unwrap();
    assert!(
        json.starts_with("{\n  \"zeta\": \"1.5s\",\n  \"alpha\": ["),
        "{json}"
    );
    assert!(json.contains("\"password\": \"[REDACTED]\""), "{json}");
}

#[test]
fn secrets_print_in_clear_only_when_asked() {
    let clear = unredacted(|| to_yaml(&sample()).unwrap());
    assert!(clear.contains("password: \"p: #1\"\n"), "{clear}");
}
