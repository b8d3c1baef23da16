//! `include` and `exclude`.

use pipeline::{Batch, Payload, Signal};
use serde_json::{Value as Json, json};

use crate::records::{attributes_of, decode, log_of, point, span, through};

/// Whether a record is changed by a processor with these conditions.
fn meant(conditions: &str, payload: Payload) -> bool {
    let yaml = format!("{{actions: [{{key: seen, value: 1, action: upsert}}], {conditions}}}");
    let after = through(&[("attributes", &yaml)], Batch::new(payload));
    attributes_of(&after)["seen"] == 1
}

fn record() -> Payload {
    log_of(
        &json!({"service.name": "shop", "host.name": "h1"}),
        &json!({"user": "bob", "code": 200, "ratio": 0.5, "ok": true, "tags": ["a", 1], "text": "200"}),
        &json!({"body": {"stringValue": "payment failed"}, "severityText": "ERROR", "severityNumber": 17}),
    )
}

#[test]
fn every_condition_on_a_log_record() {
    for (condition, holds) in [
        ("match_type: strict, services: [shop]", true),
        ("match_type: strict, services: [other, shop]", true),
        ("match_type: strict, services: [sho]", false),
        ("match_type: regexp, services: ['^sho']", true),
        ("match_type: regexp, services: [ho]", true),
        ("match_type: strict, resources: [{key: host.name}]", true),
        (
            "match_type: strict, resources: [{key: host.name, value: h1}]",
            true,
        ),
        (
            "match_type: regexp, resources: [{key: host.name, value: 'h[2-9]'}]",
            false,
        ),
        ("match_type: strict, resources: [{key: host.id}]", false),
        ("match_type: strict, libraries: [{name: shop.cart}]", true),
        (
            "match_type: strict, libraries: [{name: shop.cart, version: '1.4'}]",
            true,
        ),
        (
            "match_type: strict, libraries: [{name: shop.cart, version: '1.5'}]",
            false,
        ),
        (
            "match_type: regexp, libraries: [{name: 'shop[.]', version: '^1'}]",
            true,
        ),
        ("match_type: strict, attributes: [{key: user}]", true),
        ("match_type: strict, attributes: [{key: nobody}]", false),
        (
            "match_type: strict, attributes: [{key: user, value: bob}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: code, value: 200}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: code, value: '200'}]",
            false,
        ),
        (
            "match_type: strict, attributes: [{key: text, value: 200}]",
            false,
        ),
        (
            "match_type: strict, attributes: [{key: text, value: '200'}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: ratio, value: 0.5}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: ok, value: true}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: ok, value: false}]",
            false,
        ),
        (
            "match_type: strict, attributes: [{key: tags, value: [a, 1]}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: tags, value: [a]}]",
            false,
        ),
        (
            "match_type: regexp, attributes: [{key: code, value: '^2..$'}]",
            true,
        ),
        (
            "match_type: regexp, attributes: [{key: ok, value: 'true|yes'}]",
            true,
        ),
        (
            "match_type: regexp, attributes: [{key: ratio, value: '^0[.]5$'}]",
            true,
        ),
        (
            "match_type: regexp, attributes: [{key: tags, value: '.*'}]",
            false,
        ),
        // of attributes all
        (
            "match_type: strict, attributes: [{key: user}, {key: code}]",
            true,
        ),
        (
            "match_type: strict, attributes: [{key: user}, {key: nobody}]",
            false,
        ),
        ("match_type: strict, log_bodies: [payment failed]", true),
        ("match_type: strict, log_bodies: [payment]", false),
        ("match_type: regexp, log_bodies: [nothing, fail]", true),
        (
            "match_type: strict, log_severity_texts: [WARN, ERROR]",
            true,
        ),
        ("match_type: regexp, log_severity_texts: ['^W']", false),
        ("match_type: strict, log_severity_number: {min: 17}", true),
        ("match_type: strict, log_severity_number: {min: 18}", false),
        // of different conditions all
        (
            "match_type: strict, services: [shop], log_bodies: [payment]",
            false,
        ),
        (
            "match_type: strict, services: [shop], log_severity_texts: [ERROR]",
            true,
        ),
    ] {
        assert_eq!(
            meant(&format!("include: {{{condition}}}"), record()),
            holds,
            "{condition}"
        );
        assert_eq!(
            meant(&format!("exclude: {{{condition}}}"), record()),
            !holds,
            "{condition}"
        );
    }
}

#[test]
fn exclude_takes_away_from_include() {
    let both = |exclude: &str| {
        let include = "include: {match_type: strict, services: [shop]}";
        format!("{include}, exclude: {{match_type: strict, attributes: [{{key: {exclude}}}]}}")
    };
    assert!(!meant(&both("user"), record()));
    assert!(meant(&both("nobody"), record()));
}

#[test]
fn undefined_severity_matches_when_it_is_said_to() {
    let record = || log_of(&json!({}), &json!({}), &json!({}));
    let min = "include: {match_type: strict, log_severity_number: {min: 9}}";
    let undefined =
        "include: {match_type: strict, log_severity_number: {min: 9, match_undefined: true}}";
    assert!(!meant(min, record()));
    assert!(meant(undefined, record()));
}

#[test]
fn spans_by_name_and_kind_points_by_metric() {
    let none: Json = json!({});
    for (condition, holds) in [
        ("match_type: strict, span_names: [GET /]", true),
        ("match_type: strict, span_names: [GET]", false),
        ("match_type: regexp, span_names: ['^GET']", true),
        ("match_type: strict, span_kinds: [SPAN_KIND_SERVER]", true),
        (
            "match_type: strict, span_kinds: [SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL]",
            false,
        ),
    ] {
        let include = format!("include: {{{condition}}}");
        assert_eq!(
            meant(&include, span("GET /", 2, &none)),
            holds,
            "{condition}"
        );
    }
    for (condition, holds) in [
        ("match_type: strict, metric_names: [queue.length]", true),
        ("match_type: regexp, metric_names: ['^queue[.]']", true),
        ("match_type: strict, metric_names: [queue]", false),
    ] {
        let include = format!("include: {{{condition}}}");
        assert_eq!(
            meant(&include, point("queue.length", &none)),
            holds,
            "{condition}"
        );
    }
}

#[test]
fn conditions_on_another_signal_are_an_error_at_start() {
    for (condition, signal) in [
        ("span_names: [a]", Signal::Logs),
        ("span_kinds: [a]", Signal::Metrics),
        ("log_bodies: [a]", Signal::Traces),
        ("log_severity_texts: [a]", Signal::Metrics),
        ("log_severity_number: {min: 1}", Signal::Traces),
        ("metric_names: [a]", Signal::Logs),
    ] {
        let yaml = format!(
            "{{actions: [{{key: a, action: delete}}], exclude: {{match_type: strict, {condition}}}}}"
        );
        let config = decode("attributes", &yaml)
            .0
            .map_err(|e| panic!("{e}"))
            .unwrap();
        let error = config.build(&"attributes".parse().unwrap(), signal).err();
        let error = error.unwrap().to_string();
        let key = condition.split(':').next().unwrap();
        assert!(error.contains(&format!("exclude::{key}")), "{error}");
        assert!(error.contains(signal.name()), "{error}");
    }
}
