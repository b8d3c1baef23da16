//! Processors side by side are one walk with the effect of one after the other.

use pipeline::{Batch, Gate, Payload, Processor, Signal, Size};
use serde_json::json;

use crate::records::{attributes_of, build, log_of, point, resource_of, span, through, written};

fn record() -> Payload {
    log_of(
        &json!({"service.name": "shop", "env": "prod"}),
        &json!({"user": "bob", "env": "test"}),
        &json!({"body": {"stringValue": "hello"}}),
    )
}

#[test]
fn resource_changes_resources_and_nothing_else() {
    let actions = "{attributes: [{key: env, value: stage, action: update}, {key: service.name, action: delete}, \
                    {key: team, value: a, action: insert}]}";
    let after = through(&[("resource", actions)], Batch::new(record()));
    assert_eq!(resource_of(&after), json!({"env": "stage", "team": "a"}));
    assert_eq!(attributes_of(&after), attributes_of(&record()));
}

#[test]
fn attributes_of_every_signal_are_changed() {
    let yaml = "{actions: [{key: a, value: 1, action: insert}]}";
    for payload in [record(), span("s", 1, &json!({})), point("m", &json!({}))] {
        let after = through(&[("attributes", yaml)], Batch::new(payload));
        assert_eq!(attributes_of(&after)["a"], 1, "{}", after.signal());
    }
}

#[test]
fn a_chain_is_as_one_after_the_other() {
    let chains: [&[(&str, &str)]; 4] = [
        &[
            (
                "attributes",
                "{actions: [{key: a, from_attribute: user, action: insert}]}",
            ),
            (
                "resource",
                "{attributes: [{key: env, value: stage, action: upsert}]}",
            ),
            (
                "attributes",
                "{actions: [{key: b, from_attribute: a, action: insert}, {key: user, action: delete}]}",
            ),
        ],
        // the last looks at what the one before did to the resource
        &[
            (
                "attributes",
                "{actions: [{key: a, value: 1, action: insert}], include: {match_type: strict, resources: [{key: env, value: prod}]}}",
            ),
            (
                "resource",
                "{attributes: [{key: env, value: stage, action: upsert}]}",
            ),
            (
                "attributes",
                "{actions: [{key: b, value: 2, action: insert}], include: {match_type: strict, resources: [{key: env, value: stage}]}}",
            ),
        ],
        &[
            (
                "resource",
                "{attributes: [{key: service.name, action: delete}]}",
            ),
            (
                "attributes",
                "{actions: [{key: a, value: 1, action: insert}], exclude: {match_type: strict, services: [shop]}}",
            ),
            (
                "resource",
                "{attributes: [{key: service.name, value: cart, action: insert}]}",
            ),
        ],
        &[
            ("attributes", "{actions: [{pattern: '.*', action: delete}]}"),
            (
                "attributes",
                "{actions: [{key: user, action: hash}, {key: c, value: x, action: update}]}",
            ),
        ],
    ];
    for chain in chains {
        let fused = through(chain, Batch::new(record()));
        let apart = chain.iter().fold(record(), |payload, step| {
            through(std::slice::from_ref(step), Batch::new(payload))
        });
        assert_eq!(written(&fused), written(&apart), "{chain:?}");
        assert_ne!(
            written(&fused),
            written(&record()),
            "{chain:?} does something"
        );
    }
}

#[test]
fn the_first_chain_does_what_it_says() {
    let chain = [
        (
            "attributes",
            "{actions: [{key: a, value: 1, action: insert}], include: {match_type: strict, resources: [{key: env, value: prod}]}}",
        ),
        (
            "resource",
            "{attributes: [{key: env, value: stage, action: upsert}]}",
        ),
        (
            "attributes",
            "{actions: [{key: b, value: 2, action: insert}], include: {match_type: strict, resources: [{key: env, value: prod}]}}",
        ),
    ];
    let after = through(&chain, Batch::new(record()));
    assert_eq!(
        attributes_of(&after),
        json!({"user": "bob", "env": "test", "a": 1})
    );
}

#[test]
fn batch_becomes_settings_of_the_tail() {
    let yaml =
        "{send_batch_size: 10, timeout: 1s, send_batch_max_size: 20, metadata_keys: [X-Tenant]}";
    let Processor::Batch(settings) = build("batch", yaml, Signal::Logs) else {
        panic!("not a batch");
    };
    assert_eq!((settings.min_size, settings.max_size), (10, 20));
    assert_eq!(settings.timeout.as_secs(), 1);
    assert_eq!(settings.metadata_keys, ["x-tenant"]);
    assert_eq!(settings.metadata_limit, 1000);
    let unlimited = build("batch", "{metadata_cardinality_limit: 0}", Signal::Logs);
    assert!(
        matches!(unlimited, Processor::Batch(settings) if settings.metadata_limit == usize::MAX)
    );
}

#[test]
fn a_limiter_with_room_lets_everything_in() {
    let gate = |yaml| match build("memory_limiter", yaml, Signal::Logs) {
        Processor::Gate(gate) => gate as Box<dyn Gate>,
        _ => panic!("not a gate"),
    };
    let roomy = gate("{check_interval: 1h, limit_mib: 1000000}");
    assert!(
        roomy
            .pass(&Size {
                items: 1,
                bytes: 1 << 40
            })
            .is_ok()
    );
}
