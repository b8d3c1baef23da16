//! What our readers read, as the structs of `prost`, so that both can be
//! compared. Compare their encodings: NaN is not equal to itself.

// The paths are for the fuzz targets, which include this file from elsewhere.
#[path = "structs/logs.rs"]
pub mod logs;
#[path = "structs/metrics.rs"]
pub mod metrics;
#[path = "structs/traces.rs"]
pub mod traces;

use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1 as resource;
use otlp::{Attributes, Payload, Resource, Scope, Signal, Value};
use prost::Message;

/// The whole payload, read by our readers and encoded by `prost`.
pub fn encode(payload: &Payload) -> Vec<u8> {
    match payload.signal() {
        Signal::Logs => logs::request(payload).encode_to_vec(),
        Signal::Traces => traces::request(payload).encode_to_vec(),
        Signal::Metrics => metrics::request(payload).encode_to_vec(),
    }
}

pub fn any_value(value: Value<'_>) -> AnyValue {
    use any_value::Value as Theirs;
    let value = match value {
        Value::Empty => None,
        Value::String(text) => Some(Theirs::StringValue(text.to_owned())),
        Value::Bool(bool) => Some(Theirs::BoolValue(bool)),
        Value::Int(int) => Some(Theirs::IntValue(int)),
        Value::Double(double) => Some(Theirs::DoubleValue(double)),
        Value::Bytes(bytes) => Some(Theirs::BytesValue(bytes.to_vec())),
        Value::Array(values) => Some(Theirs::ArrayValue(ArrayValue {
            values: values.map(any_value).collect(),
        })),
        Value::Map(pairs) => Some(Theirs::KvlistValue(KeyValueList {
            values: attributes(pairs),
        })),
    };
    AnyValue { value }
}

/// A left-out value reads as an empty one: tests make both the same.
pub fn attributes(attributes: Attributes<'_>) -> Vec<KeyValue> {
    attributes
        .map(|kv| KeyValue {
            key: kv.key.to_owned(),
            value: Some(any_value(kv.value)),
            ..KeyValue::default()
        })
        .collect()
}

pub fn resource(ours: Resource<'_>) -> Option<resource::Resource> {
    let theirs = resource::Resource::decode(ours.encoded()).expect("a valid resource");
    Some(resource::Resource {
        attributes: attributes(ours.attributes()),
        dropped_attributes_count: ours.dropped_attributes_count(),
        // We have no reader for entities, which are in development.
        entity_refs: theirs.entity_refs,
    })
}

pub fn scope(ours: Scope<'_>) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: ours.name().to_owned(),
        version: ours.version().to_owned(),
        attributes: attributes(ours.attributes()),
        dropped_attributes_count: ours.dropped_attributes_count(),
    })
}

/// Makes explicit what our readers read as empty when it is left out: values of
/// attributes, resources, scopes.
pub trait Explicit {
    fn explicit(self) -> Self;
}

impl Explicit for AnyValue {
    fn explicit(self) -> Self {
        use any_value::Value as Theirs;
        let value = self.value.map(|value| match value {
            Theirs::ArrayValue(array) => {
                let values = array.values.into_iter().map(AnyValue::explicit).collect();
                Theirs::ArrayValue(ArrayValue { values })
            }
            Theirs::KvlistValue(list) => Theirs::KvlistValue(KeyValueList {
                values: list.values.explicit(),
            }),
            // References into the string table of profiles read as empty.
            other => other,
        });
        let value = value.filter(|value| !matches!(value, Theirs::StringValueStrindex(_)));
        AnyValue { value }
    }
}

impl Explicit for Vec<KeyValue> {
    fn explicit(self) -> Self {
        self.into_iter()
            .map(|kv| KeyValue {
                key: kv.key,
                value: Some(kv.value.unwrap_or_default().explicit()),
                key_strindex: 0,
            })
            .collect()
    }
}

impl Explicit for Option<resource::Resource> {
    fn explicit(self) -> Self {
        let mut resource = self.unwrap_or_default();
        resource.attributes = resource.attributes.explicit();
        Some(resource)
    }
}

impl Explicit for Option<InstrumentationScope> {
    fn explicit(self) -> Self {
        let mut scope = self.unwrap_or_default();
        scope.attributes = scope.attributes.explicit();
        Some(scope)
    }
}
