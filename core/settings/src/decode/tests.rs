use super::decode;
use crate::node::Node;
use crate::origin::{SourceKind, SourceName};
use crate::problems::Problems;
use crate::{
    Address, At, Beside, ByteSize, ComponentId, Duration, Environment, FixedEnvironment, Headers,
    OffByDefault, OnByDefault, Optional, Rate, Secret, Source, Validate, decode_valid, load, parse,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sizer {
    #[default]
    Requests,
    Items,
    Bytes,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Queue {
    num_consumers: u16,
    queue_size: ByteSize,
    sizer: Sizer,
    batch: OffByDefault<Batch>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            num_consumers: 10,
            queue_size: ByteSize::new(1000),
            sizer: Sizer::Requests,
            batch: OffByDefault::off(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Batch {
    flush_timeout: Duration,
    min_size: u64,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            flush_timeout: Duration::from_millis(200),
            min_size: 8192,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tls {
    cert_file: Option<String>,
    key_file: Option<String>,
    insecure: bool,
}

impl Validate for Tls {
    fn validate(&self, at: &mut At<'_>) {
        if self.cert_file.is_some() && self.key_file.is_none() {
            at.error("cert_file", "needs key_file beside it");
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    endpoint: String,
    listen: Address,
    timeout: Duration,
    ratio: f64,
    verbose: bool,
    password: Secret,
    headers: Headers,
    topics: Vec<String>,
    ports: Vec<u16>,
    labels: BTreeMap<String, String>,
    rate: Option<Rate>,
    storage: Option<ComponentId>,
    sending_queue: OnByDefault<Queue>,
    tls: Optional<Tls>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: "localhost:1".to_owned(),
            listen: Address::tcp("localhost", 1),
            timeout: Duration::from_secs(5),
            ratio: 0.5,
            verbose: true,
            password: Secret::default(),
            headers: Headers::new(),
            topics: vec!["default".to_owned()],
            ports: vec![],
            labels: BTreeMap::new(),
            rate: None,
            storage: None,
            sending_queue: OnByDefault::default(),
            tls: Optional::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, at: &mut At<'_>) {
        if self.endpoint.is_empty() {
            at.error("endpoint", "must not be empty");
        }
        at.check_some("tls", self.tls.as_option());
    }
}

fn node(text: &str) -> Node {
    let source = Arc::new(SourceName {
        order: 0,
        kind: SourceKind::File("t.yaml".to_owned()),
    });
    let mut problems = Problems::new();
    let node = parse(text, &source, &mut problems);
    assert!(!problems.has_errors(), "{problems}");
    node.unwrap()
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut problems = Problems::new();
    let decoded = decode(&node(text), "x", &mut problems);
    assert_eq!(decoded.is_none(), problems.has_errors());
    decoded.ok_or_else(|| problems.to_string())
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// Errors of `text`, which must not decode.
fn bad(text: &str) -> String {
    read::<Config>(text).unwrap_err()
}

/// With references, from a variable `X`.
fn with_variable(text: &str, value: &str) -> Result<Config, String> {
    let environment = FixedEnvironment::new().with_variable("X", value);
    expanded(text, &environment)
}

fn expanded(text: &str, environment: &dyn Environment) -> Result<Config, String> {
    let mut problems = Problems::new();
    let source = Source::new(format!("yaml:{text}"));
    let node = load(&[source], &[], environment, &mut problems);
    let decoded = node.and_then(|node| decode(&node, "x", &mut problems));
    match problems.has_errors() {
        true => Err(problems.to_string()),
        false => Ok(decoded.unwrap()),
    }
}

#[test]
fn null_and_nothing_keep_all_defaults() {
    assert_eq!(good(""), Config::default());
    assert_eq!(good("{}"), Config::default());
    let nulls = "endpoint:\ntimeout: null\nratio: ~\nverbose:\npassword:\nheaders:\ntopics:\n\
                 ports:\nlabels:\nrate:\nstorage:\nsending_queue:\ntls:\nlisten:\n";
    assert_eq!(good(nulls), Config::default());
}

#[test]
fn every_kind_of_setting_is_read() {
    let config = good(
        "endpoint: a:1\nlisten: ':80'\ntimeout: 1h30m\nratio: 1\nverbose: false\npassword: s3cr3t\n\
         headers: {A: b}\ntopics: [x, y]\nports: [1, 0x10]\nlabels: {k: v}\nrate: 20/s\n\
         storage: file_storage/a\nsending_queue: {queue_size: 4MiB, sizer: bytes, batch: {min_size: 1e3}}\n\
         tls: {insecure: true}\n",
    );
    assert_eq!(config.timeout, Duration::from_secs(5400));
    assert_eq!(config.ratio, 1.0);
    assert_eq!(config.ports, [1, 16]);
    assert_eq!(config.labels["k"], "v");
    assert_eq!(config.storage.unwrap().name(), "a");
    let queue = config.sending_queue.into_option().unwrap();
    assert_eq!(
        (queue.sizer, queue.queue_size),
        (Sizer::Bytes, ByteSize::mib(4))
    );
    assert_eq!(queue.batch.as_option().unwrap().min_size, 1000);
    assert!(config.tls.as_option().unwrap().insecure);
}

#[test]
fn lists_replace_empty_and_split() {
    assert_eq!(good("topics: []").topics, Vec::<String>::new());
    assert_eq!(good("topics: ''").topics, Vec::<String>::new());
    assert_eq!(good("topics: a").topics, ["a"]);
    assert_eq!(good("topics: a,b, c").topics, ["a", "b", "c"]);
    assert_eq!(
        bad("ports: 1,2"),
        "t.yaml:1:8: x::ports: expected a list, got string \"1,2\""
    );
    assert_eq!(
        bad("topics: [a, null]"),
        "t.yaml:1:13: x::topics::1: expected a string, got nothing"
    );
}

#[test]
fn blocks_have_three_states() {
    let queue = |text: &str| good(text).sending_queue.into_option();
    let changed = Queue {
        num_consumers: 3,
        ..Queue::default()
    };
    for (text, expected) in [
        ("", Some(Queue::default())),
        ("sending_queue:", Some(Queue::default())),
        ("sending_queue: {}", Some(Queue::default())),
        ("sending_queue: {enabled: true}", Some(Queue::default())),
        ("sending_queue: {num_consumers: 3}", Some(changed.clone())),
        (
            "sending_queue: {enabled: true, num_consumers: 3}",
            Some(changed),
        ),
        ("sending_queue: {enabled: false}", None),
        ("sending_queue: {enabled: false, num_consumers: 3}", None),
    ] {
        assert_eq!(queue(text), expected, "{text}");
    }
    let batch = |text: &str| {
        let queue = good(&format!("sending_queue: {text}")).sending_queue;
        queue.as_option().unwrap().batch.is_on()
    };
    assert!(!batch("{}"));
    assert!(batch("{batch: }"));
    assert!(batch("{batch: {}}"));
    assert!(!batch("{batch: {enabled: false, min_size: 1}}"));
    let tls = |text: &str| good(text).tls.is_on();
    assert!(!tls(""));
    assert!(!tls("tls:"));
    assert!(tls("tls: {}"));
    assert!(tls("tls: {insecure: true}"));
    assert!(!tls("tls: {enabled: false, insecure: true}"));
}

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
    assert_eq!(problems.errors().len(), super::MAX_MISTAKES);
}
