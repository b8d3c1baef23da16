//! Values to the type that a field asks for (mapping, section 4).

use otlp::edit::Arena;
use otlp::{Value, Values};

use crate::table::Type;
use crate::time::Iso;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Converted<'a> {
    /// It is of that type already.
    Same,
    /// It was turned into this.
    New(Value<'a>),
    /// It cannot be.
    Fails,
}

impl<'a> Converted<'a> {
    /// The value after conversion of `original`.
    #[inline]
    pub(crate) fn value(self, original: Value<'a>) -> Option<Value<'a>> {
        match self {
            Converted::Same => Some(original),
            Converted::New(value) => Some(value),
            Converted::Fails => None,
        }
    }
}

/// For a target: a scalar unwraps an array of one; a list wraps a scalar.
#[inline]
pub(crate) fn to_target<'a>(arena: &'a Arena, value: Value<'a>, kind: Type) -> Converted<'a> {
    match (kind, value) {
        (Type::Any, _) => Converted::Same,
        (Type::Strings, _) => to_strings(arena, value),
        (_, Value::Array(values)) => match single(values) {
            // It was an array, so even the same scalar is a new value.
            Some(one) => scalar(arena, one, kind)
                .value(one)
                .map_or(Converted::Fails, Converted::New),
            None => Converted::Fails,
        },
        _ => scalar(arena, value, kind),
    }
}

/// For a field that keeps its ECS name: it keeps its scalar or array shape, and stays as it came when a part of it
/// cannot be converted.
#[inline]
pub(crate) fn to_field<'a>(arena: &'a Arena, value: Value<'a>, kind: Type) -> Converted<'a> {
    let converted = match value {
        _ if kind == Type::Any => Converted::Same,
        Value::Array(values) => each(arena, values, kind),
        _ => scalar(arena, value, kind),
    };
    match converted {
        Converted::Fails => Converted::Same,
        converted => converted,
    }
}

/// The only member of a list, nulls aside; `None` when there are several, or when it is a list itself.
pub(crate) fn single<'a>(values: Values<'a>) -> Option<Value<'a>> {
    let mut members = values.filter(|member| !member.is_empty());
    let one = members.next()?;
    (members.next().is_none() && !matches!(one, Value::Array(_))).then_some(one)
}

/// The value itself, or the only member of an array.
#[inline]
pub(crate) fn unwrapped(value: Value<'_>) -> Option<Value<'_>> {
    match value {
        Value::Array(values) => single(values),
        value => Some(value),
    }
}

/// A scalar as text, arrays of one unwrapped.
#[inline]
pub(crate) fn text<'a>(arena: &'a Arena, value: Value<'a>) -> Option<&'a str> {
    let value = unwrapped(value)?;
    scalar(arena, value, Type::String).value(value)?.as_str()
}

/// A scalar as integer, arrays of one unwrapped.
pub(crate) fn integer(value: Value<'_>) -> Option<i64> {
    to_integer(unwrapped(value)?)
}

#[inline]
fn scalar<'a>(arena: &'a Arena, value: Value<'a>, kind: Type) -> Converted<'a> {
    let new = match (kind, value) {
        (Type::String, Value::String(_))
        | (Type::Int, Value::Int(_))
        | (Type::Double, Value::Double(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Date, Value::String(_))
        | (Type::Any, _) => return Converted::Same,
        (Type::String, _) => to_text(arena, value).map(Value::String),
        (Type::Int, _) => to_integer(value).map(Value::Int),
        (Type::Double, _) => to_double(value).map(Value::Double),
        (Type::Bool, Value::String("true")) => Some(Value::Bool(true)),
        (Type::Bool, Value::String("false")) => Some(Value::Bool(false)),
        (Type::Date, _) => to_iso(value).map(|iso| Value::String(arena.text(iso.as_str()))),
        (Type::Bool | Type::Strings, _) => None,
    };
    new.map_or(Converted::Fails, Converted::New)
}

fn to_text<'a>(arena: &'a Arena, value: Value<'a>) -> Option<&'a str> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Int(number) => Some(arena.format(format_args!("{number}"))),
        Value::Double(number) => Some(arena.format(format_args!("{number:?}"))),
        _ => None,
    }
}

fn to_integer(value: Value<'_>) -> Option<i64> {
    /// 2^63: the first double above the integers.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(number) => Some(number),
        Value::Double(number) => (-LIMIT..LIMIT)
            .contains(&number.trunc())
            .then_some(number as i64),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// A number, or a decimal text.
pub(crate) fn to_double(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(number as f64),
        Value::Double(number) => Some(number),
        Value::String(text) => decimal(text),
        _ => None,
    }
}

/// Decimal digits with an optional sign, point and exponent; no `inf`, no `nan`, no blanks.
fn decimal(text: &str) -> Option<f64> {
    let allowed = |byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let number: f64 = text.bytes().all(allowed).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

fn to_iso(value: Value<'_>) -> Option<Iso> {
    match value {
        Value::Int(millis) => Iso::from_millis(millis),
        Value::Double(millis) => Iso::from_millis_f64(millis),
        _ => None,
    }
}

/// A list of scalars, or one scalar, as a list of texts.
fn to_strings<'a>(arena: &'a Arena, value: Value<'a>) -> Converted<'a> {
    match value {
        Value::Array(values) => match each(arena, values, Type::String) {
            Converted::Same if values.clone().any(|v| v.is_empty()) => Converted::Fails,
            converted => converted,
        },
        value => match to_text(arena, value) {
            Some(text) => Converted::New(list_of_one(arena, text)),
            None => Converted::Fails,
        },
    }
}

/// An array of one text.
pub(crate) fn list_of_one<'a>(arena: &'a Arena, text: &str) -> Value<'a> {
    arena.list_of_one(text)
}

/// Converts the members of a list one by one; fails when one of them does.
fn each<'a>(arena: &'a Arena, values: Values<'a>, kind: Type) -> Converted<'a> {
    let mut same = true;
    for member in values {
        match scalar(arena, member, kind) {
            Converted::Same => {}
            Converted::New(_) => same = false,
            Converted::Fails => return Converted::Fails,
        }
    }
    if same {
        return Converted::Same;
    }
    let write = |value: &mut otlp::write::ValueWriter<'_>| {
        value.array(|array| {
            for member in values {
                if let Some(converted) = scalar(arena, member, kind).value(member) {
                    array.push(converted);
                }
            }
        });
    };
    Converted::New(arena.build(write))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<'a>(arena: &'a Arena, members: &[Value<'_>]) -> Value<'a> {
        arena.build(|v| {
            v.array(|a| {
                for member in members {
                    a.push(*member);
                }
            });
        })
    }

    #[test]
    fn scalars_to_every_type() {
        use Value::{Bool, Double, Int, String};
        let arena = Arena::default();
        let table: &[(Type, Value<'_>, Option<Value<'_>>)] = &[
            (Type::String, Int(-7), Some(String("-7"))),
            (Type::String, Double(0.5), Some(String("0.5"))),
            (Type::String, Double(2.0), Some(String("2.0"))),
            (Type::String, Bool(true), Some(String("true"))),
            (Type::String, String(""), Some(String(""))),
            (Type::String, Value::Bytes(b"x"), None),
            (Type::Int, Double(5_199_999.9), Some(Int(5_199_999))),
            (Type::Int, Double(-1.9), Some(Int(-1))),
            (Type::Int, Double(9.3e18), None),
            (
                Type::Int,
                Double(-9_223_372_036_854_775_808.0),
                Some(Int(i64::MIN)),
            ),
            (Type::Int, Double(f64::NAN), None),
            (Type::Int, String("+5"), Some(Int(5))),
            (Type::Int, String("-05"), Some(Int(-5))),
            (Type::Int, String("200.5"), None),
            (Type::Int, String("OK"), None),
            (Type::Int, String(""), None),
            (Type::Int, String(" 5"), None),
            (Type::Int, String("18446744073709551615"), None),
            (Type::Int, Bool(true), None),
            (Type::Double, Int(90), Some(Double(90.0))),
            (Type::Double, String("0.25"), Some(Double(0.25))),
            (Type::Double, String("-1e3"), Some(Double(-1000.0))),
            (Type::Double, String("inf"), None),
            (Type::Double, String("1e999"), None),
            (Type::Double, String("x"), None),
            (Type::Double, String(""), None),
            (Type::Double, Bool(false), None),
            (Type::Bool, String("true"), Some(Bool(true))),
            (Type::Bool, String("false"), Some(Bool(false))),
            (Type::Bool, String("True"), None),
            (Type::Bool, String("yes"), None),
            (Type::Bool, Int(1), None),
            (Type::Date, String("as written"), Some(String("as written"))),
            (
                Type::Date,
                Int(1_563_062_400_500),
                Some(String("2019-07-14T00:00:00.500Z")),
            ),
            (
                Type::Date,
                Double(1.5),
                Some(String("1970-01-01T00:00:00.001500Z")),
            ),
            (Type::Date, Int(i64::MAX), None),
            (Type::Date, Bool(true), None),
        ];
        for (kind, from, to) in table {
            let converted = to_target(&arena, *from, *kind).value(*from);
            assert_eq!(converted, *to, "{from:?} to {kind:?}");
            // An array of one is that one, for a scalar target.
            let one = list(&arena, &[*from]);
            assert_eq!(
                to_target(&arena, one, *kind).value(one),
                *to,
                "[{from:?}] to {kind:?}"
            );
            // Under its ECS name it stays as it came when it cannot be converted.
            let kept = to_field(&arena, *from, *kind).value(*from);
            assert_eq!(kept, Some(to.unwrap_or(*from)), "{from:?} kept as {kind:?}");
        }
    }

    #[test]
    fn lists() {
        use Value::{Int, String};
        let arena = Arena::default();
        let two = list(&arena, &[Int(1), String("b")]);
        let texts = list(&arena, &[String("1"), String("b")]);
        assert_eq!(to_target(&arena, two, Type::String), Converted::Fails);
        assert_eq!(to_target(&arena, two, Type::Strings), Converted::New(texts));
        assert_eq!(to_target(&arena, texts, Type::Strings), Converted::Same);
        assert_eq!(to_field(&arena, two, Type::String), Converted::New(texts));
        assert_eq!(to_field(&arena, two, Type::Int), Converted::Same);
        let nested = list(&arena, &[two]);
        assert_eq!(to_target(&arena, nested, Type::Strings), Converted::Fails);
        assert_eq!(to_target(&arena, nested, Type::String), Converted::Fails);
        assert_eq!(to_field(&arena, nested, Type::String), Converted::Same);
        let one = to_target(&arena, Int(7), Type::Strings);
        assert_eq!(one, Converted::New(list(&arena, &[String("7")])));
    }

    #[test]
    fn an_integer_that_fits_no_64_bits_is_still_any_number() {
        let arena = Arena::default();
        let huge = Value::String("18446744073709551616");
        let double = to_field(&arena, huge, Type::Double);
        assert_eq!(
            double,
            Converted::New(Value::Double(18_446_744_073_709_551_616.0))
        );
    }
}
