//! What each action does.

use std::collections::BTreeMap;

use pipeline::Client;
use serde_json::{Value as Json, json};

use crate::records::{acted, acted_for};

/// Rows of actions, attributes before and attributes after.
fn table(rows: &[(&str, Json, Json)]) {
    for (actions, before, after) in rows {
        assert_eq!(acted(actions, before), *after, "{actions} on {before}");
    }
}

#[test]
fn insert_update_and_upsert_differ_in_what_must_be_there() {
    let (there, absent) = (json!({"k": "old", "x": 1}), json!({"x": 1}));
    let new = json!({"k": "new", "x": 1});
    table(&[
        (
            "[{key: k, value: new, action: insert}]",
            absent.clone(),
            new.clone(),
        ),
        (
            "[{key: k, value: new, action: insert}]",
            there.clone(),
            there.clone(),
        ),
        (
            "[{key: k, value: new, action: update}]",
            absent.clone(),
            absent.clone(),
        ),
        (
            "[{key: k, value: new, action: update}]",
            there.clone(),
            new.clone(),
        ),
        (
            "[{key: k, value: new, action: upsert}]",
            absent.clone(),
            new.clone(),
        ),
        (
            "[{key: k, value: new, action: upsert}]",
            there.clone(),
            new.clone(),
        ),
        ("[{key: k, value: new, action: UPSERT}]", there, new),
    ]);
}

#[test]
fn values_keep_their_types() {
    for value in [
        json!("text"),
        json!(""),
        json!(7),
        json!(-7),
        json!(1.5),
        json!(true),
        json!(["a", 1]),
        json!({"a": {"b": 2}}),
    ] {
        let actions = format!("[{{key: k, value: {value}, action: upsert}}]");
        assert_eq!(acted(&actions, &json!({})), json!({"k": value}));
    }
}

#[test]
fn a_value_may_come_from_another_attribute() {
    let copy = "[{key: k, from_attribute: a, action: upsert}]";
    let or = "[{key: k, from_attribute: a, default_value: none, action: insert}]";
    table(&[
        (copy, json!({"a": 1}), json!({"a": 1, "k": 1})),
        (
            copy,
            json!({"a": ["x"], "k": 2}),
            json!({"a": ["x"], "k": ["x"]}),
        ),
        (copy, json!({"k": 2}), json!({"k": 2})),
        (or, json!({"a": true}), json!({"a": true, "k": true})),
        (or, json!({}), json!({"k": "none"})),
        (or, json!({"k": 1}), json!({"k": 1})),
    ]);
}

#[test]
fn a_value_may_come_from_the_request() {
    let client = Client {
        address: Some("192.0.2.7".parse().unwrap()),
        metadata: BTreeMap::from([
            ("x-tenant".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
            ("x-empty".to_owned(), Vec::new()),
        ]),
        auth: BTreeMap::from([("subject".to_owned(), "team".to_owned())]),
    };
    for (from, value) in [
        ("metadata.x-tenant", Some("a;b")),
        ("metadata.X-Tenant", Some("a;b")),
        ("X-Tenant", Some("a;b")),
        ("metadata.x-empty", None),
        ("metadata.x-absent", None),
        ("auth.subject", Some("team")),
        ("auth.absent", None),
        ("client.address", Some("192.0.2.7")),
    ] {
        let actions = format!("[{{key: k, from_context: {from}, action: insert}}]");
        let expected = value.map_or(json!({}), |value| json!({"k": value}));
        assert_eq!(acted_for(&client, &actions, &json!({})), expected, "{from}");
        assert_eq!(acted(&actions, &json!({})), json!({}), "{from} of nobody");
        let actions =
            format!("[{{key: k, from_context: {from}, default_value: 0, action: insert}}]");
        let expected = value.map_or(json!({"k": 0}), |value| json!({"k": value}));
        assert_eq!(acted_for(&client, &actions, &json!({})), expected, "{from}");
    }
}

#[test]
fn delete_takes_a_key_a_pattern_or_both() {
    let before = json!({"a": 1, "http.url": 2, "http.host": 3, "url": 4});
    table(&[
        (
            "[{key: a, action: delete}]",
            before.clone(),
            json!({"http.url": 2, "http.host": 3, "url": 4}),
        ),
        ("[{key: b, action: delete}]", before.clone(), before.clone()),
        (
            "[{pattern: '^http[.]', action: delete}]",
            before.clone(),
            json!({"a": 1, "url": 4}),
        ),
        // a pattern is looked for anywhere in the key
        (
            "[{pattern: url, action: delete}]",
            before.clone(),
            json!({"a": 1, "http.host": 3}),
        ),
        (
            "[{key: a, pattern: '^url$', action: delete}]",
            before,
            json!({"http.url": 2, "http.host": 3}),
        ),
    ]);
}

#[test]
fn hash_is_sha1_of_the_value() {
    // printf %s secret | sha1sum; printf '\x01' | sha1sum; printf '\x07\0\0\0\0\0\0\0' | sha1sum
    table(&[
        (
            "[{key: k, action: hash}]",
            json!({"k": "secret", "b": "secret"}),
            json!({"k": "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", "b": "secret"}),
        ),
        (
            "[{key: k, action: hash}]",
            json!({"k": true}),
            json!({"k": "bf8b4530d8d246dd74ac53a13471bba17941dff7"}),
        ),
        (
            "[{key: k, action: hash}]",
            json!({"k": ""}),
            json!({"k": ""}),
        ),
        ("[{key: k, action: hash}]", json!({"a": 1}), json!({"a": 1})),
    ]);
    let after = acted(
        "[{pattern: '^user', action: hash}]",
        &json!({"user.id": 7, "user.name": "x", "id": 7}),
    );
    assert_eq!(after["id"], 7);
    assert_eq!(
        after["user.name"],
        "11f6ad8ec52a2984abaafd7c3b516503785c2072"
    );
    assert_eq!(after["user.id"].as_str().unwrap().len(), 40);
}

#[test]
fn what_is_hashed_is_not_there_any_more_whatever_its_type() {
    for value in [json!(["secret"]), json!({"a": "secret"}), json!(1.5)] {
        let after = acted("[{key: k, action: hash}]", &json!({"k": value}));
        let other = acted("[{key: k, action: hash}]", &json!({"k": ["other"]}));
        assert_eq!(after["k"].as_str().unwrap().len(), 40, "{value}");
        assert_ne!(after, other);
    }
}

#[test]
fn extract_makes_attributes_of_named_groups() {
    let url = "[{key: url, pattern: '^(?P<scheme>[a-z]+)://(?P<host>[^/:]+)(?P<port>:\\d+)?', action: extract}]";
    table(&[
        (
            url,
            json!({"url": "https://a.example:81/x", "host": "old"}),
            json!({"url": "https://a.example:81/x", "scheme": "https", "host": "a.example", "port": ":81"}),
        ),
        (
            url,
            json!({"url": "http://b/"}),
            json!({"url": "http://b/", "scheme": "http", "host": "b", "port": ""}),
        ),
        (url, json!({"url": "nothing"}), json!({"url": "nothing"})),
        (url, json!({"url": 7}), json!({"url": 7})),
        (url, json!({}), json!({})),
    ]);
}

#[test]
fn convert_changes_what_can_be_converted() {
    for (to, before, after) in [
        ("int", json!("42"), json!(42)),
        ("int", json!("-42"), json!(-42)),
        ("int", json!("4.2"), json!("4.2")),
        ("int", json!("many"), json!("many")),
        ("int", json!(""), json!("")),
        ("int", json!(4.9), json!(4)),
        ("int", json!(-4.9), json!(-4)),
        ("int", json!(true), json!(1)),
        ("int", json!(7), json!(7)),
        ("int", json!([1]), json!([1])),
        ("double", json!("4.25"), json!(4.25)),
        ("double", json!("x"), json!("x")),
        ("double", json!(4), json!(4.0)),
        ("double", json!(false), json!(0.0)),
        ("double", json!(1.5), json!(1.5)),
        ("string", json!(42), json!("42")),
        ("string", json!(1.5), json!("1.5")),
        ("string", json!(true), json!("true")),
        ("string", json!("x"), json!("x")),
    ] {
        let actions = format!("[{{key: k, converted_type: {to}, action: convert}}]");
        let done = acted(&actions, &json!({"k": before}));
        assert_eq!(done["k"], after, "{before} to {to}");
    }
    let absent = acted(
        "[{key: k, converted_type: int, action: convert}]",
        &json!({"a": 1}),
    );
    assert_eq!(absent, json!({"a": 1}));
}

#[test]
fn actions_run_in_order_each_on_what_the_one_before_left() {
    let rename = "[{key: new, from_attribute: old, action: insert}, {key: old, action: delete}, \
                   {key: new, converted_type: int, action: convert}]";
    table(&[
        (rename, json!({"old": "5"}), json!({"new": 5})),
        (
            "[{key: old, action: delete}, {key: new, from_attribute: old, action: insert}]",
            json!({"old": "5"}),
            json!({}),
        ),
    ]);
}
