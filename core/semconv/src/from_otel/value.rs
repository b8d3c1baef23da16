//! Values of ECS fields on the way out.

use otlp::Value;
use otlp::edit::Arena;

/// The value of an ECS field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EcsValue<'v> {
    /// A value of an attribute, as it was, or a text.
    Value(Value<'v>),
    /// A `geo_point`, written `{"lat": .., "lon": ..}`.
    Point {
        /// Degrees north.
        lat: Value<'v>,
        /// Degrees east.
        lon: Value<'v>,
    },
    /// A list of texts.
    Texts(&'v [String]),
}

impl<'v> EcsValue<'v> {
    /// A text.
    pub(super) const fn text(text: &'v str) -> Self {
        EcsValue::Value(Value::String(text))
    }

    /// As a value of OTLP, in an arena.
    pub fn to_value<'a>(self, arena: &'a Arena) -> Value<'a> {
        match self {
            EcsValue::Value(value) => arena.value(value),
            EcsValue::Point { lat, lon } => arena.build(|value| {
                value.map(|map| {
                    map.attribute("lat", lat);
                    map.attribute("lon", lon);
                });
            }),
            EcsValue::Texts(texts) => arena.build(|value| {
                value.array(|array| {
                    texts
                        .iter()
                        .for_each(|text| array.push(Value::String(text)))
                });
            }),
        }
    }
}
