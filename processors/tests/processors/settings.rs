//! Settings: names, defaults, and what is said about mistakes.

use ::settings::check_defaults;
use serde_json::json;

use crate::records::decode;

#[test]
fn defaults_read_back() {
    check_defaults::<processors::attributes::Config>().unwrap();
    check_defaults::<processors::resource::Config>().unwrap();
    check_defaults::<processors::batch::Config>().unwrap();
    check_defaults::<processors::memory_limiter::Config>().unwrap();
}

#[test]
fn the_defaults_of_batch_are_upstreams() {
    let config = processors::batch::Config::default();
    let expected = json!({
        "send_batch_size": 8192, "timeout": "200ms", "send_batch_max_size": 0,
        "metadata_keys": [], "metadata_cardinality_limit": 1000,
    });
    assert_eq!(serde_json::to_value(config).unwrap(), expected);
    assert!(decode("batch", "").0.is_ok(), "an empty body is good");
}

/// Rows of settings and a part of the error.
fn mistakes(kind: &str, rows: &[(&str, &str)]) {
    for (yaml, message) in rows {
        let Err(error) = decode(kind, yaml).0 else {
            panic!("{kind} takes {yaml}");
        };
        assert!(error.contains(message), "{yaml}: {error}");
        assert!(error.contains("test.yaml:1:"), "{error}");
    }
}

#[test]
fn mistakes_in_actions_are_named_with_their_place() {
    let rows = [
        ("[{key: a}]", "::0::action: is required"),
        ("[{key: a, action: drop}]", "::0::action"),
        ("[{action: insert, value: 1}]", "::0::key: is required"),
        ("[{action: delete}]", "::0::key: is required, or a pattern"),
        ("[{action: hash}]", "::0::key: is required, or a pattern"),
        ("[{key: a, action: insert}]", "::0: needs a value"),
        ("[{key: a, action: update}]", "::0: needs a value"),
        (
            "[{key: a, action: upsert, value: 1, from_attribute: b}]",
            "::0: expected only one",
        ),
        (
            "[{key: a, action: upsert, value: 1, from_context: b}]",
            "::0: expected only one",
        ),
        (
            "[{key: a, action: insert, value: 1, default_value: 2}]",
            "::0::default_value: is never used",
        ),
        (
            "[{key: a, action: insert, value: 1, pattern: b}]",
            "::0::pattern: is not used",
        ),
        (
            "[{key: a, action: insert, value: 1, converted_type: int}]",
            "::0::converted_type: is not used",
        ),
        (
            "[{key: a, action: delete, value: 1}]",
            "::0::value: is not used",
        ),
        (
            "[{key: a, action: hash, from_attribute: b}]",
            "::0::from_attribute: is not used",
        ),
        (
            "[{pattern: '(', action: delete}]",
            "::0::pattern: is no regular expression",
        ),
        ("[{key: a, action: extract}]", "::0::pattern: is required"),
        (
            "[{key: a, action: extract, pattern: x}]",
            "::0::pattern: must have named groups",
        ),
        (
            "[{key: a, action: extract, pattern: '(?P<a>x)(y)'}]",
            "::0::pattern: must have named groups",
        ),
        (
            "[{key: a, action: extract, pattern: '(?P<a>x)', value: 1}]",
            "::0::value: is not used",
        ),
        (
            "[{key: a, action: convert}]",
            "::0::converted_type: is required",
        ),
        (
            "[{key: a, action: convert, converted_type: bool}]",
            "::0::converted_type",
        ),
        (
            "[{key: a, action: convert, converted_type: int, pattern: b}]",
            "::0::pattern: is not used",
        ),
        (
            "[{key: a, action: delete}, {keys: b, action: delete}]",
            "::1: unknown key \"keys\"; did you mean \"key\"?",
        ),
        ("[]", "must have at least one action"),
    ];
    for (kind, key) in [("attributes", "actions"), ("resource", "attributes")] {
        let rows: Vec<(String, &str)> = rows
            .iter()
            .map(|(actions, message)| (format!("{{{key}: {actions}}}"), *message))
            .collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(yaml, m)| (yaml.as_str(), *m)).collect();
        mistakes(kind, &rows);
    }
}

#[test]
fn mistakes_in_conditions_are_named_with_their_place() {
    let rows = [
        ("{services: [a]}", "include::match_type: is required"),
        ("{match_type: glob, services: [a]}", "include::match_type"),
        (
            "{match_type: strict}",
            "include: must have at least one condition",
        ),
        (
            "{match_type: regexp, services: ['(']}",
            "include::services: is no regular expression",
        ),
        (
            "{match_type: regexp, attributes: [{key: a, value: '('}]}",
            "include::attributes: is no regular expression",
        ),
        (
            "{match_type: regexp, attributes: [{key: a, value: 1}]}",
            "include::attributes::0::value: must be text",
        ),
        (
            "{match_type: strict, attributes: [{value: 1}]}",
            "include::attributes::0::key: is required",
        ),
    ];
    let rows: Vec<(String, &str)> = rows
        .iter()
        .map(|(include, message)| {
            (
                format!("{{actions: [{{key: a, action: delete}}], include: {include}}}"),
                *message,
            )
        })
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(yaml, m)| (yaml.as_str(), *m)).collect();
    mistakes("attributes", &rows);
}

#[test]
fn upstreams_cache_of_regular_expressions_is_accepted() {
    let include = "{match_type: regexp, regexp: {cacheenabled: true, cachemaxnumentries: 9}";
    let actions = "actions: [{key: a, action: delete}]";
    let yaml = format!("{{{actions}, include: {include}, services: [a]}}}}");
    let (config, warnings) = decode("attributes", &yaml);
    assert!(config.is_ok(), "{:?}", config.err());
    assert!(
        warnings.contains("include::regexp: has no effect"),
        "{warnings}"
    );
    let alone = format!("{{{actions}, include: {include}}}}}");
    mistakes(
        "attributes",
        &[(alone.as_str(), "must have at least one condition")],
    );
}

#[test]
fn mistakes_in_batch() {
    mistakes(
        "batch",
        &[
            (
                "{send_batch_max_size: 100}",
                "send_batch_max_size: must be 0 or at least send_batch_size (8192)",
            ),
            ("{timeout: -1s}", "timeout"),
            (
                "{metadata_keys: [x-a, X-A]}",
                "metadata_keys: names \"x-a\" twice",
            ),
            ("{send_batch_sise: 1}", "did you mean \"send_batch_size\"?"),
        ],
    );
    for good in [
        "{send_batch_max_size: 8192}",
        "{send_batch_size: 0, timeout: 0s}",
    ] {
        assert!(decode("batch", good).0.is_ok(), "{good}");
    }
}

#[test]
fn mistakes_in_memory_limiter() {
    mistakes(
        "memory_limiter",
        &[
            ("{limit_mib: 100}", "check_interval: must be greater than 0"),
            ("{check_interval: 1s}", "limit_mib or limit_percentage"),
            (
                "{check_interval: 1s, limit_mib: 100, spike_limit_mib: 100}",
                "spike_limit_mib: must be smaller",
            ),
            (
                "{check_interval: 1s, limit_percentage: 101}",
                "must not be greater than 100",
            ),
            (
                "{check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 50}",
                "spike_limit_percentage: must be smaller",
            ),
        ],
    );
    let (config, warnings) = decode(
        "memory_limiter",
        "{check_interval: 1s, limit_mib: 100, limit_percentage: 50, spike_limit_percentage: 90, min_gc_interval_when_soft_limited: 10s}",
    );
    assert!(config.is_ok(), "MiB win: {:?}", config.err());
    assert!(
        warnings.contains("min_gc_interval_when_soft_limited: has no meaning here"),
        "{warnings}"
    );
}
