use super::decode;
use crate::node::Node;
use crate::origin::{SourceKind, SourceName};
use crate::problems::Problems;
use crate::{
    Address, At, Beside, ByteSize, ComponentId, Duration, Environment, FixedEnvironment, Headers,
    OffByDefault, OnByDefault, Optional, Rate, Secret, Source, Validate, decode_valid, load, parse,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

mod defaults;
mod messages;
mod shapes;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sizer {
    #[default]
    Requests,
    Items,
    Bytes,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Unusual {
    queue: OnByDefault<Queue>,
    tls: Optional<Tls>,
    batch: OffByDefault<Batch>,
}

impl Default for Unusual {
    fn default() -> Self {
        Self {
            queue: OnByDefault::off(),
            tls: Optional::on(Tls::default()),
            batch: OffByDefault::on(Batch::default()),
        }
    }
}

#[test]
fn null_keeps_the_default_that_the_component_chose() {
    let unusual: Unusual = read("queue:\ntls:\nbatch:\n").unwrap();
    assert_eq!(unusual, Unusual::default());
    let unusual: Unusual =
        read("queue: {}\ntls: {enabled: false}\nbatch: {enabled: false}").unwrap();
    assert!(unusual.queue.is_on() && !unusual.tls.is_on() && !unusual.batch.is_on());
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
