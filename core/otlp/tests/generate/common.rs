//! Attributes, resources, scopes, ids.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Mostly short and ASCII, as telemetry is; sometimes empty, long or of another
/// script.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        6 => "[a-z][a-z0-9._]{0,20}",
        2 => "\\PC{0,12}",
        1 => "[ -~]{60,200}",
    ]
}

/// A key of a small set now and then, so that keys repeat and rules hit.
pub fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "service.name", "url.path", "http.request.method", "client.address",
            "error.type", "a", "",
        ]).prop_map(String::from),
        2 => text(),
    ]
}

/// Any number, with the edges of varints more often than chance has them.
pub fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        1..128u64,
        (0..64u32).prop_map(|bit| 1 << bit),
        Just(u64::MAX),
        any::<u64>(),
    ]
}

/// A number of 32 bits.
pub fn small_number() -> impl Strategy<Value = u32> {
    number().prop_map(|number| number as u32)
}

/// Any double; NaN and infinities included.
pub fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        (-1000..1000i32).prop_map(f64::from),
    ]
}

/// An id of this length, or none.
pub fn id(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => Just(Vec::new()), 3 => vec(any::<u8>(), len)]
}

/// A value, at most 5 deep.
pub fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        1 => Just(None),
        6 => text().prop_map(|text| Some(Value::StringValue(text))),
        1 => any::<bool>().prop_map(|bool| Some(Value::BoolValue(bool))),
        2 => number().prop_map(|int| Some(Value::IntValue(int as i64))),
        1 => double().prop_map(|double| Some(Value::DoubleValue(double))),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let pair = (key(), option::weighted(0.9, inner.clone())).prop_map(pair);
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec(pair, 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn pair((key, value): (String, Option<AnyValue>)) -> KeyValue {
    KeyValue {
        key,
        value,
        ..KeyValue::default()
    }
}

/// Some attributes; keys may repeat, values may be left out.
pub fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(
        (key(), option::weighted(0.95, value())).prop_map(pair),
        0..6,
    )
}

/// A resource, or none.
pub fn resource() -> impl Strategy<Value = Option<Resource>> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef {
            schema_url,
            r#type,
            id_keys,
            description_keys,
        },
    );
    let resource = (attributes(), small_number(), vec(entity, 0..2)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    );
    option::weighted(0.9, resource)
}

/// A scope, or none.
pub fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    let scope = (text(), text(), attributes(), small_number()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    option::weighted(0.8, scope)
}
