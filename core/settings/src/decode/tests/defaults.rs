//! Defaults that a component has for a block differ from those of the block.

use super::*;
use crate::{check_defaults, decode_with_defaults};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Exporter {
    timeout: Duration,
    password: Secret,
    sending_queue: OnByDefault<Queue>,
    tls: Optional<Tls>,
    server: OffByDefault<Beside<Tls, Batch>>,
    #[serde(alias = "old_plain")]
    plain: Plain,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Plain {
    #[serde(alias = "old_a")]
    a: u8,
    b: Vec<u8>,
    c: BTreeMap<String, u8>,
    d: Option<u8>,
    key: Secret,
    inner: Batch,
}

impl Default for Plain {
    fn default() -> Self {
        Self {
            a: 1,
            b: vec![1],
            c: BTreeMap::new(),
            d: None,
            key: Secret::default(),
            inner: Batch::default(),
        }
    }
}

impl Default for Exporter {
    fn default() -> Self {
        let mut c = BTreeMap::new();
        c.insert("x".to_owned(), 9);
        Self {
            timeout: Duration::from_secs(30),
            password: Secret::new("default"),
            sending_queue: OnByDefault::on(Queue {
                num_consumers: 1,
                queue_size: ByteSize::mib(1),
                sizer: Sizer::Bytes,
                batch: OffByDefault::on(Batch {
                    flush_timeout: Duration::from_secs(9),
                    min_size: 9,
                }),
            }),
            tls: Optional::default(),
            server: OffByDefault::default(),
            plain: Plain {
                a: 9,
                b: vec![9, 9],
                c,
                d: Some(9),
                key: Secret::new("nine"),
                inner: Batch {
                    flush_timeout: Duration::from_secs(9),
                    min_size: 9,
                },
            },
        }
    }
}

fn exporter(text: &str) -> Exporter {
    let mut problems = Problems::new();
    let decoded = decode_with_defaults(&node(text), "x", &mut problems);
    assert!(!problems.has_errors(), "{text}\n{problems}");
    decoded.unwrap()
}

#[test]
fn what_is_not_written_keeps_the_components_default_at_any_depth() {
    check_defaults::<Exporter>().unwrap();
    check_defaults::<Config>().unwrap();
    assert_eq!(exporter(""), Exporter::default());
    let changed = exporter("sending_queue: {queue_size: 5, batch: {min_size: 5}}");
    let queue = changed.sending_queue.as_option().unwrap();
    assert_eq!((queue.num_consumers, queue.sizer), (1, Sizer::Bytes));
    let batch = queue.batch.as_option().unwrap();
    assert_eq!(
        (batch.flush_timeout, batch.min_size),
        (Duration::from_secs(9), 5)
    );

    let changed = exporter("plain: {a: 2, inner: {min_size: 2}, d: }").plain;
    let expected = Plain {
        a: 2,
        inner: Batch {
            min_size: 2,
            ..Exporter::default().plain.inner
        },
        ..Exporter::default().plain
    };
    assert_eq!(changed, expected);
    // Lists and maps are replaced as a whole.
    let changed = exporter("plain: {b: [], c: {y: 1}}").plain;
    assert_eq!((changed.b.len(), changed.c.len(), changed.a), (0, 1, 9));
}

#[test]
fn blocks_keep_their_states() {
    let queue = |text: &str| exporter(text).sending_queue.into_option();
    assert_eq!(queue("sending_queue: {enabled: false}"), None);
    assert_eq!(
        queue("sending_queue:"),
        Exporter::default().sending_queue.into_option()
    );
    assert_eq!(
        queue("sending_queue: {}"),
        Exporter::default().sending_queue.into_option()
    );
    let batch = |text: &str| queue(text).unwrap().batch;
    assert_eq!(batch("sending_queue: {batch: }"), batch(""));
    assert!(!batch("sending_queue: {batch: {enabled: false}}").is_on());
    // What is off has no default to keep but that of its type.
    assert_eq!(exporter("tls: {}").tls, Optional::on(Tls::default()));
    let server = exporter("server:").server.into_option().unwrap();
    assert_eq!(server.shared, Batch::default());
    let server = exporter("server: {insecure: true}")
        .server
        .into_option()
        .unwrap();
    assert!(server.own.insecure);
}

#[test]
fn older_names_replace_the_default_of_the_new_one() {
    let changed = exporter("old_plain: {old_a: 3}").plain;
    assert_eq!(changed.a, 3);
    let changed = exporter("plain: {old_a: 3}").plain;
    assert_eq!((changed.a, changed.d), (3, Some(9)));
    let mut problems = Problems::new();
    let twice = node("plain: {old_a: 3, a: 4}");
    assert!(decode_with_defaults::<Exporter>(&twice, "x", &mut problems).is_none());
    assert_eq!(
        problems.to_string(),
        "t.yaml:1:8: x::plain: \"a\" is given twice, once under another name"
    );
}

#[test]
fn mistakes_are_the_same_with_defaults() {
    let mut problems = Problems::new();
    let text = "plain: {a: x, e: 1, inner: {min_size: x}}\nsending_queue: {batch: {enabled: 5}}";
    assert!(decode_with_defaults::<Exporter>(&node(text), "x", &mut problems).is_none());
    assert_eq!(
        problems.to_string(),
        "t.yaml:1:12: x::plain::a: expected an integer, got string \"x\"\n\
         t.yaml:1:15: x::plain: unknown key \"e\" (allowed: a, b, c, d, inner, key, old_a)\n\
         t.yaml:1:39: x::plain::inner::min_size: expected an integer, got string \"x\"\n\
         t.yaml:2:34: x::sending_queue::batch::enabled: expected true or false, got integer 5"
    );
}
