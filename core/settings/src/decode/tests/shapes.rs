//! Headers, references, choices and groups of settings.

use super::*;

#[test]
fn headers_are_a_mapping_or_a_list() {
    let expected: Vec<(&str, &str)> = vec![("X-A", "1"), ("X-B", "2")];
    for text in [
        "headers: {X-A: '1', X-B: '2'}",
        "headers: [{name: X-A, value: '1'}, {name: X-B, value: '2'}]",
    ] {
        let headers = good(text).headers;
        let found: Vec<_> = headers.iter().map(|(n, v)| (n, v.expose())).collect();
        assert_eq!(found, expected);
        assert_eq!(headers.get("x-a").unwrap().expose(), "1");
    }
    assert_eq!(
        bad("headers: [{name: X-A, value: a}, {name: x-a, value: b}]"),
        "t.yaml:1:10: x::headers: the header \"x-a\" is given twice"
    );
    assert_eq!(
        bad("headers: [{name: X-A, valu: a}]"),
        "t.yaml:1:11: x::headers::0: \"value\" must be specified\n\
         t.yaml:1:23: x::headers::0: unknown key \"valu\"; did you mean \"value\"? (allowed: name, value)"
    );
    assert_eq!(
        bad("headers: {a b: c}"),
        "t.yaml:1:10: x::headers: \"a b\" is not a header name"
    );
}

#[test]
fn groups_beside_each_other_share_one_mapping() {
    type Both = Beside<Tls, Batch>;
    let both: Both = read("insecure: true\nmin_size: 5").unwrap();
    assert!(both.own.insecure);
    assert_eq!(both.shared.min_size, 5);
    assert_eq!(
        read::<Both>("insecur: true\nmin_size: x\nminsize: 5").unwrap_err(),
        "t.yaml:1:1: x: unknown key \"insecur\"; did you mean \"insecure\"? \
         (allowed: cert_file, flush_timeout, insecure, key_file, min_size)\n\
         t.yaml:2:11: x::min_size: expected an integer, got string \"x\"\n\
         t.yaml:3:1: x: unknown key \"minsize\"; did you mean \"min_size\"? \
         (allowed: cert_file, flush_timeout, insecure, key_file, min_size)"
    );
    let block: OffByDefault<Both> = read("enabled: true\ninsecure: true").unwrap();
    assert!(block.as_option().unwrap().own.insecure);
    let nested: Beside<Tls, Beside<Batch, Queue>> =
        read("insecure: true\nnum_consumers: 2").unwrap();
    assert_eq!(nested.shared.shared.num_consumers, 2);
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Plain,
    With(Tls),
    Fields { a: u8 },
}

#[test]
fn choices_are_words_or_mappings_of_one_key() {
    assert_eq!(read::<Choice>("plain"), Ok(Choice::Plain));
    assert_eq!(read::<Choice>("with: "), Ok(Choice::With(Tls::default())));
    assert_eq!(
        read::<Choice>("fields: {a: 1}"),
        Ok(Choice::Fields { a: 1 })
    );
    for (text, message) in [
        (
            "fields: {a: 1, b: 2}",
            "t.yaml:1:16: x::fields: unknown key \"b\" (allowed: a)",
        ),
        (
            "with: {insecure: 2}",
            "t.yaml:1:18: x::with::insecure: expected true or false, got integer 2",
        ),
        (
            "{plain: , with: }",
            "t.yaml:1:1: x: expected a mapping with one key (one of plain, with, fields), got a mapping",
        ),
        (
            "plan",
            "t.yaml:1:1: x: expected one of \"plain\", \"with\", \"fields\", got \"plan\"; did you mean \"plain\"?",
        ),
    ] {
        assert_eq!(read::<Choice>(text).unwrap_err(), message, "{text}");
    }
}

#[test]
fn keys_can_be_numbers_and_ids() {
    assert_eq!(
        read::<BTreeMap<u16, String>>("200: ok\nx: no\n70000: far").unwrap_err(),
        "t.yaml:2:1: x: expected an integer from 0 to 65535 as key, got \"x\"\n\
         t.yaml:3:1: x: expected an integer from 0 to 65535 as key, got \"70000\""
    );
    let ids: BTreeMap<ComponentId, Tls> = read("a/b:\nc: {insecure: true}").unwrap();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        read::<BTreeMap<ComponentId, Tls>>("a/b c: {insecure: 1}").unwrap_err(),
        "t.yaml:1:1: x: invalid character(s) in name \"b c\": no spaces, control characters or symbols such as + = < > | ~ ^ $ `"
    );
}

#[test]
fn references_keep_their_text_in_strings() {
    for (value, expected) in [
        ("0123", "0123"),
        ("true", "true"),
        ("null", "null"),
        ("~", "~"),
        ("1e3", "1e3"),
        ("a: b", "a: b"),
        ("{a", "{a"),
        ("[a]", "[a]"),
        ("#a", "#a"),
        ("a #b", "a #b"),
        ("pa$$word${X}", "pa$$word${X}"),
        ("*a", "*a"),
        ("&a b", "&a b"),
        ("a\nb\n", "a\nb"),
        ("\"quoted\"", "quoted"),
        ("\t", ""),
    ] {
        let config = with_variable(
            "endpoint: ${env:X}\ntopics: [\"${X}\"]\nlabels: {k: \"${X}\"}",
            value,
        );
        let config = config.unwrap();
        // Nothing but space is null: the default in a field.
        let in_field = if expected.is_empty() {
            "localhost:1"
        } else {
            expected
        };
        assert_eq!(config.endpoint, in_field, "{value}");
        assert_eq!(config.topics, [expected], "{value}");
        assert_eq!(config.labels["k"], expected, "{value}");
    }
    // Elsewhere the text is YAML.
    let number = |value| with_variable("ports: [\"${env:X}\"]", value).map(|c| c.ports);
    assert_eq!(number("0123"), Ok(vec![83]));
    assert_eq!(number("0x10"), Ok(vec![16]));
    assert_eq!(
        number("'5'").unwrap_err(),
        "yaml:1:9 (from ${env:X}): x::ports::0: expected an integer, got a string"
    );
    assert!(!with_variable("verbose: ${X}", "false").unwrap().verbose);
    assert_eq!(
        with_variable("ports: ${X}", "[1, 2]").unwrap().ports,
        [1, 2]
    );
    assert_eq!(
        with_variable("topics: ${X}", "a,b").unwrap().topics,
        ["a", "b"]
    );
    assert_eq!(
        with_variable("timeout: ${X}", "7s").unwrap().timeout,
        Duration::from_secs(7)
    );
    assert_eq!(
        with_variable("timeout: ${X}", "7").unwrap_err(),
        "yaml:1:10 (from ${X}): x::timeout: expected a duration such as \"5s\", got an integer"
    );
}

#[test]
fn unset_variables_are_null() {
    let nothing = FixedEnvironment::new();
    let config = expanded(
        "endpoint: ${env:X}\nverbose: ${X}\nlabels: {k: \"${X}\"}",
        &nothing,
    );
    let config = config.unwrap();
    assert_eq!(config.endpoint, "localhost:1");
    assert!(config.verbose);
    assert_eq!(config.labels["k"], "");
    let config = expanded("endpoint: \"${env:X:-}\"", &nothing).unwrap();
    assert_eq!(config.endpoint, "");
}
