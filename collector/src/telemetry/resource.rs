//! The resource of all own telemetry.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use serde_json::Value;

/// `service.name`, `service.version` and a random `service.instance.id`, over
/// which the configured attributes go; null removes one.
pub(super) fn resource(configured: &BTreeMap<String, Value>) -> Resource {
    let mut attributes = BTreeMap::from([
        ("service.name".to_owned(), "pharos".to_owned()),
        (
            "service.version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
        (
            "service.instance.id".to_owned(),
            uuid::Uuid::new_v4().to_string(),
        ),
    ]);
    for (key, value) in configured {
        match value {
            Value::Null => drop(attributes.remove(key)),
            Value::Array(list) if key == "attributes" => {
                attributes.extend(list.iter().filter_map(named))
            }
            value => drop(attributes.insert(key.clone(), text(value))),
        }
    }
    Resource::builder_empty()
        .with_attributes(
            attributes
                .into_iter()
                .map(|(key, value)| KeyValue::new(key, value)),
        )
        .build()
}

/// `{name: ..., value: ...}`
fn named(entry: &Value) -> Option<(String, String)> {
    Some((
        entry.get("name")?.as_str()?.to_owned(),
        text(entry.get("value")?),
    ))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
