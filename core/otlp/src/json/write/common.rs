//! Values, attributes, resources, scopes.

use super::text::{Object, object, put_bytes, put_double, put_quoted, put_string};
use crate::wire::Fields;
use crate::{Attributes, KeyValue, Resource, Scope, Value};

/// A list of attributes; left out when it is empty.
pub(super) fn attributes(o: &mut Object<'_>, key: &'static str, attributes: Attributes<'_>) {
    o.list(key, attributes, attribute);
}

fn attribute(out: &mut Vec<u8>, attribute: KeyValue<'_>) {
    object(out, |o| {
        o.string("key", attribute.key);
        value(o.key("value"), attribute.value);
    });
}

/// A value; the depth of values is limited, so the recursion is.
pub(super) fn value(out: &mut Vec<u8>, value: Value<'_>) {
    object(out, |o| match value {
        Value::Empty => {}
        Value::String(text) => put_string(o.key("stringValue"), text),
        Value::Bool(true) => o.key("boolValue").extend_from_slice(b"true"),
        Value::Bool(false) => o.key("boolValue").extend_from_slice(b"false"),
        Value::Int(number) => put_quoted(o.key("intValue"), number),
        Value::Double(number) => put_double(o.key("doubleValue"), number),
        Value::Bytes(bytes) => put_bytes(o.key("bytesValue"), bytes),
        Value::Array(values) => o.object("arrayValue", |o| o.list("values", values, self::value)),
        Value::Map(entries) => o.object("kvlistValue", |o| attributes(o, "values", entries)),
    });
}

pub(super) fn resource(o: &mut Object<'_>, resource: Resource<'_>) {
    o.object("resource", |o| {
        attributes(o, "attributes", resource.attributes());
        o.short(
            "droppedAttributesCount",
            resource.dropped_attributes_count(),
        );
        let entities = Fields::new(resource.encoded()).filter(|field| field.number == 3);
        o.list("entityRefs", entities, |out, field| {
            entity_ref(out, field.bytes())
        });
    });
}

/// `EntityRef`, for which there is no reader since nobody else looks at it.
fn entity_ref(out: &mut Vec<u8>, message: &[u8]) {
    let texts = |number| {
        let fields = Fields::new(message).filter(move |field| field.number == number);
        fields.map(|field| field.str())
    };
    object(out, |o| {
        o.string("schemaUrl", texts(1).last().unwrap_or_default());
        o.string("type", texts(2).last().unwrap_or_default());
        o.list("idKeys", texts(3), put_string);
        o.list("descriptionKeys", texts(4), put_string);
    });
}

pub(super) fn scope(o: &mut Object<'_>, scope: Scope<'_>) {
    o.object("scope", |o| {
        o.string("name", scope.name());
        o.string("version", scope.version());
        attributes(o, "attributes", scope.attributes());
        o.short("droppedAttributesCount", scope.dropped_attributes_count());
    });
}
