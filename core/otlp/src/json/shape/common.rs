//! What all signals share.

use super::{Field, Kind, Shape};
use crate::write::nest::{RECORD, SMALL};

/// `AnyValue`. The string table index of the profiles signal is no field of the others.
pub(in crate::json) static ANY_VALUE: Shape = Shape::new(
    "a value: an object such as {\"stringValue\": ...}",
    SMALL,
    &[
        Field::new("stringValue", "string_value", 1, Kind::String).one_of(0),
        Field::new("boolValue", "bool_value", 2, Kind::Bool).one_of(0),
        Field::new("intValue", "int_value", 3, Kind::Int64).one_of(0),
        Field::new("doubleValue", "double_value", 4, Kind::Double).one_of(0),
        Field::new("arrayValue", "array_value", 5, Kind::Object(&ARRAY_VALUE)).one_of(0),
        Field::new(
            "kvlistValue",
            "kvlist_value",
            6,
            Kind::Object(&KVLIST_VALUE),
        )
        .one_of(0),
        Field::new("bytesValue", "bytes_value", 7, Kind::Bytes).one_of(0),
    ],
)
.nests();

/// `ArrayValue`.
pub(super) static ARRAY_VALUE: Shape = Shape::new(
    "an object with \"values\"",
    SMALL,
    &[Field::word("values", 1, Kind::Values)],
);

/// `KeyValueList`.
pub(super) static KVLIST_VALUE: Shape = Shape::new(
    "an object with \"values\"",
    SMALL,
    &[Field::word("values", 1, Kind::Objects(&KEY_VALUE))],
);

/// `KeyValue`.
pub(super) static KEY_VALUE: Shape = Shape::new(
    "an attribute: an object with \"key\" and \"value\"",
    SMALL,
    &[
        Field::word("key", 1, Kind::String),
        Field::word("value", 2, Kind::Object(&ANY_VALUE)),
    ],
);

/// `InstrumentationScope`.
pub(super) static SCOPE: Shape = Shape::new(
    "a scope (an object)",
    SMALL,
    &[
        Field::word("name", 1, Kind::String),
        Field::word("version", 2, Kind::String),
        Field::word("attributes", 3, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "droppedAttributesCount",
            "dropped_attributes_count",
            4,
            Kind::Uint32,
        ),
    ],
);

/// `EntityRef`.
pub(super) static ENTITY_REF: Shape = Shape::new(
    "a reference to an entity (an object)",
    SMALL,
    &[
        Field::new("schemaUrl", "schema_url", 1, Kind::String),
        Field::word("type", 2, Kind::String),
        Field::new("idKeys", "id_keys", 3, Kind::Strings),
        Field::new("descriptionKeys", "description_keys", 4, Kind::Strings),
    ],
);

/// `Resource`.
pub(super) static RESOURCE: Shape = Shape::new(
    "a resource (an object)",
    RECORD,
    &[
        Field::word("attributes", 1, Kind::Objects(&KEY_VALUE)),
        Field::new(
            "droppedAttributesCount",
            "dropped_attributes_count",
            2,
            Kind::Uint32,
        ),
        Field::new("entityRefs", "entity_refs", 3, Kind::Objects(&ENTITY_REF)),
    ],
);
