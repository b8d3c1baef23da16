use crate::problems::Problems;
use crate::{FixedEnvironment, Source, load};
use proptest::prelude::*;

struct Expanded {
    json: String,
    errors: String,
    warnings: Vec<String>,
    infos: Vec<String>,
}

fn expanded(text: &str, environment: &FixedEnvironment) -> Expanded {
    let environment = environment.clone().with_file("c.yaml", text);
    let mut problems = Problems::new();
    let node = load(&[Source::from("c.yaml")], &[], &environment, &mut problems);
    let lines = |list: Vec<&crate::Problem>| list.iter().map(ToString::to_string).collect();
    Expanded {
        json: node.map_or_else(|| "none".to_owned(), |n| serde_json::to_string(&n).unwrap()),
        errors: problems.to_string(),
        warnings: lines(problems.warnings()),
        infos: lines(problems.infos()),
    }
}

fn environment() -> FixedEnvironment {
    FixedEnvironment::new()
        .with_variable("HOST", "db.internal")
        .with_variable("PORT", "4317")
        .with_variable("EMPTY", "")
        .with_variable("OCTAL", "0123")
        .with_variable("LIST", "[a, b]")
        .with_variable("MAP", "{a: \"${env:HOST}\", b: [\"$$x\"]}")
        .with_variable("DOLLARS", "pa$$w${HOST}d$")
        .with_variable("REFERENCE", "${env:HOST}")
        .with_variable("NAME", "HOST")
        .with_file("token", "abc\n")
        .with_file("windows", "abc\r\n")
        .with_file("two", "abc\n\n")
        .with_file("part.yaml", "x:\n  y: ${env:PORT}\n")
}

#[test]
fn values_take_the_place_of_references() {
    for (text, json) in [
        ("${HOST}", "\"db.internal\""),
        ("${env:HOST}", "\"db.internal\""),
        ("'${env:HOST}'", "\"db.internal\""),
        ("${env:PORT}", "4317"),
        ("\"${env:PORT}\"", "4317"),
        ("${env:HOST}:${env:PORT}", "\"db.internal:4317\""),
        ("x${env:PORT}", "\"x4317\""),
        ("${env:PORT}${env:PORT}", "\"43174317\""),
        ("0${env:OCTAL}", "\"00123\""),
        ("${env:LIST}", "[\"a\",\"b\"]"),
        ("x${env:LIST}", "\"x[a, b]\""),
        ("${env:MAP}", "{\"a\":\"db.internal\",\"b\":[\"$x\"]}"),
        ("$HOST", "\"$HOST\""),
        ("cost $5", "\"cost $5\""),
        ("$$HOST", "\"$HOST\""),
        ("$${HOST}", "\"${HOST}\""),
        ("$$${HOST}", "\"$db.internal\""),
        ("$$$${HOST}", "\"$${HOST}\""),
        ("$${A} ${env:HOST}", "\"${A} db.internal\""),
        ("${env:UNSET:-d}", "\"d\""),
        ("${UNSET:-d}", "\"d\""),
        ("${env:UNSET:-5}", "5"),
        ("${env:UNSET:-[a]}", "[\"a\"]"),
        ("'${env:UNSET:-{a: {b: c}}}'", "{\"a\":{\"b\":\"c\"}}"),
        ("${env:UNSET:-}", "\"\""),
        ("${env:UNSET:-a:-b}", "\"a:-b\""),
        ("x${env:UNSET:-}y", "\"xy\""),
        ("${env:EMPTY:-d}", "null"),
        ("${env:EMPTY}", "null"),
        ("x${env:EMPTY}y", "\"xy\""),
        ("${env:UNSET}", "null"),
        ("x${env:UNSET}y", "\"xy\""),
        ("${env:UNSET:-${env:HOST}}", "\"db.internal\""),
        ("${env:UNSET:-${env:UNSET:-${env:PORT}}}", "4317"),
        ("${env:UNSET:-a ${env:HOST} b}", "\"a db.internal b\""),
        ("${env:${env:NAME}}", "\"db.internal\""),
        ("${yaml:5}", "5"),
        ("'${yaml:[a, {b: c}]}'", "[\"a\",{\"b\":\"c\"}]"),
        ("${file:token}", "\"abc\""),
        ("${file:windows}", "\"abc\""),
        ("Bearer ${file:token}.", "\"Bearer abc.\""),
        ("x${file:two}y", "\"xabc\\ny\""),
        ("${file:part.yaml}", "{\"x\":{\"y\":4317}}"),
    ] {
        let found = expanded(&format!("v: {text}"), &environment());
        assert_eq!(
            found.json,
            format!("{{\"v\":{json}}}"),
            "{text}\n{}",
            found.errors
        );
        assert_eq!(found.errors, "", "{text}");
    }
}

#[test]
fn what_a_provider_says_is_not_read_again() {
    let environment = environment().with_file("secret", "a$$b${env:HOST}c\n");
    for (text, json) in [
        ("${env:DOLLARS}", "\"pa$$w${HOST}d$\""),
        ("x${env:DOLLARS}", "\"xpa$$w${HOST}d$\""),
        ("${env:REFERENCE}", "\"${env:HOST}\""),
        ("${file:secret}", "\"a$$b${env:HOST}c\""),
        ("${env:UNSET:-${env:DOLLARS}}", "\"pa$$w${HOST}d$\""),
    ] {
        let found = expanded(&format!("v: {text}"), &environment);
        assert_eq!(found.json, format!("{{\"v\":{json}}}"), "{text}");
        assert_eq!(
            (found.errors.as_str(), found.warnings.len()),
            ("", 0),
            "{text}"
        );
    }
}

#[test]
fn values_that_upstream_would_expand_are_mentioned() {
    let found = expanded("v: ${env:REFERENCE}", &environment());
    assert_eq!(
        found.infos,
        [
            "c.yaml:1:4: v: the value of ${env:REFERENCE} contains \"${\" and is used as it stands: \
             references in values are not expanded"
        ]
    );
}

#[test]
fn comments_and_keys_are_left_alone() {
    let found = expanded("# ${env:NOPE}\na$$b: 1 # ${nope:x}\n", &environment());
    assert_eq!(found.json, "{\"a$$b\":1}");
    assert_eq!((found.errors.as_str(), found.warnings.len()), ("", 0));
}

#[test]
fn unset_variables_are_named() {
    let found = expanded(
        "a:\n  b: x${env:UNSET}\n  c: [\"${GONE}\"]\nd: ${EMPTY}\ne: ${env:HOST:-${NOPE}}\nf: ${a",
        &environment(),
    );
    assert_eq!(
        found.warnings,
        [
            "c.yaml:2:6: a::b: the environment variable \"UNSET\" is not set; the setting is left empty",
            "c.yaml:3:7: a::c::0: the environment variable \"GONE\" is not set; the setting is left empty",
            "c.yaml:6:4: f: \"${\" is never closed by \"}\" and is taken as text; write \"$${\" if that is meant",
        ]
    );
    assert_eq!(
        found.infos,
        ["c.yaml:4:4: d: the environment variable \"EMPTY\" is set but empty"]
    );
    assert_eq!(found.errors, "");
}

#[test]
fn bad_references_are_all_reported() {
    for (text, message) in [
        (
            "${evn:X}",
            "${evn:X}: unknown scheme \"evn\"; did you mean \"env\"? (known: env, file, http, https, yaml)",
        ),
        (
            "${env:1X}",
            "${env:1X}: \"1X\" is not the name of an environment variable (letters, digits and _); write $${…} for a literal ${…}",
        ),
        (
            "${1}",
            "${1}: \"1\" is not the name of an environment variable (letters, digits and _); write $${…} for a literal ${…}",
        ),
        (
            "${}",
            "${}: \"\" is not the name of an environment variable (letters, digits and _); write $${…} for a literal ${…}",
        ),
        (
            "${env:A-B:-x}",
            "${env:A-B:-x}: \"A-B\" is not the name of an environment variable (letters, digits and _); write $${…} for a literal ${…}",
        ),
        (
            "${file:gone}",
            "${file:gone}: cannot read the file \"gone\": it does not exist",
        ),
        (
            "${https://a/b}",
            "${https://a/b}: \"https://a/b\" is not fetched: this build reads configuration from files and variables only; download it to a file first",
        ),
        (
            "${env:A:-$B}",
            "inside of ${…} a $ must begin another ${…}; put text with a dollar into a variable",
        ),
    ] {
        let found = expanded(&format!("w: {text}\nv: a{text}"), &environment());
        assert_eq!(
            found.errors,
            format!("c.yaml:1:4: w: {message}\nc.yaml:2:4: v: {message}"),
        );
    }
}

#[test]
fn included_files_keep_their_own_positions() {
    let mut problems = Problems::new();
    let environment =
        environment().with_file("c.yaml", "\nreceivers: ${file:part.yaml}\nz: ${env:LIST}");
    let node = load(&[Source::from("c.yaml")], &[], &environment, &mut problems).unwrap();
    assert_eq!(node.locate("receivers::x::y").to_string(), "part.yaml:2:3");
    let port = node
        .get("receivers")
        .unwrap()
        .get("x")
        .unwrap()
        .get("y")
        .unwrap();
    assert_eq!(port.origin.to_string(), "part.yaml:2:6 (from ${env:PORT})");
    assert_eq!(
        node.locate("z::1").to_string(),
        "c.yaml:3:4 (from ${env:LIST})"
    );
}

#[test]
fn expansion_is_bounded() {
    let environment = environment()
        .with_file("self", "[\"${file:self}\", \"${file:self}\"]")
        .with_file("a", "[\"${file:b}\"]")
        .with_file("b", "[\"${file:a}\"]")
        .with_variable("LONG", &"x".repeat(1 << 20));
    assert_eq!(
        expanded("v: ${file:self}", &environment).errors,
        "self:1:2: v::0: ${file:self} refers to itself\nself:1:18: v::1: ${file:self} refers to itself"
    );
    assert!(
        expanded("v: ${file:a}", &environment)
            .errors
            .contains("${file:a} refers to itself")
    );
    // Doubling: each file includes the next one twice.
    let mut doubling = environment.clone();
    for i in 0..40 {
        let text = format!("[\"${{file:d{0}}}\", \"${{file:d{0}}}\"]", i + 1);
        doubling = doubling.with_file(&format!("d{i}"), &text);
    }
    assert!(
        expanded("v: ${file:d0}", &doubling)
            .errors
            .contains("more than 10000 references")
    );
    // A long chain of files, each included once by the one before.
    let mut chain = environment.clone();
    for i in 0..200 {
        chain = chain.with_file(&format!("c{i}"), &format!("[[\"${{file:c{}}}\"]]", i + 1));
    }
    assert!(
        (expanded("v: ${file:c0}", &chain).errors)
            .contains("${file:c49} would nest deeper than 100 levels")
    );
    let text = format!("v: x{}", "${LONG}".repeat(200));
    assert!(
        expanded(&text, &environment)
            .errors
            .contains("bytes in all")
    );
}

proptest! {
    #[test]
    fn a_secret_from_a_variable_survives(secret in "[ -~]{1,30}") {
        let environment = FixedEnvironment::new().with_variable("S", &secret);
        let found = expanded("v: x${env:S}x", &environment);
        let json: serde_json::Value = serde_json::from_str(&found.json).unwrap();
        prop_assert_eq!(&json["v"], &serde_json::Value::from(format!("x{secret}x")));
        prop_assert_eq!(found.errors, "");
    }

    #[test]
    fn any_value_is_expanded_or_refused(text in "[a-z${}:\\-A-Z1\\[\\]\"' ]{0,40}") {
        let environment = FixedEnvironment::new().with_variable("A", &text).with_file("a", &text);
        for reference in ["${env:A}", "${file:a}", "x${A}"] {
            expanded(&format!("v: {reference}"), &environment);
        }
        expanded(&format!("v: {}", serde_json::to_string(&text).unwrap()), &environment);
    }
}
