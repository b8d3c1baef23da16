//! What mistakes are called, and where they are found.

use super::*;

#[test]
fn what_is_switched_off_is_still_checked() {
    assert_eq!(
        bad("sending_queue: {enabled: false, num_consumer: 3}"),
        "t.yaml:1:33: x::sending_queue: unknown key \"num_consumer\"; did you mean \"num_consumers\"? \
         (allowed: batch, enabled, num_consumers, queue_size, sizer)"
    );
    assert_eq!(
        bad("tls: {enabled: 'no'}"),
        "t.yaml:1:16: x::tls::enabled: expected true or false, got string \"no\""
    );
    assert_eq!(
        bad("tls: true"),
        "t.yaml:1:6: x::tls: expected a mapping of settings, got boolean true"
    );
}

#[test]
fn wrong_types_say_what_was_expected() {
    for (text, message) in [
        (
            "timeout: 5",
            "1:10: x::timeout: expected a duration such as \"5s\", got integer 5",
        ),
        (
            "timeout: 5 s",
            "1:10: x::timeout: unknown unit \" s\" in a duration; use ns, us, ms, s, m, h or d, as in \"1h30m\"",
        ),
        (
            "timeout: [5]",
            "1:10: x::timeout: expected a duration such as \"5s\", got a list",
        ),
        (
            "endpoint: 0123",
            "1:11: x::endpoint: expected a string, got integer 0123; put it in quotes: \"0123\"",
        ),
        (
            "endpoint: true",
            "1:11: x::endpoint: expected a string, got boolean true; put it in quotes: \"true\"",
        ),
        (
            "verbose: \"true\"",
            "1:10: x::verbose: expected true or false, got string \"true\"",
        ),
        (
            "verbose: yes",
            "1:10: x::verbose: expected true or false, got string \"yes\"",
        ),
        (
            "ports: [\"5\"]",
            "1:9: x::ports::0: expected an integer, got string \"5\"",
        ),
        (
            "ports: [1.5]",
            "1:9: x::ports::0: expected an integer, got number 1.5",
        ),
        (
            "ports: [70000]",
            "1:9: x::ports::0: expected an integer from 0 to 65535, got integer 70000",
        ),
        (
            "ratio: many",
            "1:8: x::ratio: expected a number, got string \"many\"",
        ),
        (
            "topics: {a: b}",
            "1:9: x::topics: expected a list, got a mapping",
        ),
        (
            "labels: [a]",
            "1:9: x::labels: expected a mapping of settings, got a list",
        ),
        (
            "labels: {a: 1}",
            "1:13: x::labels::a: expected a string, got integer 1; put it in quotes: \"1\"",
        ),
        (
            "sending_queue: {sizer: byte}",
            "1:24: x::sending_queue::sizer: expected one of \"requests\", \"items\", \"bytes\", got \"byte\"; did you mean \"bytes\"?",
        ),
        (
            "sending_queue: {sizer: 5}",
            "1:24: x::sending_queue::sizer: expected one of \"requests\", \"items\", \"bytes\", got integer 5",
        ),
        (
            "sending_queue: {queue_size: 4M}",
            "1:29: x::sending_queue::queue_size: expected a size such as \"4MiB\", got \"4M\"",
        ),
        (
            "rate: 20",
            "1:7: x::rate: expected a rate such as \"20/s\", got integer 20",
        ),
        (
            "storage: /a",
            "1:10: x::storage: in \"/a\" the part before / should not be empty",
        ),
        (
            "listen: localhost",
            "1:9: x::listen: the address \"localhost\" needs a port, as in \"localhost:4317\"",
        ),
        ("- a", "1:1: x: expected a mapping of settings, got a list"),
    ] {
        assert_eq!(bad(text), format!("t.yaml:{message}"), "{text}");
    }
}

#[test]
fn secrets_are_not_shown_in_messages() {
    assert_eq!(
        bad("password: 12345"),
        "t.yaml:1:11: x::password: expected a string, got an integer; put it in quotes"
    );
    assert_eq!(
        bad("headers: {Authorization: 12345}"),
        "t.yaml:1:26: x::headers::Authorization: expected a string, got an integer; put it in quotes"
    );
    assert_eq!(
        bad("headers: hunter2"),
        "t.yaml:1:10: x::headers: expected a mapping of names to values, or a list of {name, value}, got a string"
    );
    let error = with_variable("ratio: ${env:X}", "hunter2").unwrap_err();
    assert_eq!(
        error,
        "yaml:1:8 (from ${env:X}): x::ratio: expected a number, got a string"
    );
    let error = with_variable("ratio: user ${env:X}", "hunter2").unwrap_err();
    assert_eq!(
        error,
        "yaml:1:8 (from ${env:X}): x::ratio: expected a number, got a string"
    );
}

#[test]
fn all_problems_come_in_one_run_sorted_by_place() {
    let text = "\
tls:
  cert_fil: a
  insecure: 1
timeout: 5
endpont: a
sending_queue:
  num_consumers: -1
  batch: {min_size: x, flush_timeout: 3}
ports: [1, a, 2, b]
Verbose: true
";
    assert_eq!(
        bad(text),
        "\
t.yaml:2:3: x::tls: unknown key \"cert_fil\"; did you mean \"cert_file\"? (allowed: cert_file, enabled, insecure, key_file)
t.yaml:3:13: x::tls::insecure: expected true or false, got integer 1
t.yaml:4:10: x::timeout: expected a duration such as \"5s\", got integer 5
t.yaml:5:1: x: unknown key \"endpont\"; did you mean \"endpoint\"? (allowed: endpoint, headers, labels, listen, password, ports, rate, ratio, sending_queue, storage, timeout, tls, topics, verbose)
t.yaml:7:18: x::sending_queue::num_consumers: expected an integer from 0 to 65535, got integer -1
t.yaml:8:21: x::sending_queue::batch::min_size: expected an integer, got string \"x\"
t.yaml:8:39: x::sending_queue::batch::flush_timeout: expected a duration such as \"5s\", got integer 3
t.yaml:9:12: x::ports::1: expected an integer, got string \"a\"
t.yaml:9:18: x::ports::3: expected an integer, got string \"b\"
t.yaml:10:1: x: unknown key \"Verbose\"; did you mean \"verbose\"? (allowed: endpoint, headers, labels, listen, password, ports, rate, ratio, sending_queue, storage, timeout, tls, topics, verbose)"
    );
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Required {
    table: String,
    #[serde(default)]
    count: u8,
}

#[test]
fn required_settings_are_asked_for_once() {
    let read = read::<Required>;
    assert_eq!(read("table: t").unwrap().table, "t");
    for (text, message) in [
        ("count: 1", "t.yaml:1:1: x: \"table\" must be specified"),
        ("", "t.yaml:1:1: x: \"table\" must be specified"),
        ("table:", "t.yaml:1:1: x: \"table\" must have a value"),
        // Wrong, not missing: one problem, not two.
        (
            "table: 5\ncount: 300",
            "t.yaml:1:8: x::table: expected a string, got integer 5; put it in quotes: \"5\"\n\
             t.yaml:2:8: x::count: expected an integer from 0 to 255, got integer 300",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), message, "{text}");
    }
}

#[test]
fn rules_are_reported_at_the_key_they_name() {
    let mut problems = Problems::new();
    let tree = node("endpoint: ''\ntls:\n  cert_file: a\n");
    let decoded: Option<Config> = decode_valid(&tree, "exporters::a", &mut problems);
    assert!(decoded.is_none());
    assert_eq!(
        problems.to_string(),
        "t.yaml:1:1: exporters::a::endpoint: must not be empty\n\
         t.yaml:3:3: exporters::a::tls::cert_file: needs key_file beside it"
    );
    let mut problems = Problems::new();
    let tree = node("tls: {insecure: true}\nports: [1]");
    let mut at = At::new(&tree, "x", &mut problems);
    at.warn("tls::key_file", "absent: named where its parent stands");
    at.error("ports::0", "a list element");
    at.error("", "the whole");
    assert!(at.is_set("tls::insecure") && at.is_set("ports::0"));
    assert!(!at.is_set("tls::key_file") && !at.is_set("ports::1"));
    assert_eq!(
        problems.warnings()[0].to_string(),
        "t.yaml:1:1: x::tls::key_file: absent: named where its parent stands"
    );
    assert_eq!(
        problems.to_string(),
        "t.yaml:1:1: x: the whole\nt.yaml:2:9: x::ports::0: a list element"
    );
}

#[test]
fn problems_are_bounded() {
    let many = format!("ports: [{}]", "x, ".repeat(5000));
    let mut problems = Problems::new();
    assert!(decode::<Config>(&node(&many), "x", &mut problems).is_none());
    assert_eq!(problems.errors().len(), crate::decode::MAX_MISTAKES);
}
